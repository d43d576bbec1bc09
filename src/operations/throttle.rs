//! Slows down who guesses secrets or has mails sent: per account or mailbox, whether there is one or not, and per source.

use std::net::IpAddr;

use super::{Access, Answer, Call, Operation, Refusal, Request};
use crate::contract::rejection::{Code, Rejection};
use crate::domain::client::Trust;
use crate::domain::text::canonical;
use crate::domain::throttle::Limit;
use crate::domain::user::User;
use crate::secrets::stamps::Use;
use crate::store::{AnyConnection, attempts, users};

/// What of an operation is counted. There are no limits for tokens and sessions, which are too long to be guessed.
/// Forgeries are counted so that they do not fill the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    Nothing,
    /// Each wrong secret, and whatever else is refused after a password hash.
    Guesses,
    /// Each signature that is none; who brings a right one never waits.
    Forgeries,
    /// Each mail that is sent, or may have been, each name that was found to be taken, and whatever else is refused
    /// after a password hash.
    Mails,
}

/// Runs a request unless too much was counted, and counts it.
///
/// # Errors
/// [`Code::TooManyAttempts`], and as the request has.
pub(super) fn run(
    call: &Call<'_>,
    operation: &Operation,
    request: Box<dyn Request>,
) -> Result<Box<dyn Answer>, Refusal> {
    let about = match operation.throttle {
        Throttle::Nothing => return request.run(call),
        Throttle::Guesses | Throttle::Forgeries => request.guessed_at(),
        Throttle::Mails => request.mailbox(),
    };
    let own = call.user.as_ref().map(|user| user.user_name.as_str());
    // Who visits has its name in the request, if anywhere.
    let own = own.filter(|_| operation.access == Access::Session);
    let about = about.or(own).map(str::to_owned);
    guard(call, operation.throttle, about.as_deref(), || {
        request.run(call)
    })
}

/// Runs a step in which this account's secret is guessed at, or a mail goes to this mailbox.
///
/// # Errors
/// [`Code::TooManyAttempts`], and as the step has.
pub(super) fn guard<T>(
    call: &Call<'_>,
    throttle: Throttle,
    about: Option<&str>,
    step: impl FnOnce() -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let counted = counted(call, throttle, about);
    let subjects: Vec<_> = counted
        .iter()
        .map(|(subject, ..)| subject.clone())
        .collect();
    let open_at = call.parts.store.read(|c| attempts::open_at(c, &subjects))?;
    let wait = open_at.map_or(0, |at| at - call.now);
    let too_many = || {
        let mut rejection = Rejection::new(Code::TooManyAttempts);
        rejection.wait_ms = wait;
        Err(rejection.into())
    };
    if wait > 0 && throttle != Throttle::Forgeries {
        return too_many();
    }
    let result = step();
    // A success stays noted: what uses it may still be refused, see `count_refused_after_hash`.
    let refused_after_hash =
        matches!(result, Err(Refusal::Rejected(_))) && call.owes_hash.replace(false);
    let settled = match (throttle, code(&result)) {
        (Throttle::Forgeries, Some(code)) if is_forged(code) && wait > 0 => return too_many(),
        (Throttle::Forgeries, Some(code)) if is_forged(code) => count(call, &counted, about),
        (Throttle::Guesses | Throttle::Mails, _) if refused_after_hash => {
            count(call, &counted, about)
        }
        (Throttle::Guesses, Some(Code::BadCredentials | Code::TokenInvalidOrExpired)) => {
            count(call, &counted, about)
        }
        (Throttle::Mails, None | Some(Code::UserAlreadyExists | Code::EmailAlreadyExists)) => {
            count(call, &counted, about)
        }
        (Throttle::Guesses, None) if open_at.is_some() => call.parts.store.write(|c| {
            let account = about.map(|about| account(call, about));
            Ok(attempts::forget(c, account.as_slice())?)
        }),
        _ => Ok(()),
    };
    if let Err(error) = settled {
        tracing::error!(cause = ?error, "an attempt could not be counted");
    }
    result
}

/// Counts a call that cost a password hash and was refused only after the step that hashed had gone well: somebody who
/// signs in with a UsernameToken may not do what it asks for.
pub(super) fn count_refused_after_hash(call: &Call<'_>, about: Option<&str>) {
    if call.owes_hash.replace(false) {
        let counted = counted(call, Throttle::Guesses, about);
        if let Err(error) = count(call, &counted, about) {
            tracing::error!(cause = ?error, "an attempt could not be counted");
        }
    }
}

/// Forgets what was guessed at this account: its owner has a new password.
///
/// # Errors
/// The store's.
pub(super) fn forgive(call: &Call<'_>, c: &mut AnyConnection, user: &User) -> Result<(), Refusal> {
    let names = [&user.user_name, &user.email].map(|name| account(call, name));
    Ok(attempts::forget(c, &names)?)
}

/// Whether it was refused as no partner's token.
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

fn code<T>(result: &Result<T, Refusal>) -> Option<Code> {
    match result {
        Ok(_) => None,
        Err(Refusal::Rejected(rejection)) => Some(rejection.code()),
        Err(Refusal::Store(_)) => Some(Code::InternalError),
    }
}

/// What is counted, by the subject it counts for and its limit, and how the log calls it when it becomes too much.
type Counted = (String, Limit, &'static str);

fn counted(call: &Call<'_>, throttle: Throttle, about: Option<&str>) -> Vec<Counted> {
    let limits = &call.parts.rules.throttle;
    // Many people come through a trusted client, and they all from its address.
    let is_trusted = call
        .client
        .as_ref()
        .is_some_and(|client| client.trust == Trust::Trusted);
    let source = call.source.filter(|_| !is_trusted).map(network);
    let flood = "excess_rate_limit_exceeded";
    let (about, source) = match throttle {
        Throttle::Nothing => (None, None),
        Throttle::Guesses => (
            about.map(|about| (account(call, about), limits.guesses, "authn_login_lock")),
            source.map(|from| {
                let subject = subject(call, "guesses from", &from);
                (subject, limits.guesses_per_source, flood)
            }),
        ),
        Throttle::Forgeries => (
            None,
            source.map(|from| {
                let subject = subject(call, "forgeries from", &from);
                (subject, limits.guesses_per_source, flood)
            }),
        ),
        Throttle::Mails => (
            about.map(|about| {
                let subject = subject(call, "mails to", &canonical(about));
                (subject, limits.mails, flood)
            }),
            source.map(|from| {
                let subject = subject(call, "mails from", &from);
                (subject, limits.mails_per_source, flood)
            }),
        ),
    };
    // The same order for all, so that nobody waits for each other.
    about.into_iter().chain(source).collect()
}

fn count(call: &Call<'_>, counted: &[Counted], about: Option<&str>) -> Result<(), Refusal> {
    call.parts.store.write(|c| {
        for (subject, limit, event) in counted {
            let tally = attempts::count(c, subject, *limit, call.now)?;
            // Once, and not for each that follows.
            if tally.attempts == limit.free {
                // The user's name, so that no address stays behind of a user that goes.
                let known = about.map(|about| users::by_login(c, about)).transpose()?;
                let name = known.flatten().map(|user| user.user_name);
                call.audit(c, event, "slowed_down", name.as_deref().or(about))?;
            }
        }
        Ok(())
    })
}

fn account(call: &Call<'_>, login: &str) -> String {
    subject(call, "guesses at", &canonical(login))
}

/// What attempts are counted for, without naming it.
fn subject(call: &Call<'_>, what: &str, whose: &str) -> String {
    let text = format!("{what}\n{whose}");
    call.parts.stamper.stamp(Use::Attempts, &text)
}

/// What one party has to itself: an address, or a network of the size that is given to one (RFC 6177).
fn network(source: IpAddr) -> String {
    match source.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_address_or_a_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    }
}
