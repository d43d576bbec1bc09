//! Reads the database of a test directly, not through the gateway.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::Gateway;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

/// The column `value` of each row; an empty text for NULL.
pub fn query(gateway: &Gateway, sql: &str) -> Vec<String> {
    let query = diesel::sql_query(sql);
    let rows: Vec<Row> = match gateway.database.url() {
        Some(url) => query.load(&mut PgConnection::establish(&url).unwrap()),
        None => {
            let file = gateway.data.path().join("gateway.db");
            query.load(&mut SqliteConnection::establish(file.to_str().unwrap()).unwrap())
        }
    }
    .unwrap();
    rows.into_iter()
        .map(|row| row.value.unwrap_or_default())
        .collect()
}

/// The tables of the gateway, without those of the migrations and of SQLite's search index.
pub fn tables(gateway: &Gateway) -> Vec<String> {
    let sql = match gateway.database.url() {
        Some(_) => {
            "SELECT CAST(table_name AS TEXT) AS value FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        }
        None => {
            "SELECT name AS value FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'users_search%' \
             AND name NOT LIKE 'sqlite_%'"
        }
    };
    let mut tables = query(gateway, sql);
    tables.retain(|table| table != "__diesel_schema_migrations");
    tables.sort();
    tables
}

/// A column as Diesel would declare it, for example `("email", "Nullable<Text>")`.
pub type Column = (String, String);

/// The columns of a table, by name.
pub fn columns(gateway: &Gateway, table: &str) -> Vec<Column> {
    let sql = match gateway.database.url() {
        Some(_) => format!(
            "SELECT column_name || '|' || data_type || '|' || is_nullable AS value \
             FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = '{table}'"
        ),
        // An INTEGER PRIMARY KEY of SQLite is a BIGINT that cannot be NULL, whatever its declaration says.
        None => format!(
            "SELECT name || '|' || CASE WHEN pk > 0 AND type = 'INTEGER' THEN 'bigint' ELSE lower(type) END || '|' \
             || CASE WHEN \"notnull\" OR (pk > 0 AND type = 'INTEGER') THEN 'NO' ELSE 'YES' END AS value \
             FROM pragma_table_info('{table}')"
        ),
    };
    let mut columns: Vec<Column> = query(gateway, &sql)
        .iter()
        .map(|column| {
            let parts: Vec<&str> = column.split('|').collect();
            let kind = match parts[1] {
                "text" => "Text",
                "bigint" => "BigInt",
                "integer" => "Integer",
                "boolean" => "Bool",
                "blob" | "bytea" => "Binary",
                other => other,
            };
            let kind = match parts[2] {
                "NO" => kind.to_owned(),
                _ => format!("Nullable<{kind}>"),
            };
            (parts[0].to_owned(), kind)
        })
        .collect();
    columns.sort();
    columns
}

/// The number of counters of attempts, and the number of attempts in all of them.
pub fn counted_attempts(gateway: &Gateway) -> (i64, i64) {
    let counts = query(
        gateway,
        "SELECT CAST(failures AS TEXT) AS value FROM attempts",
    );
    let counts: Vec<i64> = counts.iter().map(|n| n.parse().unwrap()).collect();
    (counts.len() as i64, counts.iter().sum())
}
