//! The context of a request: its authenticated caller, the time, and the shared [`AppContext`].

use std::cell::Cell;
use std::net::IpAddr;

use crate::contract::common::MAX_CLAIM_CHARS;
use crate::contract::messages::Language;
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::shape::Secret;
use crate::domain::Millis;
use crate::domain::audit_event::AuditEvent;
use crate::domain::client::{Client, DEFAULT_CLIENT, Trust};
use crate::domain::hidden::is_hidden;
use crate::domain::password::cost_of;
use crate::domain::text::has_control;
use crate::domain::user::{Status, User, same_name};
use crate::store::audit::logged;
use crate::store::profiles::Profile;
use crate::store::refusals::Refused;
use crate::store::sessions::Session;
use crate::store::{AnyConnection, StepError, StoreError, audit, password_cost, users};

use super::refusal::{Result, internal_error, not_signed_in, refuse};
use crate::app_context::AppContext;
use crate::metrics::HashKind;
use crate::secrets::hashing::Verdict;

/// The name of the user for whom a caller claims to act. The audit log shows this name, so [`ClaimedName::read`] is the
/// only way to create one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedName(String);

impl ClaimedName {
    /// Returns the name without outer blanks; `None` for a blank name. If the name is too long or has control or hidden
    /// characters, notes a problem of this field and returns `None`.
    pub fn read(name: &str, field: &str, problems: &mut Problems) -> Option<Self> {
        let name = name.trim();
        let flaw = if name.chars().count() > MAX_CLAIM_CHARS as usize {
            Some(Why::TooLong(MAX_CLAIM_CHARS))
        } else {
            let is_unreadable = has_control(name) || name.chars().any(is_hidden);
            is_unreadable.then_some(Why::BadCharacters)
        };
        if let Some(why) = flaw {
            problems.note(field, why);
            return None;
        }
        (!name.is_empty()).then(|| Self(name.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The credentials in a request, before anything is verified.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The client key.
    pub client_key: Option<Secret>,
    /// The user for whom the caller claims to act.
    pub user_name: Option<ClaimedName>,
    /// The `Authorization` header.
    pub authorization: Option<Secret>,
    /// An application's ID and secret, from HTTP Basic authentication.
    pub application: Option<(String, Secret)>,
    /// A WS-Security UsernameToken.
    pub username_token: Option<(String, Secret)>,
    /// The session cookie of a browser.
    pub session: Option<Secret>,
    /// The client's IP address.
    pub source: Option<IpAddr>,
    /// The cookie that identifies a browser with which a user has signed in before.
    pub known_browser: Option<Secret>,
}

/// The verified token of the caller.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    /// The token family, which is the sign-in that issued the token.
    pub family: i64,
    pub jti: String,
    /// The organisation that the token is bound to.
    pub organisation: Option<String>,
    /// The time of the sign-in.
    pub started_at: Millis,
}

/// The context of a request. The access decision fills in the caller.
pub struct RequestContext<'a> {
    pub app: &'a AppContext,
    pub now: Millis,
    pub request_id: &'a str,
    pub language: Language,
    /// The calling client; `None` if a public operation was called without a key.
    pub client: Option<Client>,
    /// The signed-in user.
    pub user: Option<User>,
    /// The token that authenticated the user, if there was one.
    pub verified_token: Option<VerifiedToken>,
    /// The browser session that authenticated the user, if there was one.
    pub session: Option<Session>,
    /// The user's profile for the loginbar; loaded with a session only.
    pub profile: Profile,
    /// The user for whom an authenticated caller claims to act.
    pub on_behalf_of: Option<String>,
    /// The client's IP address; `None` at the command line.
    pub source: Option<IpAddr>,
    /// The cookie that identifies a browser with which a user has signed in before.
    pub known_browser: Option<Secret>,
    /// Whether the request has hashed a password that no attempt counter has counted yet.
    pub owes_hash: Cell<bool>,
}

impl RequestContext<'_> {
    /// Whether the caller is a trusted client.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        let client = self.client.as_ref();
        client.is_some_and(|client| client.trust == Trust::Trusted)
    }

    /// Whether the caller is a trusted client or an administrator.
    #[must_use]
    pub fn may_do_everything(&self) -> bool {
        let (user, role) = (self.user.as_ref(), &self.app.rules.admin_role);
        self.is_trusted() || user.is_some_and(|u| u.roles.contains(role))
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// [`Code::AuthenticationRequired`] if no user is signed in.
    pub fn signed_in(&self) -> Result<&User> {
        let user = self.user.as_ref();
        user.ok_or_else(not_signed_in)
    }

    /// The ID of the browser session, if there is one.
    #[must_use]
    pub fn session_id(&self) -> Option<i64> {
        self.session.as_ref().map(|session| session.id)
    }

    /// Whether the signed-in user has this name.
    #[must_use]
    pub fn is_self(&self, user_name: &str) -> bool {
        let user = self.user.as_ref();
        user.is_some_and(|user| same_name(&user.user_name, user_name))
    }

    /// The client that new users belong to.
    #[must_use]
    pub fn client_name(&self) -> &str {
        let client = self.client.as_ref();
        client.map_or(DEFAULT_CLIENT, |client| &client.name)
    }

    /// Runs queries that change nothing.
    pub fn read<T, E: StepError>(
        &self,
        step: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.app.store.read(step)
    }

    /// Compares a password with a stored hash. Without a stored hash the call does the same work. All password hashing
    /// goes through this function and [`RequestContext::hash`], so that every hash is counted.
    pub fn verify(&self, password: &Secret, stored: Option<&str>) -> Result<Verdict> {
        let highest = self.app.registry.now().highest_password_cost();
        let hasher = &self.app.hasher;
        let done = hasher.verify(password.reveal(), stored, highest);
        self.owes_hash.set(true);
        self.app.metrics.hashed(HashKind::Verified, done.rounds);
        if let Some(stored) = stored.filter(|s| cost_of(s) > Some(highest)) {
            // The registry does not know this cost yet, perhaps because another program stored the hash.
            self.app.store.write(|c| password_cost::note(c, stored))?;
        }
        Ok(done.verdict)
    }

    /// Verifies a user's password. An unknown user costs the same work and gives the same answer as a wrong password.
    ///
    /// # Errors
    /// [`Code::BadCredentials`], [`Code::UserNotActive`] (only if the password is right), or an error of the store.
    pub fn verify_user(&self, user: Option<User>, password: &Secret) -> Result<(User, Verdict)> {
        let stored = user.as_ref().and_then(|u| u.password_hash.as_deref());
        let verdict = self.verify(password, stored)?;
        match user.filter(|_| verdict != Verdict::Wrong) {
            Some(user) if user.status == Status::Active => Ok((user, verdict)),
            Some(_) => Err(refuse(Code::UserNotActive)),
            None => Err(refuse(Code::BadCredentials)),
        }
    }

    /// Hashes a password with a new salt. Do not call this inside a transaction: it takes a third of a second.
    ///
    /// # Errors
    /// [`Code::InternalError`] if bcrypt fails.
    pub fn hash(&self, password: &str) -> Result<String> {
        let hasher = &self.app.hasher;
        let hash = hasher.hash(password, self.app.entropy.bytes());
        self.owes_hash.set(true);
        self.app.metrics.hashed(HashKind::Created, hasher.rounds());
        hash.map_err(internal_error)
    }

    /// The audit entry of this request.
    pub(super) fn entry(
        &self,
        event: AuditEvent,
        outcome: &str,
        subject: Option<&str>,
    ) -> audit::Entry {
        audit::Entry {
            at: self.now,
            event: event.as_str().to_owned(),
            outcome: outcome.to_owned(),
            client_name: self.client.as_ref().map(|c| c.name.clone()),
            actor: self.user.as_ref().map(|u| logged(&u.user_name)),
            on_behalf_of: self.on_behalf_of.as_deref().map(logged),
            subject: subject.map(logged),
            request_id: self.request_id.to_owned(),
        }
    }

    /// Counts an event that anonymous callers can cause without limit, such as a refusal. The counts are kept in memory
    /// and written to the database in batches.
    pub(super) fn count(
        &self,
        event: AuditEvent,
        outcome: &'static str,
        subject: Option<&str>,
        client_name: Option<&str>,
    ) {
        let sample = self.app.refusals.count(&Refused {
            at: self.now,
            source: self.source,
            event: event.as_str(),
            outcome,
            client_name: client_name.or(self.client.as_ref().map(|c| c.name.as_str())),
            actor: self.user.as_ref().map(|u| u.user_name.as_str()),
            request_id: self.request_id,
        });
        let Some(sample) = sample else {
            return;
        };
        let known = subject.map(|login| self.app.store.read(|c| users::by_login(c, login)));
        let known = known.unwrap_or(Ok::<_, StoreError>(None));
        // If the lookup failed, do not store the typed text: it may be the address of a known user, and the audit log
        // must not keep addresses.
        let subject = subject.filter(|_| known.is_ok());
        let known = known.ok().flatten();
        let user_name = known.as_ref().map(|user| user.user_name.as_str());
        self.app.refusals.name(sample, user_name, subject);
    }
}
