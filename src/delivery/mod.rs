//! The outbox worker: takes rows that are due and delivers them, at least once each.

mod callbacks;
mod failure;
mod guard;
mod mail;
mod mail_templates;
mod schedule;
mod smtp;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::domain::Millis;
use crate::domain::notice::Notice;
use crate::domain::outbox::OutboxKind;
use crate::metrics::Attempt;
use crate::parts::Parts;
use crate::secrets::sealing::Binding;
use crate::store::{Engine, StoreError, audit, outbox, services};
use crate::threads::Threads;

pub use callbacks::{CallbackSettings, always_refused};
pub use guard::Reach;
pub use mail::{MailSettings, Transport, is_sender, sample, send_sample};
pub use mail_templates::{MailTemplates, TEMPLATES, write_templates};
pub use schedule::RetryPolicy;
pub use smtp::{Authorities, Login, Security, Smtp};

use callbacks::{Caller, Target};
use failure::Failure;

/// Rows claimed in one turn: mails, and callbacks of one service.
const BATCH: i64 = 50;
/// How long a turn begins new deliveries; what it has claimed and not begun goes back.
const TURN: Duration = Duration::from_secs(5);
/// How long a node has what it claimed, if it is never heard of again: longer than a turn and the callback it ends with
/// may take. A mail server that takes even longer over one mail may be given it twice.
const CLAIM_MS: Millis = 30_000;
/// How often the outbox is looked at when nothing is due.
const PAUSE: Duration = Duration::from_millis(200);
/// Why a callback is not sent whose id a user holds.
const HELD: &str = "not sent: a user holds this id in the service";

/// What deliveries are made with.
#[derive(Debug, Clone)]
pub struct DeliverySettings {
    pub mail: MailSettings,
    pub callbacks: CallbackSettings,
    pub retry: RetryPolicy,
}

/// What became of the rows of a turn.
#[derive(Default)]
struct Outcome<'a> {
    done: Vec<i64>,
    failed: Vec<(&'a outbox::Due, Failure)>,
    untried: Vec<i64>,
}

/// Delivers what is in the outbox.
pub struct Delivery {
    parts: Arc<Parts>,
    settings: DeliverySettings,
    /// Made at the first callback.
    caller: OnceLock<Result<Caller, String>>,
    stop: Arc<AtomicBool>,
}

impl Delivery {
    /// A worker that is not yet running.
    #[must_use]
    pub fn new(parts: Arc<Parts>, settings: DeliverySettings) -> Self {
        Self {
            parts,
            settings,
            caller: OnceLock::new(),
            stop: Arc::default(),
        }
    }

    /// Delivers everything that is due now and tells how many rows it settled.
    ///
    /// # Errors
    /// The store's; what was not settled stays due.
    pub fn deliver_due(&self) -> Result<usize, StoreError> {
        thread::scope(|scope| {
            let lanes: Vec<_> = (0..self.settings.callbacks.parallel)
                .map(|_| scope.spawn(|| all_of(|| self.callback_turn())))
                .collect();
            let mut settled = all_of(|| self.mail_turn())?;
            for lane in lanes {
                settled += lane.join().unwrap_or(Ok(0))?;
            }
            Ok(settled)
        })
    }

    /// Sends some mails, and tells how many went out; nothing if none is due.
    fn mail_turn(&self) -> Result<Option<usize>, StoreError> {
        let (store, now) = (&self.parts.store, self.parts.clock.now());
        if self.is_stopping() || !store.read(|c| outbox::has_mails(c, now))? {
            return Ok(None);
        }
        let rows = store.write(|c| outbox::claim_mails(c, now, now + CLAIM_MS, BATCH))?;
        if rows.is_empty() {
            return Ok(None);
        }
        let begun = Instant::now();
        let mut outcome = Outcome::default();
        let mut mailing = mail::Mailing::new(&self.settings.mail);
        for row in &rows {
            if self.is_over(begun) {
                outcome.untried.push(row.id);
                continue;
            }
            match self.send(&mut mailing, row) {
                Ok(()) => outcome.done.push(row.id),
                Err(failure) => outcome.failed.push((row, failure)),
            }
        }
        self.keep(OutboxKind::Mail, &outcome).map(Some)
    }

    /// Tells one service what it is to be told next, in order, until it fails, and tells how much it took; nothing if
    /// no service is to be told anything.
    fn callback_turn(&self) -> Result<Option<usize>, StoreError> {
        let (store, now) = (&self.parts.store, self.parts.clock.now());
        if self.is_stopping() || !store.read(|c| outbox::has_callbacks(c, now))? {
            return Ok(None);
        }
        let Some(run) = store.write(|c| outbox::claim_callbacks(c, now, now + CLAIM_MS, BATCH))?
        else {
            return Ok(None);
        };
        let service = store.read(|c| services::callback(c, run.service_id))?;
        let target = service
            .ok_or_else(|| "the service is gone, or wants no callbacks".to_owned())
            .and_then(|service| {
                let sealed = service.credentials;
                let sealed = sealed.ok_or("the service has no access key and secret")?;
                let binding = Binding::ServiceCredentials(run.service_id);
                Ok(Target {
                    service_id: run.service_id,
                    case_sensitive_ids: service.case_sensitive_ids,
                    url: service.url,
                    credentials: self.open(binding, &sealed)?,
                })
            });
        let begun = Instant::now();
        let mut outcome = Outcome::default();
        for row in &run.rows {
            // What is given up holds up nothing.
            let is_stuck = outcome.failed.iter().any(|(_, failure)| !failure.is_final);
            if is_stuck || self.is_over(begun) {
                outcome.untried.push(row.id);
                continue;
            }
            let binding = Binding::Callback(run.service_id);
            match self.call(row, binding, target.as_ref().map_err(String::as_str)) {
                Ok(()) => outcome.done.push(row.id),
                Err(failure) => outcome.failed.push((row, failure)),
            }
        }
        self.keep(OutboxKind::Callback, &outcome).map(Some)
    }

    /// Whether a turn that began then takes up nothing new.
    fn is_over(&self, begun: Instant) -> bool {
        begun.elapsed() > TURN || self.is_stopping()
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Writes down what became of the rows of a turn.
    fn keep(&self, kind: OutboxKind, outcome: &Outcome<'_>) -> Result<usize, StoreError> {
        let now = self.parts.clock.now();
        let next: Vec<_> = outcome
            .failed
            .iter()
            .map(|(row, failure)| {
                let failed = schedule::Failed {
                    created_at: row.created_at,
                    attempts: row.attempts,
                    now,
                    retry_after: failure.retry_after,
                };
                let [a, b, ..] = self.parts.entropy.bytes();
                let random = u64::from(u16::from_be_bytes([a, b]));
                let next = schedule::next(failed, self.settings.retry, random);
                let next = next.filter(|_| !failure.is_final);
                tracing::warn!(
                    outbox.id = row.id,
                    attempt = row.attempts + 1,
                    cause = failure.reason,
                    "{}",
                    match next {
                        Some(_) => "not delivered; it is tried again",
                        None => "not delivered; it is a dead letter",
                    }
                );
                self.parts.metrics.attempted(
                    kind.as_str(),
                    match next {
                        Some(_) => Attempt::PutOff,
                        None => Attempt::GivenUp,
                    },
                );
                next
            })
            .collect();
        self.parts.store.write(|c| {
            if !outcome.done.is_empty() {
                outbox::mark_delivered(c, &outcome.done, now)?;
            }
            for ((row, failure), next) in outcome.failed.iter().zip(&next) {
                outbox::reschedule(c, row, *next, &failure.reason, now)?;
                if failure.id_is_in_use {
                    audit::record(c, &withheld(row.id, now))?;
                }
            }
            if !outcome.untried.is_empty() {
                outbox::release(c, &outcome.untried)?;
            }
            Ok::<_, StoreError>(())
        })?;
        for _ in &outcome.done {
            self.parts
                .metrics
                .attempted(kind.as_str(), Attempt::Delivered);
        }
        Ok(outcome.done.len())
    }

    fn send(&self, mailing: &mut mail::Mailing<'_>, row: &outbox::Due) -> Result<(), Failure> {
        let binding = Binding::Mail(row.user_id.unwrap_or_default());
        let text = self.payload(row, binding).map_err(Failure::of)?;
        let notice =
            Notice::from_lines(&text).ok_or_else(|| Failure::of("the payload is not a mail"))?;
        let sent = mailing.send(&notice, row.id, row.created_at);
        sent.map_err(Failure::of)
    }

    fn call(
        &self,
        row: &outbox::Due,
        binding: Binding<'_>,
        target: Result<&Target, &str>,
    ) -> Result<(), Failure> {
        let target = target.map_err(Failure::of)?;
        let user = self.payload(row, binding).map_err(Failure::of)?;
        self.check_holder(target, &user)?;
        let caller = self
            .caller
            .get_or_init(|| Caller::new(&self.settings.callbacks));
        let caller = caller.as_ref().map_err(Failure::of)?;
        caller.call(target, &user, self.parts.clock.now())
    }

    /// Refuses a callback for an id that a user holds again since the callback was queued: the service would remove that
    /// user.
    fn check_holder(&self, target: &Target, id: &str) -> Result<(), Failure> {
        let compared = services::compared_id(id, target.case_sensitive_ids);
        let held = self
            .parts
            .store
            .read(|c| services::is_held(c, target.service_id, &compared));
        match held {
            Ok(false) => Ok(()),
            Ok(true) => Err(Failure {
                is_final: true,
                id_is_in_use: true,
                ..Failure::of(HELD)
            }),
            Err(error) => Err(Failure::of(error.to_string())),
        }
    }

    fn payload(&self, row: &outbox::Due, binding: Binding<'_>) -> Result<String, String> {
        let sealed = row.payload.as_deref().ok_or("the payload is gone")?;
        self.open(binding, sealed)
    }

    fn open(&self, binding: Binding<'_>, sealed: &[u8]) -> Result<String, String> {
        let opened = self.parts.sealer.open(binding, sealed);
        opened.ok_or_else(|| "what is sealed cannot be opened with this sealing key".to_owned())
    }

    /// Starts the threads that deliver. Dropping the result stops them after their current delivery.
    pub fn start(self) -> std::io::Result<Threads> {
        let callback_threads = self.settings.callbacks.parallel;
        let delivery = Arc::new(self);
        let mut threads = Threads::new(Arc::clone(&delivery.stop));
        delivery.release_own_claims();
        let mailer = Arc::clone(&delivery);
        threads.spawn("mail", move || mailer.send_mails())?;
        for _ in 0..callback_threads {
            let caller = Arc::clone(&delivery);
            threads.spawn("callback", move || caller.call_services())?;
        }
        Ok(threads)
    }

    /// One of the threads that make callbacks.
    fn call_services(&self) {
        while !self.is_stopping() {
            let turn = self.callback_turn().unwrap_or_else(|error| {
                tracing::error!(cause = %error, "callbacks could not be made");
                None
            });
            if turn.is_none() {
                thread::park_timeout(PAUSE);
            }
        }
    }

    /// The thread that sends mails. It has nothing else to do, so that a mail server that takes its time keeps only mails
    /// waiting.
    fn send_mails(&self) {
        while !self.is_stopping() {
            let turn = self.mail_turn().unwrap_or_else(|error| {
                tracing::error!(cause = %error, "mails could not be sent");
                None
            });
            if turn.is_none() {
                thread::park_timeout(PAUSE);
            }
        }
    }

    /// Releases the claims of this node's previous process. A SQLite database has no other node; on PostgreSQL claims
    /// expire.
    fn release_own_claims(&self) {
        if self.parts.store.engine() == Engine::Postgres {
            return;
        }
        if let Err(error) = self.parts.store.write(outbox::release_all) {
            tracing::warn!(cause = %error, "cannot release the claims of the previous process");
        }
    }
}

/// The audit log's entry about a callback that is not sent because a user holds its id.
fn withheld(row: i64, now: Millis) -> audit::Entry {
    let (event, outcome) = audit::CALLBACK_WITHHELD;
    audit::Entry::new(now, event, outcome, &format!("outbox {row}"))
}

/// Takes turns until there is nothing left to do, and counts what they delivered.
fn all_of(turn: impl Fn() -> Result<Option<usize>, StoreError>) -> Result<usize, StoreError> {
    let mut settled = 0;
    while let Some(more) = turn()? {
        settled += more;
    }
    Ok(settled)
}

/// Where mails go when they go into files.
#[must_use]
pub fn outbox_folder(data_dir: &std::path::Path) -> PathBuf {
    data_dir.join("outbox")
}
