//! Ends the user's assignment to a service, if there is one, and notifies the service.

use super::Done;
use crate::operations::prelude::*;
use crate::operations::throttle;
use crate::store::{services, users};

shape! {
    /// The user, and a service of a portal.
    pub struct DeleteUserFromServiceRequest = "DeleteUserFromServiceRequest_V1" {
        /// The ID of the calling application. The suffix .onetapi.pl is optional.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The token of the user, with or without the prefix JWT.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
        /// The secret of the application. HTTP Basic may carry it instead. It is required unless the registry sets
        /// plain_calls for the application.
        application_secret: Option<Secret> = "application_secret", max = 256, role = Role::ApplicationSecret;
        /// The number of the portal.
        portal_id: Number = "portal_id", required;
        /// The number of the service. The service belongs to the portal.
        service_id: Number = "service_id", required;
    }
}

impl Request for DeleteUserFromServiceRequest {
    type Answer = Done;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "delete_user_from_service",
        AuditEvent::UserServiceUnassigned,
        "Ends the user's assignment to a service, if there is one, and notifies the service.",
    )
    .access(Access::ProvenApplication)
    .cost(Cost::Write)
    .rpc();

    fn run(self, cx: &RequestContext<'_>) -> Result<Done> {
        let registry = cx.app.registry.now();
        let service = super::service(&registry, self.portal_id, self.service_id)?;
        throttle::count_assignment(cx, cx.signed_in()?.id, Some(service.id))?;
        cx.write(|tx| {
            let user = tx.lock_user()?;
            leave(tx, &user, service.id)
        })?;
        Ok(Done::ok())
    }
}

/// Ends the assignment of any user on behalf of the operator. Returns whether the assignment existed.
///
/// # Errors
/// [`Code::UserNotFound`] if the user does not exist.
pub fn leave_by_operator(
    cx: &RequestContext<'_>,
    user_name: &str,
    service_id: i64,
) -> Result<bool> {
    cx.write(|tx| {
        let user = users::lock_by_name(tx.conn, user_name)?;
        let user = user.ok_or_else(|| refuse(Code::UserNotFound))?;
        leave(tx, &user, service_id)
    })
}

/// Ends an assignment in the caller's transaction and notifies the service. Returns whether the assignment existed.
pub(in crate::operations) fn leave(
    tx: &mut Transaction<'_>,
    user: &User,
    service_id: i64,
) -> Result<bool> {
    let Some(ended) = services::unassign(tx.conn, user.id, service_id)? else {
        return Ok(false);
    };
    tx.notify_service(user, &ended)?;
    let event = DeleteUserFromServiceRequest::OPERATION.event;
    tx.audit_ok(event, &user.user_name)?;
    Ok(true)
}
