//! The highest bcrypt cost among the stored password hashes. Every verification spends that much, so that the time of an
//! answer tells nothing about the hash of an account, nor whether there is one.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable};

use super::{AnyConnection, StoreError, clients, settings};
use crate::domain::password::cost_of;

const KEY: &str = "highest_password_cost";

/// The remembered cost; none in a database that no release has written it into.
pub fn highest(connection: &mut AnyConnection) -> Result<Option<u32>, StoreError> {
    let value = settings::get(connection, KEY)?;
    Ok(value.and_then(|v| v.parse().ok()))
}

/// Remembers the cost of a hash that is about to be stored, if it is the highest so far.
pub fn note(connection: &mut AnyConnection, hash: &str) -> Result<(), StoreError> {
    let Some(cost) = cost_of(hash) else {
        return Ok(());
    };
    match highest(connection)? {
        Some(known) if known >= cost => Ok(()),
        _ => remember(connection, cost),
    }
}

/// Makes the remembered cost be the highest that is stored. Reads every user unless the remembered cost is at most this
/// one, which every verification spends anyhow.
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
    // The registry in memory has it, on every node.
    clients::touch(connection)
}

#[derive(QueryableByName)]
struct Highest {
    #[diesel(sql_type = Nullable<Integer>)]
    cost: Option<i32>,
}

fn highest_stored(connection: &mut AnyConnection) -> Result<Option<u32>, StoreError> {
    // The two digits after `$2b$`; a text without them is no hash that could be verified.
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
