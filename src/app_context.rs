//! The services of the application, which operations and background workers share.

use std::sync::Mutex;

use crate::clock::Clock;
use crate::domain::Millis;
use crate::domain::retention::Retention;
use crate::domain::throttle::Limits;
use crate::domain::windows::{PerMinute, Windows};
use crate::entropy::Entropy;
use crate::metrics::{Backlog, Metrics};
use crate::registry::Registry;
use crate::secrets::hashing::Hasher;
use crate::secrets::keyed_hashes::{CsrfSigner, Pseudonymizer};
use crate::secrets::sealing::Sealer;
use crate::secrets::tokens::Tokens;
use crate::store::first_attempts::FirstAttempts;
use crate::store::refusals::Refusals;
use crate::store::{Store, StoreError, clients, outbox};

/// Rules with numbers in them.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How long a JWT lasts, in seconds.
    pub token_seconds: i64,
    /// How long a token keeps working after another one took its place.
    pub grace_ms: Millis,
    /// How long after signing in tokens can still be refreshed.
    pub family_ms: Millis,
    /// How long a browser stays signed in.
    pub session_ms: Millis,
    /// How long it stays so unused.
    pub session_idle_ms: Millis,
    /// How long an activation token lasts.
    pub activation_ms: Millis,
    /// How long a password reset token lasts.
    pub reset_ms: Millis,
    /// How long a changed e-mail address can be undone.
    pub email_undo_ms: Millis,
    /// How often secrets may be guessed at, and mails be asked for.
    pub throttle: Limits,
    /// How long things are kept, and how many of them.
    pub retention: Retention,
    /// How often assignments to services may be changed.
    pub assignments: PerMinute,
    /// The role that may do everything.
    pub admin_role: String,
    /// The longest page that findUsers gives.
    pub max_page: i64,
}

impl Rules {
    /// When a family of tokens that began at this time is over, however often it was refreshed.
    #[must_use]
    pub fn end_of_family(&self, started_at: Millis) -> Millis {
        started_at.saturating_add(self.family_ms)
    }
}

/// The services of the application.
pub struct AppContext {
    pub store: Store,
    pub registry: Registry,
    /// Refusals that are counted and not written yet.
    pub refusals: Refusals,
    /// Attempts that are the first of their subject.
    pub first_attempts: FirstAttempts,
    pub hasher: Hasher,
    pub tokens: Tokens,
    pub sealer: Sealer,
    pub csrf_signer: CsrfSigner,
    pub pseudonymizer: Pseudonymizer,
    pub metrics: Metrics,
    pub clock: Clock,
    pub entropy: Entropy,
    pub rules: Rules,
    /// How often assignments to services were changed.
    pub assignments: Mutex<Windows>,
}

impl AppContext {
    /// Whether requests can be served: the store answers, and the registry has been loaded from it.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.registry.loaded().is_some() && self.store.probe(clients::registry_version).is_ok()
    }

    /// What waits in the outbox, by kind and state.
    ///
    /// # Errors
    /// The store's.
    pub fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        let now = self.clock.now();
        let rows = self.store.probe(outbox::undelivered)?;
        Ok(rows
            .into_iter()
            .map(|undelivered| Backlog {
                kind: undelivered.kind.as_str(),
                state: undelivered.state.as_str(),
                rows: undelivered.rows,
                oldest_ms: now - undelivered.oldest_at,
            })
            .collect())
    }
}
