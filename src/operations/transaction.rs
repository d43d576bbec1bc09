//! The transactions of a request. An operation writes its changes, audit entries, mails and callbacks in one
//! transaction.

use super::context::RequestContext;
use super::refusal::{Result, internal_error, refuse};
use crate::app_context::AppContext;
use crate::contract::messages::Language;
use crate::contract::problem::Code;
use crate::domain::audit_event::AuditEvent;
use crate::domain::notice::{Notice, Topic};
use crate::domain::one_time_token::{self, Purpose};
use crate::domain::plain_name;
use crate::domain::user::User;
use crate::secrets::sealing::Binding;
use crate::secrets::sha256_hex;
use crate::store::refusals::Cause;
use crate::store::services::{self, Ended};
use crate::store::{
    AnyConnection, StepError, audit, one_time_tokens, outbox, sessions, token_families, users,
};

/// A transaction of a request. If its step returns an error, the transaction is rolled back.
pub struct Transaction<'a> {
    pub cx: &'a RequestContext<'a>,
    pub conn: &'a mut AnyConnection,
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

/// The recipient of a mail that is not sent.
const NOBODY: Addressee<'_> = Addressee {
    id: 0,
    user_name: "nobody",
    name: "Nobody At All",
    email: "nobody@localhost.localdomain",
};

impl RequestContext<'_> {
    /// Runs a step in one transaction. If two transactions collide, the step runs again.
    pub fn write<T, E: StepError>(
        &self,
        mut step: impl FnMut(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let store = &self.app.store;
        store.write(|conn| step(&mut Transaction { cx: self, conn }))
    }

    /// Records an event that anonymous callers can cause: as an audit entry if it concerns a known user and the quota
    /// allows one, and as a count otherwise.
    pub(super) fn audit_unproven(
        &self,
        event: AuditEvent,
        outcome: &'static str,
        subject: Option<&str>,
    ) -> Result<()> {
        let user = match subject {
            Some(login) => self.read(|c| users::by_login(c, login))?,
            None => None,
        };
        match user.filter(|_| self.app.refusals.take_row(Cause::Anyone, self.now)) {
            // Log the user name: an e-mail address would stay in the log after the user is deleted.
            Some(user) => self.write(|tx| tx.audit(event, outcome, Some(&user.user_name))),
            None => {
                self.count(event, outcome, subject, None);
                Ok(())
            }
        }
    }

    /// The sealed data of a mail. The mail shows only plain names of the user, because a stranger or a partner may have
    /// chosen the names.
    fn sealed_mail(
        &self,
        topic: Topic,
        to: &Addressee<'_>,
        token: &str,
        detail: &str,
    ) -> Result<Vec<u8>> {
        let notice = Notice {
            topic,
            english: self.language == Language::English,
            to: to.email.to_owned(),
            name: plain_name::of_person(to.name).unwrap_or_default(),
            user_name: plain_name::of_user(to.user_name, to.email),
            token: token.to_owned(),
            detail: detail.to_owned(),
        };
        self.seal(Binding::Mail(to.id), &notice.to_lines())
    }

    fn seal(&self, binding: Binding<'_>, text: &str) -> Result<Vec<u8>> {
        let sealed = self.app.sealer.seal(binding, text);
        sealed.map_err(internal_error)
    }
}

impl Transaction<'_> {
    /// The signed-in user, locked until the transaction ends.
    ///
    /// # Errors
    /// [`Code::AuthenticationRequired`]; [`Code::TokenExpired`] if the user has been deleted.
    pub fn lock_user(&mut self) -> Result<User> {
        let user = users::lock_for_update(self.conn, self.cx.signed_in()?.id)?;
        user.ok_or_else(|| refuse(Code::TokenExpired))
    }

    /// Ends every token of a user, and every session except this one.
    pub fn sign_out(&mut self, user_id: i64, except: Option<i64>) -> Result<()> {
        token_families::end_all(self.conn, user_id)?;
        sessions::end_all(self.conn, user_id, except)?;
        Ok(())
    }

    /// Writes an audit entry.
    pub fn audit(&mut self, event: AuditEvent, outcome: &str, subject: Option<&str>) -> Result<()> {
        audit::record(self.conn, &self.cx.entry(event, outcome, subject))?;
        Ok(())
    }

    /// Writes the audit entry of a success.
    pub fn audit_ok(&mut self, event: AuditEvent, subject: &str) -> Result<()> {
        self.audit(event, "ok", Some(subject))
    }

    /// Puts a mail with this token into the outbox.
    pub fn notify(&mut self, topic: Topic, user: &Addressee<'_>, token: &str) -> Result<()> {
        self.notify_about(topic, user, token, "")
    }

    /// Like [`Transaction::notify`], with the additional text that the topic needs.
    pub fn notify_about(
        &mut self,
        topic: Topic,
        user: &Addressee<'_>,
        token: &str,
        detail: &str,
    ) -> Result<()> {
        let sealed = self.cx.sealed_mail(topic, user, token, detail)?;
        outbox::enqueue_mail(self.conn, user.id, &sealed, self.cx.now)?;
        Ok(())
    }

    /// Dummy work for an unknown user: costs the same time as issuing a token and [`Transaction::notify`], so that the
    /// response time does not reveal whether the user exists. Leaves nothing in the database.
    pub fn dummy_notify(&mut self, topic: Topic) -> Result<()> {
        let now = self.cx.now;
        let token = one_time_token::format(self.cx.app.entropy.bytes());
        let sealed = self.cx.sealed_mail(topic, &NOBODY, &token, "")?;
        let sha256 = sha256_hex(&token);
        one_time_tokens::dummy_insert(self.conn, &sha256, Purpose::PasswordReset, now)?;
        outbox::dummy_insert(self.conn, &sealed, now)?;
        Ok(())
    }

    /// Puts a callback into the outbox if the service wants callbacks. The callback tells the service that the user has
    /// left. If another user holds the ID now, the callback is withheld and recorded in the audit log, because the
    /// service would remove that user.
    pub fn notify_service(&mut self, user: &User, ended: &Ended) -> Result<()> {
        if !ended.has_callback {
            return Ok(());
        }
        if ended.is_held {
            let (event, outcome) = audit::CALLBACK_WITHHELD;
            return self.audit(event, outcome, Some(&user.user_name));
        }
        let binding = Binding::Callback(ended.service_id);
        let sealed = self.cx.seal(binding, &ended.user_id_in_service)?;
        let key = callback_order(self.cx.app, ended.service_id, &ended.user_id_in_service);
        outbox::enqueue_callback(self.conn, ended.service_id, &key, &sealed, self.cx.now)?;
        Ok(())
    }
}

/// The key that keeps the callbacks about one ID in order. The key is a keyed hash, so that the outbox does not contain
/// the ID.
#[must_use]
pub fn callback_order(app: &AppContext, service_id: i64, id: &str) -> String {
    let compared = services::compared_id(id, false);
    app.pseudonymizer
        .pseudonym(&format!("callback {service_id} {compared}"))
}
