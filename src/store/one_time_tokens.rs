//! One-time tokens: only their hashes are here, and each opens once.

use diesel::dsl::min;
use diesel::prelude::*;

use super::tables::{one_time_tokens, users};
use super::{AnyConnection, StoreError};
use crate::domain::Millis;
use crate::domain::one_time_token::Purpose;

/// Keeps a new token; the user's older ones for the same purpose die.
pub fn issue(
    connection: &mut AnyConnection,
    sha256: &str,
    purpose: Purpose,
    user_id: i64,
    expires_at: Millis,
) -> Result<(), StoreError> {
    revoke(connection, purpose, user_id)?;
    insert(connection, sha256, purpose, user_id, expires_at)
}

fn insert(
    connection: &mut AnyConnection,
    sha256: &str,
    purpose: Purpose,
    user_id: i64,
    expires_at: Millis,
) -> Result<(), StoreError> {
    diesel::insert_into(one_time_tokens::table)
        .values((
            one_time_tokens::sha256.eq(sha256),
            one_time_tokens::purpose.eq(purpose.as_str()),
            one_time_tokens::user_id.eq(user_id),
            one_time_tokens::expires_at.eq(expires_at),
        ))
        .execute(connection)?;
    Ok(())
}

/// Writes what [`issue`] would, in some user's name, and takes it back at once; older ones stay.
pub fn dummy_insert(
    connection: &mut AnyConnection,
    sha256: &str,
    purpose: Purpose,
    expires_at: Millis,
) -> Result<(), StoreError> {
    let somebody: Option<i64> = users::table.select(min(users::id)).get_result(connection)?;
    let Some(user_id) = somebody else {
        return Ok(());
    };
    insert(connection, sha256, purpose, user_id, expires_at)?;
    let pretended = one_time_tokens::table.filter(one_time_tokens::sha256.eq(sha256));
    diesel::delete(pretended).execute(connection)?;
    Ok(())
}

/// Ends every token of a user for one purpose.
pub fn revoke(
    connection: &mut AnyConnection,
    purpose: Purpose,
    user_id: i64,
) -> Result<(), StoreError> {
    diesel::delete(
        one_time_tokens::table
            .filter(one_time_tokens::user_id.eq(user_id))
            .filter(one_time_tokens::purpose.eq(purpose.as_str())),
    )
    .execute(connection)?;
    Ok(())
}

/// The user a token would open for, without using it up.
pub fn peek(
    connection: &mut AnyConnection,
    sha256: &str,
    purpose: Purpose,
    now: Millis,
) -> Result<Option<i64>, StoreError> {
    Ok(one_time_tokens::table
        .filter(one_time_tokens::sha256.eq(sha256))
        .filter(one_time_tokens::purpose.eq(purpose.as_str()))
        .filter(one_time_tokens::used_at.is_null())
        .filter(one_time_tokens::expires_at.gt(now))
        .select(one_time_tokens::user_id)
        .get_result(connection)
        .optional()?)
}

/// Uses a token up and tells for whom it opened; of any number of parallel callers one gets it.
pub fn spend(
    connection: &mut AnyConnection,
    sha256: &str,
    purpose: Purpose,
    now: Millis,
) -> Result<Option<i64>, StoreError> {
    let Some(user_id) = peek(connection, sha256, purpose, now)? else {
        return Ok(None);
    };
    // The condition is asked again by the statement that writes, so two of them cannot both win.
    let spent = diesel::update(
        one_time_tokens::table
            .filter(one_time_tokens::sha256.eq(sha256))
            .filter(one_time_tokens::used_at.is_null()),
    )
    .set(one_time_tokens::used_at.eq(Some(now)))
    .execute(connection)?;
    Ok((spent == 1).then_some(user_id))
}

/// Forgets tokens for this purpose that expired before `before`, some at a time. Returns how many went.
pub fn forget_expired(
    connection: &mut AnyConnection,
    purpose: Purpose,
    before: Millis,
    limit: i64,
) -> Result<usize, StoreError> {
    let expired: Vec<String> = one_time_tokens::table
        .filter(one_time_tokens::purpose.eq(purpose.as_str()))
        .filter(one_time_tokens::expires_at.lt(before))
        .select(one_time_tokens::sha256)
        .limit(limit)
        .load(connection)?;
    let gone = one_time_tokens::table.filter(one_time_tokens::sha256.eq_any(expired));
    Ok(diesel::delete(gone).execute(connection)?)
}
