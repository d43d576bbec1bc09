//! The context of a request: its authenticated caller, the time, and the application's services.

use std::cell::Cell;
use std::net::IpAddr;

use crate::contract::messages::Language;
use crate::contract::shape::Secret;
use crate::domain::Millis;
use crate::domain::audit_event::AuditEvent;
use crate::domain::client::{Client, Trust};
use crate::domain::notice::{Notice, Topic};
use crate::domain::one_time_token::{self, Purpose};
use crate::domain::password::cost_of;
use crate::domain::plain_name;
use crate::domain::user::{User, same_name};
use crate::store::audit::logged;
use crate::store::profiles::Profile;
use crate::store::refusals::{Cause, Refused};
use crate::store::services::Ended;
use crate::store::sessions::Session;
use crate::store::{
    AnyConnection, StepError, StoreError, audit, one_time_tokens, outbox, password_cost, users,
};

use super::refusal::Result;
use crate::app_context::AppContext;
use crate::contract::problem::Code;
use crate::contract::rejection::Rejection;
use crate::metrics::HashKind;
use crate::secrets::hashing::Verdict;
use crate::secrets::sealing::Binding;
use crate::secrets::sha256_hex;

/// The credentials in a request, before anything is verified.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The client key.
    pub client_key: Option<Secret>,
    /// The user whom the caller claims to act for.
    pub user_name: Option<String>,
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
    /// The cookie by which a browser is recognised after a user signed in with it.
    pub known_browser: Option<Secret>,
}

/// The verified token of the caller.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    /// The token family, that is the sign-in, that it belongs to.
    pub family: i64,
    pub jti: String,
    /// The organisation that the token is bound to.
    pub organisation: Option<String>,
    /// When the user signed in.
    pub started_at: Millis,
}

/// The context of a request whose access has been decided.
pub struct RequestContext<'a> {
    pub app: &'a AppContext,
    pub now: Millis,
    pub request_id: &'a str,
    pub language: Language,
    /// The calling client; none if a public operation was called without a key.
    pub client: Option<Client>,
    /// The signed-in user.
    pub user: Option<User>,
    /// The token that authenticated the user, if there was one.
    pub verified_token: Option<VerifiedToken>,
    /// The browser session that authenticated the user, if there was one.
    pub session: Option<Session>,
    /// The user's profile for the loginbar; loaded with a session only.
    pub profile: Profile,
    pub on_behalf_of: Option<String>,
    /// The client's IP address; none at the command line.
    pub source: Option<IpAddr>,
    /// The cookie by which a browser is recognised after a user signed in with it.
    pub known_browser: Option<Secret>,
    /// Whether the request has hashed a password that no attempt counter has counted yet.
    pub owes_hash: Cell<bool>,
}

impl RequestContext<'_> {
    /// Whether the caller is a trusted client or an administrator.
    #[must_use]
    pub fn may_do_everything(&self) -> bool {
        let trusted = self
            .client
            .as_ref()
            .is_some_and(|c| c.trust == Trust::Trusted);
        let admin = self
            .user
            .as_ref()
            .is_some_and(|u| u.roles.contains(&self.app.rules.admin_role));
        trusted || admin
    }

    /// Whether the signed-in user has this name.
    #[must_use]
    pub fn is_self(&self, user_name: &str) -> bool {
        self.user
            .as_ref()
            .is_some_and(|u| same_name(&u.user_name, user_name))
    }

    /// The client that new users belong to.
    #[must_use]
    pub fn client_name(&self) -> &str {
        self.client
            .as_ref()
            .map_or(crate::domain::client::DEFAULT_CLIENT, |c| &c.name)
    }

    /// Runs queries that change nothing.
    ///
    /// # Errors
    /// The errors of the step and of the store.
    pub fn read<T, E: StepError>(
        &self,
        step: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.app.store.read(step)
    }

    /// Compares a password with a stored hash, or does the same work if there is none. All password hashing goes
    /// through this and [`RequestContext::hash`], so that every hash is counted.
    ///
    /// # Errors
    /// The store's.
    pub fn verify(&self, password: &Secret, stored: Option<&str>) -> Result<Verdict> {
        let highest = self.app.registry.now().highest_password_cost();
        let hasher = &self.app.hasher;
        let done = hasher.verify(password.reveal(), stored, highest);
        self.owes_hash.set(true);
        self.app.metrics.hashed(HashKind::Verified, done.rounds);
        if let Some(stored) = stored.filter(|s| cost_of(s) > Some(highest)) {
            // The hash was not remembered, perhaps because another program stored it.
            self.app.store.write(|c| password_cost::note(c, stored))?;
        }
        Ok(done.verdict)
    }

    /// Hashes a password with a new salt. Do not call this inside a transaction: it takes a third of a second.
    ///
    /// # Errors
    /// [`Code::InternalError`], where bcrypt fails.
    pub fn hash(&self, password: &str) -> Result<String> {
        let hasher = &self.app.hasher;
        let hash = hasher.hash(password, self.app.entropy.bytes());
        self.owes_hash.set(true);
        self.app.metrics.hashed(HashKind::Made, hasher.rounds());
        Ok(hash.map_err(|e| Rejection::new(Code::InternalError).because(e))?)
    }

    /// Writes an audit entry in the caller's transaction.
    ///
    /// # Errors
    /// The store's.
    pub fn audit(
        &self,
        connection: &mut AnyConnection,
        event: AuditEvent,
        outcome: &str,
        subject: Option<&str>,
    ) -> Result<()> {
        audit::record(connection, &self.entry(event, outcome, subject))?;
        Ok(())
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

    /// Counts an event that anonymous callers can cause without limit, such as a refusal. Counts are written to the
    /// audit log in batches.
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
        // Do not store what an anonymous caller typed: it may be a password or another person's address.
        let subject = subject.filter(|_| known.is_ok());
        let known = known.ok().flatten();
        let user_name = known.as_ref().map(|user| user.user_name.as_str());
        self.app.refusals.name(sample, user_name, subject);
    }

    /// Records an event that anonymous callers can cause: as an audit entry if it concerns a known user and the quota
    /// allows one, and as a count otherwise.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn audit_unproven(
        &self,
        event: AuditEvent,
        outcome: &'static str,
        subject: Option<&str>,
    ) -> Result<()> {
        let (store, refusals) = (&self.app.store, &self.app.refusals);
        let user = match subject {
            Some(login) => store.read(|c| users::by_login(c, login))?,
            None => None,
        };
        match user.filter(|_| refusals.take_row(Cause::Anyone, self.now)) {
            // Log the user name: an e-mail address would stay in the log after the user is deleted.
            Some(user) => store.write(|c| self.audit(c, event, outcome, Some(&user.user_name))),
            None => {
                self.count(event, outcome, subject, None);
                Ok(())
            }
        }
    }

    /// Puts a mail into the outbox, in the caller's transaction. It shows only plain names of the user, because the
    /// person who registered the address, or a partner, may have chosen them.
    ///
    /// # Errors
    /// The store's.
    pub fn notify(
        &self,
        connection: &mut AnyConnection,
        topic: Topic,
        user: &Addressee<'_>,
        token: &str,
    ) -> Result<()> {
        self.notify_about(connection, topic, user, token, "")
    }

    /// The same, with the additional text that the topic needs.
    ///
    /// # Errors
    /// The store's.
    pub fn notify_about(
        &self,
        connection: &mut AnyConnection,
        topic: Topic,
        user: &Addressee<'_>,
        token: &str,
        detail: &str,
    ) -> Result<()> {
        let notice = Notice {
            topic,
            english: self.language == Language::English,
            to: user.email.to_owned(),
            name: plain_name::of_person(user.name).unwrap_or_default(),
            user_name: plain_name::of_user(user.user_name, user.email),
            token: token.to_owned(),
            detail: detail.to_owned(),
        };
        let sealed = self.seal(Binding::Mail(user.id), &notice.to_lines())?;
        outbox::enqueue_mail(connection, user.id, &sealed, self.now)?;
        Ok(())
    }

    /// Dummy work for an unknown user: costs the same time as issuing a token and [`RequestContext::notify`], so that the
    /// response time does not reveal whether the user exists. Leaves nothing in the database.
    ///
    /// # Errors
    /// The store's.
    pub fn notify_nobody(&self, connection: &mut AnyConnection, topic: Topic) -> Result<()> {
        let token = one_time_token::format(self.app.entropy.bytes());
        let sha256 = sha256_hex(&token);
        let notice = Notice {
            topic,
            english: self.language == Language::English,
            to: "nobody@localhost.localdomain".to_owned(),
            name: "Nobody At All".to_owned(),
            user_name: "nobody".to_owned(),
            token,
            detail: String::new(),
        };
        let sealed = self.seal(Binding::Mail(0), &notice.to_lines())?;
        one_time_tokens::dummy_insert(connection, &sha256, Purpose::PasswordReset, self.now)?;
        outbox::dummy_insert(connection, &sealed, self.now)?;
        Ok(())
    }

    /// Puts a callback into the outbox, in the caller's transaction, that tells the service that the user has left.
    /// Does nothing if the service wants no callbacks, or if another user holds the ID now, because the service would
    /// remove that user.
    ///
    /// # Errors
    /// The store's.
    pub fn tell_service(
        &self,
        connection: &mut AnyConnection,
        user: &User,
        ended: &Ended,
    ) -> Result<()> {
        if !ended.has_callback {
            return Ok(());
        }
        if ended.is_held {
            let (event, outcome) = audit::CALLBACK_WITHHELD;
            return self.audit(connection, event, outcome, Some(&user.user_name));
        }
        let binding = Binding::Callback(ended.service_id);
        let sealed = self.seal(binding, &ended.user_id_in_service)?;
        outbox::enqueue_callback(connection, ended.service_id, &sealed, self.now)?;
        Ok(())
    }

    fn seal(&self, binding: Binding<'_>, text: &str) -> Result<Vec<u8>> {
        let sealed = self.app.sealer.seal(binding, text);
        Ok(sealed.map_err(|e| Rejection::new(Code::InternalError).because(e))?)
    }
}

/// The recipient of a mail.
#[derive(Debug, Clone, Copy)]
pub struct Addressee<'a> {
    pub id: i64,
    pub user_name: &'a str,
    pub name: &'a str,
    pub email: &'a str,
}

impl<'a> From<&'a User> for Addressee<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id,
            user_name: &user.user_name,
            name: &user.name,
            email: &user.email,
        }
    }
}
