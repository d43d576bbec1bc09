//! Used assertions of partners. All nodes together accept each assertion once.

use diesel::prelude::*;

use super::connection::on_backend;
use super::tables::used_assertions;
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;

/// Whether an assertion was used.
pub fn is_used(conn: &mut AnyConnection, iss: &str, jti_sha256: &str) -> Result<bool> {
    used_assertions::table
        .find((iss, jti_sha256))
        .has_rows(conn)
}

/// Records the use of an assertion. Returns `false` if the assertion was used before, or if a concurrent transaction
/// commits its use first.
pub fn use_up(
    conn: &mut AnyConnection,
    iss: &str,
    jti_sha256: &str,
    expires_at: Millis,
) -> Result<bool> {
    let insertion = diesel::insert_into(used_assertions::table).values((
        used_assertions::iss.eq(iss.to_owned()),
        used_assertions::jti_sha256.eq(jti_sha256.to_owned()),
        used_assertions::expires_at.eq(expires_at),
    ));
    // The primary key decides: the second of two concurrent writers waits for the first.
    let inserted = on_backend!(conn, c => insertion.on_conflict_do_nothing().execute(c))?;
    Ok(inserted > 0)
}

/// Records the session that a used assertion has started.
pub fn set_session(
    conn: &mut AnyConnection,
    iss: &str,
    jti_sha256: &str,
    session_id: i64,
) -> Result<()> {
    diesel::update(used_assertions::table.find((iss, jti_sha256)))
        .set(used_assertions::session_id.eq(Some(session_id)))
        .run(conn)
}

/// The session that an assertion has started; `None` if the assertion is unused, or if an older release accepted it.
pub fn session_of(conn: &mut AnyConnection, iss: &str, jti_sha256: &str) -> Result<Option<i64>> {
    let session: Option<Option<i64>> = used_assertions::table
        .find((iss, jti_sha256))
        .select(used_assertions::session_id)
        .fetch_optional(conn)?;
    Ok(session.flatten())
}

/// Deletes at most `limit` assertions that expired before `before`. Returns the number of deleted rows.
pub fn purge_expired(conn: &mut AnyConnection, before: Millis, limit: i64) -> Result<usize> {
    let expired: Vec<String> = used_assertions::table
        .filter(used_assertions::expires_at.le(before))
        .select(used_assertions::jti_sha256)
        .limit(limit)
        .load(conn)?;
    // Two partners may use the same id. The first condition keeps an unexpired row of the other partner.
    let gone = used_assertions::table
        .filter(used_assertions::expires_at.le(before))
        .filter(used_assertions::jti_sha256.eq_any(expired));
    Ok(diesel::delete(gone).execute(conn)?)
}
