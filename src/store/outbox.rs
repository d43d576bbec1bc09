//! What is still to be delivered: rows written in the transaction of what caused them.

use diesel::prelude::*;

use super::tables::outbox;
use super::{AnyConnection, StoreError};
use crate::domain::Millis;

/// A row that is due.
#[derive(Debug, Clone, Queryable)]
pub struct Due {
    pub id: i64,
    /// Sealed; see `secrets::sealing`.
    pub payload: Option<Vec<u8>>,
    pub attempts: i32,
    pub created_at: Millis,
}

/// A row as `outbox list` and the tests see it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Row {
    pub id: i64,
    pub kind: String,
    pub state: String,
    pub service_id: Option<i64>,
    pub attempts: i32,
    pub due_at: Millis,
    pub last_error: Option<String>,
}

/// Puts a sealed mail into the outbox.
///
/// # Errors
/// The store's.
pub fn enqueue_mail(
    connection: &mut AnyConnection,
    user_id: i64,
    sealed: &[u8],
    now: Millis,
) -> Result<(), StoreError> {
    enqueue(connection, "mail", Some(user_id), None, sealed, now)?;
    Ok(())
}

/// Puts a callback into the outbox: the service's name of the user that has left, sealed.
///
/// # Errors
/// The store's.
pub fn enqueue_callback(
    connection: &mut AnyConnection,
    service_id: i64,
    sealed: &[u8],
    now: Millis,
) -> Result<(), StoreError> {
    enqueue(connection, "callback", None, Some(service_id), sealed, now)?;
    Ok(())
}

fn enqueue(
    connection: &mut AnyConnection,
    kind: &str,
    user_id: Option<i64>,
    service_id: Option<i64>,
    sealed: &[u8],
    now: Millis,
) -> Result<i64, StoreError> {
    Ok(diesel::insert_into(outbox::table)
        .values((
            outbox::kind.eq(kind),
            outbox::user_id.eq(user_id),
            outbox::service_id.eq(service_id),
            outbox::state.eq("pending"),
            outbox::payload.eq(Some(sealed)),
            outbox::attempts.eq(0),
            outbox::due_at.eq(now),
            outbox::created_at.eq(now),
        ))
        .returning(outbox::id)
        .get_result(connection)?)
}

/// Writes what [`enqueue_mail`] would, and takes it back at once.
///
/// # Errors
/// The store's.
pub fn pretend(
    connection: &mut AnyConnection,
    sealed: &[u8],
    now: Millis,
) -> Result<(), StoreError> {
    let id = enqueue(connection, "mail", None, None, sealed, now)?;
    diesel::delete(outbox::table.filter(outbox::id.eq(id))).execute(connection)?;
    Ok(())
}

/// Forgets what was delivered before `before`.
///
/// # Errors
/// The store's.
pub fn forget_delivered(
    connection: &mut AnyConnection,
    before: Millis,
) -> Result<usize, StoreError> {
    Ok(diesel::delete(
        outbox::table
            .filter(outbox::kind.eq_any(["mail", "callback"]))
            .filter(outbox::state.eq("delivered"))
            .filter(outbox::due_at.lt(before)),
    )
    .execute(connection)?)
}

/// The oldest mails that are due.
///
/// # Errors
/// The store's.
pub fn due(
    connection: &mut AnyConnection,
    now: Millis,
    limit: i64,
) -> Result<Vec<Due>, StoreError> {
    Ok(outbox::table
        .filter(outbox::kind.eq("mail"))
        .filter(outbox::state.eq("pending"))
        .filter(outbox::due_at.le(now))
        .order((outbox::due_at, outbox::id))
        .limit(limit)
        .select((
            outbox::id,
            outbox::payload,
            outbox::attempts,
            outbox::created_at,
        ))
        .load(connection)?)
}

/// Marks rows as delivered and erases what they held.
///
/// # Errors
/// The store's.
pub fn settle(connection: &mut AnyConnection, ids: &[i64], now: Millis) -> Result<(), StoreError> {
    diesel::update(
        outbox::table
            .filter(outbox::id.eq_any(ids))
            .filter(outbox::state.eq("pending")),
    )
    .set((
        outbox::state.eq("delivered"),
        outbox::payload.eq(None::<Vec<u8>>),
        outbox::delivered_at.eq(Some(now)),
        outbox::last_error.eq(None::<String>),
    ))
    .execute(connection)?;
    Ok(())
}

/// Puts a row off until `due_at`, or gives it up when that is `None`.
///
/// # Errors
/// The store's.
pub fn put_off(
    connection: &mut AnyConnection,
    row: &Due,
    due_at: Option<Millis>,
    error: &str,
) -> Result<(), StoreError> {
    // Another node may have delivered it meanwhile.
    diesel::update(
        outbox::table
            .filter(outbox::id.eq(row.id))
            .filter(outbox::state.eq("pending")),
    )
    .set((
        outbox::state.eq(if due_at.is_some() { "pending" } else { "dead" }),
        outbox::attempts.eq(row.attempts + 1),
        outbox::due_at.eq(due_at.unwrap_or(row.created_at)),
        outbox::last_error.eq(Some(error)),
    ))
    .execute(connection)?;
    Ok(())
}

/// Every row, oldest first.
///
/// # Errors
/// The store's.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Row>, StoreError> {
    Ok(outbox::table
        .order(outbox::id)
        .select((
            outbox::id,
            outbox::kind,
            outbox::state,
            outbox::service_id,
            outbox::attempts,
            outbox::due_at,
            outbox::last_error,
        ))
        .load(connection)?)
}
