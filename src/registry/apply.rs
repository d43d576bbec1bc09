//! Applies a registry file to the store, in one transaction.

use std::io;
use std::path::Path;

use super::file;
use super::kind::{ApplyOptions, Checker, RegistryFile, State};
use super::plan::{Plan, Step, plan};
use super::reader::ValidationError;
use crate::domain::Millis;
use crate::domain::audit_event::AuditEvent;
use crate::secrets::sealing::Sealer;
use crate::store::{
    AnyConnection, StepError, Store, StoreError, agreements, audit, clients, organisations,
    services,
};

/// The reason why a file was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(io::Error),
    /// Every fault of the file.
    #[error("{}", faults(.0))]
    Mistakes(Vec<ValidationError>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn faults(mistakes: &[ValidationError]) -> String {
    let texts: Vec<_> = mistakes.iter().map(|m| m.0.as_str()).collect();
    texts.join("; ")
}

impl StepError for ApplyError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            ApplyError::Store(error) => Some(error),
            _ => None,
        }
    }
}

/// The target of a registry file and the actor.
#[derive(Clone, Copy)]
pub struct Applier<'a> {
    pub store: &'a Store,
    pub sealer: &'a Sealer,
    /// The actor in the audit log.
    pub by: &'a str,
    pub now: Millis,
}

impl Applier<'_> {
    /// Applies a file and returns the changes.
    ///
    /// # Errors
    /// The file cannot be read, the file has faults, or the store fails. The error contains every fault, and the store
    /// is unchanged.
    pub fn apply(&self, path: &Path, options: ApplyOptions) -> Result<Plan, ApplyError> {
        let (file, mistakes) = self.read(path)?;
        self.store.write(|c| {
            // The lock keeps other processes from changing the registry while the plan is made and applied.
            clients::lock_registry(c)?;
            if options.prune {
                organisations::lock_all(c)?;
                agreements::lock_all(c)?;
                services::lock_all(c)?;
            }
            let (plan, steps) = self.compare(c, &file, &mistakes, options)?;
            if plan.lines.is_empty() {
                return Ok(plan);
            }
            for step in steps {
                step(c, self.now)?;
            }
            clients::touch(c)?;
            self.audit(c)?;
            Ok(plan)
        })
    }

    /// The changes that [`Applier::apply`] would make.
    ///
    /// # Errors
    /// Those of [`Applier::apply`].
    pub fn plan(&self, path: &Path, options: ApplyOptions) -> Result<Plan, ApplyError> {
        let (file, mistakes) = self.read(path)?;
        self.store
            .read(|c| Ok(self.compare(c, &file, &mistakes, options)?.0))
    }

    fn read(&self, path: &Path) -> Result<(RegistryFile, Vec<ValidationError>), ApplyError> {
        let text = std::fs::read_to_string(path).map_err(ApplyError::Io)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        file::read(&text, folder).map_err(|mistake| ApplyError::Mistakes(vec![mistake]))
    }

    fn compare(
        &self,
        c: &mut AnyConnection,
        file: &RegistryFile,
        mistakes: &[ValidationError],
        options: ApplyOptions,
    ) -> Result<(Plan, Vec<Step>), ApplyError> {
        let state = State::read(c)?;
        let mut checker = Checker {
            file,
            state: &state,
            options,
            sealer: self.sealer,
            mistakes: mistakes.to_vec(),
        };
        let planned = plan(c, &mut checker)?;
        if checker.mistakes.is_empty() {
            Ok(planned)
        } else {
            Err(ApplyError::Mistakes(checker.mistakes))
        }
    }

    fn audit(&self, c: &mut AnyConnection) -> Result<(), StoreError> {
        audit::record(
            c,
            &audit::Entry {
                on_behalf_of: Some(self.by.to_owned()),
                ..audit::Entry::new(self.now, AuditEvent::RegistryApplied, "ok", self.by)
            },
        )
    }
}
