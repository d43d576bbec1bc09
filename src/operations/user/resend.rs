//! Mails a new activation token. The answer is the same whether or not the user exists.

use super::Mailing;
use crate::operations::prelude::*;

shape! {
    /// The user whose activation token is to be sent again.
    pub struct ResendRequest = "ResendRequest_V1" {
        /// The calling client and its user. Optional; without it the client is Default.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The user name or the e-mail address of the user.
        user_name_or_email: String = "usernameOrEmail", alias = "userNameOrEmail", max = 256, required, role = Role::Subject;
    }
}

impl Request for ResendRequest {
    type Answer = EmptyResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "resend",
        AuditEvent::UserActivationResent,
        "Sends a registered user a new activation token by mail.",
    )
    .access(Access::Anyone)
    .cost(Cost::Write)
    .throttle(Throttle::Mails)
    .pages()
    .rest(&[Route::new("POST", "/register/resend").id("usernameOrEmail")]);

    fn run(self, cx: &RequestContext<'_>) -> Result<EmptyResponse> {
        let mailing = Mailing {
            purpose: Purpose::Activation,
            topic: Topic::Activation,
            event: Self::OPERATION.event,
        };
        super::mail_token(cx, &self.user_name_or_email, &mailing, |user| {
            // A user created by an administrator has no password yet and gets a reset token instead.
            user.status == Status::Unactivated && user.password_hash.is_some()
        })?;
        Ok(EmptyResponse::default())
    }
}
