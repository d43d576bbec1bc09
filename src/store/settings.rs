//! Named values about the database itself.

use diesel::prelude::*;

use super::tables::settings;
use super::{AnyConnection, Result};

/// The value with this name.
pub fn get(conn: &mut AnyConnection, key: &str) -> Result<Option<String>> {
    Ok(settings::table
        .filter(settings::key.eq(key))
        .select(settings::value)
        .get_result(conn)
        .optional()?)
}

/// Sets the value with this name.
pub fn set(conn: &mut AnyConnection, key: &str, value: &str) -> Result<()> {
    let changed = diesel::update(settings::table.filter(settings::key.eq(key)))
        .set(settings::value.eq(value))
        .execute(conn)?;
    if changed == 0 {
        diesel::insert_into(settings::table)
            .values((settings::key.eq(key), settings::value.eq(value)))
            .execute(conn)?;
    }
    Ok(())
}

/// Locks a value until the transaction ends.
pub fn lock(conn: &mut AnyConnection, key: &str) -> Result<()> {
    diesel::update(settings::table.filter(settings::key.eq(key)))
        .set(settings::value.eq(settings::value))
        .execute(conn)?;
    Ok(())
}
