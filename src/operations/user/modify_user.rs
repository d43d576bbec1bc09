//! Changes a user. Fields of the request replace the stored values; absent fields keep them. In JSON, null or an empty
//! text clears a value that may be empty.

use crate::contract::shape::{Structure as _, value_at};
use crate::contract::user::{UserChange, WrappedUser};
use crate::operations::prelude::*;
use crate::operations::refusal::refuse_empty;
use crate::store::{one_time_tokens, organisations, users};

shape! {
    /// The user to change.
    pub struct ModifyUserRequest = "ModifyUserRequest_V1" {
        /// The calling client and its user.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The user name of the user to change, and the new values.
        user: Option<UserChange> = "user", required;
    }
}

shape! {
    /// The user after the change.
    pub struct ModifyUserResponse = "ModifyUserResponse_V1" {
        /// The outcome of the request.
        status: ResponseStatus = "status", required;
        /// Further parameters.
        params: List<Param> = "params", item = "param";
        /// The user.
        user: Option<WrappedUser> = "user";
    }
}

const fn route(method: &'static str, path: &'static str) -> Route {
    Route::new(method, path)
        .id("userName")
        .inside("user")
        .takes(&[USERS])
        .refuses(&[Code::EmailAlreadyExists, Code::UserNotFound])
}

impl Request for ModifyUserRequest {
    type Answer = ModifyUserResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "modifyUser",
        AuditEvent::UserUpdated,
        "Changes a user. Absent fields keep their values.",
    )
    .cost(Cost::Write)
    .soap()
    .rest(&[
        route("PUT", "/users"),
        route("PUT", "/users/{userName}"),
        route("PATCH", "/users/{userName}"),
    ]);

    fn subject(&self) -> Option<&str> {
        self.user.as_ref().and_then(|u| u.user_name.as_deref())
    }
    fn run(self, cx: &RequestContext<'_>) -> Result<ModifyUserResponse> {
        let change = self.user.unwrap_or_default();
        let mut problems = refuse_empty(&change);
        let wanted = WrappedUser::from(change);
        let status = check(&mut problems, &wanted);
        let user_name = wanted.user_name.as_deref().unwrap_or("");
        let everything = cx.may_do_everything();
        let may = everything || cx.is_self(user_name);
        if may && !problems.found.is_empty() {
            // Check changed values only: a value that was stored before its rule existed may stay.
            let stored = cx.read(|c| users::by_name(c, user_name))?;
            let stored = stored.map(WrappedUser::from);
            problems
                .found
                .retain(|p| !stored.as_ref().is_some_and(|u| is_unchanged(p, &wanted, u)));
        }
        refuse_all(problems)?;
        if !may {
            return Err(refuse(Code::UserNotFound));
        }
        let changed = cx.write(|tx| {
            let before = users::lock_by_name(tx.conn, user_name)?;
            let before = before.ok_or_else(|| refuse(Code::UserNotFound))?;
            let after = apply(&before, &wanted, status, cx.app.clock.now());
            if !everything && !only_the_name_differs(&before, &after) {
                return Err(refuse(Code::AccessDenied));
            }
            if after.email != before.email
                && users::is_taken(tx.conn, &after.email, Some(after.id))?
            {
                return Err(refuse_field(Code::EmailAlreadyExists, "email"));
            }
            users::update(tx.conn, &after)?;
            // Activation by an administrator counts like confirmation by mail: the user joins the organisation that the
            // registration named.
            if before.status == Status::Unactivated
                && after.status == Status::Active
                && let Some(uuid) = users::activate(tx.conn, after.id, cx.now)?
            {
                organisations::join(tx.conn, after.id, &uuid, &[], cx.now)?;
            }
            super::email::changed(tx, &before, &after)?;
            if after.status == Status::Inactive {
                // Revoke tokens in mails that were sent before the status changed.
                one_time_tokens::revoke(tx.conn, Purpose::PasswordReset, after.id)?;
                one_time_tokens::revoke(tx.conn, Purpose::Activation, after.id)?;
            }
            if after.status != Status::Active {
                // A deactivated user must sign in again after a later activation.
                tx.sign_out(after.id, None)?;
            }
            tx.audit_ok(Self::OPERATION.event, &after.user_name)?;
            Ok(after)
        })?;
        Ok(ModifyUserResponse {
            user: Some(changed.into()),
            ..Default::default()
        })
    }
}

/// The requested status. Notes the problems of the fields.
fn check(problems: &mut Problems, wanted: &WrappedUser) -> Option<Status> {
    if wanted.user_name.is_none() {
        problems.note_missing("userName");
    }
    super::check_fields(problems, wanted);
    let status = wanted.status.as_deref().filter(|text| !text.is_empty());
    let status = status.map(Status::parse);
    if status == Some(None) {
        problems.note("status", Why::NotAStatus);
    }
    status.flatten()
}

/// Whether the request leaves the field of this problem unchanged.
fn is_unchanged(problem: &Problem, wanted: &WrappedUser, stored: &WrappedUser) -> bool {
    let field = problem.field.as_deref();
    let position = field.and_then(|name| WrappedUser::SHAPE.position(name));
    match value_at::<String>(wanted, position) {
        // An empty text changes nothing if no value is stored, for example for a user without an e-mail address.
        Some(text) if text.is_empty() => value_at::<String>(stored, position).is_none(),
        Some(text) => value_at(stored, position) == Some(text),
        None => field == Some("roles") && wanted.roles == stored.roles,
    }
}

fn apply(before: &User, wanted: &WrappedUser, status: Option<Status>, now: i64) -> User {
    let given = |new: &Option<String>, old: &String| {
        let new = new.as_ref().filter(|text| !text.is_empty());
        new.unwrap_or(old).clone()
    };
    let unit = wanted
        .organizational_unit
        .as_ref()
        .or(before.organizational_unit.as_ref());
    User {
        name: given(&wanted.name, &before.name),
        email: given(&wanted.email, &before.email),
        client_name: given(&wanted.client_name, &before.client_name),
        organizational_unit: unit.filter(|text| !text.is_empty()).cloned(),
        status: status.unwrap_or(before.status),
        roles: wanted
            .roles
            .as_ref()
            .map_or(&before.roles, |r| &r.0)
            .clone(),
        updated_at: now,
        ..before.clone()
    }
}

fn only_the_name_differs(before: &User, after: &User) -> bool {
    let same = User {
        name: before.name.clone(),
        updated_at: before.updated_at,
        ..after.clone()
    };
    same == *before
}
