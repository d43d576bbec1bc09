//! The outbox: mails and callbacks to deliver. A row is written in the transaction of its cause.

use diesel::dsl::{count_star, exists, min};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::connection::{columns, on_backend};
use super::tables::outbox;
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;
use crate::domain::outbox::{OutboxKind, OutboxState};

/// A row that is due.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub struct Due {
    pub id: i64,
    /// The recipient of a mail.
    pub user_id: Option<i64>,
    /// Sealed; see `secrets::sealing`.
    pub payload: Option<Vec<u8>>,
    pub attempts: i32,
    pub created_at: Millis,
}

/// A row with its sealed payload and the user or service that it is sealed for.
#[derive(Debug, Clone, Queryable)]
pub struct SealedRow {
    pub id: i64,
    pub user_id: Option<i64>,
    pub service_id: Option<i64>,
    pub payload: Vec<u8>,
}

/// A row for `outbox list` and the tests.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub struct Row {
    pub id: i64,
    #[diesel(deserialize_as = String)]
    pub kind: OutboxKind,
    #[diesel(deserialize_as = String)]
    pub state: OutboxState,
    pub service_id: Option<i64>,
    pub attempts: i32,
    pub due_at: Millis,
    pub last_error: Option<String>,
    pub created_at: Millis,
    pub delivered_at: Option<Millis>,
    pub claimed_until: Millis,
}

/// The next callbacks of one service, in order.
#[derive(Debug, Clone)]
pub struct CallbackBatch {
    pub service_id: i64,
    pub rows: Vec<Due>,
}

/// Queues a sealed mail.
pub fn enqueue_mail(
    conn: &mut AnyConnection,
    user_id: i64,
    sealed: &[u8],
    now: Millis,
) -> Result<()> {
    enqueue(conn, Some(user_id), None, sealed, now)?;
    drop_oldest_mails(conn, user_id)
}

/// The most rows of mails to one user, delivered or not. Only the newest mail with a token is of use.
const MOST_MAILS_OF_USER: i64 = 100;

fn drop_oldest_mails(conn: &mut AnyConnection, user_id: i64) -> Result<()> {
    let newest: Option<i64> = outbox::table
        .filter(outbox::user_id.eq(user_id))
        .order(outbox::id.desc())
        .offset(MOST_MAILS_OF_USER)
        .limit(1)
        .select(outbox::id)
        .fetch_optional(conn)?;
    if let Some(newest) = newest {
        let oldest = outbox::table
            .filter(outbox::user_id.eq(user_id))
            .filter(outbox::id.le(newest));
        diesel::delete(oldest).execute(conn)?;
    }
    Ok(())
}

/// Queues a callback. The sealed payload is the id, at the service, of the user that has left.
pub fn enqueue_callback(
    conn: &mut AnyConnection,
    service_id: i64,
    sealed: &[u8],
    now: Millis,
) -> Result<()> {
    enqueue(conn, None, Some(service_id), sealed, now)?;
    Ok(())
}

fn enqueue(
    conn: &mut AnyConnection,
    user_id: Option<i64>,
    service_id: Option<i64>,
    sealed: &[u8],
    now: Millis,
) -> Result<i64> {
    let kind = match service_id {
        Some(_) => OutboxKind::Callback,
        None => OutboxKind::Mail,
    };
    Ok(diesel::insert_into(outbox::table)
        .values((
            outbox::kind.eq(kind.as_str()),
            outbox::user_id.eq(user_id),
            outbox::service_id.eq(service_id),
            outbox::state.eq(OutboxState::Pending.as_str()),
            outbox::payload.eq(Some(sealed)),
            outbox::attempts.eq(0),
            outbox::due_at.eq(now),
            outbox::created_at.eq(now),
        ))
        .returning(outbox::id)
        .get_result(conn)?)
}

/// Does the work of [`enqueue_mail`] and deletes the row at once, so that unknown accounts cost the same time.
pub fn dummy_insert(conn: &mut AnyConnection, sealed: &[u8], now: Millis) -> Result<()> {
    let id = enqueue(conn, None, None, sealed, now)?;
    drop_oldest_mails(conn, 0)?;
    diesel::delete(outbox::table.find(id)).run(conn)
}

/// All kinds. The index by state begins with the kind, so that a query without it would scan the table.
fn every_kind() -> impl Iterator<Item = &'static str> {
    OutboxKind::ALL.iter().map(|kind| kind.as_str())
}

/// Deletes at most `limit` rows that were delivered before `delivered_before`, or became dead letters before
/// `dead_before`. Returns the number of deleted rows.
pub fn forget(
    conn: &mut AnyConnection,
    delivered_before: Millis,
    dead_before: Millis,
    limit: i64,
) -> Result<usize> {
    let is_over = |state: OutboxState, before: Millis| {
        outbox::state
            .eq(state.as_str())
            .and(outbox::due_at.le(before))
    };
    let (delivered, dead) = (
        is_over(OutboxState::Delivered, delivered_before),
        is_over(OutboxState::Dead, dead_before),
    );
    let ids: Vec<i64> = outbox::table
        .filter(outbox::kind.eq_any(every_kind()))
        .filter(delivered.or(dead))
        .select(outbox::id)
        .limit(limit)
        .load(conn)?;
    Ok(diesel::delete(outbox::table.filter(outbox::id.eq_any(ids))).execute(conn)?)
}

/// Deletes the rows that entered this final state before `before`. Returns the number of deleted rows.
pub fn purge(conn: &mut AnyConnection, state: OutboxState, before: Millis) -> Result<usize> {
    let rows = outbox::table
        .filter(outbox::kind.eq_any(every_kind()))
        .filter(outbox::state.eq(state.as_str()))
        .filter(outbox::state.ne(OutboxState::Pending.as_str()))
        .filter(outbox::due_at.le(before));
    Ok(diesel::delete(rows).execute(conn)?)
}

/// The oldest pending callback of each service. The query takes one index step for each service, whatever the number of
/// rows. The conditions are literals, because only literals use the partial indexes.
const HEADS: &str = "WITH RECURSIVE waiting(service_id) AS (\
     SELECT min(service_id) FROM outbox WHERE kind = 'callback' AND state = 'pending' \
     UNION ALL \
     SELECT (SELECT min(n.service_id) FROM outbox n \
         WHERE n.kind = 'callback' AND n.state = 'pending' AND n.service_id > w.service_id) \
     FROM waiting w WHERE w.service_id IS NOT NULL) \
     SELECT o.id, o.service_id FROM waiting w JOIN outbox o ON o.id = (SELECT min(h.id) FROM outbox h \
         WHERE h.kind = 'callback' AND h.state = 'pending' AND h.service_id = w.service_id) \
     WHERE o.state = 'pending' AND o.due_at <= $1 AND o.claimed_until <= $1 \
     ORDER BY o.due_at, o.id LIMIT 1";

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    service_id: i64,
}

/// Whether a callback is due.
pub fn has_callbacks(conn: &mut AnyConnection, now: Millis) -> Result<bool> {
    let head: Option<Head> = on_backend!(conn, c => diesel::sql_query(HEADS)
        .bind::<BigInt, _>(now)
        .get_result(c))
    .optional()?;
    Ok(head.is_some())
}

/// Claims the oldest callbacks of one service whose first callback is due and unclaimed. Until the first callback is
/// delivered or given up, no node gets later callbacks of the service.
pub fn claim_callbacks(
    conn: &mut AnyConnection,
    now: Millis,
    until: Millis,
    limit: i64,
) -> Result<Option<CallbackBatch>> {
    let head: Option<Head> = match conn {
        AnyConnection::Sqlite(c) => diesel::sql_query(HEADS)
            .bind::<BigInt, _>(now)
            .get_result(c),
        AnyConnection::Postgres(c) => {
            diesel::sql_query(format!("{HEADS} FOR UPDATE OF o SKIP LOCKED"))
                .bind::<BigInt, _>(now)
                .get_result(c)
        }
    }
    .optional()?;
    let Some(head) = head else {
        return Ok(None);
    };
    let rows: Vec<Due> = outbox::table
        .filter(outbox::kind.eq(OutboxKind::Callback.as_str()))
        .filter(outbox::state.eq(OutboxState::Pending.as_str()))
        .filter(outbox::service_id.eq(head.service_id))
        .filter(outbox::id.ge(head.id))
        .order(outbox::id)
        .limit(limit)
        .select(columns::<Due>())
        .load(conn)?;
    claim(conn, &rows, until)?;
    Ok(Some(CallbackBatch {
        service_id: head.service_id,
        rows,
    }))
}

/// Whether an unclaimed mail is due.
pub fn has_mails(conn: &mut AnyConnection, now: Millis) -> Result<bool> {
    let query = outbox::table
        .filter(outbox::kind.eq(OutboxKind::Mail.as_str()))
        .filter(outbox::state.eq(OutboxState::Pending.as_str()))
        .filter(outbox::due_at.le(now))
        .filter(outbox::claimed_until.le(now));
    Ok(diesel::select(exists(query)).get_result(conn)?)
}

/// Claims the oldest due mails that no node has claimed.
pub fn claim_mails(
    conn: &mut AnyConnection,
    now: Millis,
    until: Millis,
    limit: i64,
) -> Result<Vec<Due>> {
    let query = outbox::table
        .filter(outbox::kind.eq(OutboxKind::Mail.as_str()))
        .filter(outbox::state.eq(OutboxState::Pending.as_str()))
        .filter(outbox::due_at.le(now))
        .filter(outbox::claimed_until.le(now))
        .order((outbox::due_at, outbox::id))
        .limit(limit)
        .select(columns::<Due>());
    let rows = match conn {
        AnyConnection::Sqlite(c) => query.load(c),
        AnyConnection::Postgres(c) => query.for_update().skip_locked().load(c),
    }?;
    claim(conn, &rows, until)?;
    Ok(rows)
}

fn claim(conn: &mut AnyConnection, rows: &[Due], until: Millis) -> Result<()> {
    let ids: Vec<i64> = rows.iter().map(|r| r.id).collect();
    diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
        .set(outbox::claimed_until.eq(until))
        .run(conn)
}

/// Releases claimed rows without an attempt.
pub fn release(conn: &mut AnyConnection, ids: &[i64]) -> Result<()> {
    diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
        .set(outbox::claimed_until.eq(0))
        .run(conn)
}

/// Releases every claim. Call this only at the start of a gateway that has no other nodes.
pub fn release_all(conn: &mut AnyConnection) -> Result<()> {
    diesel::update(outbox::table.filter(outbox::claimed_until.gt(0)))
        .set(outbox::claimed_until.eq(0))
        .run(conn)
}

/// Marks rows as delivered and erases their payloads.
pub fn mark_delivered(conn: &mut AnyConnection, ids: &[i64], now: Millis) -> Result<()> {
    let rows = outbox::table
        .filter(outbox::id.eq_any(ids))
        .filter(outbox::state.eq(OutboxState::Pending.as_str()));
    diesel::update(rows)
        .set((
            outbox::state.eq(OutboxState::Delivered.as_str()),
            outbox::payload.eq(None::<Vec<u8>>),
            outbox::delivered_at.eq(Some(now)),
            outbox::due_at.eq(now),
            outbox::claimed_until.eq(0),
            outbox::last_error.eq(None::<String>),
        ))
        .run(conn)
}

/// Schedules the next attempt of a row; `None` makes it a dead letter.
pub fn reschedule(
    conn: &mut AnyConnection,
    row: &Due,
    due_at: Option<Millis>,
    error: &str,
    now: Millis,
) -> Result<()> {
    let state = match due_at {
        Some(_) => OutboxState::Pending,
        None => OutboxState::Dead,
    };
    // The filter by state keeps a row that another node has delivered in the meantime.
    let rows = outbox::table
        .find(row.id)
        .filter(outbox::state.eq(OutboxState::Pending.as_str()));
    diesel::update(rows)
        .set((
            outbox::state.eq(state.as_str()),
            outbox::attempts.eq(row.attempts + 1),
            outbox::due_at.eq(due_at.unwrap_or(now)),
            outbox::claimed_until.eq(0),
            outbox::last_error.eq(Some(error)),
        ))
        .run(conn)
}

/// The rows to send again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryTarget {
    /// Every dead letter.
    Dead,
    /// This row, unless it is delivered.
    One(i64),
}

/// Makes rows due now with a new age, so that a dead letter gets all its attempts again. Returns the number of rows.
pub fn retry(conn: &mut AnyConnection, target: &RetryTarget, now: Millis) -> Result<usize> {
    let mut ids = outbox::table
        .filter(outbox::state.ne(OutboxState::Delivered.as_str()))
        .select(outbox::id)
        .into_boxed();
    ids = match target {
        RetryTarget::Dead => ids.filter(outbox::state.eq(OutboxState::Dead.as_str())),
        RetryTarget::One(id) => ids.filter(outbox::id.eq(*id)),
    };
    let ids: Vec<i64> = ids.load(conn)?;
    Ok(diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
        .set((
            outbox::state.eq(OutboxState::Pending.as_str()),
            outbox::attempts.eq(0),
            outbox::due_at.eq(now),
            outbox::created_at.eq(now),
        ))
        .execute(conn)?)
}

/// Every row with a sealed payload, the oldest first.
pub fn sealed(conn: &mut AnyConnection) -> Result<Vec<SealedRow>> {
    Ok(outbox::table
        .filter(outbox::payload.is_not_null())
        .order(outbox::id)
        .select((
            outbox::id,
            outbox::user_id,
            outbox::service_id,
            outbox::payload.assume_not_null(),
        ))
        .load(conn)?)
}

/// Replaces the sealed payload of a row.
pub fn set_payload(conn: &mut AnyConnection, id: i64, sealed: &[u8]) -> Result<()> {
    diesel::update(outbox::table.find(id))
        .set(outbox::payload.eq(sealed))
        .run(conn)
}

/// The undelivered rows of one kind in one state.
#[derive(Debug, Clone, Queryable)]
pub struct Undelivered {
    #[diesel(deserialize_as = String)]
    pub kind: OutboxKind,
    #[diesel(deserialize_as = String)]
    pub state: OutboxState,
    pub rows: i64,
    /// The time at which the oldest of these rows was queued.
    pub oldest_at: Millis,
}

/// The undelivered rows by kind and state.
pub fn undelivered(conn: &mut AnyConnection) -> Result<Vec<Undelivered>> {
    let undelivered = [OutboxState::Pending, OutboxState::Dead].map(OutboxState::as_str);
    Ok(outbox::table
        .filter(outbox::state.eq_any(undelivered))
        .group_by((outbox::kind, outbox::state))
        .order((outbox::kind, outbox::state))
        .select((
            outbox::kind,
            outbox::state,
            count_star(),
            min(outbox::created_at).assume_not_null(),
        ))
        .load(conn)?)
}

/// The newest rows first, in this state or in any.
pub fn list(conn: &mut AnyConnection, state: Option<OutboxState>, limit: i64) -> Result<Vec<Row>> {
    let mut query = outbox::table
        .order(outbox::id.desc())
        .limit(limit)
        .select(columns::<Row>())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(outbox::state.eq(state.as_str()));
    }
    Ok(query.load(conn)?)
}

/// One row.
pub fn one(conn: &mut AnyConnection, id: i64) -> Result<Option<Row>> {
    outbox::table
        .find(id)
        .select(columns::<Row>())
        .fetch_optional(conn)
}
