//! Sign-ins and their tokens: a token is good for as long as it stands here, unretired.

use diesel::dsl::{count_star, exists, min};
use diesel::prelude::*;

use super::connection::{columns, on_backend};
use super::tables::{memberships, token_families, tokens, users};
use super::user_row::UserRow;
use super::{AnyConnection, StoreError};
use crate::domain::Millis;
use crate::domain::user::User;

/// Where a token stands, and whose it is.
#[derive(Debug, Clone)]
pub struct TokenRecord {
    pub user: User,
    pub family: i64,
    /// When the family began, by signing in.
    pub started_at: Millis,
    /// When another token took its place.
    pub retired_at: Option<Millis>,
    /// Whether the user is a member of the organisation that was asked about.
    pub is_member: bool,
}

/// Begins a family, without a token as yet.
pub fn start(connection: &mut AnyConnection, user_id: i64, now: Millis) -> Result<i64, StoreError> {
    Ok(diesel::insert_into(token_families::table)
        .values((
            token_families::user_id.eq(user_id),
            token_families::started_at.eq(now),
            token_families::expires_at.eq(now),
        ))
        .returning(token_families::id)
        .get_result(connection)?)
}

/// Adds the family's newest token, or prolongs it if it is there already; `false` if the family has been ended meanwhile.
pub fn add(
    connection: &mut AnyConnection,
    family: i64,
    jti_sha256: &str,
    expires_at: Millis,
) -> Result<bool, StoreError> {
    let found = diesel::update(token_families::table.filter(token_families::id.eq(family)))
        .set(token_families::expires_at.eq(expires_at))
        .execute(connection)?;
    if found == 0 {
        return Ok(false);
    }
    let prolonged = diesel::update(
        tokens::table
            .filter(tokens::jti_sha256.eq(jti_sha256))
            .filter(tokens::family_id.eq(family)),
    )
    .set(tokens::expires_at.eq(expires_at))
    .execute(connection)?;
    if prolonged == 0 {
        diesel::insert_into(tokens::table)
            .values((
                tokens::jti_sha256.eq(jti_sha256),
                tokens::family_id.eq(family),
                tokens::expires_at.eq(expires_at),
            ))
            .execute(connection)?;
    }
    Ok(true)
}

/// Where the token with this id stands; `organisation` is the one it is bound to.
pub fn find(
    connection: &mut AnyConnection,
    jti_sha256: &str,
    organisation: Option<&str>,
) -> Result<Option<TokenRecord>, StoreError> {
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
    let found: Option<(UserRow, i64, Millis, Option<Millis>, bool)> =
        on_backend!(connection, c => query.get_result(c)).optional()?;
    Ok(found.map(
        |(row, family, started_at, retired_at, is_member)| TokenRecord {
            user: row.into(),
            family,
            started_at,
            retired_at,
            is_member,
        },
    ))
}

/// Marks a token as replaced; the first time counts.
pub fn retire(
    connection: &mut AnyConnection,
    jti_sha256: &str,
    now: Millis,
) -> Result<(), StoreError> {
    diesel::update(
        tokens::table
            .filter(tokens::jti_sha256.eq(jti_sha256))
            .filter(tokens::retired_at.is_null()),
    )
    .set(tokens::retired_at.eq(Some(now)))
    .execute(connection)?;
    Ok(())
}

/// Ends a family with all its tokens; `false` if it had ended already.
pub fn end(connection: &mut AnyConnection, family: i64) -> Result<bool, StoreError> {
    let ended = diesel::delete(token_families::table.filter(token_families::id.eq(family)))
        .execute(connection)?;
    Ok(ended == 1)
}

/// Ends every family of a user.
pub fn end_all(connection: &mut AnyConnection, user_id: i64) -> Result<(), StoreError> {
    diesel::delete(token_families::table.filter(token_families::user_id.eq(user_id)))
        .execute(connection)?;
    Ok(())
}

/// Ends the families of a user beyond so many, the oldest first.
pub fn end_oldest(
    connection: &mut AnyConnection,
    user_id: i64,
    most: i64,
) -> Result<(), StoreError> {
    let newest: Option<i64> = token_families::table
        .filter(token_families::user_id.eq(user_id))
        .order(token_families::id.desc())
        .offset(most)
        .limit(1)
        .select(token_families::id)
        .load(connection)?
        .pop();
    if let Some(newest) = newest {
        let over = token_families::table
            .filter(token_families::user_id.eq(user_id))
            .filter(token_families::id.le(newest));
        diesel::delete(over).execute(connection)?;
    }
    Ok(())
}

/// How many tokens of a family have not expired, and when the first of them will.
pub fn unexpired(
    connection: &mut AnyConnection,
    family: i64,
    now: Millis,
) -> Result<(i64, Option<Millis>), StoreError> {
    Ok(tokens::table
        .filter(tokens::family_id.eq(family))
        .filter(tokens::expires_at.gt(now))
        .select((count_star(), min(tokens::expires_at)))
        .get_result(connection)?)
}

/// Forgets tokens, and families whose last token, expired before `before`; some at a time. Returns how many went.
pub fn forget_expired(
    connection: &mut AnyConnection,
    before: Millis,
    limit: i64,
) -> Result<usize, StoreError> {
    let expired: Vec<String> = tokens::table
        .filter(tokens::expires_at.lt(before))
        .select(tokens::jti_sha256)
        .limit(limit)
        .load(connection)?;
    let over: Vec<i64> = token_families::table
        .filter(token_families::expires_at.lt(before))
        .select(token_families::id)
        .limit(limit)
        .load(connection)?;
    let gone = diesel::delete(tokens::table.filter(tokens::jti_sha256.eq_any(expired)))
        .execute(connection)?;
    Ok(
        diesel::delete(token_families::table.filter(token_families::id.eq_any(over)))
            .execute(connection)?
            .max(gone),
    )
}
