//! Sessions of browsers. A session is valid while its row exists, has not expired and is not idle for too long.

use diesel::prelude::*;

use super::connection::{columns, on_backend};
use super::profiles::Profile;
use super::tables::{profiles, sessions, users};
use super::user_row::UserRow;
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;
use crate::domain::user::User;

/// A session for its user.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct Session {
    pub id: i64,
    /// The organisation that the user chose at sign-in.
    #[diesel(column_name = organisation_uuid)]
    pub organisation: Option<String>,
    pub started_at: Millis,
    /// The last use, accurate to [`crate::domain::session::SEEN_EVERY_MS`].
    pub seen_at: Millis,
    pub expires_at: Millis,
    /// The User-Agent of the browser.
    pub user_agent: String,
}

/// A valid session and its user.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    pub user: User,
    pub session: Session,
    pub profile: Profile,
}

/// A session to insert.
#[derive(Debug, Insertable)]
#[diesel(table_name = sessions)]
pub struct NewSession<'a> {
    /// The hash of the cookie.
    pub sha256: &'a str,
    pub user_id: i64,
    /// The organisation that is chosen from the start.
    pub organisation_uuid: Option<&'a str>,
    pub started_at: Millis,
    pub seen_at: Millis,
    pub expires_at: Millis,
    pub user_agent: &'a str,
}

/// Starts a session.
pub fn start(conn: &mut AnyConnection, new: &NewSession<'_>) -> Result<i64> {
    Ok(diesel::insert_into(sessions::table)
        .values(new)
        .returning(sessions::id)
        .get_result(conn)?)
}

/// The valid session whose cookie has this hash, if it was used after `idle_since`.
pub fn find(
    conn: &mut AnyConnection,
    sha256: &str,
    now: Millis,
    idle_since: Millis,
) -> Result<Option<SessionRecord>> {
    let query = sessions::table
        .inner_join(users::table.left_join(profiles::table))
        .filter(sessions::sha256.eq(sha256.to_owned()))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::seen_at.gt(idle_since))
        .select((
            columns::<UserRow>(),
            columns::<Session>(),
            columns::<Profile>().nullable(),
        ));
    let found: Option<(User, Session, Option<Profile>)> =
        on_backend!(conn, c => query.get_result(c)).optional()?;
    Ok(found.map(|(user, session, profile)| SessionRecord {
        user,
        session,
        profile: profile.unwrap_or_default(),
    }))
}

/// The valid sessions of a user, the last used first.
pub fn of_user(
    conn: &mut AnyConnection,
    user_id: i64,
    now: Millis,
    idle_since: Millis,
) -> Result<Vec<Session>> {
    Ok(sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::seen_at.gt(idle_since))
        .order((sessions::seen_at.desc(), sessions::id.desc()))
        .select(columns::<Session>())
        .load(conn)?)
}

/// Records the use of a session.
pub fn touch(conn: &mut AnyConnection, id: i64, now: Millis) -> Result<()> {
    diesel::update(sessions::table.find(id))
        .set(sessions::seen_at.eq(now))
        .run(conn)
}

/// Records the organisation that the user chose.
pub fn choose_organisation(conn: &mut AnyConnection, id: i64, organisation: &str) -> Result<()> {
    diesel::update(sessions::table.find(id))
        .set(sessions::organisation_uuid.eq(Some(organisation)))
        .run(conn)
}

/// Ends a session of a user; `false` if the user has no such session.
pub fn end(conn: &mut AnyConnection, user_id: i64, id: i64) -> Result<bool> {
    let session = sessions::table
        .find(id)
        .filter(sessions::user_id.eq(user_id));
    Ok(diesel::delete(session).execute(conn)? == 1)
}

/// Ends all sessions of a user except `except`. Returns their number.
pub fn end_all(conn: &mut AnyConnection, user_id: i64, except: Option<i64>) -> Result<usize> {
    let others = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::id.ne(except.unwrap_or(0)));
    Ok(diesel::delete(others).execute(conn)?)
}

/// If a user has more than `most` sessions, ends the least recently used ones until nine tenths of `most` are left.
/// Returns the number of ended sessions.
pub fn end_oldest(conn: &mut AnyConnection, user_id: i64, most: i64) -> Result<usize> {
    let held: i64 = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .count()
        .get_result(conn)?;
    if held <= most {
        return Ok(0);
    }
    // End a tenth at once, so that not every sign-in of a user with many sessions has to end a session.
    let kept = most - most / 10;
    let over: Vec<i64> = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .select(sessions::id)
        .order((sessions::seen_at.desc(), sessions::id.desc()))
        // SQLite has no offset without a limit.
        .limit(i64::MAX)
        .offset(kept)
        .load(conn)?;
    Ok(diesel::delete(sessions::table.filter(sessions::id.eq_any(over))).execute(conn)?)
}

/// Deletes at most `limit` sessions that expired or were idle for too long. Returns the number of deleted rows.
pub fn purge_expired(
    conn: &mut AnyConnection,
    now: Millis,
    idle_since: Millis,
    limit: i64,
) -> Result<usize> {
    let over = sessions::expires_at
        .le(now)
        .or(sessions::seen_at.le(idle_since));
    let ids: Vec<i64> = sessions::table
        .filter(over)
        .select(sessions::id)
        .limit(limit)
        .load(conn)?;
    Ok(diesel::delete(sessions::table.filter(sessions::id.eq_any(ids))).execute(conn)?)
}
