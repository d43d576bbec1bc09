//! Operations about users, and the checks of names that several of them share.

pub mod add_to_org;
pub mod auth_token;
pub mod authenticate;
pub mod change_password;
pub mod confirm_user;
pub mod create_user;
pub mod delete_user;
pub(super) mod email;
pub mod find_users;
pub mod modify_user;
pub mod refresh_auth_token;
pub mod register_user;
pub mod resend;
pub mod reset_password;
pub mod show_user;
pub(super) mod sign_in;

use super::throttle;
use crate::contract::shape::{Structure as _, value_at};
use crate::contract::user::WrappedUser;
use crate::domain::mailbox::{is_email, is_own_or_no_address};
use crate::domain::names::{Flaw, flaw_of_display_name, flaw_of_line, flaw_of_user_name};
use crate::domain::one_time_token;
use crate::domain::password::{self, Weakness};
use crate::domain::user::MAX_ROLES;
use crate::operations::prelude::*;
use crate::store::one_time_tokens;
use crate::store::refusals::{self, Cause};
use crate::store::users::{self, Taken};

/// The reason for a flawed name, in the form that the client gets.
pub(super) fn why(flaw: Flaw) -> Why {
    match flaw {
        Flaw::Control => Why::BadCharacters,
        Flaw::Hidden => Why::HiddenCharacters,
        Flaw::MarkWithoutLetter => Why::MarkWithoutLetter,
        Flaw::Blank => Why::NotReadable,
        Flaw::Reserved => Why::ReservedName,
    }
}

/// Notes an invalid user name.
fn check_user_name(problems: &mut Problems, field: &str, text: &str) {
    if let Some(flaw) = Some(text)
        .filter(|t| !t.is_empty())
        .and_then(flaw_of_user_name)
    {
        problems.note(field, why(flaw));
    }
}

/// Notes an invalid e-mail address.
fn check_email(problems: &mut Problems, text: &str) {
    if !text.is_empty() && !is_email(text) {
        problems.note("email", Why::NotAnEmail);
    }
}

/// Notes an invalid name of a person or an organisation.
fn check_display_name(problems: &mut Problems, field: &str, text: Option<&str>) {
    let text = text.filter(|t| !t.is_empty());
    if let Some(flaw) = text.and_then(flaw_of_display_name) {
        problems.note(field, why(flaw));
    }
}

/// The text fields of a user whose rules are stricter than the rule for a text on one line.
const OWN_RULES: [&str; 5] = [
    "email",
    "name",
    "passwordResetGuidChannel",
    "status",
    "userName",
];

/// Notes the invalid fields of a user to create or to change, except the user name and the status.
fn check_fields(problems: &mut Problems, user: &WrappedUser) {
    check_email(problems, user.email.as_deref().unwrap_or(""));
    check_display_name(problems, "name", user.name.as_deref());
    for (position, field) in WrappedUser::SHAPE.fields.iter().enumerate() {
        let text = value_at::<String>(user, Some(position));
        let text = text.filter(|_| !OWN_RULES.contains(&field.name));
        if let Some(flaw) = text.and_then(|text| flaw_of_line(text)) {
            problems.note(field.name, why(flaw));
        }
    }
    let roles = user.roles.as_ref().map_or(&[][..], |roles| &roles.0);
    if roles.len() > MAX_ROLES {
        problems.note("roles", Why::TooMany(MAX_ROLES));
    }
    if let Some(flaw) = roles.iter().find_map(|role| flaw_of_line(role)) {
        problems.note("roles", why(flaw));
    }
}

/// Refuses a password that does not satisfy the rules.
///
/// # Errors
/// [`Code::WeakPassword`], with the reason.
pub fn check_password(password: &str, own_names: &[&str]) -> Result<()> {
    password::judge(password, own_names).map_err(|weakness| {
        let why = match weakness {
            Weakness::TooShort => Why::TooShort(password::MIN_CHARS),
            Weakness::TooLong => {
                Why::TooLong(u32::try_from(password::MAX_CHARS).unwrap_or(u32::MAX))
            }
            Weakness::HoldsNul => Why::BadCharacters,
            Weakness::OwnName => Why::OwnName,
            Weakness::Common => Why::Common,
        };
        Rejection::field(Code::WeakPassword, "password", Some(why)).into()
    })
}

/// The refusal of a name that is taken.
fn taken(which: Taken, user_name_field: &str) -> Refusal {
    match which {
        Taken::UserName => refuse_field(Code::UserAlreadyExists, user_name_field),
        Taken::Email => refuse_field(Code::EmailAlreadyExists, "email"),
    }
}

/// Refuses taken names of a new user. Also refuses a user name that looks like an e-mail address but is not the user's
/// own address, or that looks like an administrator's user name.
pub(super) fn check_names_are_free(
    cx: &RequestContext<'_>,
    c: &mut AnyConnection,
    (user_name_field, user_name): (&str, &str),
    email: &str,
) -> Result<()> {
    if let Some(which) = users::taken(c, user_name, email)? {
        return Err(taken(which, user_name_field));
    }
    let refused = |why| Err(refuse_invalid(user_name_field, why));
    if !is_own_or_no_address(user_name, email) {
        return refused(Why::NotOwnAddress);
    }
    if users::looks_like_holder_of(c, &cx.app.rules.admin_role, user_name)? {
        return refused(Why::SimilarToAdministrator);
    }
    Ok(())
}

/// The purpose of a mail with a token.
struct Mailing {
    purpose: Purpose,
    topic: Topic,
    event: AuditEvent,
}

/// Mails a new token to the user with this login, if `serves` returns true for the user and the mailbox has not had too
/// many mails. Otherwise the call does the same work and deletes the written rows at once, so that neither the answer
/// nor its time reveals whether the user exists. The attempt is recorded as an audit entry or as a count.
fn mail_token(
    cx: &RequestContext<'_>,
    login: &str,
    mailing: &Mailing,
    serves: impl Fn(&User) -> bool,
) -> Result<()> {
    let refusals = &cx.app.refusals;
    // Whether the quota allows an audit entry. Only a mail that is sent uses the quota; otherwise a dummy entry costs
    // the same time.
    let has_row = refusals.has_row(Cause::Anyone, cx.now);
    let outcome = cx.write(|tx| {
        let user = users::lock_by_login(tx.conn, login)?;
        let user = user.filter(|u| u.address().is_some() && serves(u));
        match user {
            Some(user) if throttle::may_mail(tx, &user.email)? => {
                let token = issue_token(tx, mailing.purpose, user.id)?;
                tx.notify(mailing.topic, &Addressee::from(&user), &token)?;
                if has_row {
                    tx.audit_ok(mailing.event, &user.user_name)?;
                }
                Ok::<_, Refusal>("ok")
            }
            other => {
                throttle::dummy_may_mail(tx, login)?;
                tx.dummy_notify(mailing.topic)?;
                if has_row {
                    let entry = cx.entry(mailing.event, "ok", Some(login));
                    refusals::dummy_insert(tx.conn, &entry)?;
                }
                Ok(if other.is_some() {
                    "slowed_down"
                } else {
                    "unknown"
                })
            }
        }
    })?;
    match outcome {
        "ok" if has_row => drop(refusals.take_row(Cause::Anyone, cx.now)),
        outcome => cx.count(mailing.event, outcome, Some(login), None),
    }
    Ok(())
}

/// The hash by which the store finds this one-time token; `None` for a text that does not have the form of a token.
pub(super) fn hash_of_token(token: &Secret) -> Option<String> {
    let token = token.reveal().trim();
    one_time_token::is_well_formed(token).then(|| sha256_hex(token))
}

/// Issues a one-time token in the caller's transaction. The store keeps only the hash of the token.
pub(super) fn issue_token(
    tx: &mut Transaction<'_>,
    purpose: Purpose,
    user_id: i64,
) -> Result<String> {
    let token = one_time_token::format(tx.cx.app.entropy.bytes());
    let life = match purpose {
        Purpose::Activation => tx.cx.app.rules.activation_ms,
        Purpose::PasswordReset => tx.cx.app.rules.reset_ms,
    };
    let sha256 = sha256_hex(&token);
    one_time_tokens::issue(tx.conn, &sha256, purpose, user_id, tx.cx.now + life)?;
    Ok(token)
}
