//! Counters of failed attempts. Their subjects are keyed hashes, so that the table contains no names.

use diesel::dsl::max;
use diesel::prelude::*;

use super::connection::on_backend;
use super::tables::attempts;
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;
use crate::domain::throttle::{AttemptCounter, Limit};

/// The time from which all of these subjects allow the next attempt; `None` if no subject has a counter.
pub fn open_at(conn: &mut AnyConnection, subjects: &[String]) -> Result<Option<Millis>> {
    Ok(attempts::table
        .filter(attempts::subject.eq_any(subjects))
        .select(max(attempts::open_at))
        .get_result(conn)?)
}

/// Whether this subject has a counter that has not drained.
pub fn has(conn: &mut AnyConnection, subject: &str, now: Millis) -> Result<bool> {
    attempts::table
        .find(subject)
        .filter(attempts::forget_at.gt(now))
        .has_rows(conn)
}

/// Counts one attempt. Concurrent attempts, on other nodes too, wait for each other.
pub fn count(
    conn: &mut AnyConnection,
    subject: &str,
    limit: Limit,
    now: Millis,
) -> Result<AttemptCounter> {
    let none = (
        attempts::subject.eq(subject),
        attempts::failures.eq(0),
        attempts::open_at.eq(0),
        attempts::forget_at.eq(0),
    );
    // On a conflict, the statement changes nothing but locks the row.
    let forget_at: Millis = on_backend!(conn, c => diesel::insert_into(attempts::table)
        .values(none)
        .on_conflict(attempts::subject)
        .do_update()
        .set(attempts::failures.eq(attempts::failures))
        .returning(attempts::forget_at)
        .get_result(c))?;
    let tally = limit.with_one_more(forget_at, now);
    diesel::update(attempts::table.find(subject))
        .set((
            attempts::failures.eq(tally.attempts),
            attempts::open_at.eq(tally.open_at),
            attempts::forget_at.eq(tally.forget_at),
        ))
        .execute(conn)?;
    Ok(tally)
}

/// Deletes the counters of these subjects.
pub fn forget(conn: &mut AnyConnection, subjects: &[String]) -> Result<()> {
    diesel::delete(attempts::table.filter(attempts::subject.eq_any(subjects))).run(conn)
}

/// Deletes drained counters. If the table has more than `max` counters, also deletes those that drain first. Deletes at
/// most `limit` rows, and returns their number.
///
/// To get a counter deleted early and make one more guess, an attacker has to create `max` counters that drain later.
pub fn purge_expired(conn: &mut AnyConnection, now: Millis, max: i64, limit: i64) -> Result<usize> {
    let last_kept: Option<Millis> = attempts::table
        .order(attempts::forget_at.desc())
        .offset(max)
        .limit(1)
        .select(attempts::forget_at)
        .fetch_optional(conn)?;
    let by = last_kept.map_or(now, |at| at.max(now));
    let subjects: Vec<String> = attempts::table
        .filter(attempts::forget_at.le(by))
        .order(attempts::forget_at)
        .select(attempts::subject)
        .limit(limit)
        .load(conn)?;
    let gone = attempts::table.filter(attempts::subject.eq_any(subjects));
    Ok(diesel::delete(gone).execute(conn)?)
}
