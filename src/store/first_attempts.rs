//! The first attempt of each subject. It is kept in memory only, so that an attacker who changes the name or the
//! address each time writes nothing into the database.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::Millis;

/// The position of an attempt among the attempts of its subject, as far as this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptPosition {
    /// The first attempt in this process. The table may have earlier attempts, from another node or from before a
    /// restart.
    First,
    /// The second attempt; the first one is not in the table yet.
    Second,
    Later,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    forget_at: Millis,
    is_in_table: bool,
}

/// First attempts by their subjects.
#[derive(Debug)]
pub struct FirstAttempts {
    seen: Mutex<HashMap<u128, Seen>>,
    max: usize,
}

impl FirstAttempts {
    /// Holds at most `max` subjects. The subjects that drain first are dropped first, so an attacker has to make `max`
    /// other attempts to get one dropped.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            seen: Mutex::default(),
            max: max.max(10),
        }
    }

    /// Records an attempt, which drains at `forget_at`, if it is the first.
    pub fn note(&self, subject: &str, forget_at: Millis, now: Millis) -> AttemptPosition {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.get_mut(&short(subject))
            && known.forget_at > now
        {
            return match std::mem::replace(&mut known.is_in_table, true) {
                true => AttemptPosition::Later,
                false => AttemptPosition::Second,
            };
        }
        if seen.len() >= self.max {
            make_room(&mut seen, self.max, now);
        }
        let first = Seen {
            forget_at,
            is_in_table: false,
        };
        seen.insert(short(subject), first);
        AttemptPosition::First
    }

    /// Records that the table has attempts of this subject.
    pub fn note_in_table(&self, subject: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.get_mut(&short(subject)) {
            known.is_in_table = true;
        }
    }

    /// The number of subjects whose first attempt is in memory only.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.values().filter(|known| !known.is_in_table).count()
    }

    /// Deletes the attempts of these subjects.
    pub fn forget(&self, subjects: &[String]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in subjects {
            seen.remove(&short(subject));
        }
    }
}

/// Drops drained attempts, and a tenth of the others if that is not enough, so that not every attempt has to search for
/// space.
fn make_room(seen: &mut HashMap<u128, Seen>, max: usize, now: Millis) {
    seen.retain(|_, known| known.forget_at > now);
    if seen.len() < max {
        return;
    }
    let mut ends: Vec<Millis> = seen.values().map(|known| known.forget_at).collect();
    let tenth = (max / 10).min(ends.len().saturating_sub(1));
    let (_, last_dropped, _) = ends.select_nth_unstable(tenth);
    let last_dropped = *last_dropped;
    seen.retain(|_, known| known.forget_at > last_dropped);
}

/// The first bytes of a subject, which is a keyed hash in hexadecimal.
fn short(subject: &str) -> u128 {
    subject
        .get(..32)
        .and_then(|digits| u128::from_str_radix(digits, 16).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(n: usize) -> String {
        format!("{n:064x}").chars().rev().collect()
    }

    #[test]
    fn tells_the_first_attempt_from_the_second_and_later_ones() {
        let first = FirstAttempts::new(100);
        let (a, b) = (subject(1), subject(2));
        assert_eq!(first.note(&a, 10, 0), AttemptPosition::First);
        assert_eq!(first.note(&a, 11, 1), AttemptPosition::Second);
        assert_eq!(first.note(&a, 12, 2), AttemptPosition::Later);
        assert_eq!(first.note(&b, 12, 2), AttemptPosition::First);
        first.note_in_table(&b);
        assert_eq!(first.note(&b, 12, 2), AttemptPosition::Later);
        first.forget(std::slice::from_ref(&a));
        assert_eq!(first.note(&a, 13, 3), AttemptPosition::First);
        assert_eq!(
            first.note(&a, 24, 14),
            AttemptPosition::First,
            "the first attempt has drained"
        );
    }

    #[test]
    fn holds_a_bounded_number_and_drops_those_that_drain_first() {
        let first = FirstAttempts::new(100);
        assert_eq!(
            first.note(&subject(1_000_000), 10_000, 0),
            AttemptPosition::First
        );
        for n in 0..1_000 {
            first.note(&subject(n), n as i64 + 1, 0);
            assert!(first.seen.lock().unwrap().len() <= 100);
        }
        assert_eq!(first.note(&subject(999), 1_000, 0), AttemptPosition::Second);
        assert_eq!(
            first.note(&subject(1_000_000), 10_000, 0),
            AttemptPosition::Second
        );
        assert_eq!(first.note(&subject(1), 2, 0), AttemptPosition::First);
        // The limit also holds if all attempts drain at the same time.
        for n in 0..1_000 {
            first.note(&subject(2_000 + n), 20_000, 0);
            assert!(first.seen.lock().unwrap().len() <= 100);
        }
    }
}
