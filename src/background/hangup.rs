//! SIGHUP: a running server applies its registry file and reads its mail templates again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::registry_file;
use crate::app_context::AppContext;
use crate::delivery::{MailTemplates, Reach};
use crate::registry::apply::ApplyError;

/// The files that SIGHUP reads again, and the parts of the server that the reload uses.
pub struct Reloaded {
    pub app: Arc<AppContext>,
    /// The registry file, if the settings name one.
    pub registry: Option<PathBuf>,
    /// The addresses that callbacks may reach, for the warnings about the file.
    pub reach: Reach,
    pub templates: MailTemplates,
}

impl Reloaded {
    /// Installs the handler of SIGHUP, which reads these files again. Windows does not have this signal.
    pub fn at_hangup(self) -> io::Result<()> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let mut hangup = signal(SignalKind::hangup())?;
            let reloaded = Arc::new(self);
            tokio::spawn(async move {
                while hangup.recv().await.is_some() {
                    let reloaded = Arc::clone(&reloaded);
                    // Run one reload at a time, and on a blocking thread, because the database may block.
                    let done = tokio::task::spawn_blocking(move || reloaded.reload()).await;
                    if let Err(error) = done {
                        tracing::error!(cause = %error, "the reload at SIGHUP failed");
                    }
                }
            });
        }
        Ok(())
    }

    fn reload(&self) {
        match self.templates.reload() {
            Ok(()) => tracing::info!("the mail templates were read again"),
            Err(mistakes) => {
                for mistake in mistakes {
                    tracing::error!(
                        mistake,
                        "the mail templates could not be read again; the old ones stay in use"
                    );
                }
            }
        }
        match &self.registry {
            Some(file) => self.apply(file),
            None => {
                tracing::info!(
                    "SIGHUP applied no registry file, because the setting registry names none"
                );
            }
        }
    }

    fn apply(&self, file: &Path) {
        let path = file.display();
        match registry_file::apply(&self.app, file, self.reach, "SIGHUP") {
            Ok(()) => {}
            Err(ApplyError::Mistakes(mistakes)) => {
                for mistake in mistakes {
                    tracing::error!(file = %path, mistake = mistake.0, "the registry file was not applied");
                }
            }
            Err(error) => {
                tracing::error!(file = %path, cause = %error, "the registry file was not applied");
            }
        }
    }
}
