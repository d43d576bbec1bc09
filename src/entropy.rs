//! The source of randomness. This is the only module that reads random bytes for the gateway's own identifiers and
//! tokens.

use std::sync::{Arc, Mutex, PoisonError};

use rand::TryRng as _;
use rand::rngs::SysRng;

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
                SysRng
                    .try_fill_bytes(&mut bytes)
                    .expect("the operating system's random source works");
            }
            Entropy::Counted(count) => {
                let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
                *count += 1;
                bytes[8..].copy_from_slice(&count.to_be_bytes());
            }
        }
        bytes
    }

    /// The ID of a request: a UUID that is no secret, so it comes from a generator of the thread, which needs no call
    /// of the operating system.
    pub fn request_id(&self) -> Arc<str> {
        let bytes = match self {
            Entropy::System => rand::random(),
            Entropy::Counted(_) => self.bytes(),
        };
        let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
        let mut text = uuid::Uuid::encode_buffer();
        Arc::from(&*uuid.hyphenated().encode_lower(&mut text))
    }

    /// A random UUID.
    pub fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.bytes())
            .into_uuid()
            .to_string()
    }
}
