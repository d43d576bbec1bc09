//! The outbox worker: delivers due rows at least once each.

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

use crate::app_context::AppContext;
use crate::domain::Millis;
use crate::domain::notice::Notice;
use crate::domain::outbox::OutboxKind;
use crate::metrics::Attempt;
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

/// The most rows that one turn claims: mails, or callbacks of one service.
const BATCH: i64 = 50;
/// How long a turn starts new deliveries. It releases the rows that it has claimed and not tried.
const TURN: Duration = Duration::from_secs(5);
/// How long a claim of a node that has died is valid: longer than a turn and its last callback. If a mail server takes
/// even longer over one mail, it may receive the mail twice.
const CLAIM_MS: Millis = 30_000;
/// The pause of a thread that found nothing due.
const PAUSE: Duration = Duration::from_millis(200);
/// The error of a callback that is withheld because a user has its id.
const ID_IN_USE: &str = "not sent: a user holds this id in the service";

/// The settings of deliveries.
#[derive(Debug, Clone)]
pub struct DeliverySettings {
    pub mail: MailSettings,
    pub callbacks: CallbackSettings,
    pub retry: RetryPolicy,
}

/// The results of a turn.
#[derive(Default)]
struct TurnResults<'a> {
    done: Vec<i64>,
    failed: Vec<(&'a outbox::Due, Failure)>,
    not_tried: Vec<i64>,
}

/// Delivers the rows of the outbox.
pub struct Delivery {
    app: Arc<AppContext>,
    settings: DeliverySettings,
    /// Created by the first callback.
    caller: OnceLock<Result<Caller, String>>,
    stop: Arc<AtomicBool>,
}

impl Delivery {
    /// A worker without threads; see [`Delivery::start`].
    #[must_use]
    pub fn new(app: Arc<AppContext>, settings: DeliverySettings) -> Self {
        Self {
            app,
            settings,
            caller: OnceLock::new(),
            stop: Arc::default(),
        }
    }

    /// Delivers all due rows on the calling thread and returns the number of delivered rows.
    ///
    /// # Errors
    /// Rows without a recorded result stay due.
    pub fn deliver_due(&self) -> Result<usize, StoreError> {
        thread::scope(|scope| {
            let lanes: Vec<_> = (0..self.settings.callbacks.parallel)
                .map(|_| scope.spawn(|| run_all(|| self.callback_turn())))
                .collect();
            let mut delivered = run_all(|| self.mail_turn())?;
            for lane in lanes {
                delivered += lane.join().unwrap_or(Ok(0))?;
            }
            Ok(delivered)
        })
    }

    /// Sends a batch of mails and returns the number of sent ones; `None` if none is due.
    fn mail_turn(&self) -> Result<Option<usize>, StoreError> {
        let (store, now) = (&self.app.store, self.app.clock.now());
        if self.is_stopping() || !store.read(|c| outbox::has_mails(c, now))? {
            return Ok(None);
        }
        let rows = store.write(|c| outbox::claim_mails(c, now, now + CLAIM_MS, BATCH))?;
        if rows.is_empty() {
            return Ok(None);
        }
        let begun = Instant::now();
        let mut results = TurnResults::default();
        let mut mailing = mail::Mailing::new(&self.settings.mail);
        for row in &rows {
            if self.is_over(begun) {
                results.not_tried.push(row.id);
                continue;
            }
            match self.send(&mut mailing, row) {
                Ok(()) => results.done.push(row.id),
                Err(failure) => results.failed.push((row, failure)),
            }
        }
        self.record(OutboxKind::Mail, &results).map(Some)
    }

    /// Makes the next callbacks of one service, in order, until one fails. Returns the number of successful ones;
    /// `None` if no service has a due callback.
    fn callback_turn(&self) -> Result<Option<usize>, StoreError> {
        let (store, now) = (&self.app.store, self.app.clock.now());
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
        let mut results = TurnResults::default();
        for row in &run.rows {
            // A row that was given up does not block later ones.
            let is_stuck = results.failed.iter().any(|(_, failure)| !failure.is_final);
            if is_stuck || self.is_over(begun) {
                results.not_tried.push(row.id);
                continue;
            }
            let binding = Binding::Callback(run.service_id);
            match self.call(row, binding, target.as_ref().map_err(String::as_str)) {
                Ok(()) => results.done.push(row.id),
                Err(failure) => results.failed.push((row, failure)),
            }
        }
        self.record(OutboxKind::Callback, &results).map(Some)
    }

    /// Whether a turn that began at this time starts no more deliveries.
    fn is_over(&self, begun: Instant) -> bool {
        begun.elapsed() > TURN || self.is_stopping()
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Records the results of a turn.
    fn record(&self, kind: OutboxKind, results: &TurnResults<'_>) -> Result<usize, StoreError> {
        let now = self.app.clock.now();
        let next: Vec<_> = results
            .failed
            .iter()
            .map(|(row, failure)| {
                let failed = schedule::Failed {
                    created_at: row.created_at,
                    attempts: row.attempts,
                    now,
                    retry_after: failure.retry_after,
                };
                let [a, b, ..] = self.app.entropy.bytes();
                let random = u64::from(u16::from_be_bytes([a, b]));
                let next = schedule::next(failed, self.settings.retry, random);
                let next = next.filter(|_| !failure.is_final);
                tracing::warn!(
                    outbox.id = row.id,
                    attempt = row.attempts + 1,
                    cause = failure.reason,
                    "{}",
                    match next {
                        Some(_) => "delivery failed; the next attempt is scheduled",
                        None => "delivery failed for good; the row is a dead letter",
                    }
                );
                self.app.metrics.attempted(
                    kind.as_str(),
                    match next {
                        Some(_) => Attempt::PutOff,
                        None => Attempt::GivenUp,
                    },
                );
                next
            })
            .collect();
        self.app.store.write(|c| {
            if !results.done.is_empty() {
                outbox::mark_delivered(c, &results.done, now)?;
            }
            for ((row, failure), next) in results.failed.iter().zip(&next) {
                outbox::reschedule(c, row, *next, &failure.reason, now)?;
                if failure.id_is_in_use {
                    audit::record(c, &withheld(row.id, now))?;
                }
            }
            if !results.not_tried.is_empty() {
                outbox::release(c, &results.not_tried)?;
            }
            Ok::<_, StoreError>(())
        })?;
        for _ in &results.done {
            self.app
                .metrics
                .attempted(kind.as_str(), Attempt::Delivered);
        }
        Ok(results.done.len())
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
        caller.call(target, &user, self.app.clock.now())
    }

    /// Withholds a callback if a user has got its id since it was queued: the service would remove that user.
    fn check_holder(&self, target: &Target, id: &str) -> Result<(), Failure> {
        let compared = services::compared_id(id, target.case_sensitive_ids);
        let held = self
            .app
            .store
            .read(|c| services::is_held(c, target.service_id, &compared));
        match held {
            Ok(false) => Ok(()),
            Ok(true) => Err(Failure {
                is_final: true,
                id_is_in_use: true,
                ..Failure::of(ID_IN_USE)
            }),
            Err(error) => Err(Failure::of(error.to_string())),
        }
    }

    fn payload(&self, row: &outbox::Due, binding: Binding<'_>) -> Result<String, String> {
        let sealed = row.payload.as_deref().ok_or("the payload is gone")?;
        self.open(binding, sealed)
    }

    fn open(&self, binding: Binding<'_>, sealed: &[u8]) -> Result<String, String> {
        let opened = self.app.sealer.open(binding, sealed);
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

    /// The work of a callback thread.
    fn call_services(&self) {
        while !self.is_stopping() {
            let turn = self.callback_turn().unwrap_or_else(|error| {
                tracing::error!(cause = %error, "cannot make callbacks");
                None
            });
            if turn.is_none() {
                thread::park_timeout(PAUSE);
            }
        }
    }

    /// The work of the mail thread. Mails have their own thread, so that a slow mail server delays nothing else.
    fn send_mails(&self) {
        while !self.is_stopping() {
            let turn = self.mail_turn().unwrap_or_else(|error| {
                tracing::error!(cause = %error, "cannot send mails");
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
        if self.app.store.engine() == Engine::Postgres {
            return;
        }
        if let Err(error) = self.app.store.write(outbox::release_all) {
            tracing::warn!(cause = %error, "cannot release the claims of the previous process");
        }
    }
}

/// The audit entry of a withheld callback.
fn withheld(row: i64, now: Millis) -> audit::Entry {
    let (event, results) = audit::CALLBACK_WITHHELD;
    audit::Entry::new(now, event, results, &format!("outbox {row}"))
}

/// Runs turns until nothing is left, and adds up their results.
fn run_all(turn: impl Fn() -> Result<Option<usize>, StoreError>) -> Result<usize, StoreError> {
    let mut delivered = 0;
    while let Some(more) = turn()? {
        delivered += more;
    }
    Ok(delivered)
}

/// The folder of mail files.
#[must_use]
pub fn outbox_folder(data_dir: &std::path::Path) -> PathBuf {
    data_dir.join("outbox")
}
