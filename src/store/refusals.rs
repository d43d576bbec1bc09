//! Refusals of unauthenticated callers. They are counted in memory and written as one row for each minute, network,
//! event and code, so that nobody can fill the disk with refused calls.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::prelude::*;

use super::audit::{self, MAX_TEXT_CHARS, cut};
use super::tables::refusals;
use super::{AnyConnection, QueryExt as _, Result, StoreError};
use crate::domain::Millis;
use crate::domain::hidden::visible;
use crate::domain::network::Network;
use crate::domain::text::canonical;

/// The longest sample of an unknown name, in characters.
const MAX_SAMPLE_CHARS: usize = 64;
/// The text in place of the network, the event and the code of refusals that are counted together.
const OTHER: &str = "other";
const MINUTE_MS: Millis = 60_000;
const HOUR_MS: Millis = 60 * MINUTE_MS;
/// The most rows of the audit log in an hour for refusals of one user with one code; further refusals are counted.
pub const USER_ROWS_PER_HOUR: u32 = 5;
/// The most rows of the audit log in a minute for one trusted client or partner, and for all unauthenticated callers;
/// further refusals are counted.
pub const ROWS_PER_MINUTE: u32 = 60;
/// The most causes that have a budget at the same time. Further causes get no rows.
const MAX_BUDGETS: usize = 10_000;

/// One refusal.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    pub at: Millis,
    pub source: Option<IpAddr>,
    /// The event and the outcome, as in the audit log.
    pub event: &'static str,
    pub outcome: &'static str,
    pub client_name: Option<&'a str>,
    /// The signed-in user.
    pub actor: Option<&'a str>,
    pub request_id: &'a str,
}

/// The cause of a row in the audit log. Each cause has a budget of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause<'a> {
    /// An unauthenticated caller.
    Anyone,
    /// A signed-in user who was refused with this code.
    User(i64, &'static str),
    /// A trusted client or a partner.
    Party(&'a str),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    minute: i64,
    /// `None` for refusals that are counted together and for callers without a network.
    network: Option<Network>,
    event: &'static str,
    outcome: &'static str,
    actor: String,
}

#[derive(Debug, Clone)]
struct Count {
    times: i64,
    /// The part of `times` that the table has already.
    written: i64,
    last_at: Millis,
    client_name: Option<String>,
    /// The name in the sample; `Err` until the lookup of its user has ended.
    subject: Result<Option<String>, NotNamed>,
    request_id: String,
}

#[derive(Debug, Clone, Copy)]
struct NotNamed;

/// A sample that still needs its name.
#[derive(Debug)]
#[must_use]
pub struct Unnamed(Key);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Budget {
    Anyone,
    User(i64, &'static str),
    Party(String),
}

#[derive(Debug, Default)]
struct State {
    /// The current minute and the keys that are counted separately in it.
    minute: i64,
    keys: usize,
    counts: HashMap<Key, Count>,
    /// The start of the window of each budget and the rows in it.
    budgets: HashMap<Budget, (Millis, u32)>,
}

/// The refusals that this process counts.
#[derive(Debug)]
pub struct Refusals {
    state: Mutex<State>,
    /// The most keys that are counted separately in one minute.
    max_keys: usize,
}

impl Refusals {
    /// No refusals yet; at most `keys` keys are counted separately in a minute.
    #[must_use]
    pub fn new(max_keys: usize) -> Self {
        Self {
            state: Mutex::default(),
            max_keys,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a refusal. The first one of its key becomes the sample, and [`Refusals::name`] sets its name.
    pub fn count(&self, refused: &Refused<'_>) -> Option<Unnamed> {
        let mut state = self.state();
        let minute = refused.at.div_euclid(MINUTE_MS);
        if minute > state.minute {
            state.minute = minute;
            state.keys = 0;
        }
        let mut key = Key {
            minute,
            network: refused.source.map(Network::from),
            event: refused.event,
            outcome: refused.outcome,
            actor: refused.actor.map(audit::logged).unwrap_or_default(),
        };
        if let Some(count) = state.counts.get_mut(&key) {
            count.add(refused.at);
            return None;
        }
        // Unwritten counts of earlier minutes may at most double the number of keys.
        let is_full = state.counts.len() >= 2 * self.max_keys.max(1);
        if state.keys >= self.max_keys || is_full {
            key = Key {
                minute: if is_full { 0 } else { minute },
                network: None,
                event: OTHER,
                outcome: OTHER,
                actor: String::new(),
            };
        } else {
            state.keys += 1;
        }
        if let Some(count) = state.counts.get_mut(&key) {
            count.add(refused.at);
            return None;
        }
        let count = Count {
            times: 1,
            written: 0,
            last_at: refused.at,
            client_name: refused.client_name.map(|name| cut(name, MAX_TEXT_CHARS)),
            subject: Err(NotNamed),
            request_id: cut(refused.request_id, MAX_SAMPLE_CHARS),
        };
        state.counts.insert(key.clone(), count);
        Some(Unnamed(key))
    }

    /// Sets the name of a sample. For a known user it is the user name, so that an erasure finds it whatever address
    /// was typed; for an unknown one it is the beginning of the typed text.
    pub fn name(&self, sample: Unnamed, user_name: Option<&str>, typed: Option<&str>) {
        let typed = typed.map(|typed| {
            let short = visible(&canonical(&cut(typed, MAX_SAMPLE_CHARS)));
            cut(&short, MAX_SAMPLE_CHARS)
        });
        if let Some(count) = self.state().counts.get_mut(&sample.0) {
            count.subject = Ok(user_name.map(audit::logged).or(typed));
        }
    }

    /// Takes one row from the budget of this cause; `false` if the budget is used up.
    pub fn take_row(&self, cause: Cause<'_>, now: Millis) -> bool {
        self.row(cause, now, 1)
    }

    /// Whether the budget of this cause has a row left.
    #[must_use]
    pub fn has_row(&self, cause: Cause<'_>, now: Millis) -> bool {
        self.row(cause, now, 0)
    }

    fn row(&self, cause: Cause<'_>, now: Millis, taken: u32) -> bool {
        let (budget, most, window) = match cause {
            Cause::Anyone => (Budget::Anyone, ROWS_PER_MINUTE, MINUTE_MS),
            Cause::User(id, code) => (Budget::User(id, code), USER_ROWS_PER_HOUR, HOUR_MS),
            Cause::Party(name) => (Budget::Party(name.to_owned()), ROWS_PER_MINUTE, MINUTE_MS),
        };
        let mut state = self.state();
        let budgets = &mut state.budgets;
        if budgets.len() >= MAX_BUDGETS && !budgets.contains_key(&budget) {
            budgets.retain(|_, (since, _)| now - *since < HOUR_MS);
            if budgets.len() >= MAX_BUDGETS {
                return false;
            }
        }
        let (since, rows) = budgets.entry(budget).or_insert((now, 0));
        if now - *since >= window {
            (*since, *rows) = (now, 0);
        }
        let is_free = *rows < most;
        *rows += if is_free { taken } else { 0 };
        is_free
    }

    /// Writes the counts since the last call, in batches. Returns the number of written rows.
    ///
    /// # Errors
    /// Unwritten counts stay for the next call.
    pub fn write(&self, store: &super::Store, now: Millis) -> Result<usize> {
        let mut written = 0;
        loop {
            // Copy the counts inside the transaction. On SQLite an erasure then runs either before this transaction and
            // renames the sample in memory, or after this transaction and renames the row in the table.
            let rows = store.write(|c| {
                let rows = self.unwritten();
                for (key, count) in &rows {
                    put(c, key, count)?;
                }
                Ok::<_, StoreError>(rows)
            })?;
            self.keep_written(&rows, now.div_euclid(MINUTE_MS));
            written += rows.len();
            if rows.len() < ROWS_AT_A_TIME {
                return Ok(written);
            }
        }
    }

    fn unwritten(&self) -> Vec<(Key, Count)> {
        let state = self.state();
        let is_due = |c: &Count| c.times > c.written && c.subject.is_ok();
        let due = state.counts.iter().filter(|(_, count)| is_due(count));
        let mut due: Vec<_> = due.collect();
        // Write the oldest counts first, because `purge` deletes the rows with the lowest ids first.
        due.sort_by_key(|(key, _)| key.minute);
        due.into_iter()
            .take(ROWS_AT_A_TIME)
            .map(|(key, count)| (key.clone(), count.clone()))
            .collect()
    }

    fn keep_written(&self, rows: &[(Key, Count)], minute: i64) {
        let mut state = self.state();
        for (key, written) in rows {
            if let Some(count) = state.counts.get_mut(key) {
                count.written = written.times;
            }
        }
        state
            .counts
            .retain(|key, count| key.minute >= minute || count.times > count.written);
    }

    /// Replaces names in unwritten samples by a pseudonym.
    pub fn rename(&self, names: &[String], pseudonym: &str) {
        // Counts hold names as the audit log does.
        let names: Vec<String> = names.iter().map(|name| audit::logged(name)).collect();
        let mut state = self.state();
        let counts = std::mem::take(&mut state.counts);
        state.counts = counts
            .into_iter()
            .map(|(mut key, mut count)| {
                if names.contains(&key.actor) {
                    pseudonym.clone_into(&mut key.actor);
                }
                if let Ok(Some(name)) = &mut count.subject
                    && names.contains(name)
                {
                    pseudonym.clone_into(name);
                }
                (key, count)
            })
            .collect();
    }
}

/// The most rows that one transaction writes.
const ROWS_AT_A_TIME: usize = 200;

impl Count {
    fn add(&mut self, at: Millis) {
        self.times += 1;
        self.last_at = self.last_at.max(at);
    }
}

fn put(c: &mut AnyConnection, key: &Key, count: &Count) -> Result<()> {
    let network = match (key.network, key.event) {
        (Some(network), _) => network.to_string(),
        (None, OTHER) => OTHER.to_owned(),
        (None, _) => String::new(),
    };
    let row = refusals::table
        .filter(refusals::minute.eq(key.minute))
        .filter(refusals::network.eq(&network))
        .filter(refusals::event.eq(key.event))
        .filter(refusals::outcome.eq(key.outcome))
        .filter(refusals::actor.eq(&key.actor));
    let changed = diesel::update(row)
        .set((
            refusals::times.eq(refusals::times + (count.times - count.written)),
            refusals::last_at.eq(count.last_at),
        ))
        .execute(c)?;
    if changed > 0 {
        return Ok(());
    }
    diesel::insert_into(refusals::table)
        .values((
            refusals::minute.eq(key.minute),
            refusals::network.eq(&network),
            refusals::event.eq(key.event),
            refusals::outcome.eq(key.outcome),
            refusals::actor.eq(&key.actor),
            refusals::times.eq(count.times - count.written),
            refusals::last_at.eq(count.last_at),
            refusals::client_name.eq(&count.client_name),
            refusals::subject.eq(count.subject.as_ref().ok().and_then(Option::as_ref)),
            refusals::request_id.eq(&count.request_id),
        ))
        .run(c)
}

/// Does the work of writing a row of the audit log and deletes the row at once, so that refusals about unknown users
/// cost the same time as refusals about known ones.
pub fn dummy_insert(c: &mut AnyConnection, entry: &audit::Entry) -> Result<()> {
    let id: i64 = diesel::insert_into(refusals::table)
        .values((
            // A minute in which nothing is counted.
            refusals::minute.eq(-1),
            refusals::network.eq(""),
            refusals::event.eq(&entry.event),
            refusals::outcome.eq(&entry.request_id),
            refusals::actor.eq(""),
            refusals::times.eq(0),
            refusals::last_at.eq(entry.at),
            refusals::client_name.eq(&entry.client_name),
            refusals::subject.eq(entry.subject.as_deref().map(audit::logged)),
            refusals::request_id.eq(&entry.request_id),
        ))
        .returning(refusals::id)
        .get_result(c)?;
    diesel::delete(refusals::table.filter(refusals::id.eq(id))).run(c)
}

/// Deletes at most `limit` rows: rows from before `before`, and the oldest rows if the table has more than `max_rows`.
/// Returns the number of deleted rows.
pub fn purge(c: &mut AnyConnection, before: Millis, max_rows: i64, limit: i64) -> Result<usize> {
    let last: Option<i64> = refusals::table
        .select(diesel::dsl::max(refusals::id))
        .get_result(c)?;
    // Ids are consecutive, so the difference of two ids replaces a count.
    let too_many = refusals::id.le(last.unwrap_or(0) - max_rows);
    let old = refusals::minute.lt(before.div_euclid(MINUTE_MS));
    let ids: Vec<i64> = refusals::table
        .filter(too_many.or(old))
        .order(refusals::id)
        .limit(limit)
        .select(refusals::id)
        .load(c)?;
    Ok(diesel::delete(refusals::table.filter(refusals::id.eq_any(ids))).execute(c)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(at: Millis, source: &str) -> Refused<'static> {
        Refused {
            at,
            source: Some(source.parse().unwrap()),
            event: "authn_login",
            outcome: "BAD_CREDENTIALS",
            client_name: None,
            actor: None,
            request_id: "1",
        }
    }

    fn count(refusals: &Refusals, refused: &Refused<'_>) {
        if let Some(sample) = refusals.count(refused) {
            refusals.name(sample, None, Some("a"));
        }
    }

    #[test]
    fn counts_keys_beyond_the_limit_together() {
        let refusals = Refusals::new(3);
        for n in 0..100 {
            count(&refusals, &refused(60_000, &format!("192.0.2.{n}")));
        }
        let rows = refusals.unwritten();
        assert_eq!(rows.len(), 4);
        let other = rows.iter().find(|(key, _)| key.event == OTHER).unwrap();
        assert_eq!((other.0.minute, other.1.times), (1, 97));
    }

    #[test]
    fn holds_a_bounded_number_of_counts_that_cannot_be_written() {
        let refusals = Refusals::new(10);
        for minute in 0..1_000 {
            for n in 0..20 {
                count(
                    &refusals,
                    &refused(minute * 60_000, &format!("192.0.2.{n}")),
                );
            }
        }
        let rows = refusals.unwritten();
        assert!(rows.len() <= 2 * 10 + 1, "{}", rows.len());
        assert_eq!(rows.iter().map(|(_, c)| c.times).sum::<i64>(), 20_000);
    }

    #[test]
    fn counts_again_after_a_write_and_drops_past_minutes() {
        let refusals = Refusals::new(10);
        count(&refusals, &refused(60_000, "192.0.2.1"));
        let rows = refusals.unwritten();
        count(&refusals, &refused(60_001, "192.0.2.1"));
        refusals.keep_written(&rows, 1);
        let rows = refusals.unwritten();
        assert_eq!((rows[0].1.times, rows[0].1.written), (2, 1));
        refusals.keep_written(&rows, 2);
        assert!(refusals.unwritten().is_empty());
        assert!(refusals.state().counts.is_empty());
    }

    #[test]
    fn gives_each_cause_its_rows_in_each_window() {
        let refusals = Refusals::new(10);
        let rows = |cause, now| (0..100).filter(|_| refusals.take_row(cause, now)).count();
        assert_eq!(rows(Cause::User(1, "A"), 0), 5);
        assert_eq!(rows(Cause::User(1, "B"), 0), 5);
        assert_eq!(rows(Cause::User(1, "A"), HOUR_MS - 1), 0);
        assert_eq!(rows(Cause::User(1, "A"), HOUR_MS), 5);
        assert_eq!(rows(Cause::Anyone, 0), 60);
        assert!(!refusals.has_row(Cause::Anyone, MINUTE_MS - 1));
        assert!(refusals.has_row(Cause::Anyone, MINUTE_MS));
        assert_eq!(rows(Cause::Party("Portal"), 0), 60);
        let users = (0..2 * MAX_BUDGETS as i64).map(|id| Cause::User(id, "A"));
        let heard = users.filter(|cause| refusals.take_row(*cause, 0)).count();
        assert!(heard <= MAX_BUDGETS, "{heard}");
    }
}
