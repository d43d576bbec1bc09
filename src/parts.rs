//! The working parts of the program, which operations and the outbox worker share.

use crate::clock::Clock;
use crate::domain::Millis;
use crate::entropy::Entropy;
use crate::registry::Registry;
use crate::secrets::hashing::Hasher;
use crate::secrets::sealing::Sealer;
use crate::secrets::tokens::Tokens;
use crate::store::Store;

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
