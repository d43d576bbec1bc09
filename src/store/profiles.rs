//! Profiles: the data of users that the loginbar shows in addition to the name.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::connection::columns;
use super::finding::Finding;
use super::tables::{profiles, users};
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::user::canonical_phone;

/// The profile of a user. Every field is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = profiles, treat_none_as_null = true)]
pub struct Profile {
    /// A mail account at another provider.
    pub external: Option<String>,
    /// The source of notifications.
    pub channel: Option<String>,
    /// The number of notifications.
    pub counter: Option<i64>,
    /// The number of notifications since the last visit.
    pub last_visit_counter: Option<i64>,
    /// The URL of a picture.
    pub avatar: Option<String>,
    pub signature_number: Option<String>,
    pub signature_name: Option<String>,
    /// The number of a mail account.
    pub secondary_id: Option<i64>,
    pub phone: Option<String>,
    /// Whether somebody has verified that the telephone number is the user's.
    pub phone_verified: bool,
}

impl Profile {
    /// The compared form of the telephone number, if the number is verified.
    #[must_use]
    pub fn verified_phone(&self) -> Option<String> {
        let phone = self.phone.as_ref().filter(|_| self.phone_verified);
        phone.and_then(|phone| canonical_phone(phone))
    }
}

/// The profile of a user.
pub fn find(conn: &mut AnyConnection, user_id: i64) -> Result<Option<Profile>> {
    profiles::table
        .find(user_id)
        .select(columns::<Profile>())
        .fetch_optional(conn)
}

/// Inserts or replaces the profile of a user. [`claim_phone`] makes its telephone number unique.
pub fn put(conn: &mut AnyConnection, user_id: i64, profile: &Profile) -> Result<()> {
    let phone_key = profile.phone.as_deref().and_then(canonical_phone);
    let row = (profile, profiles::phone_key.eq(phone_key));
    diesel::insert_into(profiles::table)
        .values((profiles::user_id.eq(user_id), row.clone()))
        .on_conflict(profiles::user_id)
        .do_update()
        .set(row)
        .run_on_backend(conn)
}

/// Gives a user this telephone number alone, or none. Call [`has_verified_phone`] first, in the same transaction.
///
/// # Errors
/// `StoreError::Collided` if a concurrent transaction took the number.
pub fn claim_phone(conn: &mut AnyConnection, user_id: i64, key: Option<&str>) -> Result<()> {
    diesel::update(profiles::table.find(user_id))
        .set(profiles::unique_phone.eq(key))
        .run(conn)
}

/// Whether a user other than `own` has this verified telephone number, in compared form.
pub fn has_verified_phone(conn: &mut AnyConnection, key: &str, own: Option<i64>) -> Result<bool> {
    let mut holders = by_phone(conn, key)?.into_iter();
    Ok(holders.any(|(id, is_verified)| is_verified && Some(id) != own))
}

/// The users with this telephone number, in compared form, and whether the number is verified; verified numbers first.
pub fn by_phone(conn: &mut AnyConnection, key: &str) -> Result<Vec<(i64, bool)>> {
    Ok(profiles::table
        .filter(profiles::phone_key.eq(key))
        .order((profiles::phone_verified.desc(), profiles::user_id))
        .limit(MAX_HOLDERS)
        .select((profiles::user_id, profiles::phone_verified))
        .load(conn)?)
}

/// The most users that a search by telephone number returns: one more than a caller can use, because the user itself
/// may be among them.
const MAX_HOLDERS: i64 = 3;
/// The most user names in one finding.
const MAX_NAMED: i64 = 10;

/// Reports each verified telephone number that several users have.
pub(super) fn find_shared_phones(
    conn: &mut AnyConnection,
    found: &mut dyn FnMut(Finding),
) -> Result<()> {
    let shared: Vec<(Option<String>, i64)> = profiles::table
        .filter(profiles::phone_verified)
        .filter(profiles::phone_key.is_not_null())
        .group_by(profiles::phone_key)
        .having(count_star().gt(1))
        .order(profiles::phone_key)
        .select((profiles::phone_key, count_star()))
        .load(conn)?;
    for (key, holders) in shared {
        let names: Vec<String> = profiles::table
            .inner_join(users::table)
            .filter(profiles::phone_key.eq(key))
            .filter(profiles::phone_verified)
            .order(users::id)
            .limit(MAX_NAMED)
            .select(users::user_name)
            .load(conn)?;
        found(Finding {
            kind: "shared_phone",
            place: format!("users {}", names.join(", ")),
            text: format!(
                "{holders} users have the same verified telephone number, and directory.unique_phones is yes. They keep \
                 it, and no further user can get it. Take it from all but one: `chaingun-gateway user profile NAME \
                 --clear phone`."
            ),
        });
    }
    Ok(())
}
