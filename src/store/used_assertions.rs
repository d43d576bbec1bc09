//! What partners signed and was used: each only once, whichever node it comes to, until it expires.

use diesel::prelude::*;

use super::connection::on_backend;
use super::tables::used_assertions;
use super::{AnyConnection, StoreError};
use crate::domain::Millis;

/// Whether an assertion was used.
pub fn is_used(
    connection: &mut AnyConnection,
    iss: &str,
    jti_sha256: &str,
) -> Result<bool, StoreError> {
    let used: i64 = used_assertions::table
        .filter(used_assertions::iss.eq(iss))
        .filter(used_assertions::jti_sha256.eq(jti_sha256))
        .count()
        .get_result(connection)?;
    Ok(used > 0)
}

/// Uses an assertion up; `false` if it was used before, or is just being used by another transaction that succeeds.
pub fn use_up(
    connection: &mut AnyConnection,
    iss: &str,
    jti_sha256: &str,
    expires_at: Millis,
) -> Result<bool, StoreError> {
    let insertion = diesel::insert_into(used_assertions::table).values((
        used_assertions::iss.eq(iss.to_owned()),
        used_assertions::jti_sha256.eq(jti_sha256.to_owned()),
        used_assertions::expires_at.eq(expires_at),
    ));
    // The primary key decides; of two at once the second waits for the first.
    let inserted = on_backend!(connection, c => insertion.on_conflict_do_nothing().execute(c))?;
    Ok(inserted > 0)
}

/// Forgets what had expired by then, some at a time. Returns how many went.
pub fn forget_expired(
    connection: &mut AnyConnection,
    by: Millis,
    limit: i64,
) -> Result<usize, StoreError> {
    let expired: Vec<String> = used_assertions::table
        .filter(used_assertions::expires_at.le(by))
        .select(used_assertions::jti_sha256)
        .limit(limit)
        .load(connection)?;
    // Of two partners with one id the other's may have expired as well, or stays.
    let gone = used_assertions::table
        .filter(used_assertions::expires_at.le(by))
        .filter(used_assertions::jti_sha256.eq_any(expired));
    Ok(diesel::delete(gone).execute(connection)?)
}
