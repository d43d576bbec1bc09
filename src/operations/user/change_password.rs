//! Sets a new password. The caller must send the old password or a reset token.

use crate::operations::identities;
use crate::operations::prelude::*;
use crate::operations::throttle;
use crate::store::{one_time_tokens, organisations, users};

shape! {
    /// The new password, and either the old password or a token from a mail.
    pub struct ChangePasswordRequest = "ChangePasswordRequest_V1" {
        /// The old password. It requires userName and excludes passwordResetGuid.
        old_password: Option<Secret> = "oldPassword", max = 1024;
        /// The new password, of 8 to 64 characters.
        password: Secret = "password", max = 1024, required;
        /// The token from the mail, instead of the old password.
        password_reset_guid: Option<Secret> = "passwordResetGuid", max = 128;
        /// The calling client and its user. Optional; without it the client is Default.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The user name of the user. It is required with the old password.
        user_name: Option<String> = "userName", max = 256, role = Role::Subject;
    }
}

shape! {
    /// An answer with the outcome only.
    pub struct ChangePasswordResponse = "ChangePasswordResponse_V1" {
        /// The outcome of the request.
        status: ResponseStatus = "status", required;
        /// Further parameters.
        params: List<Param> = "params", item = "param";
    }
}

/// The proof that the caller may set the password.
enum Proof {
    /// The hash of a reset token that is not used yet.
    Token(String),
    OldPassword,
}

impl Request for ChangePasswordRequest {
    type Answer = ChangePasswordResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "changePassword",
        AuditEvent::PasswordChanged,
        "Sets a new password. The old password or a token from a mail is required.",
    )
    .access(Access::Anyone)
    .cost(Cost::Hash)
    .throttle(Throttle::Guesses)
    .soap()
    .rest(&[Route::new("POST", "/password/change")
        .takes(&["changePasswordRequest", USERS])
        .refuses(&[
            Code::TokenInvalidOrExpired,
            Code::WeakPassword,
            Code::BadCredentials,
            Code::UserNotActive,
        ])]);

    fn guessed_at(&self) -> Option<&str> {
        // Reset tokens cannot be guessed, so they are not counted. The owner can therefore use a reset token while an
        // attacker guesses the password.
        self.subject()
            .filter(|_| self.password_reset_guid.is_none())
    }
    fn run(self, cx: &RequestContext<'_>) -> Result<ChangePasswordResponse> {
        self.change(cx, &[])?;
        Ok(ChangePasswordResponse::default())
    }
}

impl ChangePasswordRequest {
    /// Sets the password. With a token from a mail, only the external identities with these keys stay linked.
    pub(in crate::operations) fn change(
        &self,
        cx: &RequestContext<'_>,
        keep: &[&str],
    ) -> Result<()> {
        let (user, proof) = match (&self.old_password, &self.password_reset_guid) {
            (Some(old), None) => self.with_old_password(cx, old)?,
            (None, Some(token)) => with_token(cx, token, self.user_name.as_deref())?,
            _ => {
                let why = Why::ExactlyOneOf("oldPassword");
                return Err(refuse_invalid("passwordResetGuid", why));
            }
        };
        let password = self.password.reveal();
        let memberships: Vec<Membership> = cx.read(|c| organisations::memberships(c, user.id))?;
        let mut names = vec![user.user_name.as_str(), &user.name, &user.email];
        names.extend(memberships.iter().map(|m| m.name.as_str()));
        super::check_password(password, &names)?;
        let hash = cx.hash(password)?;
        cx.write(|tx| set(tx, (&user, &proof), &hash, keep))
    }

    fn with_old_password(&self, cx: &RequestContext<'_>, old: &Secret) -> Result<(User, Proof)> {
        let Some(user_name) = &self.user_name else {
            return Err(refuse_field(Code::MissingField, "userName"));
        };
        // Check the rules that need no data of the user. The new password is compared with the user's other names after
        // the old password is verified.
        super::check_password(self.password.reveal(), &[user_name])?;
        let user = cx.read(|c| users::by_name(c, user_name))?;
        let (user, _) = cx.verify_user(user, old)?;
        Ok((user, Proof::OldPassword))
    }
}

fn invalid_token() -> Refusal {
    invalid_one_time_token("passwordResetGuid")
}

/// Checks that the token is valid before a password is hashed. A user name sent with the token must be the user's name
/// or address.
fn with_token(
    cx: &RequestContext<'_>,
    token: &Secret,
    user_name: Option<&str>,
) -> Result<(User, Proof)> {
    let sha256 = super::hash_of_token(token).ok_or_else(invalid_token)?;
    let user = cx.read(|c| {
        let id = one_time_tokens::peek(c, &sha256, Purpose::PasswordReset, cx.now)?;
        match id {
            Some(id) => users::by_id(c, id),
            None => Ok(None),
        }
    })?;
    let user = user
        .filter(|u| user_name.is_none_or(|name| u.has_login(name)))
        .ok_or_else(invalid_token)?;
    if user.status == Status::Inactive {
        return Err(refuse(Code::UserNotActive));
    }
    Ok((user, Proof::Token(sha256)))
}

fn set(
    tx: &mut Transaction<'_>,
    (user, proof): (&User, &Proof),
    hash: &str,
    keep: &[&str],
) -> Result<()> {
    let current =
        users::lock_for_update(tx.conn, user.id)?.ok_or_else(|| refuse(Code::BadCredentials))?;
    let status = match proof {
        Proof::Token(sha256) => {
            one_time_tokens::spend(tx.conn, sha256, Purpose::PasswordReset, tx.cx.now)?
                .ok_or_else(invalid_token)?;
            if current.status == Status::Inactive {
                return Err(refuse(Code::UserNotActive));
            }
            identities::take_over(tx, &current, keep)?;
            // The token proves access to the user's mailbox, so it also confirms the address.
            Status::Active
        }
        // The password may have changed while the new one was hashed.
        Proof::OldPassword if current.password_hash == user.password_hash => current.status,
        Proof::OldPassword => return Err(refuse(Code::BadCredentials)),
    };
    if current.status == Status::Unactivated
        && let Some(uuid) = users::activate(tx.conn, user.id, tx.cx.now)?
    {
        organisations::join(tx.conn, user.id, &uuid, &[], tx.cx.now)?;
    }
    store_password(tx, &current, hash, status, Some(Topic::PasswordChanged))
}

/// Stores the new hash and revokes everything that was issued under the old password.
fn store_password(
    tx: &mut Transaction<'_>,
    user: &User,
    hash: &str,
    status: Status,
    notice: Option<Topic>,
) -> Result<()> {
    users::set_password(tx.conn, user.id, hash, status, tx.cx.app.clock.now())?;
    throttle::reset_counters(tx, user)?;
    tx.sign_out(user.id, tx.cx.session_id())?;
    one_time_tokens::revoke(tx.conn, Purpose::PasswordReset, user.id)?;
    one_time_tokens::revoke(tx.conn, Purpose::Activation, user.id)?;
    if let Some(topic) = notice.filter(|_| user.address().is_some()) {
        tx.notify(topic, &Addressee::from(user), "")?;
    }
    tx.audit_ok(ChangePasswordRequest::OPERATION.event, &user.user_name)
}

/// Sets a user's password without the old one, for the operator at the command line. Activates an unactivated user.
/// Mails the user this notice, if there is one.
pub fn set_by_operator(
    cx: &RequestContext<'_>,
    user_name: &str,
    password: &str,
    notice: Option<Topic>,
) -> Result<()> {
    let unknown = || refuse(Code::UserNotFound);
    let user = cx
        .read(|c| users::by_name(c, user_name))?
        .ok_or_else(unknown)?;
    super::check_password(password, &[&user.user_name, &user.name, &user.email])?;
    let hash = cx.hash(password)?;
    cx.write(|tx| {
        let status = match users::lock_for_update(tx.conn, user.id)?
            .ok_or_else(unknown)?
            .status
        {
            Status::Unactivated => Status::Active,
            other => other,
        };
        store_password(tx, &user, &hash, status, notice)
    })
}
