//! Lists the services of a portal that the user is assigned to, in ascending order of their numbers.

use crate::operations::prelude::*;
use crate::store::services;

shape! {
    /// The user and a portal.
    pub struct GetUserServicesRequest = "GetUserServicesRequest_V1" {
        /// The ID of the calling application. The suffix .onetapi.pl is optional.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The token of the user, with or without the prefix JWT.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
        /// The number of the portal.
        portal_id: Number = "portal_id", required;
    }
}

shape! {
    /// A service that the user is assigned to.
    pub struct AssignedService = "AssignedService_V1" {
        /// The number of the service.
        service_id: Number = "service_id", required;
    }
}

shape! {
    /// The services that the user is assigned to.
    pub struct Services = "Services_V1" {
        /// The services, in ascending order of their numbers.
        result: List<AssignedService> = "result", item = "service";
    }
}

impl Request for GetUserServicesRequest {
    type Answer = Services;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "get_user_services",
        AuditEvent::UserServicesShown,
        "Lists the services of a portal that the user is assigned to, in ascending order of their numbers.",
    )
    .access(Access::Application)
    .rpc();

    fn run(self, cx: &RequestContext<'_>) -> Result<Services> {
        let registry = cx.app.registry.now();
        let portal = super::portal(&registry, self.portal_id)?;
        let user = cx.signed_in()?;
        let found = cx.read(|c| services::of_user(c, user.id, portal))?;
        let services = found.into_iter().map(|id| AssignedService {
            service_id: Number(Some(id)),
        });
        Ok(Services {
            result: List(services.collect()),
        })
    }
}
