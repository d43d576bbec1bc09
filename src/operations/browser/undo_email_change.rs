//! Restores the e-mail address that a user had before a change, by the link in the mail to that address.

use crate::domain::one_time_token::is_well_formed;
use crate::operations::identities;
use crate::operations::prelude::*;
use crate::operations::user::issue_token;
use crate::store::{
    email_undos, external_identities, one_time_tokens, sessions, token_families, users,
};

shape! {
    /// Which change.
    pub struct UndoEmailChangeRequest = "UndoEmailChangeRequest_V1" {
        /// The token of the mail.
        token: Secret = "token", max = 128, required;
    }
}

fn spent() -> Refusal {
    refuse_field(Code::TokenInvalidOrExpired, "token", None)
}

impl Request for UndoEmailChangeRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::unpublished::<Self>(
        "undoEmailChange",
        AuditEvent::UserEmailRestored,
        "Brings back the e-mail address that a user had before a change.",
    )
    .access(Access::Anyone)
    .cost(Cost::Write)
    .throttle(Throttle::Guesses)
    .pages();

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let token = self.token.reveal().trim();
        if !is_well_formed(token) {
            return Err(spent());
        }
        let sha256 = sha256_hex(token);
        cx.app.store.write(|c| undo(cx, c, &sha256))?;
        Ok(())
    }
}

/// Revokes everything with which the person who changed the address could sign in. The password may be theirs, so the
/// owner sets a new one by mail.
fn undo(cx: &RequestContext<'_>, c: &mut AnyConnection, sha256: &str) -> Result<()> {
    let change = email_undos::find(c, sha256, cx.now)?.ok_or_else(spent)?;
    let user = users::lock_for_update(c, change.user_id)?.ok_or_else(spent)?;
    if users::is_taken(c, &change.email, Some(user.id))? {
        return Err(refuse_field(Code::EmailAlreadyExists, "email", None));
    }
    if !email_undos::end_from(c, user.id, change.id)? {
        return Err(spent());
    }
    let restored = User {
        email: change.email,
        updated_at: cx.now,
        ..user
    };
    users::update(c, &restored)?;
    users::clear_password(c, restored.id)?;
    token_families::end_all(c, restored.id)?;
    sessions::end_all(c, restored.id, None)?;
    one_time_tokens::revoke(c, Purpose::PasswordReset, restored.id)?;
    one_time_tokens::revoke(c, Purpose::Activation, restored.id)?;
    let linked = external_identities::linked_to(c, restored.id)?;
    identities::unlink(cx, c, &restored, linked, |link| {
        link.linked_at.is_some_and(|at| at >= change.changed_at)
    })?;
    if restored.status != Status::Inactive {
        let token = issue_token(cx, c, Purpose::PasswordReset, restored.id)?;
        cx.notify(c, Topic::PasswordReset, &Addressee::from(&restored), &token)?;
    }
    cx.audit(
        c,
        UndoEmailChangeRequest::OPERATION.event,
        "ok",
        Some(&restored.user_name),
    )
}
