//! Creates a user on behalf of a trusted client or an administrator.

use crate::contract::user::WrappedUser;
use crate::operations::prelude::*;
use crate::store::users::{self, NewUser};

/// The parameter that contains the token if `passwordResetGuidChannel` is RESPONSE.
pub const PASSWORD_RESET_GUID: &str = "PASSWORD_RESET_GUID";

shape! {
    /// The user to create.
    pub struct CreateUserRequest = "CreateUserRequest_V1" {
        /// The calling client and its user.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The user. The fields userName, name and email are required.
        user: Option<WrappedUser> = "user", required;
    }
}

shape! {
    /// The created user.
    pub struct CreateUserResponse = "CreateUserResponse_V1" {
        /// The outcome of the request.
        status: ResponseStatus = "status", required;
        /// PASSWORD_RESET_GUID: the token for setting a password, if passwordResetGuidChannel is RESPONSE.
        params: List<Param> = "params", item = "param";
        /// The user.
        user: Option<WrappedUser> = "user";
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Channel {
    Response,
    Email,
}

impl Request for CreateUserRequest {
    type Answer = CreateUserResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "createUser",
        AuditEvent::UserCreated,
        "Creates a user, who is UNACTIVATED until the password is set.",
    )
    .cost(Cost::Write)
    .soap()
    // In the samples, the SOAP answer has no roles and the REST answer has roles. Samples take precedence over SPEC §4.
    .soap_omits(&["roles"])
    .rest(&[Route::new("POST", "/users")
        .id("userName")
        .or_fresh_id()
        .inside("user")
        .takes(&[USERS])
        .refuses(&[Code::UserAlreadyExists, Code::EmailAlreadyExists])]);

    fn subject(&self) -> Option<&str> {
        self.user.as_ref().and_then(|u| u.user_name.as_deref())
    }
    fn run(self, cx: &RequestContext<'_>) -> Result<CreateUserResponse> {
        self.create(cx)
    }
}

impl CreateUserRequest {
    pub fn create(self, cx: &RequestContext<'_>) -> Result<CreateUserResponse> {
        if !cx.may_do_everything() {
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
        let uuid = cx.app.entropy.uuid();
        let new = NewUser {
            uuid: &uuid,
            user_name: &user_name,
            name: &name,
            email: &email,
            client_name: user.client_name.as_deref().unwrap_or(cx.client_name()),
            organizational_unit: user.organizational_unit.as_deref(),
            status: Status::Unactivated,
            roles: &roles,
            now: cx.now,
            ..Default::default()
        };
        let (made, token) = cx.write(|tx| {
            super::check_names_are_free(cx, tx.conn, ("userName", &user_name), &email)?;
            let id = users::insert(tx.conn, &new)?;
            let token = super::issue_token(tx, Purpose::PasswordReset, id)?;
            if channel == Channel::Email {
                let to = Addressee {
                    id,
                    user_name: &user_name,
                    name: &name,
                    email: &email,
                };
                tx.notify(Topic::PasswordReset, &to, &token)?;
            }
            tx.audit_ok(Self::OPERATION.event, &user_name)?;
            Ok::<_, Refusal>((users::by_id(tx.conn, id)?, token))
        })?;
        let params = match channel {
            Channel::Response => vec![Param {
                key: PASSWORD_RESET_GUID.to_owned(),
                value: token,
            }],
            Channel::Email => Vec::new(),
        };
        Ok(CreateUserResponse {
            params: List(params),
            user: made.map(WrappedUser::from),
            ..Default::default()
        })
    }
}

fn check(user: &WrappedUser) -> Result<Channel> {
    let mut problems = Problems::default();
    for (field, text) in [
        ("userName", &user.user_name),
        ("name", &user.name),
        ("email", &user.email),
    ] {
        if text.is_none() {
            problems.note_missing(field);
        }
    }
    let user_name = user.user_name.as_deref().unwrap_or("");
    super::check_user_name(&mut problems, "userName", user_name);
    super::check_fields(&mut problems, user);
    // A new user is UNACTIVATED; the request may state this status and no other.
    if user
        .status
        .as_deref()
        .is_some_and(|s| s != Status::Unactivated.as_str())
    {
        problems.note("status", Why::NotUnactivated);
    }
    let channel = match user.password_reset_guid_channel.as_deref() {
        Some("RESPONSE") => Channel::Response,
        Some("EMAIL") | None => Channel::Email,
        Some(_) => {
            problems.note("passwordResetGuidChannel", Why::NotAChannel);
            Channel::Email
        }
    };
    refuse_all(problems)?;
    Ok(channel)
}
