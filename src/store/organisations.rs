//! Organisations and memberships.

use diesel::prelude::*;

use super::connection::{columns, on_backend};
use super::lines::{join_lines, split_lines};
use super::tables::{memberships, organisations};
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;
use crate::domain::organisation::{JoinPolicy, Membership};
use crate::domain::text::canonical;

/// A stored organisation.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = organisations)]
pub struct Organisation {
    pub uuid: String,
    pub name: String,
    #[diesel(deserialize_as = String)]
    pub join_policy: JoinPolicy,
    /// The partner system that identifies the organisation by `external_id`; both are present, or neither is.
    pub channel: Option<String>,
    pub external_id: Option<String>,
}

impl Organisation {
    /// Whether users may join by themselves.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.join_policy == JoinPolicy::Open
    }

    /// The channel and the id in that channel.
    #[must_use]
    pub fn known_as(&self) -> Option<(&str, &str)> {
        self.channel.as_deref().zip(self.external_id.as_deref())
    }
}

/// The organisation with this uuid.
pub fn find(conn: &mut AnyConnection, uuid: &str) -> Result<Option<Organisation>> {
    organisations::table
        .find(uuid)
        .select(columns::<Organisation>())
        .fetch_optional(conn)
}

/// The organisation with this id in this channel, both compared canonically.
pub fn by_external_id(
    conn: &mut AnyConnection,
    channel: &str,
    external_id: &str,
) -> Result<Option<Organisation>> {
    organisations::table
        .filter(organisations::channel_ci.eq(canonical(channel)))
        .filter(organisations::external_id_ci.eq(canonical(external_id)))
        .select(columns::<Organisation>())
        .fetch_optional(conn)
}

/// The conditions of [`search`]. Absent ones are not applied; texts are compared canonically, except the uuid.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub uuid: Option<&'a str>,
    pub channel: Option<&'a str>,
    pub external_id: Option<&'a str>,
}

/// The organisations that meet the conditions, by uuid: their number, and one page of them.
pub fn search(
    conn: &mut AnyConnection,
    filter: Filter<'_>,
    (offset, limit): (i64, i64),
) -> Result<(i64, Vec<Organisation>)> {
    let found = || {
        let mut found = organisations::table.into_boxed();
        if let Some(uuid) = filter.uuid {
            found = found.filter(organisations::uuid.eq(uuid.to_owned()));
        }
        if let Some(channel) = filter.channel {
            found = found.filter(organisations::channel_ci.eq(canonical(channel)));
        }
        if let Some(id) = filter.external_id {
            found = found.filter(organisations::external_id_ci.eq(canonical(id)));
        }
        found
    };
    let total = found().count().get_result(conn)?;
    let page = found()
        .order(organisations::uuid)
        .offset(offset)
        .limit(limit)
        .select(columns::<Organisation>())
        .load(conn)?;
    Ok((total, page))
}

/// The uuid of the organisation with this id in this channel, and whether the user is a member of it.
pub fn by_external_id_for(
    conn: &mut AnyConnection,
    (channel, external_id): (&str, &str),
    user_id: i64,
) -> Result<Option<(String, bool)>> {
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
        on_backend!(conn, c => query.get_result(c)).optional()?;
    Ok(found.map(|(uuid, member)| (uuid, member.is_some())))
}

/// Whether any organisation has an id in this channel, compared canonically.
pub fn has_channel(conn: &mut AnyConnection, channel: &str) -> Result<bool> {
    organisations::table
        .filter(organisations::channel_ci.eq(canonical(channel)))
        .has_rows(conn)
}

/// Every organisation, by uuid.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<Organisation>> {
    Ok(organisations::table
        .select(columns::<Organisation>())
        .order(organisations::uuid)
        .load(conn)?)
}

/// Adds an organisation; `false` if the uuid exists.
pub fn add(
    conn: &mut AnyConnection,
    uuid: &str,
    name: &str,
    join_policy: JoinPolicy,
    now: Millis,
) -> Result<bool> {
    if find(conn, uuid)?.is_some() {
        return Ok(false);
    }
    diesel::insert_into(organisations::table)
        .values((
            organisations::uuid.eq(uuid),
            organisations::name.eq(name),
            organisations::join_policy.eq(join_policy.as_str()),
            organisations::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(true)
}

/// Sets or removes the channel and the id of an organisation. An id is unique in its channel.
///
/// # Errors
/// `StoreError::Collided` if another organisation has the id.
pub fn set_external_id(
    conn: &mut AnyConnection,
    uuid: &str,
    known_as: Option<(&str, &str)>,
) -> Result<()> {
    let (channel, external_id) = known_as.unzip();
    diesel::update(organisations::table.find(uuid))
        .set((
            organisations::channel.eq(channel),
            organisations::channel_ci.eq(channel.map(canonical)),
            organisations::external_id.eq(external_id),
            organisations::external_id_ci.eq(external_id.map(canonical)),
        ))
        .run(conn)
}

/// Updates the name and the join policy of an existing organisation; see [`set_external_id`] for the rest.
pub fn update(conn: &mut AnyConnection, organisation: &Organisation) -> Result<()> {
    diesel::update(organisations::table.find(&organisation.uuid))
        .set((
            organisations::name.eq(&organisation.name),
            organisations::join_policy.eq(organisation.join_policy.as_str()),
        ))
        .run(conn)
}

/// The number of members of an organisation.
pub fn members(conn: &mut AnyConnection, uuid: &str) -> Result<i64> {
    Ok(memberships::table
        .filter(memberships::organisation_uuid.eq(uuid))
        .count()
        .get_result(conn)?)
}

/// Removes an organisation and its memberships.
pub fn remove(conn: &mut AnyConnection, uuid: &str) -> Result<()> {
    diesel::delete(organisations::table.find(uuid)).run(conn)
}

/// The memberships of a user, by uuid of the organisation.
pub fn memberships(conn: &mut AnyConnection, user_id: i64) -> Result<Vec<Membership>> {
    let rows: Vec<(String, String, String)> = memberships::table
        .inner_join(organisations::table)
        .filter(memberships::user_id.eq(user_id))
        .order(memberships::organisation_uuid)
        .select((organisations::uuid, organisations::name, memberships::roles))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(uuid, name, roles)| Membership {
            uuid,
            name,
            roles: split_lines(&roles),
        })
        .collect())
}

/// Ends a user's memberships in all organisations of this channel but one.
pub fn leave_others_of_channel(
    conn: &mut AnyConnection,
    user_id: i64,
    channel: &str,
    but: &str,
) -> Result<()> {
    let of_channel: Vec<String> = memberships::table
        .inner_join(organisations::table)
        .filter(memberships::user_id.eq(user_id))
        .filter(organisations::channel_ci.eq(canonical(channel)))
        .select(organisations::uuid)
        .load(conn)?;
    for uuid in of_channel.iter().filter(|uuid| *uuid != but) {
        leave(conn, user_id, uuid)?;
    }
    Ok(())
}

/// Replaces the roles of a member in an organisation; `false` if the member has exactly these roles already.
pub fn set_roles(
    conn: &mut AnyConnection,
    user_id: i64,
    uuid: &str,
    roles: &[String],
) -> Result<bool> {
    let roles = join_lines(roles);
    let rows = memberships::table
        .find((user_id, uuid))
        .filter(memberships::roles.ne(&roles));
    let changed = diesel::update(rows)
        .set(memberships::roles.eq(&roles))
        .execute(conn)?;
    Ok(changed > 0)
}

/// Ends a membership if it exists.
pub fn leave(conn: &mut AnyConnection, user_id: i64, uuid: &str) -> Result<()> {
    let rows = memberships::table.find((user_id, uuid));
    diesel::delete(rows).run(conn)
}

/// Makes a user a member, unless the user is a member already.
pub fn join(
    conn: &mut AnyConnection,
    user_id: i64,
    uuid: &str,
    roles: &[String],
    now: Millis,
) -> Result<()> {
    if !memberships::table.find((user_id, uuid)).has_rows(conn)? {
        diesel::insert_into(memberships::table)
            .values((
                memberships::user_id.eq(user_id),
                memberships::organisation_uuid.eq(uuid),
                memberships::roles.eq(join_lines(roles)),
                memberships::created_at.eq(now),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Locks all organisations, so that no user joins an organisation until the transaction ends. SQLite has only one
/// writer anyway.
pub fn lock_all(conn: &mut AnyConnection) -> Result<()> {
    if let AnyConnection::Postgres(c) = conn {
        let all = organisations::table
            .select(organisations::uuid)
            .order(organisations::uuid);
        all.for_update().load::<String>(c)?;
    }
    Ok(())
}
