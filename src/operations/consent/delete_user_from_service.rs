//! Ends the assignment to a service, which is told; there need not be one.

use crate::contract::rejection::Code;
use crate::contract::shape::{Number, Secret, Structure as _, shape};
use crate::domain::user::User;
use crate::operations::throttle;
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Outcome, Refusal, Request, Throttle, read_json_request,
    read_request, refuse,
};
use crate::store::{AnyConnection, services, users};

shape! {
    /// Which service of which portal, and whose.
    pub struct DeleteUserFromServiceRequest = "DeleteUserFromServiceRequest_V1" Sequence {
        /// The application that calls; a trailing .onetapi.pl may be left out.
        client_id: String = "client_id" max 256 is required;
        /// The user's token, with or without JWT before it.
        token: Secret = "token" max 49152 is required;
        /// The application's secret, which may come by HTTP Basic instead; needed unless the registry says plain_calls.
        application_secret: Option<Secret> = "application_secret" max 256;
        /// The portal.
        portal_id: Number = "portal_id" is required;
        /// The service, of that portal.
        service_id: Number = "service_id" is required;
    }
}

/// delete_user_from_service in the catalogue.
pub static OPERATION: Operation = Operation {
    name: "delete_user_from_service",
    doc: "Ends the assignment to a service, which is told; there need not be one.",
    access: Access::ProvenApplication,
    cost: Cost::Write,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: true,
    event: "user_service_unassigned",
    request: DeleteUserFromServiceRequest::SHAPE,
    response: &super::DONE,
    routes: &[],
    read_xml: read_request::<DeleteUserFromServiceRequest>,
    read_json: read_json_request::<DeleteUserFromServiceRequest>,
};

impl Request for DeleteUserFromServiceRequest {
    fn authorization(&self) -> Option<&Secret> {
        Some(&self.token)
    }
    fn application(&self) -> Option<&str> {
        Some(&self.client_id)
    }
    fn application_secret(&self) -> Option<&Secret> {
        self.application_secret.as_ref()
    }
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let registry = call.parts.registry.now();
        let service = super::service(&registry, self.portal_id, self.service_id)?;
        throttle::count_assignment(call, super::user(call)?.id, Some(service.id))?;
        call.parts.store.write(|c| {
            let user = super::hold(call, c)?;
            leave(call, c, &user, service.id)
        })?;
        Ok(super::answer(Outcome::Done))
    }
}

/// Ends the assignment of any user, on behalf of the operator, and tells whether there was one.
///
/// # Errors
/// There is no such user.
pub fn leave_by_operator(
    call: &Call<'_>,
    user_name: &str,
    service_id: i64,
) -> Result<bool, Refusal> {
    call.parts.store.write(|c| {
        let user = users::hold_by_name(c, user_name)?;
        let user = user.ok_or_else(|| refuse(Code::UserNotFound))?;
        leave(call, c, &user, service_id)
    })
}

/// Ends an assignment in the caller's transaction, has the service told, and tells whether there was one.
///
/// # Errors
/// The store's.
pub(in crate::operations) fn leave(
    call: &Call<'_>,
    c: &mut AnyConnection,
    user: &User,
    service_id: i64,
) -> Result<bool, Refusal> {
    let Some(ended) = services::unassign(c, user.id, service_id)? else {
        return Ok(false);
    };
    call.tell_service(c, user, &ended)?;
    call.audit(c, OPERATION.event, "ok", Some(&user.user_name))?;
    Ok(true)
}
