//! What the loginbar shows of a user in addition to the name.

use diesel::prelude::*;

use super::connection::columns;
use super::tables::profiles;
use super::{AnyConnection, Result};

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
    Ok(profiles::table
        .filter(profiles::user_id.eq(user_id))
        .select(columns::<Profile>())
        .get_result(conn)
        .optional()?)
}

/// Inserts or replaces the profile of a user.
pub fn put(conn: &mut AnyConnection, user_id: i64, profile: &Profile) -> Result<()> {
    let changed = diesel::update(profiles::table.filter(profiles::user_id.eq(user_id)))
        .set(profile)
        .execute(conn)?;
    if changed == 0 {
        diesel::insert_into(profiles::table)
            .values((profiles::user_id.eq(user_id), profile))
            .execute(conn)?;
    }
    Ok(())
}
