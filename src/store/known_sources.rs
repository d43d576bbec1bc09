//! Networks and browsers from which a user has signed in, as keyed hashes.

use diesel::dsl::min;
use diesel::prelude::*;

use super::tables::{known_sources, users};
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;
use crate::domain::throttle::MAX_KNOWN_SOURCES;

/// The number of the user with this login, and `true`. For an unknown login, the number of a decoy user, and `false`.
/// The decoy user has the first UUID that is not less than `decoy`, or else the first UUID of all, so that one login
/// gets the same decoy user each time. `None` if there are no users. Both cases run the same queries, so that the delay
/// does not reveal whether the login exists.
pub fn user_or_decoy(
    conn: &mut AnyConnection,
    login: &str,
    decoy: &str,
) -> Result<Option<(i64, bool)>> {
    let user = super::users::id_by_login(conn, login)?;
    let next: Option<String> = users::table
        .filter(users::uuid.ge(decoy))
        .select(min(users::uuid))
        .get_result(conn)?;
    let next = match next {
        Some(next) => Some(next),
        None => users::table.select(min(users::uuid)).get_result(conn)?,
    };
    let decoy_user: Option<i64> = users::table
        .filter(users::uuid.eq(next.unwrap_or_default()))
        .select(users::id)
        .fetch_optional(conn)?;
    let user = user.map(|id| (id, true));
    Ok(user.or(decoy_user.map(|id| (id, false))))
}

/// The sources among `sources` from which the user has signed in and that have not expired.
pub fn known(
    conn: &mut AnyConnection,
    user_id: i64,
    sources: &[String],
    now: Millis,
) -> Result<Vec<String>> {
    Ok(known_sources::table
        .filter(known_sources::user_id.eq(user_id))
        .filter(known_sources::source.eq_any(sources))
        .filter(known_sources::expires_at.gt(now))
        .select(known_sources::source)
        .load(conn)?)
}

/// Stores a source from which the user has signed in, or its new expiry. Above [`MAX_KNOWN_SOURCES`], the source that
/// expires first is deleted. The caller must have locked the user.
pub fn remember(
    conn: &mut AnyConnection,
    user_id: i64,
    source: &str,
    expires_at: Millis,
) -> Result<()> {
    let own = known_sources::table.filter(known_sources::user_id.eq(user_id));
    let changed = diesel::update(own.filter(known_sources::source.eq(source)))
        .set(known_sources::expires_at.eq(expires_at))
        .execute(conn)?;
    if changed > 0 {
        return Ok(());
    }
    let mut others: Vec<(Millis, String)> = own
        .select((known_sources::expires_at, known_sources::source))
        .load(conn)?;
    others.sort();
    let surplus = (others.len() + 1).saturating_sub(MAX_KNOWN_SOURCES);
    let surplus: Vec<String> = others.into_iter().take(surplus).map(|(_, s)| s).collect();
    diesel::delete(own.filter(known_sources::source.eq_any(&surplus))).execute(conn)?;
    diesel::insert_into(known_sources::table)
        .values((
            known_sources::user_id.eq(user_id),
            known_sources::source.eq(source),
            known_sources::expires_at.eq(expires_at),
        ))
        .run(conn)
}

/// The sources of a user and their expiry.
pub fn all(conn: &mut AnyConnection, user_id: i64) -> Result<Vec<(String, Millis)>> {
    Ok(known_sources::table
        .filter(known_sources::user_id.eq(user_id))
        .select((known_sources::source, known_sources::expires_at))
        .load(conn)?)
}

/// Deletes the sources of a user.
pub fn forget_all(conn: &mut AnyConnection, user_id: i64) -> Result<()> {
    diesel::delete(known_sources::table.filter(known_sources::user_id.eq(user_id))).run(conn)
}

/// Deletes at most `limit` expired sources. Returns the number of deleted rows.
pub fn purge_expired(conn: &mut AnyConnection, now: Millis, limit: i64) -> Result<usize> {
    let expired: Vec<String> = known_sources::table
        .filter(known_sources::expires_at.le(now))
        .select(known_sources::source)
        .limit(limit)
        .load(conn)?;
    let gone = known_sources::table
        .filter(known_sources::expires_at.le(now))
        .filter(known_sources::source.eq_any(expired));
    Ok(diesel::delete(gone).execute(conn)?)
}
