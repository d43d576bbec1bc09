//! What has expired goes, refusals that were counted are written, and the sizes of what is left are noted.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::{Delivery, mail::Transport};
use crate::domain::Millis;
use crate::domain::audit_event::AuditEvent;
use crate::domain::names::ERASED;
use crate::domain::one_time_token::Purpose;
use crate::store::{
    AnyConnection, StoreError, attempts, audit, email_undos, known_sources, one_time_tokens,
    outbox, refusals, sessions, sizes, token_families,
    unconfirmed::{self, UnconfirmedLimits},
    used_assertions, users,
};

/// How long dead letters are kept.
const KEEP_DEAD_MS: Millis = 90 * 86_400_000;
/// How long partners' tokens are remembered past their end: another node's clock may be behind.
const KEEP_USED_MS: Millis = 3_600_000;
/// How often counted refusals are written. A process that is killed loses what it counted since.
const WRITE_EVERY_MS: Millis = 5_000;
/// How often what has expired is deleted.
const PURGE_EVERY_MS: Millis = 60_000;
/// How often rows are counted, and old mail files are looked for.
const COUNT_EVERY_MS: Millis = 600_000;
/// Rows that are deleted in one transaction, since others wait for it.
const BATCH: i64 = 500;
/// Batches of one kind that are deleted in a row; the rest goes the next time.
const MOST_BATCHES: usize = 100;
/// Accounts that are deleted in one transaction.
const ACCOUNTS: i64 = 50;
/// Mail files that outbox/ holds; the oldest are deleted first.
const MOST_MAIL_FILES: usize = 100_000;
/// What the audit log calls this.
const HOUSEKEEPING: &str = "housekeeping";

/// When each of it was done last.
#[derive(Debug, Default)]
pub(super) struct Done {
    written: Millis,
    purged: Millis,
    counted: Millis,
}

impl Delivery {
    /// Does what is due.
    pub(super) fn keep_house(&self, done: &mut Done) {
        let now = self.parts.clock.now();
        if now - done.written >= WRITE_EVERY_MS {
            done.written = now;
            self.write_refusals();
        }
        if now - done.purged >= PURGE_EVERY_MS {
            done.purged = now;
            self.purge();
        }
        if now - done.counted >= COUNT_EVERY_MS {
            done.counted = now;
            self.count_rows();
            self.purge_mail_files();
        }
    }

    /// Writes the refusals that were counted since the last time.
    pub fn write_refusals(&self) {
        let parts = &self.parts;
        if let Err(error) = parts.refusals.write(&parts.store, parts.clock.now()) {
            tracing::warn!(cause = %error, "counted refusals could not be written; they will be later");
        }
    }

    /// Deletes what has expired, and what is too many.
    pub fn purge(&self) {
        let now = self.parts.clock.now();
        let rules = &self.parts.rules;
        let keep = rules.retention;
        let (idle, limits) = (
            rules.session_idle_ms,
            UnconfirmedLimits {
                expired_before: now - keep.unconfirmed_ms,
                max_waiting: keep.unconfirmed_users,
            },
        );
        // Before the tokens, which say when they are over.
        self.in_batches("unconfirmed accounts", ACCOUNTS, |c| {
            delete_unconfirmed(c, limits, now)
        });
        for (purpose, before) in [
            (Purpose::PasswordReset, now),
            (Purpose::Activation, limits.expired_before),
        ] {
            self.in_batches("one-time tokens", BATCH, |c| {
                one_time_tokens::forget_expired(c, purpose, before, BATCH)
            });
        }
        self.in_batches("outbox rows", BATCH, |c| {
            outbox::forget(c, now - keep.delivered_ms, now - KEEP_DEAD_MS, BATCH)
        });
        self.in_batches("former e-mail addresses", BATCH, |c| {
            email_undos::forget_expired(c, now, BATCH)
        });
        self.in_batches("used assertions", BATCH, |c| {
            used_assertions::forget_expired(c, now - KEEP_USED_MS, BATCH)
        });
        self.in_batches("sessions", BATCH, |c| {
            sessions::forget_expired(c, now, now - idle, BATCH)
        });
        self.in_batches("attempts", BATCH, |c| {
            attempts::forget_forgiven(c, now, keep.attempts_rows, BATCH)
        });
        self.in_batches("known sources", BATCH, |c| {
            known_sources::forget_expired(c, now, BATCH)
        });
        self.in_batches("tokens", BATCH, |c| {
            token_families::forget_expired(c, now, BATCH)
        });
        self.in_batches("refusals", BATCH, |c| {
            refusals::purge(c, now - keep.refusals_ms, keep.refusals_rows, BATCH)
        });
        self.in_batches("audit entries", BATCH, |c| {
            audit::purge(c, now - keep.audit_ms, BATCH)
        });
        if let Err(error) = self.parts.store.checkpoint() {
            tracing::warn!(cause = %error, "the database's log could not be emptied");
        }
        match self.parts.store.read(sizes::bytes) {
            Ok(bytes) => self.parts.metrics.database_has(bytes),
            Err(error) => tracing::warn!(cause = %error, "the size of the database is not known"),
        }
    }

    /// Deletes rows of one kind until fewer than a batch go.
    fn in_batches(
        &self,
        what: &str,
        batch: i64,
        step: impl Fn(&mut AnyConnection) -> Result<usize, StoreError>,
    ) {
        for _ in 0..MOST_BATCHES {
            match self.parts.store.write(&step) {
                Ok(gone) if (gone as i64) < batch || self.is_stopping() => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(cause = %error, what, "expired rows could not be deleted");
                    return;
                }
            }
        }
    }

    /// Notes how many rows there are.
    pub fn count_rows(&self) {
        match self.parts.store.read(sizes::rows) {
            Ok(tables) => {
                for (table, rows) in tables {
                    self.parts.metrics.table_has(table, rows);
                }
            }
            Err(error) => tracing::warn!(cause = %error, "the rows could not be counted"),
        }
    }

    /// Deletes mail files that are old, and the oldest beyond [`MOST_MAIL_FILES`].
    pub fn purge_mail_files(&self) {
        let Transport::Folder(folder) = &self.settings.mail.transport else {
            return;
        };
        let before = self.parts.clock.now() - self.parts.rules.retention.delivered_ms;
        match delete_mail_files(folder, before, MOST_MAIL_FILES) {
            Ok(0) => {}
            Ok(gone) => tracing::info!(files = gone, "old mail files are deleted"),
            Err(error) => tracing::warn!(cause = %error, "old mail files could not be deleted"),
        }
    }
}

/// Deletes some accounts that registered themselves and were never confirmed. The log gets one entry for all of them, and
/// their names in it give way like those of any account that is deleted.
fn delete_unconfirmed(
    c: &mut AnyConnection,
    limits: UnconfirmedLimits,
    now: Millis,
) -> Result<usize, StoreError> {
    let lapsed = unconfirmed::beyond_limits(c, limits, ACCOUNTS)?;
    for user in &lapsed {
        users::erase(c, user.id)?;
        audit::begin_erasure(c, &user.names(), &format!("{ERASED}{}", user.uuid))?;
    }
    if !lapsed.is_empty() {
        tracing::info!(
            accounts = lapsed.len(),
            "accounts that were never confirmed are deleted"
        );
        audit::record(
            c,
            &audit::Entry::new(
                now,
                AuditEvent::UserRegistrationsExpired,
                "ok",
                HOUSEKEEPING,
            ),
        )?;
    }
    Ok(lapsed.len())
}

/// Deletes the mail files that were written before this time, and the oldest beyond so many. Returns how many went.
fn delete_mail_files(folder: &Path, before: Millis, most: usize) -> std::io::Result<usize> {
    let files = match std::fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let before = UNIX_EPOCH + Duration::from_millis(u64::try_from(before).unwrap_or(0));
    let mut mails = Vec::new();
    for file in files {
        let file = file?;
        if file.path().extension().is_some_and(|end| end == "eml") {
            mails.push((file.metadata()?.modified()?, file.path()));
        }
    }
    mails.sort();
    let too_many = mails.len().saturating_sub(most);
    let mut gone = 0;
    for (at, (written, path)) in mails.iter().enumerate() {
        if at >= too_many && *written >= before {
            break;
        }
        std::fs::remove_file(path)?;
        gone += 1;
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletes_mail_files_that_are_old_or_too_many_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for (name, at) in [("1.eml", 1), ("2.eml", 2), ("3.eml", 3), ("4.txt", 0)] {
            let file = std::fs::File::create(folder.path().join(name)).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(at))
                .unwrap();
        }
        let left = || {
            let files = std::fs::read_dir(folder.path()).unwrap();
            let mut names: Vec<_> = files.map(|f| f.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(delete_mail_files(folder.path(), 2_000, 10).unwrap(), 1);
        assert_eq!(left(), ["2.eml", "3.eml", "4.txt"]);
        assert_eq!(delete_mail_files(folder.path(), 0, 1).unwrap(), 1);
        assert_eq!(left(), ["3.eml", "4.txt"]);
        assert_eq!(
            delete_mail_files(&folder.path().join("none"), 0, 1).unwrap(),
            0
        );
    }
}
