//! Former e-mail addresses of users and the hashes of the tokens that restore them.

use diesel::dsl::{count_star, max};
use diesel::prelude::*;

use super::connection::columns;
use super::tables::email_undos;
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;
use crate::domain::mailbox::canonical_login;

/// The maximum number of address changes that a user can undo. The oldest changes stay, because the first address is
/// the owner's; a change above the maximum replaces the newest one.
pub const MAX_PER_USER: i64 = 8;

/// A change that can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = email_undos)]
pub struct EmailUndo {
    /// The number of the change; later changes have higher numbers.
    pub id: i64,
    pub user_id: i64,
    /// The address before the change.
    pub email: String,
    pub changed_at: Millis,
    pub expires_at: Millis,
}

/// Stores the address that a user had before a change.
pub fn add(
    conn: &mut AnyConnection,
    user_id: i64,
    email: &str,
    sha256: &str,
    (changed_at, expires_at): (Millis, Millis),
) -> Result<()> {
    let own = || email_undos::table.filter(email_undos::user_id.eq(user_id));
    let (kept, newest): (i64, Option<i64>) = own()
        .select((count_star(), max(email_undos::id)))
        .get_result(conn)?;
    if let Some(newest) = newest.filter(|_| kept >= MAX_PER_USER) {
        diesel::delete(email_undos::table.find(newest)).execute(conn)?;
    }
    diesel::insert_into(email_undos::table)
        .values((
            email_undos::sha256.eq(sha256),
            email_undos::user_id.eq(user_id),
            email_undos::email.eq(email),
            email_undos::email_ci.eq(canonical_login(email)),
            email_undos::changed_at.eq(changed_at),
            email_undos::expires_at.eq(expires_at),
        ))
        .run(conn)
}

/// The change that the token with this hash undoes.
pub fn find(conn: &mut AnyConnection, sha256: &str, now: Millis) -> Result<Option<EmailUndo>> {
    email_undos::table
        .filter(email_undos::sha256.eq(sha256))
        .filter(email_undos::expires_at.gt(now))
        .select(columns::<EmailUndo>())
        .fetch_optional(conn)
}

/// The changes of a user's address that can be undone, the oldest first.
pub fn of_user(conn: &mut AnyConnection, user_id: i64, now: Millis) -> Result<Vec<EmailUndo>> {
    Ok(email_undos::table
        .filter(email_undos::user_id.eq(user_id))
        .filter(email_undos::expires_at.gt(now))
        .order(email_undos::id)
        .select(columns::<EmailUndo>())
        .load(conn)?)
}

/// Whether a user can still restore this address, so that no other user may register it.
pub fn is_reserved(conn: &mut AnyConnection, email: &str, now: Millis) -> Result<bool> {
    email_undos::table
        .filter(email_undos::email_ci.eq(canonical_login(email)))
        .filter(email_undos::expires_at.gt(now))
        .has_rows(conn)
}

/// Ends this undo and all later undos of the user; `false` if this undo has ended already. The later undos would
/// restore addresses of the person who made the change.
pub fn end_from(conn: &mut AnyConnection, user_id: i64, id: i64) -> Result<bool> {
    let own = email_undos::table.filter(email_undos::user_id.eq(user_id));
    let ended = diesel::delete(own.filter(email_undos::id.eq(id))).execute(conn)?;
    diesel::delete(own.filter(email_undos::id.gt(id))).execute(conn)?;
    Ok(ended == 1)
}

/// Deletes at most `limit` expired rows. Returns the number of deleted rows.
pub fn purge_expired(conn: &mut AnyConnection, now: Millis, limit: i64) -> Result<usize> {
    let expired: Vec<i64> = email_undos::table
        .filter(email_undos::expires_at.le(now))
        .select(email_undos::id)
        .limit(limit)
        .load(conn)?;
    let gone = email_undos::table.filter(email_undos::id.eq_any(expired));
    Ok(diesel::delete(gone).execute(conn)?)
}
