//! The audit log: written in the transaction of what it records, and never changed.

use diesel::prelude::*;

use super::tables::{audit_log, erasures};
use super::{AnyConnection, StoreError};
use crate::domain::Millis;
use crate::domain::text::canonical;

/// Who did what to whom, and with what outcome.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = audit_log)]
pub struct Entry {
    pub at: Millis,
    /// A word of the OWASP logging vocabulary, for example `user_created`.
    pub event: String,
    /// `ok`, or the message code of the refusal.
    pub outcome: String,
    pub client_name: Option<String>,
    /// The signed-in user; names are in their canonical form here, so that a person is found whatever way it was
    /// written.
    pub actor: Option<String>,
    /// Whom a trusted client says it acts for; a claim, not a proof.
    pub on_behalf_of: Option<String>,
    /// The user it was done to.
    pub subject: Option<String>,
    pub request_id: String,
}

/// The event and the outcome of a callback that is not sent because a user holds the id that it is about.
pub const CALLBACK_WITHHELD: (&str, &str) = ("user_service_callback", "withheld");

/// Writes an entry.
///
/// # Errors
/// The store's.
pub fn record(connection: &mut AnyConnection, entry: &Entry) -> Result<(), StoreError> {
    diesel::insert_into(audit_log::table)
        .values(entry)
        .execute(connection)?;
    Ok(())
}

/// Entries that get a pseudonym in one transaction: others wait for it.
const ERASED_AT_A_TIME: i64 = 500;

/// Has a pseudonym put in the place of these names, wherever they stand; [`erase_names`] does it.
///
/// # Errors
/// The store's.
pub fn begin_erasure(
    connection: &mut AnyConnection,
    names: &[String],
    pseudonym: &str,
) -> Result<(), StoreError> {
    for name in names {
        let known: i64 = erasures::table
            .filter(erasures::name_ci.eq(name))
            .count()
            .get_result(connection)?;
        if known == 0 {
            diesel::insert_into(erasures::table)
                .values((
                    erasures::name_ci.eq(name),
                    erasures::pseudonym.eq(pseudonym),
                ))
                .execute(connection)?;
        }
    }
    Ok(())
}

/// Whether there are names that still have to give way.
///
/// # Errors
/// The store's.
pub fn is_erasing(connection: &mut AnyConnection) -> Result<bool, StoreError> {
    let left: i64 = erasures::table.count().get_result(connection)?;
    Ok(left > 0)
}

/// Goes on putting pseudonyms in the place of names, some entries at a time; `false` once there is nothing left to do.
///
/// # Errors
/// The store's.
pub fn erase_names(connection: &mut AnyConnection) -> Result<bool, StoreError> {
    let next: Option<(String, String)> = erasures::table
        .select((erasures::name_ci, erasures::pseudonym))
        .order(erasures::name_ci)
        .limit(1)
        .load(connection)?
        .pop();
    let Some((name, pseudonym)) = next else {
        return Ok(false);
    };
    let name = name.as_str();
    let mut entries: Vec<i64> = audit_log::table
        .filter(audit_log::subject.eq(name))
        .select(audit_log::id)
        .limit(ERASED_AT_A_TIME)
        .load(connection)?;
    entries.extend(
        audit_log::table
            .filter(audit_log::actor.eq(name))
            .select(audit_log::id)
            .limit(ERASED_AT_A_TIME)
            .load::<i64>(connection)?,
    );
    entries.extend(
        audit_log::table
            .filter(audit_log::on_behalf_of.eq(name))
            .select(audit_log::id)
            .limit(ERASED_AT_A_TIME)
            .load::<i64>(connection)?,
    );
    let among = || audit_log::table.filter(audit_log::id.eq_any(&entries));
    diesel::update(among().filter(audit_log::subject.eq(name)))
        .set(audit_log::subject.eq(Some(&pseudonym)))
        .execute(connection)?;
    diesel::update(among().filter(audit_log::actor.eq(name)))
        .set(audit_log::actor.eq(Some(&pseudonym)))
        .execute(connection)?;
    diesel::update(among().filter(audit_log::on_behalf_of.eq(name)))
        .set(audit_log::on_behalf_of.eq(Some(&pseudonym)))
        .execute(connection)?;
    if entries.is_empty() {
        diesel::delete(erasures::table.filter(erasures::name_ci.eq(name))).execute(connection)?;
    }
    Ok(true)
}

/// The newest entries first, about one user or about all.
///
/// # Errors
/// The store's.
pub fn list(
    connection: &mut AnyConnection,
    subject: Option<&str>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let mut query = audit_log::table
        .select((
            audit_log::at,
            audit_log::event,
            audit_log::outcome,
            audit_log::client_name,
            audit_log::actor,
            audit_log::on_behalf_of,
            audit_log::subject,
            audit_log::request_id,
        ))
        .order(audit_log::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(subject) = subject {
        query = query.filter(audit_log::subject.eq(canonical(subject)));
    }
    Ok(query.load(connection)?)
}
