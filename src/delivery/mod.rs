//! The outbox worker delivers each due row at least once.

mod callbacks;
mod failure;
mod fetch;
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
use crate::store::callback_queues::{self, AfterTurn, Claimed};
use crate::store::{self, Engine, StoreError, audit, outbox, services};
use crate::threads::Threads;

pub use callbacks::{CallbackSettings, always_refused};
pub use fetch::fetch;
pub use guard::Reach;
pub use mail::{MailSettings, Transport, is_sender, preview, send_now};
pub use mail_templates::{MailTemplates, TEMPLATES, sample, write_templates};
pub use schedule::RetryPolicy;
pub use smtp::{Authorities, Login, Security, Smtp};

use callbacks::{Caller, Target};
use failure::{Extent, Failure};

/// The most rows that one turn claims: mails, or callbacks of one service.
const BATCH: i64 = 50;
/// The time for which a turn starts new deliveries. Afterwards the turn releases the rows that it has claimed and not
/// tried.
const TURN: Duration = Duration::from_secs(5);
/// The time for which a claim is valid if its node dies. It is longer than a turn and its last callback. A mail server
/// that takes even longer for one mail may receive the mail twice.
const CLAIM_MS: Millis = 30_000;
/// The pause of a thread that found nothing due.
const PAUSE: Duration = Duration::from_millis(200);
/// The number of errors in a row after which a turn pauses the callbacks of a service.
const MOST_ERRORS: usize = 3;
/// The most callbacks that a turn makes dead letters because of their age.
const MOST_EXPIRED: i64 = 1_000;
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

impl TurnResults<'_> {
    /// Whether the service does not answer: it could not be reached, or it reported an error of its own several times in
    /// a row.
    fn receiver_fails(&self) -> bool {
        let Some((_, last)) = self.failed.last() else {
            return false;
        };
        let in_a_row = self.failed.iter().rev();
        let in_a_row = in_a_row.take_while(|(_, f)| f.extent == Extent::Unclear);
        last.extent == Extent::Receiver || in_a_row.count() >= MOST_ERRORS
    }

    /// Whether the service accepted a callback, or refused one because of its id.
    fn receiver_answers(&self) -> bool {
        let mut failed = self.failed.iter();
        !self.done.is_empty() || failed.any(|(_, f)| f.extent == Extent::Message)
    }

    /// Whether an earlier callback with the same order key failed and will be retried.
    fn holds_back(&self, row: &outbox::Due) -> bool {
        let mut failed = self.failed.iter();
        failed.any(|(earlier, f)| !f.is_final && earlier.order_key == row.order_key)
    }
}

/// The consequences of a turn.
struct Plan {
    /// The time of the next attempt of each failed row; `None` makes it a dead letter.
    next: Vec<Option<Millis>>,
    after: AfterTurn,
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

    /// Sends a batch of mails and returns the number of sent mails; `None` if no mail is due.
    ///
    /// # Errors
    /// Rows without a recorded result stay due.
    pub fn mail_turn(&self) -> store::Result<Option<usize>> {
        let (store, now) = (&self.app.store, self.app.clock.now());
        if self.is_stopping() || !store.read(|c| outbox::has_mails(c, now))? {
            return Ok(None);
        }
        let rows = store.write(|c| outbox::claim_mails(c, now, now + CLAIM_MS, BATCH))?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut mailing = mail::Mailing::new(&self.settings.mail);
        let results = self.attempt(&rows, |row| self.send(&mut mailing, row));
        self.record(OutboxKind::Mail, &results, None).map(Some)
    }

    /// Makes the due callbacks of one service until the service fails. Returns the number of successful callbacks; `None`
    /// if no service has a due callback.
    ///
    /// # Errors
    /// Rows without a recorded result stay due.
    pub fn callback_turn(&self) -> store::Result<Option<usize>> {
        let (store, now) = (&self.app.store, self.app.clock.now());
        if self.is_stopping() || !store.read(|c| callback_queues::has_due(c, now))? {
            return Ok(None);
        }
        let claimed = store.write(|c| {
            let Some(queue) = callback_queues::claim(c, now, now + CLAIM_MS)? else {
                return Ok::<_, StoreError>(None);
            };
            let rows = outbox::due_callbacks(c, queue.service_id, now, BATCH)?;
            Ok(Some((queue, rows)))
        })?;
        let Some((queue, rows)) = claimed else {
            return Ok(None);
        };
        let target = self.target(queue.service_id)?;
        let target = target.as_ref().map_err(String::as_str);
        let binding = Binding::Callback(queue.service_id);
        let results = self.attempt(&rows, |row| self.call(row, binding, target));
        self.record(OutboxKind::Callback, &results, Some(queue))
            .map(Some)
    }

    /// The URL and the credentials of a service, or the reason why its callbacks cannot be made.
    fn target(&self, service_id: i64) -> store::Result<Result<Target, String>> {
        let service = self.app.store.read(|c| services::find(c, service_id))?;
        Ok(service
            .and_then(|service| Some((service.callback_url.clone()?, service)))
            .ok_or_else(|| {
                "the service does not exist any more, or it has no callback URL".to_owned()
            })
            .and_then(|(url, service)| {
                let sealed = service.credentials;
                let sealed = sealed.ok_or("the service has no access key and secret")?;
                Ok(Target {
                    service_id,
                    case_sensitive_ids: service.case_sensitive_ids,
                    gone_is_done: service.gone_is_done,
                    url,
                    credentials: self.open(Binding::ServiceCredentials(service_id), &sealed)?,
                })
            }))
    }

    /// Attempts rows until the turn is over.
    fn attempt<'a>(
        &self,
        rows: &'a [outbox::Due],
        mut attempt: impl FnMut(&'a outbox::Due) -> Result<(), Failure>,
    ) -> TurnResults<'a> {
        let begun = Instant::now();
        let mut results = TurnResults::default();
        for row in rows {
            let is_callback = row.service_id.is_some();
            let waits = is_callback && (results.receiver_fails() || results.holds_back(row));
            if waits || begun.elapsed() > TURN || self.is_stopping() {
                results.not_tried.push(row.id);
                continue;
            }
            match attempt(row) {
                Ok(()) => results.done.push(row.id),
                Err(failure) => results.failed.push((row, failure)),
            }
        }
        results
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Records the results of a turn; `queue` is the queue of the callbacks. Returns the number of delivered rows.
    fn record(
        &self,
        kind: OutboxKind,
        results: &TurnResults<'_>,
        queue: Option<Claimed>,
    ) -> store::Result<usize> {
        let now = self.app.clock.now();
        let plan = self.plan(results, queue, now);
        for ((row, failure), next) in results.failed.iter().zip(&plan.next) {
            self.report(kind, row, failure, next.is_some());
        }
        let expired = self.app.store.write(|c| {
            if !results.done.is_empty() {
                outbox::mark_delivered(c, &results.done, now)?;
            }
            for ((row, failure), next) in results.failed.iter().zip(&plan.next) {
                outbox::reschedule(c, row, *next, &failure.reason, now)?;
                if failure.id_is_in_use {
                    audit::record(c, &withheld(row.id, now))?;
                }
            }
            let Some(queue) = queue else {
                outbox::release(c, &results.not_tried)?;
                return Ok::<_, StoreError>(0);
            };
            callback_queues::end_turn(c, queue.service_id, plan.after, now)?;
            if !matches!(plan.after, AfterTurn::Paused { .. }) {
                return Ok(0);
            }
            let oldest = now.saturating_sub(self.settings.retry.give_up_ms);
            outbox::expire_callbacks(c, queue.service_id, oldest, MOST_EXPIRED, now)
        })?;
        if let (Some(queue), AfterTurn::Paused { until, failures }) = (queue, plan.after) {
            let pause_s = (until - now) / 1000;
            tracing::warn!(
                service.id = queue.service_id,
                failures,
                pause_s,
                expired,
                "the service does not answer; its callbacks are paused"
            );
        }
        let attempted = |count: usize, attempt| {
            for _ in 0..count {
                self.app.metrics.attempted(kind.as_str(), attempt);
            }
        };
        attempted(results.done.len(), Attempt::Delivered);
        attempted(expired, Attempt::GivenUp);
        Ok(results.done.len())
    }

    /// The next attempts of the failed rows, and the state of the queue of callbacks.
    fn plan(&self, results: &TurnResults<'_>, queue: Option<Claimed>, now: Millis) -> Plan {
        let policy = self.settings.retry;
        // A success ends the series of failed turns.
        let failures = queue.map_or(0, |q| q.failures);
        let failures = if results.done.is_empty() { failures } else { 0 };
        let is_paused = queue.is_some() && results.receiver_fails();
        let mut pause: Option<Millis> = None;
        let mut next = Vec::with_capacity(results.failed.len());
        for (row, failure) in &results.failed {
            let is_pausing = is_paused && failure.extent != Extent::Message;
            let failed = schedule::Failed {
                created_at: row.created_at,
                attempts: row.attempts.max(if is_pausing { failures } else { 0 }),
                now,
                retry_after: failure.retry_after,
            };
            let [a, b, ..] = self.app.entropy.bytes();
            let random = u64::from(u16::from_be_bytes([a, b]));
            let at = schedule::next(failed, policy, random).filter(|_| !failure.is_final);
            if is_pausing {
                // The pause ends with the next attempt of the row.
                let end = at.unwrap_or_else(|| schedule::retry_at(failed, policy, random));
                pause = Some(pause.map_or(end, |earlier| earlier.min(end)));
            }
            next.push(at);
        }
        let after = match pause {
            Some(until) => AfterTurn::Paused {
                until,
                failures: failures.saturating_add(1),
            },
            None if results.receiver_answers() => AfterTurn::Answered,
            None => AfterTurn::Unchanged,
        };
        Plan { next, after }
    }

    /// Writes a failed attempt to the log and the metrics.
    fn report(&self, kind: OutboxKind, row: &outbox::Due, failure: &Failure, is_retried: bool) {
        let (message, attempt) = if is_retried {
            (
                "delivery failed; the next attempt is scheduled",
                Attempt::Rescheduled,
            )
        } else {
            (
                "delivery failed for good; the row is a dead letter",
                Attempt::GivenUp,
            )
        };
        tracing::warn!(
            outbox.id = row.id,
            attempt = row.attempts + 1,
            cause = failure.reason,
            "{message}"
        );
        self.app.metrics.attempted(kind.as_str(), attempt);
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
        let user = self.payload(row, binding).map_err(Failure::of_message)?;
        self.check_holder(target, &user)?;
        let caller = self
            .caller
            .get_or_init(|| Caller::new(&self.settings.callbacks));
        let caller = caller.as_ref().map_err(Failure::of)?;
        caller.call(target, &user, self.app.clock.now())
    }

    /// Withholds a callback if a user received the id after the callback was queued. The service would otherwise remove
    /// that user.
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
                ..Failure::of_message(ID_IN_USE)
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
        opened.ok_or_else(|| "the payload cannot be decrypted with this sealing key".to_owned())
    }

    /// Starts the threads that deliver. Dropping the result stops them after their current delivery.
    pub fn start(self) -> std::io::Result<Threads> {
        let callback_threads = self.settings.callbacks.parallel;
        let delivery = Arc::new(self);
        let mut threads = Threads::new(Arc::clone(&delivery.stop));
        delivery.release_own_claims();
        // Mails have their own thread, so that a slow mail server delays nothing else.
        let mailer = Arc::clone(&delivery);
        threads.spawn("mail", move || {
            mailer.run(Self::mail_turn, "cannot send mails");
        })?;
        for _ in 0..callback_threads {
            let caller = Arc::clone(&delivery);
            threads.spawn("callback", move || {
                caller.run(Self::callback_turn, "cannot make callbacks");
            })?;
        }
        Ok(threads)
    }

    /// The work of a thread: one turn after another. `failure` is the log message of a failed turn.
    fn run(&self, turn: impl Fn(&Self) -> store::Result<Option<usize>>, failure: &str) {
        while !self.is_stopping() {
            let done = turn(self).unwrap_or_else(|error| {
                tracing::error!(cause = %error, "{failure}");
                None
            });
            if done.is_none() {
                thread::park_timeout(PAUSE);
            }
        }
    }

    /// Releases the claims of this node's previous process. A SQLite database has only one node; on PostgreSQL the
    /// claims expire.
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

/// The folder of mail files.
#[must_use]
pub fn outbox_folder(data_dir: &std::path::Path) -> PathBuf {
    data_dir.join("outbox")
}
