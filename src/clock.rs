//! The clock. This is the only module that reads the system time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::Millis;

/// A source of time.
#[derive(Debug)]
pub enum Clock {
    /// The system clock.
    System,
    /// A clock that only tests set.
    Fixed(AtomicI64),
}

impl Clock {
    /// The current time in milliseconds since 1970.
    #[expect(
        clippy::disallowed_methods,
        reason = "only this module reads the system time"
    )]
    pub fn now(&self) -> Millis {
        match self {
            Clock::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
            Clock::Fixed(at) => at.load(Ordering::SeqCst),
        }
    }

    /// Advances a fixed clock; has no effect on the system clock.
    pub fn advance(&self, by: Millis) {
        if let Clock::Fixed(at) = self {
            at.fetch_add(by, Ordering::SeqCst);
        }
    }
}
