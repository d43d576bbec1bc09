//! The identities of users in other systems. The triple of provider, kind and id belongs to one user.

use diesel::prelude::*;

use super::connection::columns;
use super::tables::{external_identities, users};
use super::user_row::UserRow;
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;
use crate::domain::external_identity::{ExternalIdentity, LinkedIdentity};
use crate::domain::text::canonical;
use crate::domain::user::User;

/// The primary key of an identity.
fn key(identity: &ExternalIdentity) -> (String, String, String) {
    identity.canonical().into()
}

/// The number of the user with this identity, compared canonically.
pub fn owner(conn: &mut AnyConnection, identity: &ExternalIdentity) -> Result<Option<i64>> {
    external_identities::table
        .find(key(identity))
        .select(external_identities::user_id)
        .fetch_optional(conn)
}

/// The user with this identity, locked as by [`super::users::lock_for_update`].
pub fn lock_owner(conn: &mut AnyConnection, identity: &ExternalIdentity) -> Result<Option<User>> {
    let owner = external_identities::table
        .find(key(identity))
        .select(external_identities::user_id);
    let query = users::table
        .filter(users::id.eq_any(owner))
        .select(columns::<UserRow>());
    // One query, because every partner sign-in starts with it. A concurrent removal of the identity takes effect after
    // this transaction.
    let locked = match conn {
        AnyConnection::Sqlite(c) => query.get_result(c),
        AnyConnection::Postgres(c) => query.for_no_key_update().get_result(c),
    };
    Ok(locked.optional()?)
}

/// The identities of a user, by provider, kind and id.
pub fn of_user(conn: &mut AnyConnection, user_id: i64) -> Result<Vec<ExternalIdentity>> {
    let linked = linked_to(conn, user_id)?;
    Ok(linked.into_iter().map(|link| link.identity).collect())
}

/// The identities of a user with the time and the author of each link.
pub fn linked_to(conn: &mut AnyConnection, user_id: i64) -> Result<Vec<LinkedIdentity>> {
    type Row = (String, String, String, Option<Millis>, Option<String>);
    let rows: Vec<Row> = external_identities::table
        .filter(external_identities::user_id.eq(user_id))
        .order((
            external_identities::provider_ci,
            external_identities::id_type_ci,
            external_identities::external_id_ci,
        ))
        .select((
            external_identities::external_id,
            external_identities::provider,
            external_identities::id_type,
            external_identities::linked_at,
            external_identities::asserted_by,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(
            |(id, provider, id_type, linked_at, asserted_by)| LinkedIdentity {
                identity: ExternalIdentity {
                    id,
                    provider,
                    id_type,
                },
                linked_at,
                asserted_by,
            },
        )
        .collect())
}

/// Links an identity to a user. Call [`owner`] first, in the same transaction.
///
/// # Errors
/// `StoreError::Collided` if another user has the identity.
pub fn add(
    conn: &mut AnyConnection,
    user_id: i64,
    identity: &ExternalIdentity,
    (asserted_by, now): (&str, Millis),
) -> Result<()> {
    diesel::insert_into(external_identities::table)
        .values((
            external_identities::provider_ci.eq(canonical(&identity.provider)),
            external_identities::id_type_ci.eq(canonical(&identity.id_type)),
            external_identities::external_id_ci.eq(canonical(&identity.id)),
            external_identities::provider.eq(&identity.provider),
            external_identities::id_type.eq(&identity.id_type),
            external_identities::external_id.eq(&identity.id),
            external_identities::user_id.eq(user_id),
            external_identities::linked_at.eq(Some(now)),
            external_identities::asserted_by.eq(Some(asserted_by)),
        ))
        .run(conn)
}

/// Removes an identity from a user; `false` if the user does not have it.
pub fn remove(conn: &mut AnyConnection, user_id: i64, identity: &ExternalIdentity) -> Result<bool> {
    let own = external_identities::table
        .find(key(identity))
        .filter(external_identities::user_id.eq(user_id));
    Ok(diesel::delete(own).execute(conn)? > 0)
}
