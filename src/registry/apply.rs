//! Applies a registry file to the store, in one transaction.

use std::io;
use std::path::Path;

use super::file::{self, RegistryFile};
use super::plan::{Plan, Planner, State, Step, Wishes};
use super::reader::Mistake;
use crate::domain::Millis;
use crate::domain::audit_event::AuditEvent;
use crate::secrets::sealing::Sealer;
use crate::store::{
    AnyConnection, StepError, Store, StoreError, agreements, applications, audit, clients,
    organisations, partners, portals, services,
};

/// Why nothing was applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(io::Error),
    /// Every fault of the file.
    #[error("{}", faults(.0))]
    Mistakes(Vec<Mistake>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn faults(mistakes: &[Mistake]) -> String {
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
    /// Every fault of the file. The store is unchanged.
    pub fn apply(&self, path: &Path, wishes: Wishes) -> Result<Plan, ApplyError> {
        let (file, mistakes) = self.read(path)?;
        self.store.write(|c| {
            // The lock keeps the basis of the plan from changing.
            clients::lock_registry(c)?;
            if wishes.prune {
                organisations::lock_all(c)?;
                agreements::lock_all(c)?;
                services::lock_all(c)?;
            }
            let plan = self.compare(c, &file, &mistakes, wishes)?;
            if plan.lines.is_empty() {
                return Ok(plan);
            }
            for step in plan.first.iter().chain(&plan.then) {
                self.carry_out(c, step)?;
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
    pub fn plan(&self, path: &Path, wishes: Wishes) -> Result<Plan, ApplyError> {
        let (file, mistakes) = self.read(path)?;
        self.store
            .read(|c| self.compare(c, &file, &mistakes, wishes))
    }

    fn read(&self, path: &Path) -> Result<(RegistryFile, Vec<Mistake>), ApplyError> {
        let text = std::fs::read_to_string(path).map_err(ApplyError::Io)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        file::read(&text, folder).map_err(|mistake| ApplyError::Mistakes(vec![mistake]))
    }

    fn compare(
        &self,
        c: &mut AnyConnection,
        file: &RegistryFile,
        mistakes: &[Mistake],
        wishes: Wishes,
    ) -> Result<Plan, ApplyError> {
        let state = State::read(c)?;
        let mut planner = Planner {
            file,
            state: &state,
            wishes,
            sealer: self.sealer,
            mistakes: mistakes.to_vec(),
            plan: Plan {
                watch: file.watch(),
                ..Plan::default()
            },
        };
        planner.compare(c)?;
        if planner.mistakes.is_empty() {
            Ok(planner.plan)
        } else {
            Err(ApplyError::Mistakes(planner.mistakes))
        }
    }

    fn carry_out(&self, c: &mut AnyConnection, step: &Step) -> Result<(), StoreError> {
        match step {
            Step::ClearKey(name) => clients::clear_key(c, name),
            Step::Client(client) => clients::put(c, client, self.now),
            Step::ClearExternalId(uuid) => organisations::set_external_id(c, uuid, None),
            Step::AddOrganisation(o) => {
                organisations::add(c, &o.uuid, &o.name, o.join_policy, self.now)?;
                organisations::set_external_id(c, &o.uuid, o.known_as())
            }
            Step::ChangeOrganisation(o) => {
                organisations::update(c, o)?;
                organisations::set_external_id(c, &o.uuid, o.known_as())
            }
            Step::Portal(portal) => portals::put(c, portal),
            Step::Agreement(agreement) => agreements::put(c, agreement),
            Step::AddService(service) => services::add(c, service),
            Step::ChangeService(service) => services::update(c, service),
            Step::Require(service, agreements) => services::require(c, *service, agreements),
            Step::Application(application) => applications::put(c, application),
            Step::ClearStateIds(iss) => partners::clear_state_ids(c, iss),
            Step::Partner(partner) => partners::put(c, partner),
            Step::RemoveClient(name) => clients::remove(c, name),
            Step::RemoveOrganisation(uuid) => organisations::remove(c, uuid),
            Step::RemovePortal(id) => portals::remove(c, *id),
            Step::RemoveAgreement(id) => agreements::remove(c, *id),
            Step::RemoveService(id) => services::remove(c, *id),
            Step::RemoveApplication(id) => applications::remove(c, id),
            Step::RemovePartner(iss) => partners::remove(c, iss),
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
