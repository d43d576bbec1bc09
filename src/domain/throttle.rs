//! The delay after repeated attempts: how it grows and how it drains.

use super::Millis;

/// The first delay. Each further attempt doubles it.
const FIRST_WAIT_MS: Millis = 1_000;

/// The maximum number of known networks and browsers of one user.
pub const MAX_KNOWN_SOURCES: usize = 16;

/// The rule for one kind of attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Number of attempts without a delay before them; at least one.
    pub free: i64,
    /// The time in which `free` attempts are forgiven, one after the other.
    pub forgive_ms: Millis,
    /// The maximum delay. It is bounded so that no account is locked for good.
    pub longest_ms: Millis,
}

/// The rules for all kinds of attempts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Wrong secrets for one account.
    pub guesses: Limit,
    /// Wrong secrets from one network.
    pub guesses_per_source: Limit,
    /// Mails to one mailbox.
    pub mails: Limit,
    /// Requests for mails from one network.
    pub mails_per_source: Limit,
    /// The time for which the gateway remembers a network or a browser after a successful sign-in.
    pub known_ms: Millis,
}

/// The stored counter of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptCounter {
    /// Number of attempts that are not yet forgiven.
    pub attempts: i64,
    /// The time from which the next attempt is allowed.
    pub open_at: Millis,
    /// The time at which the last attempt is forgiven and the counter is empty.
    pub forget_at: Millis,
}

impl Limit {
    /// The time in which one attempt is forgiven, in milliseconds.
    #[must_use]
    pub fn forgiven_after(&self) -> Millis {
        (self.forgive_ms / self.free.max(1)).max(1)
    }

    /// The counter after one more attempt at `now`.
    #[must_use]
    pub fn with_one_more(&self, forget_at: Millis, now: Millis) -> AttemptCounter {
        let each = self.forgiven_after();
        let left = (forget_at - now).max(0);
        // A partly forgiven attempt still counts. The counter stops 32 attempts after the last free one: the delay no
        // longer grows there, and a larger counter would only take longer to drain.
        let attempts = ((left + each - 1) / each + 1).min(self.free + 32);
        AttemptCounter {
            attempts,
            open_at: now + self.wait(attempts),
            forget_at: now + attempts * each,
        }
    }

    /// The delay before the next attempt after `attempts` attempts, in milliseconds.
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

    /// The delays, in seconds, of attempts that are each made as soon as they are allowed.
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
    fn doubles_the_wait_up_to_the_longest() {
        assert_eq!(waits(12), [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128]);
        let long = waits(60);
        assert!(long.iter().all(|wait| *wait <= 900), "{long:?}");
        assert!(long[30..].iter().all(|wait| *wait >= 256), "{long:?}");
    }

    #[test]
    fn forgives_attempts_one_by_one() {
        let five = AttemptCounter {
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
    fn computes_waits_of_extreme_numbers_without_overflow() {
        let endless = Limit {
            free: i64::from(u32::MAX),
            ..LIMIT
        };
        assert_eq!(endless.with_one_more(0, 0).open_at, 0);
        assert_eq!(LIMIT.with_one_more(i64::MAX / 2, 0).attempts, 37);
    }
}
