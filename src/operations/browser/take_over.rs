//! The operations of the pages that the links in mails open: confirm an address or set a new password, and keep the
//! external identities that the owner selects.

use crate::domain::external_identity::MAX_IDENTITIES;
use crate::operations::identities::KEY_CHARS;
use crate::operations::prelude::*;
use crate::operations::user::change_password::ChangePasswordRequest;
use crate::operations::user::confirm_user::ConfirmUserRequest;

shape! {
    /// The registration to confirm.
    pub struct ConfirmVisitorRequest = "ConfirmVisitorRequest_V1" {
        /// The token from the activation mail.
        token: Secret = "token", max = 128, required;
        /// The keys of the identities that stay, separated by commas.
        keep: String = "keep", max = 2048;
    }
}

shape! {
    /// The new password.
    pub struct SetPasswordRequest = "SetPasswordRequest_V1" {
        /// The token from the mail.
        password_reset_guid: Secret = "passwordResetGuid", max = 128, required;
        /// The new password, of 8 to 64 characters.
        password: Secret = "password", max = 1024, required;
        /// The keys of the identities that stay, separated by commas.
        keep: String = "keep", max = 2048;
    }
}

// The field has room for every key and its comma.
const _: () = assert!(MAX_IDENTITIES * (KEY_CHARS + 1) <= 2048);

fn keys(keep: &str) -> Vec<&str> {
    keep.split(',').filter(|key| !key.is_empty()).collect()
}

impl Request for ConfirmVisitorRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "confirmVisitor",
        AuditEvent::UserConfirmed,
        "Activates a registered user and keeps the external identities that the user selects.",
    )
    .access(Access::Anyone)
    .throttle(Throttle::Guesses);

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let confirm = ConfirmUserRequest {
            token: self.token,
            ..Default::default()
        };
        confirm.confirm(cx, &keys(&self.keep))
    }
}

impl Request for SetPasswordRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "setPassword",
        AuditEvent::PasswordChanged,
        "Sets a new password with the token of a mail and keeps the external identities that the user selects.",
    )
    .access(Access::Anyone)
    .cost(Cost::Hash)
    .throttle(Throttle::Guesses)
    .pages();

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let change = ChangePasswordRequest {
            password_reset_guid: Some(self.password_reset_guid),
            password: self.password,
            ..Default::default()
        };
        change.change(cx, &keys(&self.keep))
    }
}
