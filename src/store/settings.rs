//! Named values about the database itself.

use diesel::prelude::*;

use super::tables::settings;
use super::{AnyConnection, StoreError};

/// The value with this name.
pub fn get(connection: &mut AnyConnection, key: &str) -> Result<Option<String>, StoreError> {
    Ok(settings::table
        .filter(settings::key.eq(key))
        .select(settings::value)
        .get_result(connection)
        .optional()?)
}

/// Sets the value with this name.
pub fn set(connection: &mut AnyConnection, key: &str, value: &str) -> Result<(), StoreError> {
    let changed = diesel::update(settings::table.filter(settings::key.eq(key)))
        .set(settings::value.eq(value))
        .execute(connection)?;
    if changed == 0 {
        diesel::insert_into(settings::table)
            .values((settings::key.eq(key), settings::value.eq(value)))
            .execute(connection)?;
    }
    Ok(())
}

/// Locks a value until the transaction ends.
pub fn lock(connection: &mut AnyConnection, key: &str) -> Result<(), StoreError> {
    diesel::update(settings::table.filter(settings::key.eq(key)))
        .set(settings::value.eq(settings::value))
        .execute(connection)?;
    Ok(())
}
