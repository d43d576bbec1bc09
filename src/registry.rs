//! The registry: a snapshot in memory of the configuration in the store. Requests read the snapshot and not the store.
//! The submodules apply registry files, and export the registry as a file.

pub mod apply;
pub mod export;
pub mod file;
pub mod kind;
pub mod kinds;
pub mod plan;
pub mod reader;
mod value;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::client::Client;
use crate::domain::external_identity::{ExternalIdentity, is_login_id};
use crate::domain::user::same_name;
pub use crate::store::applications::Application;
use crate::store::partners::Partner;
use crate::store::services::RequiringService;
use crate::store::{
    AnyConnection, Store, StoreError, agreements, applications, clients, partners, password_cost,
    portals, services,
};

/// The suffix that callers may add to the id of an application (SPEC §8).
const OPAL_SUFFIX: &str = ".onetapi.pl";

/// The current snapshot. A refresh replaces it as a whole.
#[derive(Default)]
pub struct Registry {
    snapshot: RwLock<Option<Arc<Snapshot>>>,
}

/// The registry at one version.
#[derive(Debug, Default)]
pub struct Snapshot {
    version: i64,
    clients: HashMap<String, Client>,
    applications: HashMap<String, Application>,
    portals: BTreeSet<i64>,
    services: BTreeMap<i64, RequiringService>,
    agreements: BTreeMap<i64, String>,
    partners: HashMap<String, Partner>,
    highest_password_cost: u32,
}

impl Snapshot {
    /// The client whose key has this hash.
    #[must_use]
    pub fn client(&self, key_sha256: &str) -> Option<&Client> {
        self.clients.get(key_sha256)
    }

    /// The application with this id, with or without the optional suffix.
    #[must_use]
    pub fn application(&self, name: &str) -> Option<&Application> {
        let name = name.strip_suffix(OPAL_SUFFIX).unwrap_or(name);
        self.applications.get(name)
    }

    /// Every application.
    pub fn applications(&self) -> impl Iterator<Item = &Application> {
        self.applications.values()
    }

    /// Whether there is a portal with this number. A removed portal counts as long as it has services.
    #[must_use]
    pub fn has_portal(&self, id: i64) -> bool {
        self.portals.contains(&id)
    }

    /// The service with this number.
    #[must_use]
    pub fn service(&self, id: i64) -> Option<&RequiringService> {
        self.services.get(&id)
    }

    /// The names of all agreements, by number.
    #[must_use]
    pub fn agreements(&self) -> &BTreeMap<i64, String> {
        &self.agreements
    }

    /// The partner with this `iss`.
    #[must_use]
    pub fn partner(&self, iss: &str) -> Option<&Partner> {
        self.partners.get(iss)
    }

    /// The highest bcrypt cost of the stored password hashes; 0 if the cost is unknown.
    #[must_use]
    pub fn highest_password_cost(&self) -> u32 {
        self.highest_password_cost
    }

    /// Whether a partner can sign in a user with this identity.
    #[must_use]
    pub fn can_sign_in(&self, identity: &ExternalIdentity) -> bool {
        let ExternalIdentity {
            provider, id_type, ..
        } = identity;
        self.partners.values().any(|partner| match id_type {
            _ if is_login_id(id_type) => same_name(&partner.iss, provider),
            _ if same_name(id_type, provider) => {
                partner.state_ids.iter().any(|id| same_name(id, provider))
            }
            _ => false,
        })
    }

    fn read(c: &mut AnyConnection, version: i64) -> Result<Self, StoreError> {
        let clients = clients::all(c)?
            .into_iter()
            .filter_map(|keyed| Some((keyed.key_sha256?, keyed.client)));
        let applications = applications::all(c)?.into_iter();
        let services = services::all_requiring(c)?;
        let portals = portals::all(c)?.into_iter().map(|portal| portal.id);
        let portals = portals.chain(services.iter().map(|service| service.portal_id));
        let agreements = agreements::all(c)?.into_iter();
        let partners = partners::all(c)?.into_iter();
        Ok(Self {
            version,
            clients: clients.collect(),
            applications: applications.map(|a| (a.client_id.clone(), a)).collect(),
            portals: portals.collect(),
            services: services.into_iter().map(|s| (s.id, s)).collect(),
            agreements: agreements.map(|a| (a.id, a.name)).collect(),
            partners: partners.map(|p| (p.iss.clone(), p)).collect(),
            highest_password_cost: password_cost::highest(c)?.unwrap_or(0),
        })
    }
}

impl Registry {
    /// The current snapshot; it is empty before the first refresh.
    #[must_use]
    pub fn now(&self) -> Arc<Snapshot> {
        self.loaded().unwrap_or_default()
    }

    /// The current snapshot; `None` before the first refresh.
    #[must_use]
    pub fn loaded(&self) -> Option<Arc<Snapshot>> {
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
        snapshot.clone()
    }

    /// Reads the registry again if its version has changed.
    ///
    /// # Errors
    /// The store cannot be read. The old snapshot then stays in use.
    pub fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let known = self.loaded().map(|s| s.version);
        let fresh = store.read(|c: &mut AnyConnection| {
            let version = clients::registry_version(c)?;
            if Some(version) == known {
                return Ok::<_, StoreError>(None);
            }
            Snapshot::read(c, version).map(Some)
        })?;
        if let Some(fresh) = fresh {
            *self
                .snapshot
                .write()
                .unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(fresh));
        }
        Ok(())
    }
}
