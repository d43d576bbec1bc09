//! Runs a business step in one transaction, and repeats a step that collided with another transaction.

use diesel::connection::SimpleConnection as _;

use super::{AnyConnection, Result, StepError, StoreError};

/// The maximum number of runs of a step.
const MAX_RUNS: u32 = 5;

/// Runs the step in a transaction until it does not collide, at most [`MAX_RUNS`] times.
pub(super) fn retry<T, E: StepError>(
    conn: &mut AnyConnection,
    mut step: impl FnMut(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    let mut runs = 0;
    loop {
        runs += 1;
        let result = once(conn, &mut step);
        let error = result.as_ref().err().and_then(StepError::store_error);
        if runs >= MAX_RUNS || !matches!(error, Some(StoreError::Collided(_))) {
            return result;
        }
    }
}

fn once<T, E: StepError>(
    conn: &mut AnyConnection,
    step: &mut impl FnMut(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    // Always use IMMEDIATE on SQLite: a transaction that reads first and writes later fails at once, whatever the
    // timeout, if another transaction wrote in between.
    let begin = match conn {
        AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE",
        AnyConnection::Postgres(_) => "BEGIN",
    };
    let control = |conn: &mut AnyConnection, sql| {
        conn.batch_execute(sql)
            .map_err(|e| E::from(StoreError::from(e)))
    };
    control(conn, begin)?;
    let result = step(conn).and_then(|value| {
        control(conn, "COMMIT")?;
        Ok(value)
    });
    if result.is_err() {
        // A failed COMMIT, too, leaves SQLite inside the transaction.
        let _ = conn.batch_execute("ROLLBACK");
    }
    result
}
