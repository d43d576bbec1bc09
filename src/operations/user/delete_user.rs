//! Deletes an account: erases personal data, notifies the services, and keeps the audit entries under a pseudonym.

use crate::domain::names::ERASED;
use crate::domain::text::canonical;
use crate::operations::prelude::*;
use crate::store::{audit, services, users};

shape! {
    /// The account to delete.
    pub struct DeleteUserRequest = "DeleteUserRequest_V1" {
        /// The calling client and its user.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The user name of the account.
        user_name: String = "userName", max = 256, required, role = Role::Subject;
    }
}

/// The maximum number of transactions in which one request erases names in the audit log.
const ERASING_TURNS: usize = 8;

impl Request for DeleteUserRequest {
    type Answer = EmptyResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "deleteUser",
        AuditEvent::UserDeleted,
        "Deletes an account and notifies the services that the user was assigned to.",
    )
    .cost(Cost::Write)
    .rest(&[Route::bodiless("DELETE", "/users/{userName}")]);

    fn run(self, cx: &RequestContext<'_>) -> Result<EmptyResponse> {
        if !cx.may_do_everything() {
            // Users may change only their own names (SPEC §3). Hide existence: answer as if another user did not exist.
            return Err(refuse(match cx.is_self(&self.user_name) {
                true => Code::AccessDenied,
                false => Code::UserNotFound,
            }));
        }
        cx.write(|tx| {
            let user = users::lock_by_name(tx.conn, &self.user_name)?;
            erase(tx, &user.ok_or_else(|| refuse(Code::UserNotFound))?)
        })?;
        forget_names(cx)?;
        Ok(EmptyResponse::default())
    }
}

/// Erases the names of deleted users in the audit log. If a user has very many entries, housekeeping erases the
/// remaining names later.
pub(in crate::operations) fn forget_names(cx: &RequestContext<'_>) -> Result<()> {
    for _ in 0..ERASING_TURNS {
        if !cx.app.store.write(audit::erase_names)? {
            break;
        }
    }
    Ok(())
}

/// Erases a user in the caller's transaction. The audit log keeps the user's entries under a pseudonym that only a
/// person who knows the user's UUID can resolve.
pub(in crate::operations) fn erase(tx: &mut Transaction<'_>, user: &User) -> Result<()> {
    for assignment in services::assignments(tx.conn, user.id)? {
        if let Some(ended) = services::unassign(tx.conn, user.id, assignment.service_id)? {
            tx.notify_service(user, &ended)?;
        }
    }
    users::erase(tx.conn, user.id)?;
    let pseudonym = format!("{ERASED}{}", user.uuid);
    tx.audit_ok(DeleteUserRequest::OPERATION.event, &pseudonym)?;
    let names = [canonical(&user.user_name), canonical(&user.email)];
    audit::begin_erasure(tx.conn, &names, &pseudonym)?;
    tx.cx.app.refusals.rename(&names, &pseudonym);
    Ok(())
}
