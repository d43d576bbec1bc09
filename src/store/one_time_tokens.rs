//! One-time tokens. The table holds their hashes, and each token works once.

use diesel::dsl::min;
use diesel::prelude::*;

use super::tables::{one_time_tokens, users};
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;
use crate::domain::one_time_token::Purpose;

/// Stores a new token and deletes the user's older ones for the same purpose.
pub fn issue(
    conn: &mut AnyConnection,
    sha256: &str,
    purpose: Purpose,
    user_id: i64,
    expires_at: Millis,
) -> Result<()> {
    revoke(conn, purpose, user_id)?;
    insert(conn, sha256, purpose, user_id, expires_at)
}

fn insert(
    conn: &mut AnyConnection,
    sha256: &str,
    purpose: Purpose,
    user_id: i64,
    expires_at: Millis,
) -> Result<()> {
    diesel::insert_into(one_time_tokens::table)
        .values((
            one_time_tokens::sha256.eq(sha256),
            one_time_tokens::purpose.eq(purpose.as_str()),
            one_time_tokens::user_id.eq(user_id),
            one_time_tokens::expires_at.eq(expires_at),
        ))
        .run(conn)
}

/// Does the work of [`issue`] for some user and deletes the row at once, so that unknown accounts cost the same time.
/// Older tokens stay.
pub fn dummy_insert(
    conn: &mut AnyConnection,
    sha256: &str,
    purpose: Purpose,
    expires_at: Millis,
) -> Result<()> {
    let somebody: Option<i64> = users::table.select(min(users::id)).get_result(conn)?;
    let Some(user_id) = somebody else {
        return Ok(());
    };
    insert(conn, sha256, purpose, user_id, expires_at)?;
    let pretended = one_time_tokens::table.find(sha256);
    diesel::delete(pretended).run(conn)
}

/// Deletes every token of a user for one purpose.
pub fn revoke(conn: &mut AnyConnection, purpose: Purpose, user_id: i64) -> Result<()> {
    let rows = one_time_tokens::table
        .filter(one_time_tokens::user_id.eq(user_id))
        .filter(one_time_tokens::purpose.eq(purpose.as_str()));
    diesel::delete(rows).run(conn)
}

/// The user of a valid token. The token stays valid.
pub fn peek(
    conn: &mut AnyConnection,
    sha256: &str,
    purpose: Purpose,
    now: Millis,
) -> Result<Option<i64>> {
    one_time_tokens::table
        .find(sha256)
        .filter(one_time_tokens::purpose.eq(purpose.as_str()))
        .filter(one_time_tokens::used_at.is_null())
        .filter(one_time_tokens::expires_at.gt(now))
        .select(one_time_tokens::user_id)
        .fetch_optional(conn)
}

/// Whether a token is stored and used.
pub fn is_used(conn: &mut AnyConnection, sha256: &str, purpose: Purpose) -> Result<bool> {
    let used: Option<i64> = one_time_tokens::table
        .find(sha256)
        .filter(one_time_tokens::purpose.eq(purpose.as_str()))
        .filter(one_time_tokens::used_at.is_not_null())
        .select(one_time_tokens::user_id)
        .fetch_optional(conn)?;
    Ok(used.is_some())
}

/// Uses a token and returns its user. Only one of several concurrent callers succeeds.
pub fn spend(
    conn: &mut AnyConnection,
    sha256: &str,
    purpose: Purpose,
    now: Millis,
) -> Result<Option<i64>> {
    let Some(user_id) = peek(conn, sha256, purpose, now)? else {
        return Ok(None);
    };
    // The update repeats the condition, so that two callers cannot both succeed.
    let rows = one_time_tokens::table
        .find(sha256)
        .filter(one_time_tokens::used_at.is_null());
    let spent = diesel::update(rows)
        .set(one_time_tokens::used_at.eq(Some(now)))
        .execute(conn)?;
    Ok((spent == 1).then_some(user_id))
}

/// Deletes at most `limit` tokens for this purpose that expired before `before`. Returns the number of deleted rows.
pub fn purge_expired(
    conn: &mut AnyConnection,
    purpose: Purpose,
    before: Millis,
    limit: i64,
) -> Result<usize> {
    let expired: Vec<String> = one_time_tokens::table
        .filter(one_time_tokens::purpose.eq(purpose.as_str()))
        .filter(one_time_tokens::expires_at.lt(before))
        .select(one_time_tokens::sha256)
        .limit(limit)
        .load(conn)?;
    let gone = one_time_tokens::table.filter(one_time_tokens::sha256.eq_any(expired));
    Ok(diesel::delete(gone).execute(conn)?)
}
