//! The highest bcrypt cost of the stored password hashes. Every verification costs that much, so that response times
//! reveal neither the cost of an account's hash nor whether the account exists.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable};

use super::{AnyConnection, StoreError, clients, settings};
use crate::domain::password::cost_of;

const KEY: &str = "highest_password_cost";

/// The remembered cost; `None` in a database of an older release.
pub fn highest(connection: &mut AnyConnection) -> Result<Option<u32>, StoreError> {
    let value = settings::get(connection, KEY)?;
    Ok(value.and_then(|v| v.parse().ok()))
}

/// Remembers the cost of a hash that will be stored, if it is the highest.
pub fn note(connection: &mut AnyConnection, hash: &str) -> Result<(), StoreError> {
    let Some(cost) = cost_of(hash) else {
        return Ok(());
    };
    match highest(connection)? {
        Some(known) if known >= cost => Ok(()),
        _ => remember(connection, cost),
    }
}

/// Recomputes the remembered cost. Reads every user, but only if the remembered cost exceeds the configured one, which
/// every verification costs anyway.
pub fn recount(connection: &mut AnyConnection, configured: u32) -> Result<(), StoreError> {
    let known = highest(connection)?;
    if known.is_some_and(|cost| cost <= configured) {
        return Ok(());
    }
    let stored = highest_stored(connection)?.unwrap_or(0);
    if known == Some(stored) {
        return Ok(());
    }
    remember(connection, stored)
}

fn remember(connection: &mut AnyConnection, cost: u32) -> Result<(), StoreError> {
    settings::set(connection, KEY, &cost.to_string())?;
    // Every node keeps the cost in its registry in memory.
    clients::touch(connection)
}

#[derive(QueryableByName)]
struct Highest {
    #[diesel(sql_type = Nullable<Integer>)]
    cost: Option<i32>,
}

fn highest_stored(connection: &mut AnyConnection) -> Result<Option<u32>, StoreError> {
    // The two digits after `$2b$`. A text without them is no bcrypt hash.
    let row: Highest = match connection {
        AnyConnection::Sqlite(c) => diesel::sql_query(
            "SELECT max(CAST(substr(password_hash, instr(password_hash, '$2') + 4, 2) AS INTEGER)) AS cost \
             FROM users WHERE password_hash GLOB '*$2?$[0-9][0-9]$*'",
        )
        .get_result(c),
        AnyConnection::Postgres(c) => diesel::sql_query(
            "SELECT max(substring(password_hash from '[$]2.[$]([0-9]{2})[$]')::integer) AS cost FROM users",
        )
        .get_result(c),
    }?;
    Ok(row.cost.and_then(|cost| u32::try_from(cost).ok()))
}
