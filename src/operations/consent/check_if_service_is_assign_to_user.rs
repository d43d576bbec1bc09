//! Returns whether the user is assigned to a service.

use crate::operations::prelude::*;
use crate::store::services;

shape! {
    /// The user, and a service of a portal.
    pub struct CheckIfServiceIsAssignToUserRequest = "CheckIfServiceIsAssignToUserRequest_V1" {
        /// The ID of the calling application. The suffix .onetapi.pl is optional.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The token of the user, with or without the prefix JWT.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
        /// The number of the portal.
        portal_id: Number = "portal_id", required;
        /// The number of the service. The service belongs to the portal.
        service_id: Number = "service_id", required;
    }
}

shape! {
    /// true if the user is assigned to the service, otherwise false.
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
