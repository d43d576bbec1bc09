//! Organisations and memberships.

use diesel::prelude::*;

use super::connection::{columns, on_backend};
use super::lines::{join_lines, split_lines};
use super::tables::{memberships, organisations};
use super::{AnyConnection, StoreError};
use crate::domain::Millis;
use crate::domain::organisation::{JoinPolicy, Membership};
use crate::domain::text::canonical;

/// An organisation as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = organisations)]
pub struct Organisation {
    pub uuid: String,
    pub name: String,
    #[diesel(deserialize_as = String)]
    pub join_policy: JoinPolicy,
    /// The partner system that knows it by `external_id`; both are there, or neither is.
    pub channel: Option<String>,
    pub external_id: Option<String>,
}

impl Organisation {
    /// Whether users may join by themselves.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.join_policy == JoinPolicy::Open
    }

    /// The channel that knows it, and by what id.
    #[must_use]
    pub fn known_as(&self) -> Option<(&str, &str)> {
        self.channel.as_deref().zip(self.external_id.as_deref())
    }
}

/// The organisation with this uuid.
pub fn find(
    connection: &mut AnyConnection,
    uuid: &str,
) -> Result<Option<Organisation>, StoreError> {
    Ok(organisations::table
        .filter(organisations::uuid.eq(uuid))
        .select(columns::<Organisation>())
        .get_result(connection)
        .optional()?)
}

/// The organisation that a channel knows by this id, both compared canonically.
pub fn by_external_id(
    connection: &mut AnyConnection,
    channel: &str,
    external_id: &str,
) -> Result<Option<Organisation>, StoreError> {
    Ok(organisations::table
        .filter(organisations::channel_ci.eq(canonical(channel)))
        .filter(organisations::external_id_ci.eq(canonical(external_id)))
        .select(columns::<Organisation>())
        .get_result(connection)
        .optional()?)
}

/// The uuid of the organisation that a channel knows by this id, and whether this user is a member of it.
pub fn by_external_id_for(
    connection: &mut AnyConnection,
    (channel, external_id): (&str, &str),
    user_id: i64,
) -> Result<Option<(String, bool)>, StoreError> {
    let query = organisations::table
        .left_join(
            memberships::table.on(memberships::organisation_uuid
                .eq(organisations::uuid)
                .and(memberships::user_id.eq(user_id))),
        )
        .filter(organisations::channel_ci.eq(canonical(channel)))
        .filter(organisations::external_id_ci.eq(canonical(external_id)))
        .select((organisations::uuid, memberships::user_id.nullable()));
    let found: Option<(String, Option<i64>)> =
        on_backend!(connection, c => query.get_result(c)).optional()?;
    Ok(found.map(|(uuid, member)| (uuid, member.is_some())))
}

/// Whether a channel knows any organisation, compared canonically.
pub fn has_channel(connection: &mut AnyConnection, channel: &str) -> Result<bool, StoreError> {
    let known: i64 = organisations::table
        .filter(organisations::channel_ci.eq(canonical(channel)))
        .count()
        .get_result(connection)?;
    Ok(known > 0)
}

/// Every organisation, by uuid.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Organisation>, StoreError> {
    Ok(organisations::table
        .select(columns::<Organisation>())
        .order(organisations::uuid)
        .load(connection)?)
}

/// Adds an organisation; `false` if there is one with that uuid.
pub fn add(
    connection: &mut AnyConnection,
    uuid: &str,
    name: &str,
    join_policy: JoinPolicy,
    now: Millis,
) -> Result<bool, StoreError> {
    if find(connection, uuid)?.is_some() {
        return Ok(false);
    }
    diesel::insert_into(organisations::table)
        .values((
            organisations::uuid.eq(uuid),
            organisations::name.eq(name),
            organisations::join_policy.eq(join_policy.as_str()),
            organisations::created_at.eq(now),
        ))
        .execute(connection)?;
    Ok(true)
}

/// Lets a channel know an organisation by this id, or by none. No two of a channel can have the same.
///
/// # Errors
/// The store's; [`StoreError::Collided`] if another one has this id.
pub fn set_external_id(
    connection: &mut AnyConnection,
    uuid: &str,
    known_as: Option<(&str, &str)>,
) -> Result<(), StoreError> {
    let (channel, external_id) = known_as.unzip();
    diesel::update(organisations::table.filter(organisations::uuid.eq(uuid)))
        .set((
            organisations::channel.eq(channel),
            organisations::channel_ci.eq(channel.map(canonical)),
            organisations::external_id.eq(external_id),
            organisations::external_id_ci.eq(external_id.map(canonical)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Gives an organisation that there is this name and way to join; see [`set_external_id`] for the rest.
pub fn update(
    connection: &mut AnyConnection,
    organisation: &Organisation,
) -> Result<(), StoreError> {
    diesel::update(organisations::table.filter(organisations::uuid.eq(&organisation.uuid)))
        .set((
            organisations::name.eq(&organisation.name),
            organisations::join_policy.eq(organisation.join_policy.as_str()),
        ))
        .execute(connection)?;
    Ok(())
}

/// How many members an organisation has.
pub fn members(connection: &mut AnyConnection, uuid: &str) -> Result<i64, StoreError> {
    Ok(memberships::table
        .filter(memberships::organisation_uuid.eq(uuid))
        .count()
        .get_result(connection)?)
}

/// Removes an organisation and its memberships.
pub fn remove(connection: &mut AnyConnection, uuid: &str) -> Result<(), StoreError> {
    diesel::delete(organisations::table.filter(organisations::uuid.eq(uuid)))
        .execute(connection)?;
    Ok(())
}

/// The organisations a user belongs to, by uuid.
pub fn memberships(
    connection: &mut AnyConnection,
    user_id: i64,
) -> Result<Vec<Membership>, StoreError> {
    let rows: Vec<(String, String, String)> = memberships::table
        .inner_join(organisations::table)
        .filter(memberships::user_id.eq(user_id))
        .order(memberships::organisation_uuid)
        .select((organisations::uuid, organisations::name, memberships::roles))
        .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|(uuid, name, roles)| Membership {
            uuid,
            name,
            roles: split_lines(&roles),
        })
        .collect())
}

/// Ends a user's memberships in the organisations that this channel knows, all but one.
pub fn leave_others_of_channel(
    connection: &mut AnyConnection,
    user_id: i64,
    channel: &str,
    but: &str,
) -> Result<(), StoreError> {
    let of_channel: Vec<String> = memberships::table
        .inner_join(organisations::table)
        .filter(memberships::user_id.eq(user_id))
        .filter(organisations::channel_ci.eq(canonical(channel)))
        .select(organisations::uuid)
        .load(connection)?;
    for uuid in of_channel.iter().filter(|uuid| *uuid != but) {
        leave(connection, user_id, uuid)?;
    }
    Ok(())
}

/// Replaces the roles that a member has in an organisation.
pub fn set_roles(
    connection: &mut AnyConnection,
    user_id: i64,
    uuid: &str,
    roles: &[String],
) -> Result<(), StoreError> {
    diesel::update(
        memberships::table
            .filter(memberships::user_id.eq(user_id))
            .filter(memberships::organisation_uuid.eq(uuid)),
    )
    .set(memberships::roles.eq(join_lines(roles)))
    .execute(connection)?;
    Ok(())
}

/// Ends a membership, if there is one.
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
pub fn lock_all(connection: &mut AnyConnection) -> Result<(), StoreError> {
    if let AnyConnection::Postgres(c) = connection {
        let all = organisations::table
            .select(organisations::uuid)
            .order(organisations::uuid);
        all.for_update().load::<String>(c)?;
    }
    Ok(())
}
