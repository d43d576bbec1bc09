//! Clients (the programs that have client keys) and their rights.

use super::words::words;

/// The client of requests without a client key (SPEC §3). It always exists.
pub const DEFAULT_CLIENT: &str = "Default";

words! {
    /// The rights that the key of a client gives (SPEC §3).
    pub enum Trust {
        /// The key alone is the credential for every operation.
        Trusted = "trusted",
        /// Calls about users also need a user token.
        Public = "public",
    }
}

/// A program that calls the gateway and sends its client key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub name: String,
    pub trust: Trust,
    pub active: bool,
}
