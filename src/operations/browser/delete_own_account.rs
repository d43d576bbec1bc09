//! Deletes the user's own account.

use crate::operations::prelude::*;
use crate::operations::user::delete_user;
use crate::operations::user::sign_in::Checked;

shape! {
    /// The confirmation.
    pub struct DeleteOwnAccountRequest = "DeleteOwnAccountRequest_V1" {
        /// The password; absent for a user without a password, who signs in through a partner.
        password: Secret = "password", max = 1024;
    }
}

impl Request for DeleteOwnAccountRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "deleteOwnAccount",
        AuditEvent::UserDeleted,
        "Deletes the account of the user, who confirms with the password.",
    )
    .cost(Cost::Hash)
    .throttle(Throttle::Guesses);

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let user = cx.signed_in()?;
        if user.password_hash.is_some() {
            if self.password.reveal().is_empty() {
                return Err(refuse_field(Code::MissingField, "password"));
            }
            let (login, password) = (&user.user_name, &self.password);
            Checked::check_and_write(cx, login, password, delete_user::erase)?;
        } else {
            cx.write(|tx| {
                let user = tx.lock_user()?;
                if user.password_hash.is_some() {
                    // The password changed after the request began.
                    return Err(refuse(Code::BadCredentials));
                }
                delete_user::erase(tx, &user)
            })?;
        }
        delete_user::forget_names(cx)
    }
}
