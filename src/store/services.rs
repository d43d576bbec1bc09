//! Services of partners, and which users are known to them.

use diesel::dsl::{count_star, exists, not};
use diesel::prelude::*;

use super::finding::Finding;
use super::tables::{assignments, required_agreements, services, users};
use super::transaction::retry;
use super::{AnyConnection, StoreError};
use crate::domain::Millis;
use crate::domain::text::canonical;

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
    /// Whether it tells ids apart that differ in case or Unicode form alone.
    pub case_sensitive_ids: bool,
}

/// Where a service is told, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub url: String,
    /// Sealed.
    pub credentials: Option<Vec<u8>>,
    pub case_sensitive_ids: bool,
}

/// That a user is known to a service.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Assignment {
    pub service_id: i64,
    pub user_id_in_service: String,
    pub created_at: Millis,
}

/// What ended with an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub service_id: i64,
    pub user_id_in_service: String,
    /// Whether the service wants to be told.
    pub has_callback: bool,
    /// Whether another user holds the id, so that the service must not be told.
    pub is_held: bool,
}

/// What became of a claim to an id in a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    Granted,
    /// There is no such service any more.
    NoService,
    /// Another user holds the id.
    Taken,
}

/// The numbers of every service.
pub fn ids(connection: &mut AnyConnection) -> Result<Vec<i64>, StoreError> {
    Ok(services::table
        .select(services::id)
        .order(services::id)
        .load(connection)?)
}

/// Adds a service. Ask [`ids`] first, in the same transaction.
pub fn add(connection: &mut AnyConnection, service: &Service) -> Result<(), StoreError> {
    diesel::insert_into(services::table)
        .values(service)
        .execute(connection)?;
    Ok(())
}

/// Every service, by number.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Service>, StoreError> {
    Ok(services::table
        .select((
            services::id,
            services::portal_id,
            services::name,
            services::callback_url,
            services::credentials,
            services::case_sensitive_ids,
        ))
        .order(services::id)
        .load(connection)?)
}

/// Makes a service that there is be like this. Where ids are to be compared in another way than before, the ids of its
/// users are; those that several users then hold are disputed.
pub fn update(connection: &mut AnyConnection, service: &Service) -> Result<(), StoreError> {
    let stored = services::table.filter(services::id.eq(service.id));
    let was_case_sensitive: Option<bool> = stored
        .select(services::case_sensitive_ids)
        .get_result(connection)
        .optional()?;
    diesel::update(stored).set(service).execute(connection)?;
    if was_case_sensitive.is_some_and(|was| was != service.case_sensitive_ids) {
        diesel::update(assignments::table.filter(assignments::service_id.eq(service.id)))
            .set((
                assignments::compared_id.eq(None::<String>),
                assignments::disputed.eq(false),
            ))
            .execute(connection)?;
        while fill_some(connection)? > 0 {}
    }
    Ok(())
}

/// Removes a service, and what is known of users at it.
pub fn remove(connection: &mut AnyConnection, id: i64) -> Result<(), StoreError> {
    diesel::delete(services::table.filter(services::id.eq(id))).execute(connection)?;
    Ok(())
}

/// Which service requires which agreement, by both numbers.
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
pub fn users(connection: &mut AnyConnection, id: i64) -> Result<i64, StoreError> {
    Ok(assignments::table
        .filter(assignments::service_id.eq(id))
        .count()
        .get_result(connection)?)
}

/// Where a service is told that a user has left, and its sealed credentials; nothing if it is gone or wants no callbacks.
pub fn callback(connection: &mut AnyConnection, id: i64) -> Result<Option<Callback>, StoreError> {
    let found: Option<(Option<String>, Option<Vec<u8>>, bool)> = services::table
        .filter(services::id.eq(id))
        .select((
            services::callback_url,
            services::credentials,
            services::case_sensitive_ids,
        ))
        .get_result(connection)
        .optional()?;
    Ok(found.and_then(|(url, credentials, case_sensitive_ids)| {
        Some(Callback {
            url: url?,
            credentials,
            case_sensitive_ids,
        })
    }))
}

/// Has a service told elsewhere that users have left.
pub fn set_callback(connection: &mut AnyConnection, id: i64, url: &str) -> Result<(), StoreError> {
    diesel::update(services::table.filter(services::id.eq(id)))
        .set(services::callback_url.eq(url))
        .execute(connection)?;
    Ok(())
}

/// Makes a user known to a service by this id, or by another id than before, unless another user holds it. Hold the user
/// first. Of two users that claim an id at the same time the database refuses one, whose step is run again and then sees
/// the other.
pub fn assign(
    connection: &mut AnyConnection,
    user_id: i64,
    service_id: i64,
    user_id_in_service: &str,
    now: Millis,
) -> Result<Claim, StoreError> {
    let own = assignments::service_id
        .eq(services::id)
        .and(assignments::user_id.eq(user_id));
    let known: Option<(bool, Option<String>, Option<bool>)> = services::table
        .left_join(assignments::table.on(own))
        .filter(services::id.eq(service_id))
        .select((
            services::case_sensitive_ids,
            assignments::compared_id.nullable(),
            assignments::disputed.nullable(),
        ))
        .get_result(connection)
        .optional()?;
    let Some((case_sensitive, held, was_disputed)) = known else {
        return Ok(Claim::NoService);
    };
    let compared = compared_id(user_id_in_service, case_sensitive);
    let row = assignments::table.find((user_id, service_id));
    if held.as_ref() == Some(&compared) {
        // The same id, perhaps in another spelling. If it is disputed, it stays so.
        diesel::update(row)
            .set(assignments::user_id_in_service.eq(user_id_in_service))
            .execute(connection)?;
        return Ok(Claim::Granted);
    }
    if is_held(connection, service_id, &compared)? {
        return Ok(Claim::Taken);
    }
    let values = (
        assignments::user_id_in_service.eq(user_id_in_service),
        assignments::compared_id.eq(&compared),
        assignments::disputed.eq(false),
    );
    if was_disputed.is_some() {
        diesel::update(row).set(values).execute(connection)?;
    } else {
        let key = (
            assignments::user_id.eq(user_id),
            assignments::service_id.eq(service_id),
            assignments::created_at.eq(now),
        );
        diesel::insert_into(assignments::table)
            .values((key, values))
            .execute(connection)?;
    }
    if let (Some(old), Some(true)) = (held, was_disputed) {
        settle_dispute(connection, service_id, &old)?;
    }
    Ok(Claim::Granted)
}

/// Whether a user holds this id in a service, by its compared form. A disputed id is held.
pub fn is_held(
    connection: &mut AnyConnection,
    service_id: i64,
    compared: &str,
) -> Result<bool, StoreError> {
    let holders = || {
        assignments::table
            .filter(assignments::service_id.eq(service_id))
            .filter(assignments::compared_id.eq(compared))
    };
    // Literals, because each of them has a partial index.
    let owner = exists(holders().filter(not(assignments::disputed)));
    let disputing = exists(holders().filter(assignments::disputed));
    Ok(diesel::select(owner.or(disputing)).get_result(connection)?)
}

/// Ends the dispute about an id if one user is left that holds it: the id belongs to that user.
fn settle_dispute(
    c: &mut AnyConnection,
    service_id: i64,
    compared: &str,
) -> Result<(), StoreError> {
    let holders: Vec<i64> = assignments::table
        .filter(assignments::service_id.eq(service_id))
        .filter(assignments::compared_id.eq(compared))
        .filter(assignments::disputed)
        .limit(2)
        .select(assignments::user_id)
        .load(c)?;
    if let [only] = holders.as_slice() {
        diesel::update(assignments::table.find((only, service_id)))
            .set(assignments::disputed.eq(false))
            .execute(c)?;
    }
    Ok(())
}

/// The services of a portal that a user is assigned to, ascending.
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

/// Ends an assignment, if there is one. Hold the user first.
pub fn unassign(
    connection: &mut AnyConnection,
    user_id: i64,
    service_id: i64,
) -> Result<Option<Ended>, StoreError> {
    let row: Option<(String, Option<String>, bool, bool, bool)> = assignments::table
        .inner_join(services::table)
        .filter(assignments::user_id.eq(user_id))
        .filter(assignments::service_id.eq(service_id))
        .select((
            assignments::user_id_in_service,
            assignments::compared_id,
            assignments::disputed,
            services::case_sensitive_ids,
            services::callback_url.is_not_null(),
        ))
        .get_result(connection)
        .optional()?;
    let Some((id, compared, disputed, case_sensitive, has_callback)) = row else {
        return Ok(None);
    };
    diesel::delete(assignments::table.find((user_id, service_id))).execute(connection)?;
    let compared = compared.unwrap_or_else(|| compared_id(&id, case_sensitive));
    if disputed {
        settle_dispute(connection, service_id, &compared)?;
    }
    Ok(Some(Ended {
        service_id,
        is_held: is_held(connection, service_id, &compared)?,
        user_id_in_service: id,
        has_callback,
    }))
}

/// Has nobody be assigned to any of them until this transaction ends; SQLite's only writer holds everybody anyhow.
pub fn lock_all(connection: &mut AnyConnection) -> Result<(), StoreError> {
    if let AnyConnection::Postgres(c) = connection {
        let all = services::table.select(services::id).order(services::id);
        all.for_update().load::<i64>(c)?;
    }
    Ok(())
}

/// The longest form of an id that is compared, in bytes: PostgreSQL's indexes take no more than 2,704. Canonical forms of
/// ids of 256 characters are longer only where each character stands for many; what follows is not compared then.
const MAX_COMPARED: usize = 1024;
/// Rows that are filled in at a time.
const BATCH: i64 = 1000;
/// Holders of a disputed id that a finding names.
const MAX_NAMED: i64 = 10;

/// The form in which ids in a service are compared: two of one form are the same id. Services may ignore case, so that ids
/// that differ in case or Unicode form alone are the same unless the service is known to tell them apart.
#[must_use]
pub fn compared_id(id: &str, case_sensitive: bool) -> String {
    let mut form = match case_sensitive {
        true => id.to_owned(),
        false => canonical(id),
    };
    if form.len() > MAX_COMPARED {
        let end = (0..=MAX_COMPARED).rfind(|at| form.is_char_boundary(*at));
        form.truncate(end.unwrap_or(0));
    }
    form
}

/// Computes the compared ids that are missing: of rows that are older than the column, and of services whose ids are
/// compared in another way than before. Ids that several users hold are disputed from then on.
///
/// # Errors
/// The store's; what was computed stays, and the rest is for the next time.
pub fn fill_compared_ids(connection: &mut AnyConnection) -> Result<(), StoreError> {
    while is_one_missing(connection)? {
        retry(connection, fill_some)?;
    }
    Ok(())
}

fn is_one_missing(c: &mut AnyConnection) -> Result<bool, StoreError> {
    let missing = assignments::table.filter(assignments::compared_id.is_null());
    Ok(diesel::select(exists(missing)).get_result(c)?)
}

/// Fills in a batch of rows, in the caller's transaction, and tells how many there were.
fn fill_some(c: &mut AnyConnection) -> Result<usize, StoreError> {
    let rows: Vec<(i64, i64, String, bool)> = assignments::table
        .inner_join(services::table)
        .filter(assignments::compared_id.is_null())
        .order((assignments::service_id, assignments::user_id))
        .limit(BATCH)
        .select((
            assignments::user_id,
            assignments::service_id,
            assignments::user_id_in_service,
            services::case_sensitive_ids,
        ))
        .load(c)?;
    for (user_id, service_id, id, case_sensitive) in &rows {
        let compared = compared_id(id, *case_sensitive);
        let others = assignments::table
            .filter(assignments::service_id.eq(service_id))
            .filter(assignments::compared_id.eq(&compared));
        let disputed = diesel::update(others)
            .set(assignments::disputed.eq(true))
            .execute(c)?
            > 0;
        diesel::update(assignments::table.find((user_id, service_id)))
            .set((
                assignments::compared_id.eq(&compared),
                assignments::disputed.eq(disputed),
            ))
            .execute(c)?;
    }
    Ok(rows.len())
}

/// Reports each id that several users hold.
pub(super) fn find_disputed(
    connection: &mut AnyConnection,
    found: &mut dyn FnMut(Finding),
) -> Result<(), StoreError> {
    let disputed: Vec<(i64, Option<String>, i64)> = assignments::table
        .filter(assignments::disputed)
        .group_by((assignments::service_id, assignments::compared_id))
        .order((assignments::service_id, assignments::compared_id))
        .select((
            assignments::service_id,
            assignments::compared_id,
            count_star(),
        ))
        .load(connection)?;
    for (service_id, compared, holders) in disputed {
        let mut names: Vec<String> = assignments::table
            .inner_join(users::table)
            .filter(assignments::service_id.eq(service_id))
            .filter(assignments::compared_id.eq(&compared))
            .filter(assignments::disputed)
            .order(users::id)
            .limit(MAX_NAMED)
            .select(users::user_name)
            .load(connection)?;
        let unnamed = holders - names.len() as i64;
        if unnamed > 0 {
            names.push(format!("{unnamed} more"));
        }
        found(Finding {
            kind: "disputed_id_in_service",
            place: format!(
                "service {service_id}, id {:?}",
                compared.unwrap_or_default()
            ),
            text: format!(
                "{holders} users hold this id: {}. Nobody else can claim it, and the gateway sends no callback for it. \
                 Ask the service which user it is, and take the id from the others: `chaingun-gateway user leave-service`.",
                names.join(", ")
            ),
        });
    }
    Ok(())
}
