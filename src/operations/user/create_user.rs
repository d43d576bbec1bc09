//! Makes a user on behalf of an administrator.

use crate::contract::common::{Param, RequestMeta, ResponseStatus};
use crate::contract::messages::Why;
use crate::contract::rejection::{Code, Problem};
use crate::contract::shape::{Structure as _, Wrapped, shape};
use crate::contract::user::WrappedUser;
use crate::domain::notice::Topic;
use crate::domain::one_time_token::Purpose;
use crate::domain::user::Status;
use crate::operations::call::Addressee;
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Response, Route, Throttle,
    read_json_request, read_request, refuse, refuse_all,
};
use crate::store::users::{self, NewUser};

/// The parameter in which `passwordResetGuidChannel` RESPONSE hands out the token.
pub const PASSWORD_RESET_GUID: &str = "PASSWORD_RESET_GUID";

shape! {
    /// The user to make.
    pub struct CreateUserRequest = "CreateUserRequest_V1" Sequence {
        /// Who is calling.
        request_meta: Option<RequestMeta> = "requestMeta";
        /// The user; userName, name and email must be there.
        user: Option<WrappedUser> = "user" is required;
    }
}

shape! {
    /// The user made.
    pub struct CreateUserResponse = "CreateUserResponse_V1" Sequence {
        /// How the operation went.
        status: ResponseStatus = "status" is required;
        /// PASSWORD_RESET_GUID, where it was asked for.
        params: Wrapped<Param> = "params" item "param";
        /// The user.
        user: Option<WrappedUser> = "user";
    }
}

/// createUser in the catalogue.
pub static OPERATION: Operation = Operation {
    name: "createUser",
    doc: "Makes a user, UNACTIVATED until it sets its password.",
    access: Access::ClientOrUser,
    cost: Cost::Write,
    throttle: Throttle::Nothing,
    soap: true,
    rpc: false,
    event: "user_created",
    request: CreateUserRequest::SHAPE,
    response: CreateUserResponse::SHAPE,
    routes: &[Route::new("POST", "/users")
        .id("userName")
        .or_fresh_id()
        .inside("user")
        .refuses(&[Code::UserAlreadyExists, Code::EmailAlreadyExists])],
    read_xml: read_request::<CreateUserRequest>,
    read_json: read_json_request::<CreateUserRequest>,
};

impl Response for CreateUserResponse {
    fn params(&self) -> &[Param] {
        &self.params.0
    }
    /// The seed's SOAP sample asks for two roles and is answered a user without any; its REST
    /// sample shows them. Samples win over SPEC §4, which would have them in both.
    fn keep_what_soap_shows(&mut self) {
        if let Some(user) = &mut self.user {
            user.roles = None;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Channel {
    Response,
    Email,
}

impl Request for CreateUserRequest {
    fn meta(&self) -> Option<&RequestMeta> {
        self.request_meta.as_ref()
    }
    fn subject(&self) -> Option<&str> {
        self.user.as_ref().and_then(|u| u.user_name.as_deref())
    }
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        Ok(Box::new(self.create(call)?))
    }
}

impl CreateUserRequest {
    /// Makes the user.
    ///
    /// # Errors
    /// A refusal, or trouble with the store.
    pub fn create(self, call: &Call<'_>) -> Result<CreateUserResponse, Refusal> {
        if !call.may_do_everything() {
            return Err(refuse(Code::AccessDenied));
        }
        let user = self.user.unwrap_or_default();
        let channel = check(&user)?;
        let user_name = user.user_name.unwrap_or_default();
        let (name, email) = (
            user.name.unwrap_or_default(),
            user.email.unwrap_or_default(),
        );
        let roles = user.roles.map(|r| r.0).unwrap_or_default();
        let uuid = call.parts.entropy.uuid();
        let new = NewUser {
            uuid: &uuid,
            user_name: &user_name,
            name: &name,
            email: &email,
            client_name: user.client_name.as_deref().unwrap_or(call.client_name()),
            organizational_unit: user.organizational_unit.as_deref(),
            status: Status::Unactivated,
            roles: &roles,
            password_hash: None,
            joins_organisation: None,
            now: call.now,
        };
        let (made, token) = call.parts.store.write(|c| {
            super::check_names_are_free(call, c, ("userName", &user_name), &email)?;
            let id = users::insert(c, &new)?;
            let token = super::issue_token(call, c, Purpose::PasswordReset, id)?;
            if channel == Channel::Email {
                let to = Addressee {
                    id,
                    user_name: &user_name,
                    name: &name,
                    email: &email,
                };
                call.notify(c, Topic::PasswordReset, &to, &token)?;
            }
            call.audit(c, OPERATION.event, "ok", Some(&user_name))?;
            Ok::<_, Refusal>((users::by_id(c, id)?, token))
        })?;
        let params = match channel {
            Channel::Response => vec![Param {
                key: PASSWORD_RESET_GUID.to_owned(),
                value: token,
            }],
            Channel::Email => Vec::new(),
        };
        Ok(CreateUserResponse {
            params: Wrapped(params),
            user: made.map(WrappedUser::from),
            ..Default::default()
        })
    }
}

fn check(user: &WrappedUser) -> Result<Channel, Refusal> {
    let mut problems = Vec::new();
    for (field, text) in [
        ("userName", &user.user_name),
        ("name", &user.name),
        ("email", &user.email),
    ] {
        if text.is_none() {
            problems.push(Problem {
                code: Code::MissingField,
                field: Some(field.to_owned()),
                why: None,
            });
        }
    }
    super::check_user_name(
        &mut problems,
        "userName",
        user.user_name.as_deref().unwrap_or(""),
    );
    super::check_email(&mut problems, user.email.as_deref().unwrap_or(""));
    super::check_display_name(&mut problems, "name", user.name.as_deref());
    super::check_line(&mut problems, "clientName", user.client_name.as_deref());
    super::check_line(
        &mut problems,
        "organizationalUnit",
        user.organizational_unit.as_deref(),
    );
    super::check_roles(&mut problems, user.roles.as_ref().map_or(&[], |r| &r.0));
    // A new user is UNACTIVATED; it may be said, but nothing else may.
    if user
        .status
        .as_deref()
        .is_some_and(|s| s != Status::Unactivated.as_str())
    {
        problems.push(super::invalid("status", Why::NotUnactivated));
    }
    let channel = match user.password_reset_guid_channel.as_deref() {
        Some("RESPONSE") => Channel::Response,
        Some("EMAIL") | None => Channel::Email,
        Some(_) => {
            problems.push(super::invalid("passwordResetGuidChannel", Why::NotAChannel));
            Channel::Email
        }
    };
    refuse_all(problems)?;
    Ok(channel)
}
