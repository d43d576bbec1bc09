//! Shows one user by user name.

use crate::contract::user::FlatUser;
use crate::operations::prelude::*;
use crate::store::users;

shape! {
    /// The user to show.
    pub struct ShowUserRequest = "ShowUserRequest_V1" {
        /// The calling client and its user.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The user name of the user to show.
        user_name: String = "userName", max = 256, required, role = Role::Subject;
    }
}

shape! {
    /// The user found.
    pub struct ShowUserResponse = "ShowUserResponse_V1" {
        /// The outcome of the request.
        status: ResponseStatus = "status", required;
        /// Further parameters.
        params: List<Param> = "params", item = "param";
        /// The user.
        user: Option<FlatUser> = "user";
    }
}

impl Request for ShowUserRequest {
    type Answer = ShowUserResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "showUser",
        AuditEvent::UserShown,
        "Shows one user by user name.",
    )
    .soap()
    .rest(&[Route::bodiless("GET", "/users/{userName}")]);

    fn run(self, cx: &RequestContext<'_>) -> Result<ShowUserResponse> {
        // Hide existence: answer as if the user did not exist.
        if !cx.may_do_everything() && !cx.is_self(&self.user_name) {
            return Err(refuse(Code::UserNotFound));
        }
        let user = cx
            .read(|c| users::by_name(c, &self.user_name))?
            .ok_or_else(|| refuse(Code::UserNotFound))?;
        Ok(ShowUserResponse {
            user: Some(user.into()),
            ..Default::default()
        })
    }
}
