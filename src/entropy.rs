//! The only place that rolls dice.

use std::sync::{Mutex, PoisonError};

/// Where randomness comes from.
#[derive(Debug)]
pub enum Entropy {
    /// The operating system.
    System,
    /// A counter that tests can foresee; never outside tests.
    Counted(Mutex<u64>),
}

impl Entropy {
    /// Sixteen random bytes.
    ///
    /// # Panics
    /// When the operating system has no randomness to give; nothing safe can be done then.
    #[expect(
        clippy::expect_used,
        reason = "there is no safe way to go on without randomness"
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
