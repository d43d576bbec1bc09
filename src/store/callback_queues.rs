//! The callbacks of each service: which node makes them, and whether they wait because the service does not answer.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer};

use super::connection::on_backend;
use super::tables::callback_queues;
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;

/// A queue that a node has claimed.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Claimed {
    #[diesel(sql_type = BigInt)]
    pub service_id: i64,
    /// The number of turns in a row in which the service did not answer.
    #[diesel(sql_type = Integer)]
    pub failures: i32,
}

/// The condition of the partial indexes of callbacks, which a database uses only for literals.
pub(super) fn pending_callback() -> SqlLiteral<Bool> {
    sql("outbox.kind = 'callback' AND outbox.state = 'pending'")
}

/// The unclaimed queue with a due callback whose last turn is the longest ago. The query takes one index step for each
/// service, whatever the number of rows. The conditions are literals, because only literals use the partial indexes.
const NEXT: &str = "SELECT q.service_id, q.failures FROM callback_queues q \
     WHERE q.claimed_until <= $1 AND q.paused_until <= $1 AND EXISTS (SELECT 1 FROM outbox o \
         WHERE o.kind = 'callback' AND o.state = 'pending' AND o.service_id = q.service_id AND o.due_at <= $1) \
     ORDER BY q.last_turn, q.service_id LIMIT 1";

/// Adds the queue of a service, if it does not exist.
pub(super) fn add(conn: &mut AnyConnection, service_id: i64) -> Result<()> {
    diesel::insert_into(callback_queues::table)
        .values(callback_queues::service_id.eq(service_id))
        .on_conflict_do_nothing()
        .run_on_backend(conn)
}

/// Whether a callback is due.
pub fn has_due(conn: &mut AnyConnection, now: Millis) -> Result<bool> {
    let next: Option<Claimed> = on_backend!(conn, c => diesel::sql_query(NEXT)
        .bind::<BigInt, _>(now)
        .get_result(c))
    .optional()?;
    Ok(next.is_some())
}

/// Claims the queue of a service with a due callback until `until`. Meanwhile no other thread or node makes callbacks
/// of the service.
pub fn claim(conn: &mut AnyConnection, now: Millis, until: Millis) -> Result<Option<Claimed>> {
    let next: Option<Claimed> = match conn {
        AnyConnection::Sqlite(c) => diesel::sql_query(NEXT).bind::<BigInt, _>(now).get_result(c),
        AnyConnection::Postgres(c) => {
            diesel::sql_query(format!("{NEXT} FOR UPDATE OF q SKIP LOCKED"))
                .bind::<BigInt, _>(now)
                .get_result(c)
        }
    }
    .optional()?;
    if let Some(claimed) = next {
        diesel::update(callback_queues::table.find(claimed.service_id))
            .set(callback_queues::claimed_until.eq(until))
            .run(conn)?;
    }
    Ok(next)
}

/// The state of a queue after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterTurn {
    /// The service answered.
    Answered,
    /// The turn ended before the service answered or failed.
    Unchanged,
    /// The service did not answer.
    Paused {
        /// The time until which its callbacks wait.
        until: Millis,
        /// The number of turns in a row without an answer.
        failures: i32,
    },
}

/// Releases a queue after a turn.
pub fn end_turn(
    conn: &mut AnyConnection,
    service_id: i64,
    after: AfterTurn,
    now: Millis,
) -> Result<()> {
    let queue = callback_queues::table.find(service_id);
    let released = (
        callback_queues::claimed_until.eq(0),
        callback_queues::last_turn.eq(now),
    );
    match after {
        AfterTurn::Unchanged => diesel::update(queue).set(released).run(conn),
        AfterTurn::Answered => diesel::update(queue)
            .set((
                released,
                callback_queues::failures.eq(0),
                callback_queues::paused_until.eq(0),
            ))
            .run(conn),
        AfterTurn::Paused { until, failures } => diesel::update(queue)
            .set((
                released,
                callback_queues::failures.eq(failures),
                callback_queues::paused_until.eq(until),
            ))
            .run(conn),
    }
}

/// Ends the pause of a service.
pub(super) fn resume(conn: &mut AnyConnection, service_id: i64) -> Result<()> {
    add(conn, service_id)?;
    diesel::update(callback_queues::table.find(service_id))
        .set((
            callback_queues::failures.eq(0),
            callback_queues::paused_until.eq(0),
        ))
        .run(conn)
}

/// Releases every claim. Call this only at the start of a gateway that has no other nodes.
pub(super) fn release_all(conn: &mut AnyConnection) -> Result<()> {
    diesel::update(callback_queues::table)
        .set(callback_queues::claimed_until.eq(0))
        .run(conn)
}

const FORGET: &str = "DELETE FROM callback_queues \
     WHERE service_id NOT IN (SELECT id FROM services) AND NOT EXISTS (SELECT 1 FROM outbox o \
         WHERE o.kind = 'callback' AND o.state = 'pending' AND o.service_id = callback_queues.service_id)";

/// Deletes the queues of removed services that have no pending callback. Returns their number.
pub fn forget(conn: &mut AnyConnection) -> Result<usize> {
    Ok(on_backend!(conn, c => diesel::sql_query(FORGET).execute(c))?)
}
