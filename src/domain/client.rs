//! Calling applications and how far they are trusted.

/// The client that owns what comes without a client key (SPEC §3); it always exists.
pub const DEFAULT_CLIENT: &str = "Default";

/// What a client's key is worth (SPEC §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Its key alone is the credential for every operation.
    Trusted,
    /// Needs a user token for whatever touches users.
    Public,
}

impl Trust {
    /// The spelling in the store, in the registry file and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Trust::Trusted => "trusted",
            Trust::Public => "public",
        }
    }

    /// Reads that spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Trust> {
        [Trust::Trusted, Trust::Public]
            .into_iter()
            .find(|t| t.as_str() == text)
    }
}

/// A calling application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub name: String,
    pub trust: Trust,
    pub active: bool,
}
