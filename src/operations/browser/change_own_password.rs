//! Changes the password of the signed-in user and ends the user's other sessions. The request contains the old
//! password.

use crate::operations::prelude::*;
use crate::operations::user::change_password::ChangePasswordRequest;

shape! {
    /// The old password and the new one.
    pub struct ChangeOwnPasswordRequest = "ChangeOwnPasswordRequest_V1" {
        /// The old password.
        old_password: Secret = "oldPassword", max = 1024, required;
        /// The new password, of 8 to 64 characters.
        password: Secret = "password", max = 1024, required;
    }
}

impl Request for ChangeOwnPasswordRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "changeOwnPassword",
        AuditEvent::PasswordChanged,
        "Changes the password of the signed-in user. The request contains the old password.",
    )
    .cost(Cost::Hash)
    .throttle(Throttle::Guesses);

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let change = ChangePasswordRequest {
            old_password: Some(self.old_password),
            password: self.password,
            user_name: Some(cx.signed_in()?.user_name.clone()),
            ..Default::default()
        };
        change.change(cx, &[])
    }
}
