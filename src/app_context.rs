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
use crate::store::{Store, StoreError, clients, findings, outbox};

/// The configured limits and lifetimes.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The lifetime of a JWT, in seconds.
    pub token_seconds: i64,
    /// The time for which a token stays valid after its replacement.
    pub grace_ms: Millis,
    /// The time after a sign-in during which its tokens can be refreshed.
    pub family_ms: Millis,
    /// The maximum lifetime of a browser session.
    pub session_ms: Millis,
    /// The time after which an unused browser session ends.
    pub session_idle_ms: Millis,
    /// The allowed difference between the clocks of a partner and the gateway.
    pub partner_leeway_ms: Millis,
    /// The lifetime of an activation token.
    pub activation_ms: Millis,
    /// The lifetime of a password reset token.
    pub reset_ms: Millis,
    /// The time during which a change of e-mail address can be undone.
    pub email_undo_ms: Millis,
    /// The limits on guesses of secrets and on requests for mails.
    pub throttle: Limits,
    /// The limits on the age and the number of stored rows.
    pub retention: Retention,
    /// The limits on changes of assignments to services.
    pub assignments: PerMinute,
    /// The role whose holders may call every operation.
    pub admin_role: String,
    /// Whether a verified telephone number belongs to one user.
    pub unique_phones: bool,
    /// The maximum number of users, or of organisations, on one page.
    pub max_page: i64,
}

impl Rules {
    /// The rules that stored rows may break.
    #[must_use]
    pub fn for_findings(&self) -> findings::Rules<'_> {
        findings::Rules {
            admin_role: &self.admin_role,
            unique_phones: self.unique_phones,
        }
    }

    /// The end of a token family that began at this time. Refreshing does not extend it.
    #[must_use]
    pub fn end_of_family(&self, started_at: Millis) -> Millis {
        started_at.saturating_add(self.family_ms)
    }
}

/// The services of the application.
pub struct AppContext {
    pub store: Store,
    pub registry: Registry,
    /// Refusals that are counted but not yet written.
    pub refusals: Refusals,
    /// The first attempt of each name or network. These attempts are kept in memory only.
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
    /// The recent changes of assignments to services.
    pub assignments: Mutex<Windows>,
}

impl AppContext {
    /// Whether requests can be served: the store answers, and the registry has been loaded from it.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.registry.loaded().is_some() && self.store.probe(clients::registry_version).is_ok()
    }

    /// The undelivered rows of the outbox, by kind and state.
    ///
    /// # Errors
    /// The error of the store.
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
