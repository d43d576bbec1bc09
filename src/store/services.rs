//! Services of partners, and which users are known to them.

use diesel::prelude::*;

use super::tables::{assignments, required_agreements, services};
use super::{AnyConnection, StoreError};
use crate::domain::Millis;

/// A service as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = services, treat_none_as_null = true)]
pub struct Service {
    pub id: i64,
    pub portal_id: i64,
    pub name: String,
    /// Where it is told that a user has left; nowhere if there is none.
    pub callback_url: Option<String>,
    /// Access key and secret for that, sealed.
    pub credentials: Option<Vec<u8>>,
}

/// Where a service is told, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub url: String,
    /// Sealed.
    pub credentials: Option<Vec<u8>>,
}

/// A service that is to be told that a user has left.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct ToTell {
    pub service_id: i64,
    pub user_id_in_service: String,
}

/// That a user is known to a service.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Assignment {
    pub service_id: i64,
    pub user_id_in_service: String,
    pub created_at: Millis,
}

/// The numbers of every service.
///
/// # Errors
/// The store's.
pub fn ids(connection: &mut AnyConnection) -> Result<Vec<i64>, StoreError> {
    Ok(services::table
        .select(services::id)
        .order(services::id)
        .load(connection)?)
}

/// Adds a service. Ask [`ids`] first, in the same transaction.
///
/// # Errors
/// The store's.
pub fn add(connection: &mut AnyConnection, service: &Service) -> Result<(), StoreError> {
    diesel::insert_into(services::table)
        .values(service)
        .execute(connection)?;
    Ok(())
}

/// Every service, by number.
///
/// # Errors
/// The store's.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Service>, StoreError> {
    Ok(services::table
        .select((
            services::id,
            services::portal_id,
            services::name,
            services::callback_url,
            services::credentials,
        ))
        .order(services::id)
        .load(connection)?)
}

/// Makes a service that there is be like this.
///
/// # Errors
/// The store's.
pub fn update(connection: &mut AnyConnection, service: &Service) -> Result<(), StoreError> {
    diesel::update(services::table.filter(services::id.eq(service.id)))
        .set(service)
        .execute(connection)?;
    Ok(())
}

/// Removes a service, and what is known of users at it.
///
/// # Errors
/// The store's.
pub fn remove(connection: &mut AnyConnection, id: i64) -> Result<(), StoreError> {
    diesel::delete(services::table.filter(services::id.eq(id))).execute(connection)?;
    Ok(())
}

/// Which service requires which agreement, by both numbers.
///
/// # Errors
/// The store's.
pub fn requirements(connection: &mut AnyConnection) -> Result<Vec<(i64, i64)>, StoreError> {
    Ok(required_agreements::table
        .select((
            required_agreements::service_id,
            required_agreements::agreement_id,
        ))
        .order((
            required_agreements::service_id,
            required_agreements::agreement_id,
        ))
        .load(connection)?)
}

/// Has a service require these agreements and no others.
///
/// # Errors
/// The store's.
pub fn require(
    connection: &mut AnyConnection,
    service_id: i64,
    agreement_ids: &[i64],
) -> Result<(), StoreError> {
    diesel::delete(
        required_agreements::table.filter(required_agreements::service_id.eq(service_id)),
    )
    .execute(connection)?;
    for agreement_id in agreement_ids {
        diesel::insert_into(required_agreements::table)
            .values((
                required_agreements::service_id.eq(service_id),
                required_agreements::agreement_id.eq(agreement_id),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// How many users are known to a service.
///
/// # Errors
/// The store's.
pub fn users(connection: &mut AnyConnection, id: i64) -> Result<i64, StoreError> {
    Ok(assignments::table
        .filter(assignments::service_id.eq(id))
        .count()
        .get_result(connection)?)
}

/// Where a service is told that a user has left, and its sealed credentials; nothing if it is gone or wants no callbacks.
///
/// # Errors
/// The store's.
pub fn callback(connection: &mut AnyConnection, id: i64) -> Result<Option<Callback>, StoreError> {
    let found: Option<(Option<String>, Option<Vec<u8>>)> = services::table
        .filter(services::id.eq(id))
        .select((services::callback_url, services::credentials))
        .get_result(connection)
        .optional()?;
    Ok(found.and_then(|(url, credentials)| {
        Some(Callback {
            url: url?,
            credentials,
        })
    }))
}

/// Has a service told elsewhere that users have left.
///
/// # Errors
/// The store's.
pub fn set_callback(connection: &mut AnyConnection, id: i64, url: &str) -> Result<(), StoreError> {
    diesel::update(services::table.filter(services::id.eq(id)))
        .set(services::callback_url.eq(url))
        .execute(connection)?;
    Ok(())
}

/// Makes a user known to a service under this name, or under another one than before.
///
/// # Errors
/// The store's.
pub fn assign(
    connection: &mut AnyConnection,
    user_id: i64,
    service_id: i64,
    user_id_in_service: &str,
    now: Millis,
) -> Result<(), StoreError> {
    let assignment = assignments::table
        .filter(assignments::user_id.eq(user_id))
        .filter(assignments::service_id.eq(service_id));
    let changed = diesel::update(assignment)
        .set(assignments::user_id_in_service.eq(user_id_in_service))
        .execute(connection)?;
    if changed == 0 {
        diesel::insert_into(assignments::table)
            .values((
                assignments::user_id.eq(user_id),
                assignments::service_id.eq(service_id),
                assignments::user_id_in_service.eq(user_id_in_service),
                assignments::created_at.eq(now),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// The services that want to be told when this user leaves, by number.
///
/// # Errors
/// The store's.
pub fn to_tell(connection: &mut AnyConnection, user_id: i64) -> Result<Vec<ToTell>, StoreError> {
    Ok(assignments::table
        .inner_join(services::table)
        .filter(assignments::user_id.eq(user_id))
        .filter(services::callback_url.is_not_null())
        .order(assignments::service_id)
        .select((assignments::service_id, assignments::user_id_in_service))
        .load(connection)?)
}

/// The services of a portal that a user is assigned to, ascending.
///
/// # Errors
/// The store's.
pub fn of_user(
    connection: &mut AnyConnection,
    user_id: i64,
    portal_id: i64,
) -> Result<Vec<i64>, StoreError> {
    Ok(assignments::table
        .inner_join(services::table)
        .filter(assignments::user_id.eq(user_id))
        .filter(services::portal_id.eq(portal_id))
        .order(assignments::service_id)
        .select(assignments::service_id)
        .load(connection)?)
}

/// Every service that a user is assigned to, by number, whether it wants to be told anything or not.
///
/// # Errors
/// The store's.
pub fn assignments(
    connection: &mut AnyConnection,
    user_id: i64,
) -> Result<Vec<Assignment>, StoreError> {
    Ok(assignments::table
        .filter(assignments::user_id.eq(user_id))
        .order(assignments::service_id)
        .select((
            assignments::service_id,
            assignments::user_id_in_service,
            assignments::created_at,
        ))
        .load(connection)?)
}

/// Ends an assignment; `false` if there was none.
///
/// # Errors
/// The store's.
pub fn unassign(
    connection: &mut AnyConnection,
    user_id: i64,
    service_id: i64,
) -> Result<bool, StoreError> {
    let assignment = assignments::table
        .filter(assignments::user_id.eq(user_id))
        .filter(assignments::service_id.eq(service_id));
    Ok(diesel::delete(assignment).execute(connection)? == 1)
}

/// Has nobody be assigned to any of them until this transaction ends; SQLite's only writer holds everybody anyhow.
///
/// # Errors
/// The store's.
pub fn hold_all(connection: &mut AnyConnection) -> Result<(), StoreError> {
    if let AnyConnection::Postgres(c) = connection {
        let all = services::table.select(services::id).order(services::id);
        all.for_update().load::<i64>(c)?;
    }
    Ok(())
}
