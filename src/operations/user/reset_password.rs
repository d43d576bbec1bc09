//! Mails a token for a new password; answers the same whether or not there is such a user.

use super::Mailing;
use crate::contract::common::{Param, RequestMeta, ResponseStatus};
use crate::contract::shape::{Structure as _, Wrapped, shape};
use crate::domain::notice::Topic;
use crate::domain::one_time_token::Purpose;
use crate::domain::user::Status;
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Response, Route, Throttle,
    read_json_request, read_request,
};

shape! {
    /// Whose password to reset.
    pub struct ResetPasswordRequest = "ResetPasswordRequest_V1" Sequence {
        /// Who is calling; may be left out.
        request_meta: Option<RequestMeta> = "requestMeta";
        /// User name or e-mail address.
        user_name_or_email: String = "userNameOrEmail" alias "usernameOrEmail" max 256 is required;
    }
}

shape! {
    /// Nothing but how it went.
    pub struct ResetPasswordResponse = "ResetPasswordResponse_V1" Sequence {
        /// How the operation went.
        status: ResponseStatus = "status" is required;
        /// Parameters beside the payload.
        params: Wrapped<Param> = "params" item "param";
    }
}

/// resetPassword in the catalogue.
pub static OPERATION: Operation = Operation {
    name: "resetPassword",
    doc: "Mails the user a token for setting a new password.",
    access: Access::Anyone,
    cost: Cost::Write,
    throttle: Throttle::Mails,
    soap: true,
    rpc: false,
    event: "authn_password_reset",
    request: ResetPasswordRequest::SHAPE,
    response: ResetPasswordResponse::SHAPE,
    routes: &[Route::new("POST", "/password/reset").id("userNameOrEmail")],
    read_xml: read_request::<ResetPasswordRequest>,
    read_json: read_json_request::<ResetPasswordRequest>,
};

impl Response for ResetPasswordResponse {
    fn params(&self) -> &[Param] {
        &self.params.0
    }
}

impl Request for ResetPasswordRequest {
    fn meta(&self) -> Option<&RequestMeta> {
        self.request_meta.as_ref()
    }
    fn subject(&self) -> Option<&str> {
        Some(&self.user_name_or_email)
    }
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        mail(call, &self.user_name_or_email)?;
        Ok(Box::new(ResetPasswordResponse::default()))
    }
}

/// Mails the user of this login a link for a new password; for nobody the same work is done.
///
/// # Errors
/// The store's.
pub(in crate::operations) fn mail(call: &Call<'_>, login: &str) -> Result<(), Refusal> {
    let mailing = Mailing {
        purpose: Purpose::PasswordReset,
        topic: Topic::PasswordReset,
        event: OPERATION.event,
    };
    super::mail_token(call, login, &mailing, |user| {
        user.status != Status::Inactive
    })
}
