//! Shows one user by user name.

use crate::contract::common::{Param, RequestMeta, ResponseStatus};
use crate::contract::rejection::Code;
use crate::contract::shape::{Structure as _, Wrapped, shape};
use crate::contract::user::FlatUser;
use crate::operations::{
    Access, Answer, Body, Call, Cost, Operation, Refusal, Request, Response, Route, Throttle,
    read_json_request, read_request, refuse,
};
use crate::store::users;

shape! {
    /// Which user to show.
    pub struct ShowUserRequest = "ShowUserRequest_V1" Sequence {
        /// Who is calling.
        request_meta: Option<RequestMeta> = "requestMeta";
        /// The user to show.
        user_name: String = "userName" max 256 is required;
    }
}

shape! {
    /// The user found.
    pub struct ShowUserResponse = "ShowUserResponse_V1" Sequence {
        /// How the operation went.
        status: ResponseStatus = "status" is required;
        /// Parameters beside the payload.
        params: Wrapped<Param> = "params" item "param";
        /// The user.
        user: Option<FlatUser> = "user";
    }
}

/// showUser in the catalogue.
pub static OPERATION: Operation = Operation {
    name: "showUser",
    doc: "Shows one user by user name.",
    access: Access::ClientOrUser,
    cost: Cost::Read,
    throttle: Throttle::Nothing,
    soap: true,
    rpc: false,
    event: "user_shown",
    request: ShowUserRequest::SHAPE,
    response: ShowUserResponse::SHAPE,
    routes: &[Route::new("GET", "/users/{userName}").body(Body::Ignored)],
    read_xml: read_request::<ShowUserRequest>,
    read_json: read_json_request::<ShowUserRequest>,
};

impl Response for ShowUserResponse {
    fn params(&self) -> &[Param] {
        &self.params.0
    }
}

impl Request for ShowUserRequest {
    fn meta(&self) -> Option<&RequestMeta> {
        self.request_meta.as_ref()
    }
    fn subject(&self) -> Option<&str> {
        Some(&self.user_name)
    }
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        // Whom one may not see answers like whom there is not.
        if !call.may_do_everything() && !call.is_self(&self.user_name) {
            return Err(refuse(Code::UserNotFound));
        }
        let user = call
            .parts
            .store
            .read(|c| users::by_name(c, &self.user_name))?
            .ok_or_else(|| refuse(Code::UserNotFound))?;
        Ok(Box::new(ShowUserResponse {
            user: Some(user.into()),
            ..Default::default()
        }))
    }
}
