//! Compares a registry file with the store and plans the changes.

use std::fmt::Display;

use super::file::{NamedApplication, NamedService, RegistryFile, Watch};
use super::reader::{Mistake, Placed};
use crate::domain::client::DEFAULT_CLIENT;
use crate::domain::text::canonical;
use crate::domain::user::same_name;
use crate::secrets::sealing::{Binding, Sealer};
use crate::store::agreements::{self, Agreement};
use crate::store::applications::{self, Application};
use crate::store::clients::{self, KeyedClient};
use crate::store::organisations::{self, Organisation};
use crate::store::partners::{self, Partner};
use crate::store::portals::{self, Portal};
use crate::store::services::{self, Service};
use crate::store::{AnyConnection, StoreError};

/// The registry in the store.
#[derive(Debug)]
pub struct State {
    pub clients: Vec<KeyedClient>,
    pub organisations: Vec<Organisation>,
    pub portals: Vec<Portal>,
    pub agreements: Vec<Agreement>,
    pub services: Vec<Service>,
    /// Pairs of service and agreement.
    pub requirements: Vec<(i64, i64)>,
    pub applications: Vec<Application>,
    pub partners: Vec<Partner>,
}

impl State {
    /// Reads the registry from the store.
    pub fn read(connection: &mut AnyConnection) -> Result<Self, StoreError> {
        Ok(Self {
            clients: clients::all(connection)?,
            organisations: organisations::all(connection)?,
            portals: portals::all(connection)?,
            agreements: agreements::all(connection)?,
            services: services::all(connection)?,
            requirements: services::requirements(connection)?,
            applications: applications::all(connection)?,
            partners: partners::all(connection)?,
        })
    }

    /// The agreements that a service requires, by number.
    #[must_use]
    pub fn required(&self, service: i64) -> Vec<i64> {
        let of = self.requirements.iter().filter(|(id, _)| *id == service);
        of.map(|(_, agreement)| *agreement).collect()
    }
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Added,
    Changed,
    Removed,
}

/// One changed entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub change: Change,
    pub kind: &'static str,
    pub name: String,
    /// The keys of the file whose values change.
    pub fields: Vec<&'static str>,
}

/// All changes, and the number of unchanged entries.
#[derive(Debug, Default)]
pub struct Plan {
    pub lines: Vec<Line>,
    pub left: usize,
    /// The entries that the operator should check.
    pub watch: Watch,
    /// The steps that free unique values, and then the other steps.
    pub(super) first: Vec<Step>,
    pub(super) then: Vec<Step>,
}

/// One change of the store.
#[derive(Debug)]
pub(super) enum Step {
    ClearKey(String),
    Client(KeyedClient),
    ClearExternalId(String),
    AddOrganisation(Organisation),
    ChangeOrganisation(Organisation),
    Portal(Portal),
    Agreement(Agreement),
    AddService(Service),
    ChangeService(Service),
    Require(i64, Vec<i64>),
    Application(Application),
    ClearStateIds(String),
    Partner(Partner),
    RemoveClient(String),
    RemoveOrganisation(String),
    RemovePortal(i64),
    RemoveAgreement(i64),
    RemoveService(i64),
    RemoveApplication(String),
    RemovePartner(String),
}

/// Options of the caller.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// Remove entries that the file does not name.
    pub prune: bool,
    /// Remove entries even if users depend on them.
    pub force: bool,
}

/// Compares a file with the store.
pub(super) struct Planner<'a> {
    pub file: &'a RegistryFile,
    pub state: &'a State,
    pub wishes: Wishes,
    pub sealer: &'a Sealer,
    pub mistakes: Vec<Mistake>,
    pub plan: Plan,
}

/// The names of the values that differ.
fn which<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
    let different = fields.into_iter().filter(|(_, different)| *different);
    different.map(|(name, _)| name).collect()
}

impl Planner<'_> {
    /// Compares all sections and collects the faults.
    pub fn compare(&mut self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        self.clients();
        self.organisations();
        self.portals_and_agreements();
        for named in &self.file.services {
            self.service(named);
        }
        for named in &self.file.applications {
            self.application(named);
        }
        self.partners();
        match self.wishes.prune {
            true => self.prune(connection),
            false => Ok(()),
        }
    }

    fn wrong(&mut self, place: &str, what: impl Display) {
        self.mistakes.push(Mistake(format!("{place}: {what}")));
    }

    /// Reports a missing reference, unless the entry that should contain it is faulty anyway.
    fn missing(&mut self, place: &str, key: &str, what: &str) {
        let told = format!("{place}.{key}");
        if !self.mistakes.iter().any(|m| m.0.starts_with(&told)) {
            self.wrong(&told, what);
        }
    }

    pub fn note(
        &mut self,
        change: Change,
        kind: &'static str,
        name: impl Display,
        fields: Vec<&'static str>,
    ) {
        let name = name.to_string();
        self.plan.lines.push(Line {
            change,
            kind,
            name,
            fields,
        });
    }

    /// Plans the steps for one entry. `None` means that the store does not have it.
    fn settle(
        &mut self,
        kind: &'static str,
        name: impl Display,
        different: Option<Vec<&'static str>>,
        step: impl FnOnce() -> Step,
    ) {
        match different {
            None => self.note(Change::Added, kind, name, Vec::new()),
            Some(fields) if fields.is_empty() => {
                self.plan.left += 1;
                return;
            }
            Some(fields) => self.note(Change::Changed, kind, name, fields),
        }
        self.plan.then.push(step());
    }

    fn clients(&mut self) {
        let (file, state) = (self.file, self.state);
        for Placed { place, entry } in &file.clients {
            let name = &entry.client.name;
            let stored = state.clients.iter().find(|k| k.client.name == *name);
            let mut wanted = entry.clone();
            if wanted.key_sha256.is_none() {
                wanted.key_sha256 = stored.and_then(|k| k.key_sha256.clone());
            }
            if stored.is_none() && wanted.key_sha256.is_none() {
                self.missing(place, "key", "is missing, and there is none yet");
            }
            if let Some(other) = self.holder(&wanted).map(str::to_owned) {
                self.wrong(
                    &format!("{place}.key"),
                    format_args!("client {other} has this key"),
                );
            }
            let different = stored.map(|stored| {
                which([
                    ("key", stored.key_sha256 != wanted.key_sha256),
                    ("trust", stored.client.trust != wanted.client.trust),
                    ("active", stored.client.active != wanted.client.active),
                ])
            });
            if different.as_ref().is_some_and(|d| d.contains(&"key")) {
                // Two entries may swap this value.
                self.plan.first.push(Step::ClearKey(name.clone()));
            }
            self.settle("client", name, different, || Step::Client(wanted));
        }
    }

    /// The client that has this key in the store and keeps it, because the file does not change its key.
    fn holder(&self, wanted: &KeyedClient) -> Option<&str> {
        let key = wanted.key_sha256.as_ref()?;
        let holder =
            self.state.clients.iter().find(|k| {
                k.key_sha256.as_ref() == Some(key) && k.client.name != wanted.client.name
            })?;
        let name = holder.client.name.as_str();
        let named = self
            .file
            .clients
            .iter()
            .find(|p| p.entry.client.name == name);
        let keeps = match named {
            Some(named) => named.entry.key_sha256.is_none(),
            None => !self.wishes.prune || name == DEFAULT_CLIENT,
        };
        keeps.then_some(name)
    }

    fn organisations(&mut self) {
        let (file, state) = (self.file, self.state);
        for Placed { place, entry } in &file.organisations {
            let stored = state.organisations.iter().find(|o| o.uuid == entry.uuid);
            let different = stored.map(|stored| {
                which([
                    ("name", stored.name != entry.name),
                    ("join", stored.join_policy != entry.join_policy),
                    ("channel", stored.channel != entry.channel),
                    ("external_id", stored.external_id != entry.external_id),
                ])
            });
            if let Some(other) = self.keeper(entry) {
                let what = format!("organisation {other} has it in this channel");
                self.wrong(&format!("{place}.external_id"), what);
            }
            if stored.is_some_and(|s| s.channel.is_some()) {
                // Two entries may swap this value.
                let step = Step::ClearExternalId(entry.uuid.clone());
                let moves = different.as_ref().is_some_and(|fields| {
                    fields.contains(&"channel") || fields.contains(&"external_id")
                });
                self.plan.first.extend(moves.then_some(step));
            }
            let step = if stored.is_some() {
                Step::ChangeOrganisation
            } else {
                Step::AddOrganisation
            };
            self.settle("organisation", &entry.uuid, different, || {
                step(entry.clone())
            });
        }
    }

    /// The organisation that has this external id in the store and keeps it, because the file does not name that
    /// organisation.
    fn keeper(&self, wanted: &Organisation) -> Option<String> {
        let known_as = |o: &Organisation| {
            let (channel, id) = o.known_as()?;
            Some((canonical(channel), canonical(id)))
        };
        let wanted = known_as(wanted).map(|known| (known, &wanted.uuid))?;
        let holder =
            self.state.organisations.iter().find(|o| {
                o.uuid != *wanted.1 && known_as(o).is_some_and(|known| known == wanted.0)
            })?;
        let named = &self.file.organisations;
        let keeps = !self.wishes.prune && !named.iter().any(|p| p.entry.uuid == holder.uuid);
        keeps.then(|| holder.uuid.clone())
    }

    fn portals_and_agreements(&mut self) {
        let (file, state) = (self.file, self.state);
        for Placed { entry, .. } in &file.portals {
            let stored = state.portals.iter().find(|p| p.id == entry.id);
            let different = stored.map(|stored| which([("name", stored.name != entry.name)]));
            self.settle("portal", entry.id, different, || {
                Step::Portal(entry.clone())
            });
        }
        for Placed { entry, .. } in &file.agreements {
            let stored = state.agreements.iter().find(|a| a.id == entry.id);
            let different = stored.map(|stored| which([("name", stored.name != entry.name)]));
            self.settle("agreement", entry.id, different, || {
                Step::Agreement(entry.clone())
            });
        }
    }

    /// Whether the portal or agreement exists after the changes.
    fn will_be<T, S>(
        &self,
        named: &[Placed<T>],
        stored: &[S],
        is: impl Fn(&T) -> bool,
        was: impl Fn(&S) -> bool,
    ) -> bool {
        named.iter().any(|p| is(&p.entry)) || (!self.wishes.prune && stored.iter().any(was))
    }

    fn references(&mut self, place: &str, service: &NamedService) {
        let (file, state, portal) = (self.file, self.state, service.portal);
        // 0 replaces a number that could not be read.
        if portal != 0
            && !self.will_be(
                &file.portals,
                &state.portals,
                |p| p.id == portal,
                |p| p.id == portal,
            )
        {
            self.wrong(
                &format!("{place}.portal"),
                format_args!("there is no portal {portal}"),
            );
        }
        for id in &service.requires {
            if !self.will_be(
                &file.agreements,
                &state.agreements,
                |a| a.id == *id,
                |a| a.id == *id,
            ) {
                self.wrong(
                    &format!("{place}.requires"),
                    format_args!("there is no agreement {id}"),
                );
            }
        }
    }

    fn service(&mut self, Placed { place, entry }: &Placed<NamedService>) {
        self.references(place, entry);
        let stored = self.state.services.iter().find(|s| s.id == entry.id);
        let (credentials, new_access, new_secret) = self.credentials(place, entry, stored);
        let requires = self.state.required(entry.id) != entry.requires;
        let different = stored.map(|stored| {
            which([
                ("portal", stored.portal_id != entry.portal),
                ("name", stored.name != entry.name),
                ("callback_url", stored.callback_url != entry.callback_url),
                ("access_key", new_access),
                ("secret_key", new_secret),
                ("requires", requires),
                (
                    "case_sensitive_ids",
                    stored.case_sensitive_ids != entry.case_sensitive_ids,
                ),
            ])
        });
        let service = Service {
            id: entry.id,
            portal_id: entry.portal,
            name: entry.name.clone(),
            callback_url: entry.callback_url.clone(),
            credentials,
            case_sensitive_ids: entry.case_sensitive_ids,
        };
        let step = match stored {
            Some(_) => Step::ChangeService,
            None => Step::AddService,
        };
        self.settle("service", entry.id, different, || step(service));
        if requires {
            let step = Step::Require(entry.id, entry.requires.clone());
            self.plan.then.push(step);
        }
    }

    /// The sealed credentials of a service, and whether the access key and the secret are new.
    fn credentials(
        &mut self,
        place: &str,
        entry: &NamedService,
        stored: Option<&Service>,
    ) -> (Option<Vec<u8>>, bool, bool) {
        let sealed = stored.and_then(|s| s.credentials.clone());
        let was_called = stored.is_some_and(|s| s.callback_url.is_some());
        let Some((access, secret)) = &entry.credentials else {
            let is_called = entry.callback_url.is_some();
            if is_called && !was_called && sealed.is_none() {
                let what = "is missing, which the callback_url needs, as well as an access_key";
                self.missing(place, "secret_key", what);
            }
            // A service without callbacks needs no credentials.
            let kept = sealed.filter(|_| is_called || !was_called);
            return (kept, false, false);
        };
        let binding = Binding::ServiceCredentials(entry.id);
        let opened = sealed.as_ref().and_then(|s| self.sealer.open(binding, s));
        let opened = opened.unwrap_or_default();
        let (old_access, old_secret) = opened.split_once(':').unwrap_or_default();
        let (new_access, new_secret) = (access != old_access, secret != old_secret);
        if !new_access && !new_secret {
            return (sealed, false, false);
        }
        let sealed = self.seal(place, binding, &format!("{access}:{secret}"));
        (sealed, new_access, new_secret)
    }

    fn seal(&mut self, place: &str, binding: Binding<'_>, text: &str) -> Option<Vec<u8>> {
        match self.sealer.seal(binding, text) {
            Ok(sealed) => Some(sealed),
            Err(error) => {
                self.wrong(place, format_args!("its secret cannot be sealed: {error}"));
                None
            }
        }
    }

    fn application(&mut self, Placed { place, entry }: &Placed<NamedApplication>) {
        let stored = self
            .state
            .applications
            .iter()
            .find(|a| a.client_id == entry.client_id);
        if stored.is_none() && entry.secret.is_none() {
            self.missing(place, "secret", "is missing, and there is none yet");
        }
        let sealed = stored.and_then(|a| a.secret.clone());
        let binding = Binding::ApplicationSecret(&entry.client_id);
        let opened = sealed.as_ref().and_then(|s| self.sealer.open(binding, s));
        let new_secret = entry.secret.is_some() && entry.secret != opened;
        let secret = match &entry.secret {
            Some(text) if new_secret => self.seal(place, binding, text),
            _ => sealed,
        };
        let different = stored.map(|stored| {
            which([
                ("origins", stored.origins != entry.origins),
                ("redirect_uris", stored.redirect_uris != entry.redirect_uris),
                ("secret", new_secret),
                ("plain_calls", stored.plain_calls != entry.plain_calls),
            ])
        });
        let application = Application {
            client_id: entry.client_id.clone(),
            origins: entry.origins.clone(),
            redirect_uris: entry.redirect_uris.clone(),
            secret,
            plain_calls: entry.plain_calls,
        };
        self.settle("application", &entry.client_id, different, || {
            Step::Application(application)
        });
    }

    fn partners(&mut self) {
        let (file, state) = (self.file, self.state);
        for Placed { place, entry } in &file.partners {
            let stored = state.partners.iter().find(|p| p.iss == entry.iss);
            // If two names differed only in case, users of one partner could be mistaken for users of the other.
            let is_like_it = |p: &&Partner| p.iss != entry.iss && same_name(&p.iss, &entry.iss);
            let alike = state.partners.iter().find(is_like_it);
            if let Some(other) = alike.filter(|_| !self.wishes.prune) {
                let what = format!("there is a partner {:?}", other.iss);
                self.wrong(&format!("{place}.iss"), what);
            }
            let others = file.partners.iter().map(|p| &p.entry);
            let is_named = |p: &&Partner| file.partners.iter().any(|n| n.entry.iss == p.iss);
            let stays = state.partners.iter().filter(|p| !is_named(p));
            let stays = stays.filter(|_| !self.wishes.prune);
            let shared = others.chain(stays).find_map(|other| {
                let id = entry
                    .shares_with(other)
                    .filter(|_| other.iss != entry.iss)?;
                Some(format!("{id:?} belongs to partner {:?}", other.iss))
            });
            let repeated = entry
                .repeats()
                .map(|id| format!("{id:?} stands there twice"));
            let shared = shared.or(repeated);
            if let Some(what) = shared {
                self.wrong(&format!("{place}.state_ids"), what);
            }
            let different = stored.map(|stored| {
                which([
                    ("public_keys", stored.public_keys != entry.public_keys),
                    ("state_ids", stored.state_ids != entry.state_ids),
                    (
                        "redirect_origins",
                        stored.redirect_origins != entry.redirect_origins,
                    ),
                    ("max_life_s", stored.max_life_s != entry.max_life_s),
                ])
            });
            if different.as_ref().is_some_and(|d| d.contains(&"state_ids")) {
                // Two entries may swap this value.
                self.plan.first.push(Step::ClearStateIds(entry.iss.clone()));
            }
            self.settle("partner", &entry.iss, different, || {
                Step::Partner(entry.clone())
            });
        }
    }
}
