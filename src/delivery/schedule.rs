//! The schedule of retries of an outbox row.

use crate::domain::Millis;

/// Delays before the next attempts, as multiples of the first delay. The last delay repeats until the row is given up.
const DELAYS: [Millis; 8] = [1, 6, 24, 120, 360, 720, 1_440, LONGEST];
const LONGEST: Millis = 2_880;

/// The settings of the schedule; SPEC §9 has the defaults.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// The delay before the second attempt.
    pub first_retry_ms: Millis,
    /// The age at which an undelivered row becomes a dead letter.
    pub give_up_ms: Millis,
}

/// A row whose attempt has just failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed {
    pub created_at: Millis,
    /// Attempts before this one.
    pub attempts: i32,
    pub now: Millis,
    /// The receiver's Retry-After, in milliseconds.
    pub retry_after: Option<Millis>,
}

/// The time of the next attempt; `None` once the row has reached its maximum age. The last attempt is made at that age,
/// whatever the delay, so that a receiver has the whole time to recover. See [`retry_at`] for `random`.
pub(super) fn next(failed: Failed, policy: RetryPolicy, random: u64) -> Option<Millis> {
    let end = failed.created_at.saturating_add(policy.give_up_ms);
    (failed.now < end).then(|| retry_at(failed, policy, random).min(end))
}

/// The time of the next attempt, whatever the age of the row. `random` jitters the delay by up to a quarter in both
/// directions, so that rows that failed together are not retried together.
pub(super) fn retry_at(failed: Failed, policy: RetryPolicy, random: u64) -> Millis {
    let nth = usize::try_from(failed.attempts).unwrap_or(usize::MAX);
    let delay = policy.first_retry_ms * DELAYS.get(nth).copied().unwrap_or(LONGEST);
    let jitter = i64::try_from(random % 501).unwrap_or(0);
    let jittered = delay * (750 + jitter) / 1000;
    let wait = jittered.max(failed.retry_after.unwrap_or(0));
    failed.now.saturating_add(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;
    const POLICY: RetryPolicy = RetryPolicy {
        first_retry_ms: 5_000,
        give_up_ms: 72 * HOUR,
    };

    fn failed(attempts: i32, now: Millis, retry_after: Option<Millis>) -> Failed {
        Failed {
            created_at: 0,
            attempts,
            now,
            retry_after,
        }
    }

    #[test]
    fn lengthens_delays_and_jitters_them_by_a_quarter() {
        let least = |n| next(failed(n, 0, None), POLICY, 0).unwrap();
        let most = |n| next(failed(n, 0, None), POLICY, 500).unwrap();
        assert_eq!((least(0), most(0)), (3_750, 6_250));
        for n in 0..7 {
            assert!(most(n) < least(n + 1), "{n}");
        }
        assert_eq!(least(7), least(1_000));
        assert_eq!(least(-1), least(7));
    }

    #[test]
    fn respects_retry_after_up_to_the_maximum_age() {
        let asked = |now, ms| next(failed(0, now, Some(ms)), POLICY, 0);
        assert_eq!(asked(0, HOUR), Some(HOUR));
        assert_eq!(
            asked(0, 1),
            Some(3_750),
            "a short Retry-After does not shorten the delay"
        );
        assert_eq!(asked(0, i64::MAX), Some(72 * HOUR));
        assert_eq!(asked(72 * HOUR, HOUR), None);
    }
}
