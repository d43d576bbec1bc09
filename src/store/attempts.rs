//! Attempts that are counted, by the keyed hash of what they are counted for.

use diesel::dsl::max;
use diesel::prelude::*;

use super::connection::on_backend;
use super::tables::attempts;
use super::{AnyConnection, StoreError};
use crate::domain::Millis;
use crate::domain::throttle::{Limit, Tally};

/// When the next attempt is heard that counts for all of these; none where nothing is counted for any.
pub fn open_at(
    connection: &mut AnyConnection,
    subjects: &[String],
) -> Result<Option<Millis>, StoreError> {
    Ok(attempts::table
        .filter(attempts::subject.eq_any(subjects))
        .select(max(attempts::open_at))
        .get_result(connection)?)
}

/// Whether attempts of this subject are counted that are not forgiven.
pub fn has(connection: &mut AnyConnection, subject: &str, now: Millis) -> Result<bool, StoreError> {
    let counted: i64 = attempts::table
        .filter(attempts::subject.eq(subject))
        .filter(attempts::forget_at.gt(now))
        .count()
        .get_result(connection)?;
    Ok(counted > 0)
}

/// Counts one more; those that are counted at the same time, by other nodes too, wait for each other.
pub fn count(
    connection: &mut AnyConnection,
    subject: &str,
    limit: Limit,
    now: Millis,
) -> Result<Tally, StoreError> {
    let none = (
        attempts::subject.eq(subject),
        attempts::failures.eq(0),
        attempts::open_at.eq(0),
        attempts::forget_at.eq(0),
    );
    // Changes nothing of what is there, but holds it.
    let forget_at: Millis = on_backend!(connection, c => diesel::insert_into(attempts::table)
        .values(none)
        .on_conflict(attempts::subject)
        .do_update()
        .set(attempts::failures.eq(attempts::failures))
        .returning(attempts::forget_at)
        .get_result(c))?;
    let tally = limit.with_one_more(forget_at, now);
    diesel::update(attempts::table.filter(attempts::subject.eq(subject)))
        .set((
            attempts::failures.eq(tally.attempts),
            attempts::open_at.eq(tally.open_at),
            attempts::forget_at.eq(tally.forget_at),
        ))
        .execute(connection)?;
    Ok(tally)
}

/// Forgets what was counted for these.
pub fn forget(connection: &mut AnyConnection, subjects: &[String]) -> Result<(), StoreError> {
    diesel::delete(attempts::table.filter(attempts::subject.eq_any(subjects)))
        .execute(connection)?;
    Ok(())
}

/// Forgets what is forgiven by now, and the subjects beyond so many that are forgiven soonest; some at a time. Returns how
/// many went.
///
/// Whoever wants to be forgiven before the time has to bring so many subjects into the table that are forgiven later:
/// for one more guess at an account, as many requests as there are rows.
pub fn purge_expired(
    connection: &mut AnyConnection,
    now: Millis,
    most_rows: i64,
    limit: i64,
) -> Result<usize, StoreError> {
    let last_kept: Option<Millis> = attempts::table
        .order(attempts::forget_at.desc())
        .offset(most_rows)
        .limit(1)
        .select(attempts::forget_at)
        .load(connection)?
        .pop();
    let by = last_kept.map_or(now, |at| at.max(now));
    let subjects: Vec<String> = attempts::table
        .filter(attempts::forget_at.le(by))
        .order(attempts::forget_at)
        .select(attempts::subject)
        .limit(limit)
        .load(connection)?;
    let gone = attempts::table.filter(attempts::subject.eq_any(subjects));
    Ok(diesel::delete(gone).execute(connection)?)
}

/// How many subjects there are, and attempts in all.
pub fn total(connection: &mut AnyConnection) -> Result<(i64, i64), StoreError> {
    let counted: Vec<i64> = attempts::table
        .select(attempts::failures)
        .load(connection)?;
    Ok((counted.len() as i64, counted.iter().sum()))
}
