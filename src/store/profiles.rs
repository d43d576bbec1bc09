//! Profiles: the data of users that the loginbar shows in addition to the name.

use diesel::prelude::*;

use super::connection::columns;
use super::tables::profiles;
use super::{AnyConnection, QueryExt as _, Result};

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
}

/// The profile of a user.
pub fn find(conn: &mut AnyConnection, user_id: i64) -> Result<Option<Profile>> {
    profiles::table
        .find(user_id)
        .select(columns::<Profile>())
        .fetch_optional(conn)
}

/// Inserts or replaces the profile of a user.
pub fn put(conn: &mut AnyConnection, user_id: i64, profile: &Profile) -> Result<()> {
    diesel::insert_into(profiles::table)
        .values((profiles::user_id.eq(user_id), profile))
        .on_conflict(profiles::user_id)
        .do_update()
        .set(profile)
        .run_on_backend(conn)
}
