//! The outbox: mails and callbacks to deliver. A row is written in the transaction of its cause.

use diesel::dsl::{count_star, exists, max, min};
use diesel::prelude::*;

use super::callback_queues::{self, pending_callback};
use super::connection::columns;
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
    /// The service of a callback.
    pub service_id: Option<i64>,
    /// Sealed; see `secrets::sealing`.
    pub payload: Option<Vec<u8>>,
    pub attempts: i32,
    pub created_at: Millis,
    /// The order of the callbacks of a service: callbacks with the same key are made one after another.
    pub order_key: Option<String>,
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

/// Queues a sealed mail.
pub fn enqueue_mail(
    conn: &mut AnyConnection,
    user_id: i64,
    sealed: &[u8],
    now: Millis,
) -> Result<()> {
    enqueue(conn, Recipient::User(user_id), sealed, now, now)?;
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

/// The recipient of a row.
enum Recipient<'a> {
    User(i64),
    /// An unknown account, for dummy work.
    Nobody,
    Service(i64, &'a str),
}

/// Queues a callback. The sealed payload is the id, at the service, of the user that has left; `order_key` is the same
/// for all callbacks about this id. A callback is due no earlier than an earlier one with the same key.
pub fn enqueue_callback(
    conn: &mut AnyConnection,
    service_id: i64,
    order_key: &str,
    sealed: &[u8],
    now: Millis,
) -> Result<()> {
    callback_queues::add(conn, service_id)?;
    let earlier: Option<Millis> = outbox::table
        .filter(pending_callback())
        .filter(outbox::service_id.eq(service_id))
        .filter(outbox::order_key.eq(order_key))
        .select(max(outbox::due_at))
        .get_result(conn)?;
    let due_at = earlier.unwrap_or(now).max(now);
    let recipient = Recipient::Service(service_id, order_key);
    enqueue(conn, recipient, sealed, due_at, now)?;
    Ok(())
}

fn enqueue(
    conn: &mut AnyConnection,
    recipient: Recipient<'_>,
    sealed: &[u8],
    due_at: Millis,
    now: Millis,
) -> Result<i64> {
    let (kind, user_id, service_id, order_key) = match recipient {
        Recipient::User(id) => (OutboxKind::Mail, Some(id), None, None),
        Recipient::Nobody => (OutboxKind::Mail, None, None, None),
        Recipient::Service(id, key) => (OutboxKind::Callback, None, Some(id), Some(key)),
    };
    Ok(diesel::insert_into(outbox::table)
        .values((
            outbox::kind.eq(kind.as_str()),
            outbox::user_id.eq(user_id),
            outbox::service_id.eq(service_id),
            outbox::state.eq(OutboxState::Pending.as_str()),
            outbox::payload.eq(Some(sealed)),
            outbox::attempts.eq(0),
            outbox::due_at.eq(due_at),
            outbox::created_at.eq(now),
            outbox::order_key.eq(order_key),
        ))
        .returning(outbox::id)
        .get_result(conn)?)
}

/// Does the work of [`enqueue_mail`] and deletes the row at once, so that unknown accounts cost the same time.
pub fn dummy_insert(conn: &mut AnyConnection, sealed: &[u8], now: Millis) -> Result<()> {
    let id = enqueue(conn, Recipient::Nobody, sealed, now, now)?;
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

/// The due callbacks of a service, the longest due first; at most `limit`.
pub fn due_callbacks(
    conn: &mut AnyConnection,
    service_id: i64,
    now: Millis,
    limit: i64,
) -> Result<Vec<Due>> {
    Ok(outbox::table
        .filter(pending_callback())
        .filter(outbox::service_id.eq(service_id))
        .filter(outbox::due_at.le(now))
        .order((outbox::due_at, outbox::id))
        .limit(limit)
        .select(columns::<Due>())
        .load(conn)?)
}

/// Makes the oldest pending callbacks of a service dead letters, if they were queued before `queued_before`; at most
/// `limit`. Returns their number.
pub fn expire_callbacks(
    conn: &mut AnyConnection,
    service_id: i64,
    queued_before: Millis,
    limit: i64,
    now: Millis,
) -> Result<usize> {
    let oldest: Vec<(i64, Millis)> = outbox::table
        .filter(pending_callback())
        .filter(outbox::service_id.eq(service_id))
        .order(outbox::id)
        .limit(limit)
        .select((outbox::id, outbox::created_at))
        .load(conn)?;
    let oldest = oldest.into_iter().filter(|(_, at)| *at < queued_before);
    let ids: Vec<i64> = oldest.map(|(id, _)| id).collect();
    Ok(diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
        .set((
            outbox::state.eq(OutboxState::Dead.as_str()),
            outbox::due_at.eq(now),
            outbox::last_error.eq(Some("the service did not answer in time")),
        ))
        .execute(conn)?)
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

/// Releases claimed mails without an attempt.
pub fn release(conn: &mut AnyConnection, ids: &[i64]) -> Result<()> {
    diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
        .set(outbox::claimed_until.eq(0))
        .run(conn)
}

/// Releases every claim. Call this only at the start of a gateway that has no other nodes.
pub fn release_all(conn: &mut AnyConnection) -> Result<()> {
    diesel::update(outbox::table.filter(outbox::claimed_until.gt(0)))
        .set(outbox::claimed_until.eq(0))
        .run(conn)?;
    callback_queues::release_all(conn)
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
            outbox::order_key.eq(None::<String>),
        ))
        .run(conn)
}

/// Schedules the next attempt of a row; `None` makes it a dead letter. Later callbacks with the same order key wait for
/// the row.
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
        .run(conn)?;
    let (Some(due_at), Some(key)) = (due_at, &row.order_key) else {
        return Ok(());
    };
    let later = outbox::table
        .filter(pending_callback())
        .filter(outbox::service_id.eq(row.service_id))
        .filter(outbox::order_key.eq(key))
        .filter(outbox::id.gt(row.id))
        .filter(outbox::due_at.lt(due_at));
    diesel::update(later)
        .set(outbox::due_at.eq(due_at))
        .run(conn)
}

/// The error of a row that the operator gave up.
const GIVEN_UP: &str = "given up by the operator";

/// Makes a pending row a dead letter. Returns whether there was such a row.
pub fn give_up(conn: &mut AnyConnection, id: i64, now: Millis) -> Result<bool> {
    let row = outbox::table
        .find(id)
        .filter(outbox::state.eq(OutboxState::Pending.as_str()));
    let changed = diesel::update(row)
        .set((
            outbox::state.eq(OutboxState::Dead.as_str()),
            outbox::due_at.eq(now),
            outbox::claimed_until.eq(0),
            outbox::last_error.eq(Some(GIVEN_UP)),
        ))
        .execute(conn)?;
    Ok(changed > 0)
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
    let rows = || outbox::table.filter(outbox::id.eq_any(&ids));
    let services: Vec<Option<i64>> = rows()
        .filter(outbox::service_id.is_not_null())
        .select(outbox::service_id)
        .distinct()
        .load(conn)?;
    for service in services.into_iter().flatten() {
        callback_queues::resume(conn, service)?;
    }
    Ok(diesel::update(rows())
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
