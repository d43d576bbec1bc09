//! How large the database is, and how many rows the tables have that callers can make grow.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::connection::on_backend;
use super::tables::user_counts;
use super::{AnyConnection, StoreError};

/// Rows that are counted in a table at most; one that has more tells this number.
const MOST_COUNTED: i64 = 1_000_000;

/// Tables whose rows are counted.
const COUNTED: [&str; 10] = [
    "one_time_tokens",
    "outbox",
    "attempts",
    "known_sources",
    "sessions",
    "token_families",
    "tokens",
    "used_assertions",
    "external_identities",
    "email_undos",
];
/// Tables whose ids go up by one with each row and of which only the oldest rows go, so that nothing has to be counted.
const NUMBERED: [&str; 2] = ["audit_log", "refusals"];

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(connection: &mut AnyConnection, sql: &str) -> Result<i64, StoreError> {
    let row: Number = on_backend!(connection, c => diesel::sql_query(sql).get_result(c))?;
    Ok(row.number)
}

/// The bytes that the database takes on its disk, without SQLite's log beside it, which is emptied every minute.
pub fn bytes(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    let sql = match connection {
        AnyConnection::Sqlite(_) => {
            "SELECT page_count * page_size AS number FROM pragma_page_count(), pragma_page_size()"
        }
        AnyConnection::Postgres(_) => "SELECT pg_database_size(current_database()) AS number",
    };
    number(connection, sql)
}

/// The rows of each table that callers can make grow; about a second's work in a large database.
pub fn rows(connection: &mut AnyConnection) -> Result<Vec<(&'static str, i64)>, StoreError> {
    let users: Vec<i64> = user_counts::table
        .select(user_counts::users)
        .load(connection)?;
    let mut rows = vec![("users", users.iter().sum())];
    for table in COUNTED {
        let sql = format!(
            "SELECT count(*) AS number FROM (SELECT 1 FROM {table} LIMIT {MOST_COUNTED}) AS counted"
        );
        rows.push((table, number(connection, &sql)?));
    }
    for table in NUMBERED {
        let sql = format!("SELECT coalesce(max(id) - min(id) + 1, 0) AS number FROM {table}");
        rows.push((table, number(connection, &sql)?));
    }
    Ok(rows)
}
