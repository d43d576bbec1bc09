//! Returns whether the user is assigned to a service.

use crate::operations::prelude::*;
use crate::store::services;

shape! {
    /// Which service of which portal, and whose.
    pub struct CheckIfServiceIsAssignToUserRequest = "CheckIfServiceIsAssignToUserRequest_V1" {
        /// The application that calls; a trailing .onetapi.pl may be left out.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The user's token, with or without JWT before it.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
        /// The portal.
        portal_id: Number = "portal_id", required;
        /// The service, of that portal.
        service_id: Number = "service_id", required;
    }
}

shape! {
    /// true or false.
    pub struct Whether = "Whether_V1" {
        /// Whether the user is assigned to the service.
        result: bool = "result", required;
    }
}

impl Request for CheckIfServiceIsAssignToUserRequest {
    type Answer = Whether;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "check_if_service_is_assign_to_user",
        AuditEvent::UserServicesShown,
        "Returns whether the user is assigned to a service.",
    )
    .access(Access::Application)
    .rpc();

    fn run(self, cx: &RequestContext<'_>) -> Result<Whether> {
        let user = cx.signed_in()?;
        let registry = cx.app.registry.now();
        let service = super::service(&registry, self.portal_id, self.service_id)?;
        let found = cx.read(|c| services::of_user(c, user.id, service.portal_id))?;
        Ok(Whether {
            result: found.contains(&service.id),
        })
    }
}
