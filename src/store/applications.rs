//! Front ends that users come through.

use diesel::prelude::*;

use super::tables::applications;
use super::{AnyConnection, StoreError};

/// Whether there is an application of this name.
///
/// # Errors
/// The store's.
pub fn exists(connection: &mut AnyConnection, client_id: &str) -> Result<bool, StoreError> {
    let found: i64 = applications::table
        .filter(applications::client_id.eq(client_id))
        .count()
        .get_result(connection)?;
    Ok(found > 0)
}

/// Adds an application. There must be none of that name.
///
/// # Errors
/// The store's.
pub fn add(
    connection: &mut AnyConnection,
    client_id: &str,
    origins: &[&str],
    redirect_uris: &[&str],
) -> Result<(), StoreError> {
    diesel::insert_into(applications::table)
        .values((
            applications::client_id.eq(client_id),
            applications::origins.eq(origins.join("\n")),
            applications::redirect_uris.eq(redirect_uris.join("\n")),
        ))
        .execute(connection)?;
    Ok(())
}
