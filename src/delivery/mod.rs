//! The outbox worker: takes rows that are due and delivers them, at least once each.

mod mail;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::domain::Millis;
use crate::domain::notice::Notice;
use crate::parts::Parts;
use crate::store::{StoreError, audit, one_time_tokens, outbox, token_families};

pub use mail::{MailSettings, Transport, is_sender};

/// Rows taken in one turn.
const BATCH: i64 = 100;
/// Delays before the next attempt; after the last one a row is dead.
const RETRY_MS: [Millis; 7] = [
    5_000, 60_000, 300_000, 1_800_000, 7_200_000, 36_000_000, 86_400_000,
];
/// How often the outbox is looked at when nothing is due.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the outbox remembers that something was delivered.
const KEEP_DELIVERED_MS: Millis = 30 * 86_400_000;
/// How often what has expired is swept out.
const SWEEP_EVERY_MS: Millis = 60_000;

/// Delivers what is in the outbox.
pub struct Delivery {
    parts: Arc<Parts>,
    settings: MailSettings,
}

impl Delivery {
    /// A worker that is not yet running.
    #[must_use]
    pub fn new(parts: Arc<Parts>, settings: MailSettings) -> Self {
        Self { parts, settings }
    }

    /// Delivers everything that is due now and tells how many rows it settled.
    ///
    /// # Errors
    /// The store's; what was not settled stays due.
    pub fn deliver_due(&self) -> Result<usize, StoreError> {
        let now = self.parts.clock.now();
        let rows = self.parts.store.read(|c| outbox::due(c, now, BATCH))?;
        let mut done = Vec::new();
        for row in &rows {
            match self.deliver(row) {
                Ok(()) => done.push(row.id),
                Err(error) => {
                    tracing::warn!(
                        outbox.id = row.id,
                        cause = error,
                        "a mail could not be delivered"
                    );
                    let attempt = usize::try_from(row.attempts).unwrap_or(usize::MAX);
                    let next = RETRY_MS.get(attempt).map(|delay| now + delay);
                    self.parts
                        .store
                        .write(|c| outbox::put_off(c, row, next, &error))?;
                }
            }
        }
        if !done.is_empty() {
            self.parts.store.write(|c| outbox::settle(c, &done, now))?;
        }
        Ok(done.len())
    }

    fn deliver(&self, row: &outbox::Due) -> Result<(), String> {
        let sealed = row.payload.as_deref().ok_or("the payload is gone")?;
        let text = self
            .parts
            .sealer
            .open(sealed)
            .ok_or("the payload cannot be opened with this sealing key")?;
        let notice = Notice::from_lines(&text).ok_or("the payload is not a mail")?;
        mail::send(&self.settings, &notice, row.id, row.created_at)
    }

    /// Starts the worker's thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(self) -> std::io::Result<Running> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("delivery".to_owned())
            .spawn(move || self.work(&stopped))?;
        Ok(Running {
            stop,
            thread: Some(thread),
        })
    }

    /// Has some more names of erased users give way in the audit log, and tells whether it had to.
    ///
    /// # Errors
    /// The store's; it is gone on with the next time.
    pub fn go_on_erasing(&self) -> Result<usize, StoreError> {
        let store = &self.parts.store;
        if !store.read(audit::is_erasing)? {
            return Ok(0);
        }
        store.write(audit::erase_names).map(usize::from)
    }

    fn work(&self, stop: &AtomicBool) {
        // The cipher library gathers its own randomness when it is first used, which takes some 40 ms: here
        // nobody waits for it.
        let _ = self.parts.sealer.seal("");
        let mut swept = 0;
        while !stop.load(Ordering::Acquire) {
            let mut settled = self.deliver_due().unwrap_or_else(|error| {
                tracing::error!(cause = %error, "the outbox could not be read");
                0
            });
            let now = self.parts.clock.now();
            if now - swept >= SWEEP_EVERY_MS {
                swept = now;
                let swept = self.parts.store.write(|c| {
                    one_time_tokens::forget_expired(c, now)?;
                    outbox::forget_delivered(c, now - KEEP_DELIVERED_MS)?;
                    token_families::forget_expired(c, now)
                });
                if let Err(error) = swept {
                    tracing::warn!(cause = %error, "expired tokens could not be swept out");
                }
                if let Err(error) = self.parts.store.settle_files() {
                    tracing::warn!(cause = %error, "the database's log could not be emptied");
                }
            }
            if let Err(error) = self.parts.registry.refresh(&self.parts.store) {
                tracing::warn!(cause = %error, "the registry could not be read again");
            }
            settled += self.go_on_erasing().unwrap_or_else(|error| {
                tracing::warn!(cause = %error, "names of erased users are still in the audit log");
                0
            });
            if let Err(error) = self.parts.tokens.reload() {
                tracing::warn!(cause = %error, "the signing keys could not be read again");
            }
            if settled == 0 {
                thread::park_timeout(PAUSE);
            }
        }
    }
}

/// A running worker; stops, after what it is just delivering, when dropped.
pub struct Running {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// Where mails go when they go into files.
#[must_use]
pub fn outbox_folder(data_dir: &std::path::Path) -> PathBuf {
    data_dir.join("outbox")
}
