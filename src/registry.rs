//! What is configured rather than lived, kept in memory: the clients, by the hash of their keys; and how a
//! file of it is applied.

pub mod apply;
pub mod export;
pub mod file;
pub mod plan;
mod prune;
pub mod reader;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::client::Client;
use crate::store::{AnyConnection, Store, StoreError, clients};

/// The current snapshot; replaced as a whole when the store's registry has changed.
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
