//! The source of randomness. This is the only module that reads random bytes for the gateway's own identifiers and
//! tokens.

use std::sync::{Mutex, PoisonError};

/// A source of random bytes.
#[derive(Debug)]
pub enum Entropy {
    /// The operating system's random source.
    System,
    /// A predictable counter, for tests only.
    Counted(Mutex<u64>),
}

impl Entropy {
    /// Sixteen random bytes.
    ///
    /// # Panics
    /// Panics if the operating system has no randomness: there is no safe way to continue.
    #[expect(
        clippy::expect_used,
        reason = "there is no safe way to continue without randomness"
    )]
    pub fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        match self {
            Entropy::System => {
                getrandom::fill(&mut bytes).expect("the operating system's random source works");
            }
            Entropy::Counted(count) => {
                let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
                *count += 1;
                bytes[8..].copy_from_slice(&count.to_be_bytes());
            }
        }
        bytes
    }

    /// A random UUID.
    pub fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.bytes())
            .into_uuid()
            .to_string()
    }
}
