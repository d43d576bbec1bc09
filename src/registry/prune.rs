//! Plans the removal of entries that a registry file does not name, and protects those that users depend on.

use std::fmt::Display;

use super::plan::{Change, Planner, Step};
use super::reader::Mistake;
use crate::domain::client::DEFAULT_CLIENT;
use crate::store::agreements::{self, Agreement};
use crate::store::applications::Application;
use crate::store::clients::KeyedClient;
use crate::store::organisations::{self, Organisation};
use crate::store::partners::Partner;
use crate::store::portals::Portal;
use crate::store::services::{self, Service};
use crate::store::{AnyConnection, StoreError};

impl Planner<'_> {
    /// Plans the removals. An entry that users depend on is a fault, unless the caller forces its removal.
    pub fn prune(&mut self, c: &mut AnyConnection) -> Result<(), StoreError> {
        self.prune_who_calls();
        self.prune_what_users_have(c)
    }

    fn prune_who_calls(&mut self) {
        let (file, state) = (self.file, self.state);
        for KeyedClient { client, .. } in &state.clients {
            let name = &client.name;
            let named = file.clients.iter().any(|p| p.entry.client.name == *name);
            if !named && name != DEFAULT_CLIENT {
                self.remove("client", name, Step::RemoveClient(name.clone()));
            }
        }
        for Application { client_id: id, .. } in &state.applications {
            if !file.applications.iter().any(|p| p.entry.client_id == *id) {
                self.remove("application", id, Step::RemoveApplication(id.clone()));
            }
        }
        for Partner { iss, .. } in &state.partners {
            if !file.partners.iter().any(|p| p.entry.iss == *iss) {
                self.remove("partner", iss, Step::RemovePartner(iss.clone()));
            }
        }
    }

    fn prune_what_users_have(&mut self, c: &mut AnyConnection) -> Result<(), StoreError> {
        let (file, state) = (self.file, self.state);
        for Organisation { uuid, .. } in &state.organisations {
            if !file.organisations.iter().any(|p| p.entry.uuid == *uuid) {
                self.spare("organisation", uuid, organisations::members(c, uuid)?);
                self.remove("organisation", uuid, Step::RemoveOrganisation(uuid.clone()));
            }
        }
        for Portal { id, .. } in &state.portals {
            if !file.portals.iter().any(|p| p.entry.id == *id) {
                self.remove("portal", id, Step::RemovePortal(*id));
            }
        }
        for Agreement { id, .. } in &state.agreements {
            if !file.agreements.iter().any(|p| p.entry.id == *id) {
                // The acceptance of an agreement is a proof that must stay.
                self.spare("agreement", id, agreements::acceptances(c, *id)?);
                self.remove("agreement", id, Step::RemoveAgreement(*id));
            }
        }
        for Service { id, .. } in &state.services {
            if !file.services.iter().any(|p| p.entry.id == *id) {
                self.spare("service", id, services::users(c, *id)?);
                self.remove("service", id, Step::RemoveService(*id));
            }
        }
        Ok(())
    }

    fn remove(&mut self, kind: &'static str, name: impl Display, step: Step) {
        self.note(Change::Removed, kind, name, Vec::new());
        self.plan.first.push(step);
    }

    /// Reports an entry that this many users depend on, unless its removal is forced.
    fn spare(&mut self, kind: &str, name: impl Display, users: i64) {
        if users > 0 && !self.wishes.force {
            self.mistakes.push(Mistake(format!(
                "{kind} {name} is not named, but users depend on it ({users}); --force removes it all the same"
            )));
        }
    }
}
