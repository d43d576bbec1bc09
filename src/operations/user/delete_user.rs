//! Deletes an account: everything personal goes, services are told, and the log keeps that it was done.

use crate::contract::common::{EmptyResponse, RequestMeta};
use crate::contract::problem::Code;
use crate::contract::shape::shape;
use crate::domain::names::ERASED;
use crate::domain::text::canonical;
use crate::domain::user::User;
use crate::operations::{Call, Cost, Operation, Refusal, Request, Route, refuse};
use crate::store::{AnyConnection, audit, services, users};

shape! {
    /// The account to delete.
    pub struct DeleteUserRequest = "DeleteUserRequest_V1" {
        /// Who is calling.
        request_meta: Option<RequestMeta> = "requestMeta";
        /// Its user name.
        user_name: String = "userName", max = 256, required;
    }
}

/// How long the one who deletes waits for names in the log to give way, in transactions.
const ERASING_TURNS: usize = 8;

impl Request for DeleteUserRequest {
    type Answer = EmptyResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "deleteUser",
        "user_deleted",
        "Deletes an account and tells the services it was assigned to.",
    )
    .cost(Cost::Write)
    .rest(&[Route::bodiless("DELETE", "/users/{userName}")]);

    fn meta(&self) -> Option<&RequestMeta> {
        self.request_meta.as_ref()
    }
    fn subject(&self) -> Option<&str> {
        Some(&self.user_name)
    }
    fn run(self, call: &Call<'_>) -> Result<EmptyResponse, Refusal> {
        if !call.may_do_everything() {
            // Users change nothing of themselves but their names (SPEC §3); whom one may not see is not there.
            return Err(refuse(match call.is_self(&self.user_name) {
                true => Code::AccessDenied,
                false => Code::UserNotFound,
            }));
        }
        call.parts.store.write(|c| {
            let user = users::hold_by_name(c, &self.user_name)?;
            erase(call, c, &user.ok_or_else(|| refuse(Code::UserNotFound))?)
        })?;
        forget_names(call)?;
        Ok(EmptyResponse::default())
    }
}

/// Has the log forget names of those who were erased: most are done with by this; what is left of very busy ones the
/// outbox worker does.
///
/// # Errors
/// The store's.
pub(in crate::operations) fn forget_names(call: &Call<'_>) -> Result<(), Refusal> {
    for _ in 0..ERASING_TURNS {
        if !call.parts.store.write(audit::erase_names)? {
            break;
        }
    }
    Ok(())
}

/// Erases a user in the caller's transaction. The log keeps what was done by and to it under a pseudonym, which only
/// those can tell who have kept the user's UUID.
///
/// # Errors
/// The store's.
pub(in crate::operations) fn erase(
    call: &Call<'_>,
    c: &mut AnyConnection,
    user: &User,
) -> Result<(), Refusal> {
    for assignment in services::assignments(c, user.id)? {
        if let Some(ended) = services::unassign(c, user.id, assignment.service_id)? {
            call.tell_service(c, user, &ended)?;
        }
    }
    users::erase(c, user.id)?;
    let pseudonym = format!("{ERASED}{}", user.uuid);
    call.audit(
        c,
        DeleteUserRequest::OPERATION.event,
        "ok",
        Some(&pseudonym),
    )?;
    let names = [canonical(&user.user_name), canonical(&user.email)];
    audit::begin_erasure(c, &names, &pseudonym)?;
    call.parts.refusals.rename(&names, &pseudonym);
    Ok(())
}
