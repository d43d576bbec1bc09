//! What every operation may use.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::clock::Clock;
use crate::domain::Millis;
use crate::domain::client::Client;
use crate::entropy::Entropy;
use crate::secrets::hashing::Hasher;
use crate::secrets::sealing::Sealer;
use crate::secrets::tokens::Tokens;
use crate::store::{AnyConnection, Store, StoreError, clients};

/// Rules with numbers in them.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How long a JWT lasts, in seconds.
    pub token_seconds: i64,
    /// How long an activation token lasts.
    pub activation_ms: Millis,
    /// How long a password reset token lasts.
    pub reset_ms: Millis,
    /// The role that may do everything.
    pub admin_role: String,
    /// The longest page that findUsers gives.
    pub max_page: i64,
}

/// The program's working parts.
pub struct Parts {
    pub store: Store,
    pub registry: Registry,
    pub hasher: Hasher,
    pub tokens: Tokens,
    pub sealer: Sealer,
    pub clock: Clock,
    pub entropy: Entropy,
    pub rules: Rules,
}

/// What is configured rather than lived: a snapshot of the clients, by the hash of their keys.
#[derive(Default)]
pub struct Registry {
    snapshot: RwLock<Arc<Snapshot>>,
}

#[derive(Default)]
struct Snapshot {
    version: i64,
    by_key: HashMap<String, Client>,
}

impl Registry {
    /// The client whose key has this hash.
    #[must_use]
    pub fn client(&self, key_sha256: &str) -> Option<Client> {
        self.current().by_key.get(key_sha256).cloned()
    }

    fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a new snapshot if the store's registry has changed since the last one.
    ///
    /// # Errors
    /// The store's; the old snapshot stays.
    pub fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let known = self.current().version;
        let fresh = store.read(|c: &mut AnyConnection| {
            let version = clients::registry_version(c)?;
            if version == known {
                return Ok::<_, StoreError>(None);
            }
            let by_key = clients::all(c)?
                .into_iter()
                .filter_map(|keyed| Some((keyed.key_sha256?, keyed.client)))
                .collect();
            Ok(Some(Snapshot { version, by_key }))
        })?;
        if let Some(fresh) = fresh {
            *self
                .snapshot
                .write()
                .unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        }
        Ok(())
    }
}
