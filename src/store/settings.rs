//! Values that describe the database, by name.

use diesel::prelude::*;

use super::tables::settings;
use super::{AnyConnection, QueryExt as _, Result};

/// The value with this name.
pub fn get(conn: &mut AnyConnection, key: &str) -> Result<Option<String>> {
    settings::table
        .find(key)
        .select(settings::value)
        .fetch_optional(conn)
}

/// Sets the value with this name.
pub fn set(conn: &mut AnyConnection, key: &str, value: &str) -> Result<()> {
    let row = (settings::key.eq(key), settings::value.eq(value));
    diesel::insert_into(settings::table)
        .values(row)
        .on_conflict(settings::key)
        .do_update()
        .set(row)
        .run_on_backend(conn)
}

/// Locks a value until the transaction ends.
pub fn lock(conn: &mut AnyConnection, key: &str) -> Result<()> {
    diesel::update(settings::table.find(key))
        .set(settings::value.eq(settings::value))
        .run(conn)
}
