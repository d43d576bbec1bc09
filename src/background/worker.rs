//! The thread that notices changes of the registry and of keys, and that runs the housekeeping.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::housekeeping::{Housekeeping, LastRuns};
use crate::app_context::AppContext;
use crate::secrets::sealing::Binding;
use crate::threads::Threads;

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_millis(200);

/// The background work of one node.
pub struct Background {
    app: Arc<AppContext>,
    pub housekeeping: Housekeeping,
    stop: Arc<AtomicBool>,
}

impl Background {
    /// The background work, which [`Background::start`] starts. `mail_folder` is the folder of mail files; `None` if a
    /// mail server receives the mails.
    #[must_use]
    pub fn new(app: Arc<AppContext>, mail_folder: Option<PathBuf>) -> Self {
        let stop = Arc::<AtomicBool>::default();
        Self {
            housekeeping: Housekeeping::new(Arc::clone(&app), mail_folder, Arc::clone(&stop)),
            app,
            stop,
        }
    }

    /// Starts the thread. Dropping the result stops the thread.
    pub fn start(self) -> std::io::Result<Threads> {
        let mut threads = Threads::new(Arc::clone(&self.stop));
        threads.spawn("background", move || self.run())?;
        Ok(threads)
    }

    fn run(&self) {
        // The first use of the cipher library takes about 40 ms, because the library gathers randomness. If the first
        // use is in this thread, no request waits for the library.
        let _ = self.app.sealer.seal(Binding::Mail(0), "");
        let mut changes = self.app.store.changes();
        let (mut last, mut is_stale) = (LastRuns::default(), true);
        while !self.stop.load(Ordering::Acquire) {
            self.housekeeping.run_due(&mut last);
            is_stale |= changes.may_have_changed();
            if is_stale {
                let refreshed = self.app.registry.refresh(&self.app.store);
                is_stale = refreshed.is_err();
                if let Err(error) = refreshed {
                    tracing::warn!(cause = %error, "cannot read the registry again; the old one stays in use");
                }
            }
            let has_erased = self.housekeeping.erase_names().unwrap_or_else(|error| {
                tracing::warn!(cause = %error, "cannot erase the names of deleted users from the audit log yet");
                false
            });
            if let Err(error) = self.app.tokens.reload() {
                tracing::warn!(cause = %error, "cannot read the signing keys again; the old ones stay in use");
            }
            if !has_erased {
                thread::park_timeout(PAUSE);
            }
        }
        self.housekeeping.write_refusals();
    }
}
