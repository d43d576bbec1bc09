//! Organisations and memberships.

use diesel::prelude::*;

use super::tables::{memberships, organisations};
use super::users::{join_lines, split_lines};
use super::{AnyConnection, StoreError};
use crate::domain::Millis;
use crate::domain::organisation::Granted;

/// An organisation as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Organisation {
    pub uuid: String,
    pub name: String,
    /// Whether anyone may join by itself.
    pub join_policy: String,
}

impl Organisation {
    /// Whether anyone may join by itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.join_policy == "open"
    }
}

/// The organisation with this uuid.
///
/// # Errors
/// The store's.
pub fn find(
    connection: &mut AnyConnection,
    uuid: &str,
) -> Result<Option<Organisation>, StoreError> {
    Ok(organisations::table
        .filter(organisations::uuid.eq(uuid))
        .select((
            organisations::uuid,
            organisations::name,
            organisations::join_policy,
        ))
        .get_result(connection)
        .optional()?)
}

/// Every organisation, by uuid.
///
/// # Errors
/// The store's.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Organisation>, StoreError> {
    Ok(organisations::table
        .select((
            organisations::uuid,
            organisations::name,
            organisations::join_policy,
        ))
        .order(organisations::uuid)
        .load(connection)?)
}

/// Adds an organisation; `false` if there is one with that uuid.
///
/// # Errors
/// The store's.
pub fn add(
    connection: &mut AnyConnection,
    uuid: &str,
    name: &str,
    open: bool,
    now: Millis,
) -> Result<bool, StoreError> {
    if find(connection, uuid)?.is_some() {
        return Ok(false);
    }
    diesel::insert_into(organisations::table)
        .values((
            organisations::uuid.eq(uuid),
            organisations::name.eq(name),
            organisations::join_policy.eq(if open { "open" } else { "closed" }),
            organisations::created_at.eq(now),
        ))
        .execute(connection)?;
    Ok(true)
}

/// Gives an organisation that there is this name and way to join.
///
/// # Errors
/// The store's.
pub fn update(
    connection: &mut AnyConnection,
    organisation: &Organisation,
) -> Result<(), StoreError> {
    diesel::update(organisations::table.filter(organisations::uuid.eq(&organisation.uuid)))
        .set((
            organisations::name.eq(&organisation.name),
            organisations::join_policy.eq(&organisation.join_policy),
        ))
        .execute(connection)?;
    Ok(())
}

/// How many members an organisation has.
///
/// # Errors
/// The store's.
pub fn members(connection: &mut AnyConnection, uuid: &str) -> Result<i64, StoreError> {
    Ok(memberships::table
        .filter(memberships::organisation_uuid.eq(uuid))
        .count()
        .get_result(connection)?)
}

/// Removes an organisation and its memberships.
///
/// # Errors
/// The store's.
pub fn remove(connection: &mut AnyConnection, uuid: &str) -> Result<(), StoreError> {
    diesel::delete(organisations::table.filter(organisations::uuid.eq(uuid)))
        .execute(connection)?;
    Ok(())
}

/// The organisations a user belongs to, by uuid.
///
/// # Errors
/// The store's.
pub fn granted(connection: &mut AnyConnection, user_id: i64) -> Result<Vec<Granted>, StoreError> {
    let rows: Vec<(String, String, String)> = memberships::table
        .inner_join(organisations::table)
        .filter(memberships::user_id.eq(user_id))
        .order(memberships::organisation_uuid)
        .select((organisations::uuid, organisations::name, memberships::roles))
        .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|(uuid, name, roles)| Granted {
            uuid,
            name,
            roles: split_lines(&roles),
        })
        .collect())
}

/// Ends a membership, if there is one.
///
/// # Errors
/// The store's.
pub fn leave(connection: &mut AnyConnection, user_id: i64, uuid: &str) -> Result<(), StoreError> {
    diesel::delete(
        memberships::table
            .filter(memberships::user_id.eq(user_id))
            .filter(memberships::organisation_uuid.eq(uuid)),
    )
    .execute(connection)?;
    Ok(())
}

/// Makes a user a member, unless it is one already.
///
/// # Errors
/// The store's.
pub fn join(
    connection: &mut AnyConnection,
    user_id: i64,
    uuid: &str,
    roles: &[String],
    now: Millis,
) -> Result<(), StoreError> {
    let member: i64 = memberships::table
        .filter(memberships::user_id.eq(user_id))
        .filter(memberships::organisation_uuid.eq(uuid))
        .count()
        .get_result(connection)?;
    if member == 0 {
        diesel::insert_into(memberships::table)
            .values((
                memberships::user_id.eq(user_id),
                memberships::organisation_uuid.eq(uuid),
                memberships::roles.eq(join_lines(roles)),
                memberships::created_at.eq(now),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// Has nobody join any of them until this transaction ends; SQLite's only writer holds everybody anyhow.
///
/// # Errors
/// The store's.
pub fn hold_all(connection: &mut AnyConnection) -> Result<(), StoreError> {
    if let AnyConnection::Postgres(c) = connection {
        let all = organisations::table
            .select(organisations::uuid)
            .order(organisations::uuid);
        all.for_update().load::<String>(c)?;
    }
    Ok(())
}
