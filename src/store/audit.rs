//! The audit log. An entry is written in the transaction of its event and is immutable. Lists also show the refusals
//! that are only counted.

use std::ops::Deref;

use diesel::prelude::*;

use super::connection::columns;
use super::tables::{audit_log, erasures, refusals};
use super::{AnyConnection, QueryExt as _, Result, settings};
use crate::domain::Millis;
use crate::domain::audit_event::AuditEvent;
use crate::domain::text::canonical;

/// An event: the actor, the action, the subject and the outcome.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_log)]
pub struct Entry {
    pub at: Millis,
    /// A word of the OWASP logging vocabulary, for example `user_created`.
    pub event: String,
    /// `ok`, or the message code of the refusal.
    pub outcome: String,
    pub client_name: Option<String>,
    /// The signed-in user. Names in the log are canonical, so that a search finds a person however the name was typed.
    pub actor: Option<String>,
    /// The user that a trusted client claims to act for; nothing proves the claim.
    pub on_behalf_of: Option<String>,
    /// The user that the action concerned.
    pub subject: Option<String>,
    pub request_id: String,
}

impl Entry {
    /// An entry without a client and without persons.
    #[must_use]
    pub fn new(at: Millis, event: AuditEvent, outcome: &str, request_id: &str) -> Self {
        Self {
            at,
            event: event.as_str().to_owned(),
            outcome: outcome.to_owned(),
            client_name: None,
            actor: None,
            on_behalf_of: None,
            subject: None,
            request_id: request_id.to_owned(),
        }
    }
}

/// The event and the outcome of a callback that is withheld because another user has its id.
pub const CALLBACK_WITHHELD: (AuditEvent, &str) = (AuditEvent::UserServiceCallback, "withheld");

/// The longest text in a column of the audit log, in characters. Longer texts are cut.
pub const MAX_TEXT_CHARS: usize = 256;

/// A listed entry: a row of the log, or refusals that were counted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub entry: Entry,
    /// The number of events in this minute; 1 for a row of the log.
    pub times: i64,
    /// The network of counted refusals; `None` for a row of the log.
    pub network: Option<String>,
}

impl Deref for Listed {
    type Target = Entry;
    fn deref(&self) -> &Entry {
        &self.entry
    }
}

/// The first characters of a text.
pub(super) fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// A name in the form of the log: canonical, and cut to [`MAX_TEXT_CHARS`].
#[must_use]
pub fn logged(name: &str) -> String {
    cut(&canonical(&cut(name, MAX_TEXT_CHARS)), MAX_TEXT_CHARS)
}

/// Writes an entry, with each of its texts cut to [`MAX_TEXT_CHARS`].
pub fn record(conn: &mut AnyConnection, entry: &Entry) -> Result<()> {
    let short = |text: &String| cut(text, MAX_TEXT_CHARS);
    let entry = Entry {
        at: entry.at,
        event: short(&entry.event),
        outcome: short(&entry.outcome),
        client_name: entry.client_name.as_ref().map(short),
        actor: entry.actor.as_ref().map(short),
        on_behalf_of: entry.on_behalf_of.as_ref().map(short),
        subject: entry.subject.as_ref().map(short),
        request_id: short(&entry.request_id),
    };
    diesel::insert_into(audit_log::table)
        .values(&entry)
        .run(conn)
}

/// The setting that makes the database accept deletions of rows older than its value, in the transaction that sets the
/// value.
const DELETE_BEFORE: &str = "audit_log.delete_before";
/// The condition of rows that may be deleted when they are old: rows that prove neither an erasure nor a consent. The
/// condition is a literal, because only a literal uses the partial index.
const NO_PROOF: &str =
    "event NOT IN ('user_deleted', 'user_agreements_accepted', 'user_agreements_withdrawn')";

/// Deletes at most `limit` rows that are older than `before` and prove nothing. Returns the number of deleted rows.
pub fn purge(conn: &mut AnyConnection, before: Millis, limit: i64) -> Result<usize> {
    let ids: Vec<i64> = audit_log::table
        .filter(audit_log::at.lt(before))
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(NO_PROOF))
        .order(audit_log::at)
        .limit(limit)
        .select(audit_log::id)
        .load(conn)?;
    if ids.is_empty() {
        return Ok(0);
    }
    settings::set(conn, DELETE_BEFORE, &before.to_string())?;
    let gone = diesel::delete(audit_log::table.filter(audit_log::id.eq_any(ids))).execute(conn)?;
    settings::set(conn, DELETE_BEFORE, "0")?;
    Ok(gone)
}

/// The most entries that one transaction changes, because other writers wait for it.
const ERASED_AT_A_TIME: i64 = 500;

/// Queues the replacement of these names by a pseudonym; [`erase_names`] carries it out.
pub fn begin_erasure(conn: &mut AnyConnection, names: &[String], pseudonym: &str) -> Result<()> {
    for name in names.iter().map(|name| cut(name, MAX_TEXT_CHARS)) {
        let name = &name;
        if !erasures::table.find(name).has_rows(conn)? {
            diesel::insert_into(erasures::table)
                .values((
                    erasures::name_ci.eq(name),
                    erasures::pseudonym.eq(pseudonym),
                ))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// Whether queued replacements are left.
pub fn is_erasing(conn: &mut AnyConnection) -> Result<bool> {
    erasures::table.has_rows(conn)
}

/// Carries out some of the queued replacements; `false` if none were left.
pub fn erase_names(conn: &mut AnyConnection) -> Result<bool> {
    let next: Option<(String, String)> = erasures::table
        .select((erasures::name_ci, erasures::pseudonym))
        .order(erasures::name_ci)
        .limit(1)
        .fetch_optional(conn)?;
    let Some((name, pseudonym)) = next else {
        return Ok(false);
    };
    let name = name.as_str();
    let is_named = audit_log::subject.eq(name).or(audit_log::actor.eq(name));
    let entries: Vec<i64> = audit_log::table
        .filter(is_named.or(audit_log::on_behalf_of.eq(name)))
        .select(audit_log::id)
        .limit(ERASED_AT_A_TIME)
        .load(conn)?;
    let among = || audit_log::table.filter(audit_log::id.eq_any(&entries));
    diesel::update(among().filter(audit_log::subject.eq(name)))
        .set(audit_log::subject.eq(Some(&pseudonym)))
        .execute(conn)?;
    diesel::update(among().filter(audit_log::actor.eq(name)))
        .set(audit_log::actor.eq(Some(&pseudonym)))
        .execute(conn)?;
    diesel::update(among().filter(audit_log::on_behalf_of.eq(name)))
        .set(audit_log::on_behalf_of.eq(Some(&pseudonym)))
        .execute(conn)?;
    let counted = erase_in_refusals(conn, name, &pseudonym)?;
    if entries.is_empty() && counted == 0 {
        diesel::delete(erasures::table.find(name)).execute(conn)?;
    }
    Ok(true)
}

/// Replaces the name in counted refusals. Returns the number of changed rows.
fn erase_in_refusals(conn: &mut AnyConnection, name: &str, pseudonym: &str) -> Result<usize> {
    // The second condition on the actor lets the database use the partial index on actors.
    let is_actor = refusals::actor.eq(name).and(refusals::actor.ne(""));
    let rows: Vec<i64> = refusals::table
        .filter(refusals::subject.eq(name).or(is_actor))
        .select(refusals::id)
        .limit(ERASED_AT_A_TIME)
        .load(conn)?;
    let among = || refusals::table.filter(refusals::id.eq_any(&rows));
    diesel::update(among().filter(refusals::subject.eq(name)))
        .set(refusals::subject.eq(Some(pseudonym)))
        .execute(conn)?;
    diesel::update(among().filter(refusals::actor.eq(name)))
        .set(refusals::actor.eq(pseudonym))
        .execute(conn)?;
    Ok(rows.len())
}

/// The newest entries first, about one user or about all, including counted refusals.
pub fn list(conn: &mut AnyConnection, subject: Option<&str>, limit: i64) -> Result<Vec<Listed>> {
    let subject = subject.map(logged);
    let mut query = audit_log::table
        .select(columns::<Entry>())
        .order(audit_log::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(subject) = &subject {
        query = query.filter(audit_log::subject.eq(subject));
    }
    let entries: Vec<Entry> = query.load(conn)?;
    let mut counted = counted(conn, subject.as_deref(), limit)?;
    counted.extend(entries.into_iter().map(|entry| Listed {
        entry,
        times: 1,
        network: None,
    }));
    // A stable sort keeps the order within the log and within the counts.
    counted.sort_by_key(|listed| std::cmp::Reverse(listed.at));
    counted.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(counted)
}

/// The counted refusals, the newest first.
fn counted(conn: &mut AnyConnection, subject: Option<&str>, limit: i64) -> Result<Vec<Listed>> {
    let mut query = refusals::table
        .select((
            (
                refusals::last_at,
                refusals::event,
                refusals::outcome,
                refusals::client_name,
                refusals::actor.nullable(),
                diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>("NULL"),
                refusals::subject,
                refusals::request_id,
            ),
            refusals::times,
            refusals::network,
        ))
        .order(refusals::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(subject) = subject {
        query = query.filter(refusals::subject.eq(subject));
    }
    let rows: Vec<(Entry, i64, String)> = query.load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(mut entry, times, network)| {
            entry.actor = entry.actor.filter(|actor| !actor.is_empty());
            Listed {
                entry,
                times,
                network: Some(network).filter(|network| !network.is_empty()),
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use super::super::{Opening, Store, StoreError};
    use super::*;

    #[test]
    fn refuses_to_delete_entries_within_the_retention() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.db");
        let store = Store::open(Opening::parse(path.to_str().unwrap(), 1, 1000).unwrap()).unwrap();
        let entry = |event: &str, at| Entry {
            at,
            event: event.to_owned(),
            outcome: "ok".to_owned(),
            client_name: None,
            actor: None,
            on_behalf_of: None,
            subject: None,
            request_id: "1".to_owned(),
        };
        let entries = [
            entry("authn_login", 10),
            entry("user_deleted", 10),
            entry("authn_login", 20),
        ];
        store
            .write(|c| entries.iter().try_for_each(|e| record(c, e)))
            .unwrap();
        let run = |sql: &str| store.write(|c| Ok::<_, StoreError>(c.batch_execute(sql)?));
        let set = "INSERT INTO settings VALUES ('audit_log.delete_before', '20')";
        for sql in [
            "DELETE FROM audit_log".to_owned(),
            "DELETE FROM audit_log WHERE at = 10".to_owned(),
            format!("{set}; DELETE FROM audit_log WHERE at = 20"),
            format!("{set}; DELETE FROM audit_log WHERE event = 'user_deleted'"),
            "UPDATE audit_log SET at = 0".to_owned(),
        ] {
            assert!(run(&sql).is_err(), "{sql}");
        }
        assert_eq!(store.write(|c| purge(c, 20, 10)).unwrap(), 1);
        // The permission to delete is valid in that transaction only.
        assert!(run("DELETE FROM audit_log WHERE at = 10").is_err());
        let left = store.read(|c| list(c, None, 10)).unwrap();
        let left: Vec<_> = left.iter().map(|e| (e.event.as_str(), e.at)).collect();
        assert_eq!(left, [("authn_login", 20), ("user_deleted", 10)]);
    }
}
