//! Deletes expired rows and files, writes counted refusals, and measures the size of the tables.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use crate::app_context::AppContext;
use crate::domain::Millis;
use crate::domain::audit_event::AuditEvent;
use crate::domain::names::ERASED;
use crate::domain::one_time_token::Purpose;
use crate::store::{
    AnyConnection, StoreError, attempts, audit, callback_queues, email_undos, known_sources,
    one_time_tokens, outbox,
    refusals::{self, Refusals},
    sessions, sizes, token_families,
    unconfirmed::{self, UnconfirmedLimits},
    used_assertions, users,
};

/// The time for which dead letters are kept.
const KEEP_DEAD_MS: Millis = 90 * 86_400_000;
/// The time for which used tokens of partners are remembered after they expire, because the clock of another node may
/// be slow.
const KEEP_USED_MS: Millis = 3_600_000;
/// The interval of writing counted refusals. A killed process loses the counts since the last write.
const WRITE_EVERY_MS: Millis = 5_000;
/// The interval of deleting expired rows.
const PURGE_EVERY_MS: Millis = 60_000;
/// The interval of counting rows and of deleting old mail files.
const COUNT_EVERY_MS: Millis = 600_000;
/// The most rows that one transaction deletes. The number is small, because other writers wait for the transaction.
const BATCH: i64 = 500;
/// The most batches of one kind in a row; the next run deletes the rest.
const MAX_BATCHES: usize = 100;
/// The most accounts that one transaction deletes.
const ACCOUNTS: i64 = 50;
/// The most mail files in outbox/; the oldest are deleted first.
const MAX_MAIL_FILES: usize = 100_000;
/// The request id of housekeeping in the audit log.
const HOUSEKEEPING: &str = "housekeeping";

/// The time of the last run of each part.
#[derive(Debug, Default)]
pub(super) struct LastRuns {
    written: Millis,
    purged: Millis,
    counted: Millis,
}

/// The housekeeping of one node.
pub struct Housekeeping {
    app: Arc<AppContext>,
    mail_folder: Option<PathBuf>,
    stop: Arc<AtomicBool>,
}

impl Housekeeping {
    pub(super) fn new(
        app: Arc<AppContext>,
        mail_folder: Option<PathBuf>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            app,
            mail_folder,
            stop,
        }
    }

    /// Replaces some names of deleted users in the audit log by their pseudonyms. Returns `false` if
    /// there was no name to replace.
    pub fn erase_names(&self) -> Result<bool, StoreError> {
        let store = &self.app.store;
        Ok(store.read(audit::is_erasing)? && store.write(audit::erase_names)?)
    }

    /// Runs the parts that are due.
    pub(super) fn run_due(&self, last: &mut LastRuns) {
        let now = self.app.clock.now();
        if now - last.written >= WRITE_EVERY_MS {
            last.written = now;
            self.write_refusals();
        }
        if now - last.purged >= PURGE_EVERY_MS {
            last.purged = now;
            self.purge();
        }
        if now - last.counted >= COUNT_EVERY_MS {
            last.counted = now;
            self.count_rows();
            self.purge_mail_files();
        }
    }

    /// Writes the refusals that were counted since the last run.
    pub fn write_refusals(&self) {
        let app = &self.app;
        if let Err(error) = app.refusals.write(&app.store, app.clock.now()) {
            tracing::warn!(cause = %error, "cannot write the counted refusals; the next run tries again");
        }
    }

    /// Deletes expired rows, and the oldest rows of tables above their limits.
    pub fn purge(&self) {
        let now = self.app.clock.now();
        let rules = &self.app.rules;
        let keep = rules.retention;
        let (idle, limits) = (
            rules.session_idle_ms,
            UnconfirmedLimits {
                expired_before: now - keep.unconfirmed_ms,
                max_waiting: keep.unconfirmed_users,
            },
        );
        // Accounts come before tokens, because an account expires with its last token.
        self.in_batches("unconfirmed accounts", ACCOUNTS, |c| {
            delete_unconfirmed(c, &self.app.refusals, limits, now)
        });
        for (purpose, before) in [
            (Purpose::PasswordReset, now),
            (Purpose::Activation, limits.expired_before),
        ] {
            self.in_batches("one-time tokens", BATCH, |c| {
                one_time_tokens::purge_expired(c, purpose, before, BATCH)
            });
        }
        self.in_batches("outbox rows", BATCH, |c| {
            outbox::forget(c, now - keep.delivered_ms, now - KEEP_DEAD_MS, BATCH)
        });
        self.in_batches("callback queues", BATCH, callback_queues::forget);
        self.in_batches("former e-mail addresses", BATCH, |c| {
            email_undos::purge_expired(c, now, BATCH)
        });
        self.in_batches("used assertions", BATCH, |c| {
            used_assertions::purge_expired(c, now - KEEP_USED_MS, BATCH)
        });
        self.in_batches("sessions", BATCH, |c| {
            sessions::purge_expired(c, now, now - idle, BATCH)
        });
        self.in_batches("attempts", BATCH, |c| {
            attempts::purge_expired(c, now, keep.attempts_rows, BATCH)
        });
        self.in_batches("known sources", BATCH, |c| {
            known_sources::purge_expired(c, now, BATCH)
        });
        self.in_batches("tokens", BATCH, |c| {
            token_families::purge_expired(c, now, BATCH)
        });
        self.in_batches("refusals", BATCH, |c| {
            refusals::purge(c, now - keep.refusals_ms, keep.refusals_rows, BATCH)
        });
        self.in_batches("audit entries", BATCH, |c| {
            audit::purge(c, now - keep.audit_ms, BATCH)
        });
        if let Err(error) = self.app.store.checkpoint() {
            tracing::warn!(cause = %error, "cannot empty the write-ahead log");
        }
        match self.app.store.read(sizes::bytes) {
            Ok(bytes) => self.app.metrics.database_has(bytes),
            Err(error) => tracing::warn!(cause = %error, "cannot read the size of the database"),
        }
    }

    /// Deletes rows of one kind until a batch is not full.
    fn in_batches(
        &self,
        rows: &str,
        batch: i64,
        step: impl Fn(&mut AnyConnection) -> Result<usize, StoreError>,
    ) {
        for _ in 0..MAX_BATCHES {
            match self.app.store.write(&step) {
                Ok(deleted) if (deleted as i64) < batch || self.stop.load(Ordering::Acquire) => {
                    return;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(cause = %error, rows, "cannot delete expired rows");
                    return;
                }
            }
        }
    }

    /// Measures the number of rows of each table.
    pub fn count_rows(&self) {
        match self.app.store.read(sizes::rows) {
            Ok(tables) => {
                for (table, rows) in tables {
                    self.app.metrics.table_has(table, rows);
                }
            }
            Err(error) => tracing::warn!(cause = %error, "cannot count the rows"),
        }
    }

    /// Deletes old mail files, and the oldest files if there are more than `MAX_MAIL_FILES`.
    pub fn purge_mail_files(&self) {
        let Some(folder) = &self.mail_folder else {
            return;
        };
        let before = self.app.clock.now() - self.app.rules.retention.delivered_ms;
        match delete_mail_files(folder, before, MAX_MAIL_FILES) {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "deleted old mail files"),
            Err(error) => tracing::warn!(cause = %error, "cannot delete old mail files"),
        }
    }
}

/// Deletes at most `ACCOUNTS` unconfirmed accounts. The audit log gets one entry for all of them, and pseudonyms
/// replace the names of the accounts.
fn delete_unconfirmed(
    c: &mut AnyConnection,
    refusals: &Refusals,
    limits: UnconfirmedLimits,
    now: Millis,
) -> Result<usize, StoreError> {
    let expired = unconfirmed::beyond_limits(c, limits, ACCOUNTS)?;
    for user in &expired {
        users::erase(c, user.id)?;
        let pseudonym = format!("{ERASED}{}", user.uuid);
        audit::begin_erasure(c, &user.names(), &pseudonym)?;
        refusals.rename(&user.names(), &pseudonym);
    }
    if !expired.is_empty() {
        tracing::info!(
            accounts = expired.len(),
            "deleted accounts that were never confirmed"
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
    Ok(expired.len())
}

/// Deletes the mail files that were written before this time, and the oldest files if there are more than `max`.
/// Returns the number of deleted files.
fn delete_mail_files(folder: &Path, before: Millis, max: usize) -> std::io::Result<usize> {
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
    let too_many = mails.len().saturating_sub(max);
    let mut deleted = 0;
    for (at, (written, path)) in mails.iter().enumerate() {
        if at >= too_many && *written >= before {
            break;
        }
        std::fs::remove_file(path)?;
        deleted += 1;
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletes_old_and_surplus_mail_files_and_no_other_files() {
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
