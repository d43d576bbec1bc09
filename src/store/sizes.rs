//! The size of the database, and of the tables that grow with requests.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::connection::on_backend;
use super::tables::user_counts;
use super::{AnyConnection, Result};

/// The highest count of a table; larger tables report this number.
const MOST_COUNTED: i64 = 1_000_000;

/// The counted tables.
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
/// Tables with consecutive ids. Only their oldest rows are deleted, so the lowest and the highest id give the count.
const NUMBERED: [&str; 2] = ["audit_log", "refusals"];

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(conn: &mut AnyConnection, sql: &str) -> Result<i64> {
    let row: Number = on_backend!(conn, c => diesel::sql_query(sql).get_result(c))?;
    Ok(row.number)
}

/// The size of the database in bytes. SQLite's write-ahead log, which is emptied every minute, is not included.
pub fn bytes(conn: &mut AnyConnection) -> Result<i64> {
    let sql = match conn {
        AnyConnection::Sqlite(_) => {
            "SELECT page_count * page_size AS number FROM pragma_page_count(), pragma_page_size()"
        }
        AnyConnection::Postgres(_) => "SELECT pg_database_size(current_database()) AS number",
    };
    number(conn, sql)
}

/// The number of rows of each table that grows with requests. Takes about a second in a large database.
pub fn rows(conn: &mut AnyConnection) -> Result<Vec<(&'static str, i64)>> {
    let users: Vec<i64> = user_counts::table.select(user_counts::users).load(conn)?;
    let mut rows = vec![("users", users.iter().sum())];
    for table in COUNTED {
        let sql = format!(
            "SELECT count(*) AS number FROM (SELECT 1 FROM {table} LIMIT {MOST_COUNTED}) AS counted"
        );
        rows.push((table, number(conn, &sql)?));
    }
    for table in NUMBERED {
        let sql = format!("SELECT coalesce(max(id) - min(id) + 1, 0) AS number FROM {table}");
        rows.push((table, number(conn, &sql)?));
    }
    Ok(rows)
}
