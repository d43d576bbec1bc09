//! Services of partners, and the users that are assigned to them.

use std::collections::HashMap;
use std::ops::Deref;

use diesel::dsl::{count_star, exists, not};
use diesel::prelude::*;

use super::connection::columns;
use super::finding::Finding;
use super::tables::{assignments, required_agreements, services, users};
use super::transaction::retry;
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;
use crate::domain::text::canonical;

/// A configured service.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = services, treat_none_as_null = true)]
pub struct Service {
    pub id: i64,
    pub portal_id: i64,
    pub name: String,
    /// The URL for callbacks about users that have left; `None` if the service wants no callbacks.
    pub callback_url: Option<String>,
    /// The sealed access key and secret for callbacks.
    pub credentials: Option<Vec<u8>>,
    /// Whether ids that differ only in case or Unicode form belong to different users.
    pub case_sensitive_ids: bool,
    /// Whether the answers 404 and 410 to a callback count as done.
    pub gone_is_done: bool,
}

/// A service with the agreements that it requires, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiringService {
    pub service: Service,
    pub requires: Vec<i64>,
}

impl Deref for RequiringService {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

/// An assignment of a user to a service.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Assignment {
    pub service_id: i64,
    pub user_id_in_service: String,
    pub created_at: Millis,
}

/// An assignment that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub service_id: i64,
    pub user_id_in_service: String,
    /// Whether the service wants callbacks.
    pub has_callback: bool,
    /// Whether another user has the id, so that no callback may be sent.
    pub is_held: bool,
}

/// The result of claiming an id in a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    Granted,
    /// The service does not exist.
    NoService,
    /// Another user has the id.
    Taken,
}

/// The numbers of all services.
pub fn ids(conn: &mut AnyConnection) -> Result<Vec<i64>> {
    Ok(services::table
        .select(services::id)
        .order(services::id)
        .load(conn)?)
}

/// Every service, by number.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<Service>> {
    Ok(services::table
        .select(columns::<Service>())
        .order(services::id)
        .load(conn)?)
}

/// Every service with the agreements that it requires, by number.
pub fn all_requiring(conn: &mut AnyConnection) -> Result<Vec<RequiringService>> {
    let rows: Vec<(i64, i64)> = required_agreements::table
        .select((
            required_agreements::service_id,
            required_agreements::agreement_id,
        ))
        .order(required_agreements::agreement_id)
        .load(conn)?;
    let mut required: HashMap<i64, Vec<i64>> = HashMap::new();
    for (service, agreement) in rows {
        required.entry(service).or_default().push(agreement);
    }
    let requiring = |service: Service| RequiringService {
        requires: required.remove(&service.id).unwrap_or_default(),
        service,
    };
    Ok(all(conn)?.into_iter().map(requiring).collect())
}

/// Inserts or replaces the service with this number. If the service now compares ids differently, the compared ids of
/// its users are recomputed, and an id that several users then have becomes disputed.
pub fn put(conn: &mut AnyConnection, service: &Service) -> Result<()> {
    let was_case_sensitive: Option<bool> = services::table
        .find(service.id)
        .select(services::case_sensitive_ids)
        .fetch_optional(conn)?;
    diesel::insert_into(services::table)
        .values(service)
        .on_conflict(services::id)
        .do_update()
        .set(service)
        .run_on_backend(conn)?;
    if was_case_sensitive.is_some_and(|was| was != service.case_sensitive_ids) {
        diesel::update(assignments::table.filter(assignments::service_id.eq(service.id)))
            .set((
                assignments::compared_id.eq(None::<String>),
                assignments::disputed.eq(false),
            ))
            .execute(conn)?;
        while fill_some(conn)? > 0 {}
    }
    Ok(())
}

/// Removes a service and its assignments.
pub fn remove(conn: &mut AnyConnection, id: i64) -> Result<()> {
    diesel::delete(services::table.find(id)).run(conn)
}

/// Sets the agreements that a service requires.
pub fn require(conn: &mut AnyConnection, service_id: i64, agreement_ids: &[i64]) -> Result<()> {
    let rows = required_agreements::table.filter(required_agreements::service_id.eq(service_id));
    diesel::delete(rows).execute(conn)?;
    for agreement_id in agreement_ids {
        diesel::insert_into(required_agreements::table)
            .values((
                required_agreements::service_id.eq(service_id),
                required_agreements::agreement_id.eq(agreement_id),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// The number of users that are assigned to a service.
pub fn users(conn: &mut AnyConnection, id: i64) -> Result<i64> {
    Ok(assignments::table
        .filter(assignments::service_id.eq(id))
        .count()
        .get_result(conn)?)
}

/// The service with this number.
pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<Service>> {
    services::table
        .find(id)
        .select(columns::<Service>())
        .fetch_optional(conn)
}

/// Assigns a user to a service under this id, or changes the id, unless another user has it. The caller must have
/// locked the user. If two users claim an id at the same time, the database refuses one; the refused step runs again
/// and finds the other user.
pub fn assign(
    conn: &mut AnyConnection,
    user_id: i64,
    service_id: i64,
    user_id_in_service: &str,
    now: Millis,
) -> Result<Claim> {
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
        .fetch_optional(conn)?;
    let Some((case_sensitive, held, was_disputed)) = known else {
        return Ok(Claim::NoService);
    };
    let compared = compared_id(user_id_in_service, case_sensitive);
    let row = assignments::table.find((user_id, service_id));
    if held.as_ref() == Some(&compared) {
        // The user keeps the id, perhaps in another spelling. A disputed id stays disputed.
        diesel::update(row)
            .set(assignments::user_id_in_service.eq(user_id_in_service))
            .execute(conn)?;
        return Ok(Claim::Granted);
    }
    if is_held(conn, service_id, &compared)? {
        return Ok(Claim::Taken);
    }
    let values = (
        assignments::user_id_in_service.eq(user_id_in_service),
        assignments::compared_id.eq(&compared),
        assignments::disputed.eq(false),
    );
    if was_disputed.is_some() {
        diesel::update(row).set(values).execute(conn)?;
    } else {
        let key = (
            assignments::user_id.eq(user_id),
            assignments::service_id.eq(service_id),
            assignments::created_at.eq(now),
        );
        diesel::insert_into(assignments::table)
            .values((key, values))
            .execute(conn)?;
    }
    if let (Some(old), Some(true)) = (held, was_disputed) {
        settle_dispute(conn, service_id, &old)?;
    }
    Ok(Claim::Granted)
}

/// Whether a user has this id, in compared form, in a service. A disputed id counts.
pub fn is_held(conn: &mut AnyConnection, service_id: i64, compared: &str) -> Result<bool> {
    let holders = || {
        assignments::table
            .filter(assignments::service_id.eq(service_id))
            .filter(assignments::compared_id.eq(compared))
    };
    // Write `disputed` as a literal, because each of its two values has a partial index.
    let owner = exists(holders().filter(not(assignments::disputed)));
    let disputing = exists(holders().filter(assignments::disputed));
    Ok(diesel::select(owner.or(disputing)).get_result(conn)?)
}

/// Ends the dispute about an id if only one holder is left. That user owns the id from then on.
fn settle_dispute(c: &mut AnyConnection, service_id: i64, compared: &str) -> Result<()> {
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

/// The services of a portal that a user is assigned to, by number.
pub fn of_user(conn: &mut AnyConnection, user_id: i64, portal_id: i64) -> Result<Vec<i64>> {
    Ok(assignments::table
        .inner_join(services::table)
        .filter(assignments::user_id.eq(user_id))
        .filter(services::portal_id.eq(portal_id))
        .order(assignments::service_id)
        .select(assignments::service_id)
        .load(conn)?)
}

/// The services that a user is assigned to, by number.
pub fn assignments(conn: &mut AnyConnection, user_id: i64) -> Result<Vec<Assignment>> {
    Ok(assignments::table
        .filter(assignments::user_id.eq(user_id))
        .order(assignments::service_id)
        .select((
            assignments::service_id,
            assignments::user_id_in_service,
            assignments::created_at,
        ))
        .load(conn)?)
}

/// Ends an assignment if it exists. The caller must have locked the user.
pub fn unassign(conn: &mut AnyConnection, user_id: i64, service_id: i64) -> Result<Option<Ended>> {
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
        .fetch_optional(conn)?;
    let Some((id, compared, disputed, case_sensitive, has_callback)) = row else {
        return Ok(None);
    };
    diesel::delete(assignments::table.find((user_id, service_id))).execute(conn)?;
    let compared = compared.unwrap_or_else(|| compared_id(&id, case_sensitive));
    if disputed {
        settle_dispute(conn, service_id, &compared)?;
    }
    Ok(Some(Ended {
        service_id,
        is_held: is_held(conn, service_id, &compared)?,
        user_id_in_service: id,
        has_callback,
    }))
}

/// Locks all services, so that no user is assigned to a service until the transaction ends. SQLite has only one writer
/// anyway.
pub fn lock_all(conn: &mut AnyConnection) -> Result<()> {
    if let AnyConnection::Postgres(c) = conn {
        let all = services::table.select(services::id).order(services::id);
        all.for_update().load::<i64>(c)?;
    }
    Ok(())
}

/// The longest compared form of an id, in bytes, because PostgreSQL's indexes take at most 2,704 bytes. The canonical
/// form of 256 characters is longer only if the characters expand; the part beyond the limit is then ignored.
const MAX_COMPARED: usize = 1024;
/// The most rows that one transaction fills in.
const BATCH: i64 = 1000;
/// The most holders that a finding names.
const MAX_NAMED: i64 = 10;

/// The compared form of an id in a service. Ids with the same form are the same id: services may ignore case, so ids
/// that differ only in case or Unicode form are the same unless the service is configured to distinguish them.
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

/// Computes the missing compared ids of rows that are older than the column, and of services whose comparison has
/// changed. An id that several users have becomes disputed.
///
/// # Errors
/// The ids computed before the error stay; the next call computes the rest.
pub fn fill_compared_ids(conn: &mut AnyConnection) -> Result<()> {
    while is_one_missing(conn)? {
        retry(conn, fill_some)?;
    }
    Ok(())
}

fn is_one_missing(c: &mut AnyConnection) -> Result<bool> {
    let missing = assignments::table.filter(assignments::compared_id.is_null());
    Ok(diesel::select(exists(missing)).get_result(c)?)
}

/// Fills in a batch of rows and returns their number.
fn fill_some(c: &mut AnyConnection) -> Result<usize> {
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

/// Reports each id that several users have.
pub(super) fn find_disputed(
    conn: &mut AnyConnection,
    found: &mut dyn FnMut(Finding),
) -> Result<()> {
    let disputed: Vec<(i64, Option<String>, i64)> = assignments::table
        .filter(assignments::disputed)
        .group_by((assignments::service_id, assignments::compared_id))
        .order((assignments::service_id, assignments::compared_id))
        .select((
            assignments::service_id,
            assignments::compared_id,
            count_star(),
        ))
        .load(conn)?;
    for (service_id, compared, holders) in disputed {
        let mut names: Vec<String> = assignments::table
            .inner_join(users::table)
            .filter(assignments::service_id.eq(service_id))
            .filter(assignments::compared_id.eq(&compared))
            .filter(assignments::disputed)
            .order(users::id)
            .limit(MAX_NAMED)
            .select(users::user_name)
            .load(conn)?;
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
                "{holders} users hold this id: {}. No other user can claim the id, and the gateway sends no callback for it. \
                 Ask the service which user owns the id, and remove the others: `chaingun-gateway user leave-service`.",
                names.join(", ")
            ),
        });
    }
    Ok(())
}
