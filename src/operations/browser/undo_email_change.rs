//! Restores the e-mail address that a user had before a change, by the link in the mail to that address.

use crate::operations::identities;
use crate::operations::prelude::*;
use crate::operations::user::{hash_of_token, issue_token};
use crate::store::{email_undos, external_identities, one_time_tokens, users};

shape! {
    /// The change to undo.
    pub struct UndoEmailChangeRequest = "UndoEmailChangeRequest_V1" {
        /// The token of the mail.
        token: Secret = "token", max = 128, required;
    }
}

fn invalid_token() -> Refusal {
    invalid_one_time_token("token")
}

impl Request for UndoEmailChangeRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "undoEmailChange",
        AuditEvent::UserEmailRestored,
        "Restores the e-mail address that a user had before a change.",
    )
    .access(Access::Anyone)
    .throttle(Throttle::Guesses);

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let sha256 = hash_of_token(&self.token).ok_or_else(invalid_token)?;
        cx.write(|tx| undo(tx, &sha256))
    }
}

/// Restores the address, and deletes the password, the sessions, the tokens and the newer external identities, because
/// the person who changed the address could sign in with them. The owner gets a mail for setting a new password.
fn undo(tx: &mut Transaction<'_>, sha256: &str) -> Result<()> {
    let change = email_undos::find(tx.conn, sha256, tx.cx.now)?.ok_or_else(invalid_token)?;
    let user = users::lock_for_update(tx.conn, change.user_id)?.ok_or_else(invalid_token)?;
    if users::is_taken(tx.conn, &change.email, Some(user.id))? {
        return Err(refuse_field(Code::EmailAlreadyExists, "email"));
    }
    if !email_undos::end_from(tx.conn, user.id, change.id)? {
        return Err(invalid_token());
    }
    let restored = User {
        email: change.email,
        updated_at: tx.cx.now,
        ..user
    };
    users::update(tx.conn, &restored)?;
    users::clear_password(tx.conn, restored.id)?;
    tx.sign_out(restored.id, None)?;
    one_time_tokens::revoke(tx.conn, Purpose::PasswordReset, restored.id)?;
    one_time_tokens::revoke(tx.conn, Purpose::Activation, restored.id)?;
    let linked = external_identities::linked_to(tx.conn, restored.id)?;
    identities::unlink(tx, &restored, linked, |link| {
        link.linked_at.is_some_and(|at| at >= change.changed_at)
    })?;
    if restored.status != Status::Inactive {
        let token = issue_token(tx, Purpose::PasswordReset, restored.id)?;
        tx.notify(Topic::PasswordReset, &Addressee::from(&restored), &token)?;
    }
    tx.audit_ok(UndoEmailChangeRequest::OPERATION.event, &restored.user_name)
}
