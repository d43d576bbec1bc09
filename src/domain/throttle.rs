//! How much longer each attempt has to wait than the one before it, and how that is forgiven.

use super::Millis;

/// The wait after the first attempt that has to.
const FIRST_WAIT_MS: Millis = 1_000;

/// The most networks and browsers that are remembered of one user.
pub const MAX_KNOWN_SOURCES: usize = 16;

/// How many attempts are free, and what the next ones cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Attempts that nobody has to wait after. At least one.
    pub free: i64,
    /// The time in which as many as are free are forgiven, one after the other.
    pub forgive_ms: Millis,
    /// The longest wait, however many there were; so nobody is shut out for good.
    pub longest_ms: Millis,
}

/// The limits of what is counted.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of wrong secrets for one account.
    pub guesses: Limit,
    /// Of wrong secrets from one source.
    pub guesses_per_source: Limit,
    /// Of mails to one mailbox.
    pub mails: Limit,
    /// Of mails asked for from one source.
    pub mails_per_source: Limit,
    /// How long a network or a browser is known after it has signed a user in.
    pub known_ms: Millis,
}

/// What is kept of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Attempts that are not forgiven.
    pub attempts: i64,
    /// When the next one is heard.
    pub open_at: Millis,
    /// When the last one is forgiven.
    pub forget_at: Millis,
}

impl Limit {
    /// The time after which one attempt is forgiven.
    #[must_use]
    pub fn forgiven_after(&self) -> Millis {
        (self.forgive_ms / self.free.max(1)).max(1)
    }

    /// The tally with one more attempt, made now.
    #[must_use]
    pub fn with_one_more(&self, forget_at: Millis, now: Millis) -> Tally {
        let each = self.forgiven_after();
        let left = (forget_at - now).max(0);
        // One that is forgiven in part still counts. More than the longest wait tells are not remembered: to forgive
        // them would take ever longer.
        let attempts = ((left + each - 1) / each + 1).min(self.free + 32);
        Tally {
            attempts,
            open_at: now + self.wait(attempts),
            forget_at: now + attempts * each,
        }
    }

    /// How long the next attempt has to wait when there were so many.
    fn wait(&self, attempts: i64) -> Millis {
        match u32::try_from(attempts - self.free) {
            Ok(over) => FIRST_WAIT_MS
                .saturating_mul(1 << over.min(32))
                .min(self.longest_ms),
            Err(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit {
        free: 5,
        forgive_ms: 3_600_000,
        longest_ms: 900_000,
    };

    /// The waits after attempts that are made as soon as they are heard.
    fn waits(attempts: usize) -> Vec<Millis> {
        let (mut now, mut forget_at) = (0, 0);
        (0..attempts)
            .map(|_| {
                let tally = LIMIT.with_one_more(forget_at, now);
                let wait = (tally.open_at - now) / 1000;
                (now, forget_at) = (tally.open_at, tally.forget_at);
                wait
            })
            .collect()
    }

    #[test]
    fn waits_grow_twofold_up_to_the_longest() {
        assert_eq!(waits(12), [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128]);
        let long = waits(60);
        assert!(long.iter().all(|wait| *wait <= 900), "{long:?}");
        assert!(long[30..].iter().all(|wait| *wait >= 256), "{long:?}");
    }

    #[test]
    fn attempts_are_forgiven_one_by_one() {
        let five = Tally {
            attempts: 5,
            open_at: 1_000,
            forget_at: 3_600_000,
        };
        let tally = (0..5).fold(0, |forget_at, _| {
            LIMIT.with_one_more(forget_at, 0).forget_at
        });
        assert_eq!(tally, five.forget_at);
        let later = |minutes: i64| {
            LIMIT
                .with_one_more(five.forget_at, minutes * 60_000)
                .attempts
        };
        assert_eq!((later(0), later(12), later(24), later(60)), (6, 5, 4, 1));
    }

    #[test]
    fn no_number_is_too_large() {
        let endless = Limit {
            free: i64::from(u32::MAX),
            ..LIMIT
        };
        assert_eq!(endless.with_one_more(0, 0).open_at, 0);
        assert_eq!(LIMIT.with_one_more(i64::MAX / 2, 0).attempts, 37);
    }
}
