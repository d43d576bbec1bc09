//! Mails a token for a new password. The answer is the same whether or not the user exists.

use super::Mailing;
use crate::operations::prelude::*;

shape! {
    /// The user whose password is to be reset.
    pub struct ResetPasswordRequest = "ResetPasswordRequest_V1" {
        /// The calling client and its user. Optional; without it the client is Default.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The user name or the e-mail address of the user.
        user_name_or_email: String = "userNameOrEmail", alias = "usernameOrEmail", max = 256, required, role = Role::Subject;
    }
}

shape! {
    /// An answer with the outcome only.
    pub struct ResetPasswordResponse = "ResetPasswordResponse_V1" {
        /// The outcome of the request.
        status: ResponseStatus = "status", required;
        /// Further parameters.
        params: List<Param> = "params", item = "param";
    }
}

impl Request for ResetPasswordRequest {
    type Answer = ResetPasswordResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "resetPassword",
        AuditEvent::PasswordReset,
        "Mails the user a token for setting a new password.",
    )
    .access(Access::Anyone)
    .cost(Cost::Write)
    .throttle(Throttle::Mails)
    .soap()
    .pages()
    .rest(&[Route::new("POST", "/password/reset")
        .id("userNameOrEmail")
        .takes(&["resetPasswordRequest", USERS])]);

    fn run(self, cx: &RequestContext<'_>) -> Result<ResetPasswordResponse> {
        mail(cx, &self.user_name_or_email)?;
        Ok(ResetPasswordResponse::default())
    }
}

/// Mails the user with this login a link for setting a new password. An unknown login costs the same work.
pub(in crate::operations) fn mail(cx: &RequestContext<'_>, login: &str) -> Result<()> {
    let mailing = Mailing {
        purpose: Purpose::PasswordReset,
        topic: Topic::PasswordReset,
        event: ResetPasswordRequest::OPERATION.event,
    };
    super::mail_token(cx, login, &mailing, |user| user.status != Status::Inactive)
}
