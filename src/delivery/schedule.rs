//! When what could not be delivered is tried again, and when it is given up.

use crate::domain::Millis;

/// Delays before the next attempt, as multiples of the first; the last one stays until the row is given up.
const DELAYS: [Millis; 8] = [1, 6, 24, 120, 360, 720, 1_440, LONGEST];
const LONGEST: Millis = 2_880;

/// What the schedule is made from; the defaults are those of SPEC §9.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Before the second attempt.
    pub first_retry_ms: Millis,
    /// The age at which what could not be delivered becomes a dead letter.
    pub give_up_ms: Millis,
}

/// What is known of a row when an attempt has failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed {
    pub created_at: Millis,
    /// Attempts before this one.
    pub attempts: i32,
    pub now: Millis,
    /// How long the receiver asks not to be bothered.
    pub asked: Option<Millis>,
}

/// When the next attempt is made; never again once the row is as old as rows may get. The last attempt is at just that
/// age, whatever the delay, so that a receiver is given the whole of it. `dice` is any number: delays differ by a
/// quarter either way, so that what failed together does not come back together.
pub(super) fn next(failed: Failed, patience: Patience, dice: u64) -> Option<Millis> {
    let end = failed.created_at.saturating_add(patience.give_up_ms);
    if failed.now >= end {
        return None;
    }
    let nth = usize::try_from(failed.attempts).unwrap_or(usize::MAX);
    let delay = patience.first_retry_ms * DELAYS.get(nth).copied().unwrap_or(LONGEST);
    let swing = i64::try_from(dice % 501).unwrap_or(0);
    let jittered = delay * (750 + swing) / 1000;
    let wait = jittered.max(failed.asked.unwrap_or(0));
    Some(failed.now.saturating_add(wait).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;
    const PATIENCE: Patience = Patience {
        first_retry_ms: 5_000,
        give_up_ms: 72 * HOUR,
    };

    fn failed(attempts: i32, now: Millis, asked: Option<Millis>) -> Failed {
        Failed {
            created_at: 0,
            attempts,
            now,
            asked,
        }
    }

    #[test]
    fn delays_grow_and_differ_by_a_quarter() {
        let least = |n| next(failed(n, 0, None), PATIENCE, 0).unwrap();
        let most = |n| next(failed(n, 0, None), PATIENCE, 500).unwrap();
        assert_eq!((least(0), most(0)), (3_750, 6_250));
        for n in 0..7 {
            assert!(most(n) < least(n + 1), "{n}");
        }
        assert_eq!(least(7), least(1_000));
        assert_eq!(least(-1), least(7));
    }

    #[test]
    fn what_the_receiver_asks_for_is_respected_within_the_age() {
        let asked = |now, ms| next(failed(0, now, Some(ms)), PATIENCE, 0);
        assert_eq!(asked(0, HOUR), Some(HOUR));
        assert_eq!(asked(0, 1), Some(3_750), "and never hastens anything");
        assert_eq!(asked(0, i64::MAX), Some(72 * HOUR));
        assert_eq!(asked(72 * HOUR, HOUR), None);
    }
}
