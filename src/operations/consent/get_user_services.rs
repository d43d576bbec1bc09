//! Lists the services of a portal to which the user is assigned, in ascending order.

use crate::operations::prelude::*;
use crate::store::services;

shape! {
    /// Which service of which portal, and whose.
    pub struct GetUserServicesRequest = "GetUserServicesRequest_V1" {
        /// The application that calls; a trailing .onetapi.pl may be left out.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The user's token, with or without JWT before it.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
        /// The portal.
        portal_id: Number = "portal_id", required;
    }
}

shape! {
    /// A service that the user is assigned to.
    pub struct AssignedService = "AssignedService_V1" {
        /// Its number.
        service_id: Number = "service_id", required;
    }
}

shape! {
    /// A list of objects with a service_id.
    pub struct Services = "Services_V1" {
        /// The services, ascending.
        result: List<AssignedService> = "result", item = "service";
    }
}

impl Request for GetUserServicesRequest {
    type Answer = Services;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "get_user_services",
        AuditEvent::UserServicesShown,
        "Lists the services of a portal to which the user is assigned, in ascending order.",
    )
    .access(Access::Application)
    .rpc();

    fn run(self, cx: &RequestContext<'_>) -> Result<Services> {
        let portal = self.portal_id.0.unwrap_or(0);
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
