//! The audit log: written in the transaction of what it records, and never changed.

use diesel::prelude::*;

use super::tables::audit_log;
use super::{AnyConnection, StoreError};
use crate::domain::Millis;
use crate::domain::text::canonical;

/// What a pseudonym begins with; names may give way to nothing else.
pub const ERASED: &str = "erased:";

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

/// Puts a pseudonym in place of these names, wherever they stand.
///
/// # Errors
/// The store's.
pub fn erase_names(
    connection: &mut AnyConnection,
    names: &[String],
    pseudonym: &str,
) -> Result<(), StoreError> {
    diesel::update(audit_log::table.filter(audit_log::subject.eq_any(names)))
        .set(audit_log::subject.eq(Some(pseudonym)))
        .execute(connection)?;
    diesel::update(audit_log::table.filter(audit_log::actor.eq_any(names)))
        .set(audit_log::actor.eq(Some(pseudonym)))
        .execute(connection)?;
    diesel::update(audit_log::table.filter(audit_log::on_behalf_of.eq_any(names)))
        .set(audit_log::on_behalf_of.eq(Some(pseudonym)))
        .execute(connection)?;
    Ok(())
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
