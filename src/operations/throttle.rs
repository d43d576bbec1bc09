//! Rate limiting: delays callers who guess secrets or cause mails, per account or mailbox (existing or not) and per
//! source.

use std::sync::PoisonError;

use super::known_sources;
use super::operation::Runnable;
use super::prelude::*;
use super::subject::subject;
use crate::domain::mailbox::canonical_login;
use crate::domain::throttle::Limit;
use crate::store::first_attempts::AttemptPosition;
use crate::store::{attempts, known_sources as stored_sources};

/// Runs a request unless its limit is reached, and counts the outcome.
///
/// # Errors
/// [`Code::TooManyAttempts`], or the errors of the request.
pub(super) fn run<A>(cx: &RequestContext<'_>, request: Box<dyn Runnable<A>>) -> Result<A> {
    let (operation, claims) = (request.operation(), request.claims());
    let about = match operation.throttle {
        Throttle::Nothing => return request.run(cx),
        Throttle::Guesses | Throttle::Forgeries => claims.guessed_at,
        Throttle::Mails => claims.mailbox,
    };
    let own = cx.user.as_ref().map(|user| user.user_name.as_str());
    // Only operations for a session act on the caller's own account. Other operations act on the account that the
    // request names.
    let own = own.filter(|_| operation.access == Access::Session);
    let about = about.or(own).map(str::to_owned);
    guard(cx, operation.throttle, about.as_deref(), || request.run(cx))
}

/// Runs a step that may guess this account's secret or send a mail to this mailbox.
///
/// # Errors
/// [`Code::TooManyAttempts`], or the errors of the step.
pub(super) fn guard<T>(
    cx: &RequestContext<'_>,
    throttle: Throttle,
    about: Option<&str>,
    step: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let (counted, open_at) = cx.read(|c| {
        let counted = counted(cx, c, throttle, about)?;
        let subjects: Vec<_> = counted.iter().map(|one| one.subject.clone()).collect();
        let open_at = attempts::open_at(c, &subjects)?;
        Ok::<_, Refusal>((counted, open_at))
    })?;
    let wait = open_at.map_or(0, |at| at - cx.now);
    let too_many = || Err(too_many_attempts(wait));
    if wait > 0 && throttle != Throttle::Forgeries {
        return too_many();
    }
    let result = step();
    // After a success `owes_hash` stays set, because the request may still be refused; see `count_refused_after_hash`.
    let refused_after_hash =
        matches!(result, Err(Refusal::Rejected(_))) && cx.owes_hash.replace(false);
    let recorded = match (throttle, code(&result)) {
        (Throttle::Forgeries, Some(code)) if is_forged(code) && wait > 0 => return too_many(),
        (Throttle::Forgeries, Some(code)) if is_forged(code) => count(cx, &counted, about),
        (Throttle::Guesses | Throttle::Mails, _) if refused_after_hash => {
            count(cx, &counted, about)
        }
        (Throttle::Guesses, Some(Code::BadCredentials | Code::TokenInvalidOrExpired)) => {
            count(cx, &counted, about)
        }
        (Throttle::Mails, None | Some(Code::UserAlreadyExists | Code::EmailAlreadyExists)) => {
            count(cx, &counted, about)
        }
        (Throttle::Guesses, None) => {
            let own = counted.iter().filter(|one| one.is_account);
            let own: Vec<_> = own.map(|one| one.subject.clone()).collect();
            cx.app.first_attempts.forget(&own);
            match open_at {
                Some(_) => cx.write(|tx| Ok(attempts::forget(tx.conn, &own)?)),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    };
    if let Err(error) = recorded {
        tracing::error!(cause = ?error, "an attempt could not be counted");
    }
    result
}

/// Counts a request that hashed a password successfully and was refused later, for example a UsernameToken of a user
/// who may not call the operation.
pub(super) fn count_refused_after_hash(cx: &RequestContext<'_>, about: Option<&str>) {
    if cx.owes_hash.replace(false) {
        let store = &cx.app.store;
        let counted = store.read(|c| counted(cx, c, Throttle::Guesses, about));
        if let Err(error) = counted.and_then(|counted| count(cx, &counted, about)) {
            tracing::error!(cause = ?error, "an attempt could not be counted");
        }
    }
}

/// Clears the attempt counters and the known sources of an account whose password has changed: someone who knew the old
/// password may have signed in from one of them.
pub(super) fn reset_counters(tx: &mut Transaction<'_>, user: &User) -> Result<()> {
    let known = stored_sources::all(tx.conn, user.id)?;
    let mut subjects = Vec::with_capacity(2 * (1 + known.len()));
    for login in [&user.user_name, &user.email] {
        subjects.push(account(tx.cx, login, None));
        subjects.extend(
            known
                .iter()
                .map(|(from, _)| account(tx.cx, login, Some(from))),
        );
    }
    tx.cx.app.first_attempts.forget(&subjects);
    attempts::forget(tx.conn, &subjects)?;
    Ok(stored_sources::forget_all(tx.conn, user.id)?)
}

/// Counts a mail that an unauthenticated caller causes; `false` if the mailbox has had too many mails. The caller gets
/// the same answer in both cases, because a different answer would reveal which names and addresses belong together.
pub(super) fn may_mail(tx: &mut Transaction<'_>, address: &str) -> Result<bool> {
    let subject = subject(tx.cx, "mails into", &canonical_login(address));
    if !is_open(tx, &subject)? {
        return Ok(false);
    }
    attempts::count(tx.conn, &subject, tx.cx.app.rules.throttle.mails, tx.cx.now)?;
    Ok(true)
}

/// Dummy work of [`may_mail`] for an unknown user; leaves nothing in the database.
pub(super) fn dummy_may_mail(tx: &mut Transaction<'_>, login: &str) -> Result<()> {
    let subject = subject(tx.cx, "mails to nobody", &canonical_login(login));
    is_open(tx, &subject)?;
    attempts::count(tx.conn, &subject, tx.cx.app.rules.throttle.mails, tx.cx.now)?;
    Ok(attempts::forget(tx.conn, &[subject])?)
}

fn is_open(tx: &mut Transaction<'_>, subject: &str) -> Result<bool> {
    let open_at = attempts::open_at(tx.conn, &[subject.to_owned()])?;
    Ok(open_at.is_none_or(|at| at <= tx.cx.now))
}

/// Counts a change of a user's assignments. The counts are in the memory of this node, so that callers of one service
/// do not contend for a common row.
///
/// # Errors
/// [`Code::TooManyAttempts`] if the user or the service has had too many changes in this minute.
pub(super) fn count_assignment(
    cx: &RequestContext<'_>,
    user_id: i64,
    service: Option<i64>,
) -> Result<()> {
    let most = cx.app.rules.assignments;
    let windows = cx.app.assignments.lock();
    let mut windows = windows.unwrap_or_else(PoisonError::into_inner);
    windows
        .count(most, user_id, service, cx.now)
        .map_err(too_many_attempts)
}

/// Whether the code means that no partner has signed the token.
const fn is_forged(code: Code) -> bool {
    matches!(
        code,
        Code::TokenMalformed
            | Code::AlgorithmNotAllowed
            | Code::HeaderNotAllowed
            | Code::KeyIdMismatch
            | Code::UnknownIssuer
            | Code::InvalidSignature
    )
}

fn code<T>(result: &Result<T>) -> Option<Code> {
    match result {
        Ok(_) => None,
        Err(Refusal::Rejected(rejection)) => Some(rejection.code()),
        Err(Refusal::Store(_)) => Some(Code::InternalError),
    }
}

/// One counter of attempts.
struct Counter {
    subject: String,
    limit: Limit,
    /// The audit event of the attempt that reaches the limit.
    event: AuditEvent,
    /// Whether the subject is an account and not a source.
    is_account: bool,
}

/// The counters of a request. A source from which the user has signed in before has its own counter for the account.
fn counted(
    cx: &RequestContext<'_>,
    c: &mut AnyConnection,
    throttle: Throttle,
    about: Option<&str>,
) -> Result<Vec<Counter>> {
    let limits = &cx.app.rules.throttle;
    let flood = AuditEvent::RateLimitExceeded;
    // Every transaction uses the counter of the account before that of the source, so that transactions do not
    // deadlock.
    let mut counters = Vec::with_capacity(2);
    match (throttle, about) {
        (Throttle::Guesses, Some(login)) => {
            let known = known_sources::find(cx, c, login)?;
            counters.push(Counter {
                subject: account(cx, login, known.as_deref()),
                limit: limits.guesses,
                event: AuditEvent::LoginLocked,
                is_account: true,
            });
        }
        (Throttle::Mails, Some(mailbox)) => counters.push(Counter {
            subject: subject(cx, "mails to", &canonical_login(mailbox)),
            limit: limits.mails,
            event: flood,
            is_account: true,
        }),
        _ => {}
    }
    let of_source = match throttle {
        Throttle::Nothing => None,
        Throttle::Guesses => Some(("guesses from", limits.guesses_per_source)),
        Throttle::Forgeries => Some(("forgeries from", limits.guesses_per_source)),
        Throttle::Mails => Some(("mails from", limits.mails_per_source)),
    };
    if let (Some((what, limit)), Some(network)) = (of_source, known_sources::own_network(cx)) {
        counters.push(Counter {
            subject: subject(cx, what, &network),
            limit,
            event: flood,
            is_account: false,
        });
    }
    Ok(counters)
}

/// The counters to write, and how many attempts to add to each. The first attempt of a subject is counted in memory
/// only. The second attempt adds both attempts to the table.
fn due<'c>(cx: &RequestContext<'_>, counted: &'c [Counter]) -> Result<Vec<(&'c Counter, usize)>> {
    let first_attempts = &cx.app.first_attempts;
    let mut due = Vec::with_capacity(counted.len());
    for counter in counted {
        let subject = &counter.subject;
        let forget_at = cx.now + counter.limit.forgiven_after();
        let nth = match counter.limit.free {
            // The limit allows one attempt only, so the first attempt must be in the table, where every node sees it.
            ..=1 => AttemptPosition::Later,
            _ => first_attempts.note(subject, forget_at, cx.now),
        };
        let times = match nth {
            AttemptPosition::Later => 1,
            AttemptPosition::Second => 2,
            AttemptPosition::First if cx.read(|c| attempts::has(c, subject, cx.now))? => {
                first_attempts.note_in_table(subject);
                1
            }
            AttemptPosition::First => 0,
        };
        due.push((counter, times));
    }
    due.retain(|(_, times)| *times > 0);
    Ok(due)
}

fn count(cx: &RequestContext<'_>, counted: &[Counter], about: Option<&str>) -> Result<()> {
    let due = due(cx, counted)?;
    if due.is_empty() {
        return Ok(());
    }
    let slowed_down = cx.write(|tx| {
        let mut events = Vec::new();
        for (counter, times) in &due {
            for _ in 0..*times {
                let tally = attempts::count(tx.conn, &counter.subject, counter.limit, cx.now)?;
                // Record only the attempt that reaches the limit.
                if tally.attempts == counter.limit.free {
                    events.push(counter.event);
                }
            }
        }
        Ok::<_, Refusal>(events)
    })?;
    for event in slowed_down {
        cx.audit_unproven(event, "slowed_down", about)?;
    }
    Ok(())
}

/// The subject that counts guesses at an account: guesses from this known source, or guesses from all others.
fn account(cx: &RequestContext<'_>, login: &str, known_source: Option<&str>) -> String {
    let login = canonical_login(login);
    match known_source {
        Some(source) => {
            let whose = format!("{source}\n{login}");
            subject(cx, "guesses from a known source", &whose)
        }
        None => subject(cx, "guesses at", &login),
    }
}
