//! Whether the user is assigned to a service.

use crate::contract::shape::{Number, Secret, Structure as _, shape};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Outcome, Refusal, Request, Throttle, read_json_request,
    read_request,
};
use crate::store::services;

shape! {
    /// Which service of which portal, and whose.
    pub struct CheckIfServiceIsAssignToUserRequest = "CheckIfServiceIsAssignToUserRequest_V1" Sequence {
        /// The application that calls; a trailing .onetapi.pl may be left out.
        client_id: String = "client_id" max 256 is required;
        /// The user's token, with or without JWT before it.
        token: Secret = "token" max 49152 is required;
        /// The portal.
        portal_id: Number = "portal_id" is required;
        /// The service, of that portal.
        service_id: Number = "service_id" is required;
    }
}

/// check_if_service_is_assign_to_user in the catalogue.
pub static OPERATION: Operation = Operation {
    name: "check_if_service_is_assign_to_user",
    doc: "Whether the user is assigned to a service.",
    access: Access::Application,
    cost: Cost::Read,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: true,
    event: "user_services_shown",
    request: CheckIfServiceIsAssignToUserRequest::SHAPE,
    response: &super::WHETHER,
    routes: &[],
    read_xml: read_request::<CheckIfServiceIsAssignToUserRequest>,
    read_json: read_json_request::<CheckIfServiceIsAssignToUserRequest>,
};

impl Request for CheckIfServiceIsAssignToUserRequest {
    fn authorization(&self) -> Option<&Secret> {
        Some(&self.token)
    }
    fn application(&self) -> Option<&str> {
        Some(&self.client_id)
    }
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let user = super::user(call)?;
        let registry = call.parts.registry.now();
        let service = super::service(&registry, self.portal_id, self.service_id)?;
        let found = call
            .parts
            .store
            .read(|c| services::of_user(c, user.id, service.portal_id))?;
        Ok(super::answer(Outcome::Whether(found.contains(&service.id))))
    }
}
