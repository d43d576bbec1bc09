//! Sign-ins and their tokens. A token is valid while its row exists and is not retired.

use diesel::dsl::{count_star, exists, min};
use diesel::prelude::*;

use super::connection::{columns, on_backend};
use super::tables::{memberships, token_families, tokens, users};
use super::user_row::UserRow;
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;
use crate::domain::user::User;

/// The state of a token, and its user.
#[derive(Debug, Clone, Queryable)]
pub struct TokenRecord {
    pub user: User,
    pub family: i64,
    /// The time of the sign-in.
    pub started_at: Millis,
    /// The time at which a newer token replaced this one.
    pub retired_at: Option<Millis>,
    /// Whether the user is a member of the requested organisation.
    pub is_member: bool,
}

/// Starts a family without tokens.
pub fn start(conn: &mut AnyConnection, user_id: i64, now: Millis) -> Result<i64> {
    Ok(diesel::insert_into(token_families::table)
        .values((
            token_families::user_id.eq(user_id),
            token_families::started_at.eq(now),
            token_families::expires_at.eq(now),
        ))
        .returning(token_families::id)
        .get_result(conn)?)
}

/// Adds a token to a family, or extends the token if it exists; `false` if the family has ended.
pub fn add(
    conn: &mut AnyConnection,
    family: i64,
    jti_sha256: &str,
    expires_at: Millis,
) -> Result<bool> {
    let found = diesel::update(token_families::table.find(family))
        .set(token_families::expires_at.eq(expires_at))
        .execute(conn)?;
    if found == 0 {
        return Ok(false);
    }
    let rows = tokens::table
        .find(jti_sha256)
        .filter(tokens::family_id.eq(family));
    let prolonged = diesel::update(rows)
        .set(tokens::expires_at.eq(expires_at))
        .execute(conn)?;
    if prolonged == 0 {
        diesel::insert_into(tokens::table)
            .values((
                tokens::jti_sha256.eq(jti_sha256),
                tokens::family_id.eq(family),
                tokens::expires_at.eq(expires_at),
            ))
            .execute(conn)?;
    }
    Ok(true)
}

/// The state of the token with this id. `organisation` is the organisation that the token is bound to.
pub fn find(
    conn: &mut AnyConnection,
    jti_sha256: &str,
    organisation: Option<&str>,
) -> Result<Option<TokenRecord>> {
    let membership = memberships::table
        .filter(memberships::user_id.eq(users::id))
        .filter(memberships::organisation_uuid.eq(organisation.unwrap_or("").to_owned()));
    let query = tokens::table
        .inner_join(token_families::table.inner_join(users::table))
        .filter(tokens::jti_sha256.eq(jti_sha256))
        .select((
            columns::<UserRow>(),
            token_families::id,
            token_families::started_at,
            tokens::retired_at,
            exists(membership),
        ));
    Ok(on_backend!(conn, c => query.get_result(c)).optional()?)
}

/// Marks a token as replaced. Later calls do not change the time.
pub fn retire(conn: &mut AnyConnection, jti_sha256: &str, now: Millis) -> Result<()> {
    let rows = tokens::table
        .find(jti_sha256)
        .filter(tokens::retired_at.is_null());
    diesel::update(rows)
        .set(tokens::retired_at.eq(Some(now)))
        .run(conn)
}

/// Ends a family with all its tokens; `false` if the family has ended before.
pub fn end(conn: &mut AnyConnection, family: i64) -> Result<bool> {
    let ended = diesel::delete(token_families::table.find(family)).execute(conn)?;
    Ok(ended == 1)
}

/// Ends every family of a user.
pub fn end_all(conn: &mut AnyConnection, user_id: i64) -> Result<()> {
    diesel::delete(token_families::table.filter(token_families::user_id.eq(user_id))).run(conn)
}

/// Ends all families of a user except the newest `most`.
pub fn end_oldest(conn: &mut AnyConnection, user_id: i64, most: i64) -> Result<()> {
    let newest: Option<i64> = token_families::table
        .filter(token_families::user_id.eq(user_id))
        .order(token_families::id.desc())
        .offset(most)
        .limit(1)
        .select(token_families::id)
        .fetch_optional(conn)?;
    if let Some(newest) = newest {
        let over = token_families::table
            .filter(token_families::user_id.eq(user_id))
            .filter(token_families::id.le(newest));
        diesel::delete(over).execute(conn)?;
    }
    Ok(())
}

/// The number of unexpired tokens of a family, and the earliest time at which one of them expires.
pub fn unexpired(
    conn: &mut AnyConnection,
    family: i64,
    now: Millis,
) -> Result<(i64, Option<Millis>)> {
    Ok(tokens::table
        .filter(tokens::family_id.eq(family))
        .filter(tokens::expires_at.gt(now))
        .select((count_star(), min(tokens::expires_at)))
        .get_result(conn)?)
}

/// Deletes at most `limit` tokens that expired before `before`, and families without tokens. Returns the number of
/// deleted rows.
pub fn purge_expired(conn: &mut AnyConnection, before: Millis, limit: i64) -> Result<usize> {
    let expired: Vec<String> = tokens::table
        .filter(tokens::expires_at.lt(before))
        .select(tokens::jti_sha256)
        .limit(limit)
        .load(conn)?;
    let over: Vec<i64> = token_families::table
        .filter(token_families::expires_at.lt(before))
        .select(token_families::id)
        .limit(limit)
        .load(conn)?;
    let gone =
        diesel::delete(tokens::table.filter(tokens::jti_sha256.eq_any(expired))).execute(conn)?;
    Ok(
        diesel::delete(token_families::table.filter(token_families::id.eq_any(over)))
            .execute(conn)?
            .max(gone),
    )
}
