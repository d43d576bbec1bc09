//! The highest bcrypt cost of the stored password hashes. Every verification costs that much, so that response times
//! reveal neither the cost of an account's hash nor whether the account exists.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable};

use super::{AnyConnection, Result, clients, settings};
use crate::domain::password::cost_of;

const KEY: &str = "highest_password_cost";

/// The remembered cost; `None` in a database of an older release.
pub fn highest(conn: &mut AnyConnection) -> Result<Option<u32>> {
    let value = settings::get(conn, KEY)?;
    Ok(value.and_then(|v| v.parse().ok()))
}

/// Remembers the cost of a hash that will be stored, if it is the highest.
pub fn note(conn: &mut AnyConnection, hash: &str) -> Result<()> {
    let Some(cost) = cost_of(hash) else {
        return Ok(());
    };
    match highest(conn)? {
        Some(known) if known >= cost => Ok(()),
        _ => remember(conn, cost),
    }
}

/// Recomputes the remembered cost. Reads every user, but only if the remembered cost exceeds the configured one, which
/// every verification costs anyway.
pub fn recount(conn: &mut AnyConnection, configured: u32) -> Result<()> {
    let known = highest(conn)?;
    if known.is_some_and(|cost| cost <= configured) {
        return Ok(());
    }
    let stored = highest_stored(conn)?.unwrap_or(0);
    if known == Some(stored) {
        return Ok(());
    }
    remember(conn, stored)
}

fn remember(conn: &mut AnyConnection, cost: u32) -> Result<()> {
    settings::set(conn, KEY, &cost.to_string())?;
    // Every node keeps the cost in its registry in memory.
    clients::touch(conn)
}

#[derive(QueryableByName)]
struct Highest {
    #[diesel(sql_type = Nullable<Integer>)]
    cost: Option<i32>,
}

fn highest_stored(conn: &mut AnyConnection) -> Result<Option<u32>> {
    // The two digits after `$2b$`. A text without them is no bcrypt hash.
    let row: Highest = match conn {
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
