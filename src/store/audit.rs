//! The audit log: written in the transaction of what it records, and never changed.

use diesel::prelude::*;

use super::tables::audit_log;
use super::{AnyConnection, StoreError};
use crate::domain::Millis;

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
    /// The signed-in user.
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
        query = query.filter(audit_log::subject.eq(subject));
    }
    Ok(query.load(connection)?)
}
