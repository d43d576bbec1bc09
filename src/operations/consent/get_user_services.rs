//! The services of a portal that the user is assigned to, ascending.

use crate::contract::shape::{Number, Secret, Structure as _, shape};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Outcome, Refusal, Request, Throttle, read_json_request,
    read_request,
};
use crate::store::services;

shape! {
    /// Which service of which portal, and whose.
    pub struct GetUserServicesRequest = "GetUserServicesRequest_V1" Sequence {
        /// The application that calls; a trailing .onetapi.pl may be left out.
        client_id: String = "client_id" max 256 is required;
        /// The user's token, with or without JWT before it.
        token: Secret = "token" max 49152 is required;
        /// The portal.
        portal_id: Number = "portal_id" is required;
    }
}

/// get_user_services in the catalogue.
pub static OPERATION: Operation = Operation {
    name: "get_user_services",
    doc: "The services of a portal that the user is assigned to, ascending.",
    access: Access::Application,
    cost: Cost::Read,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: true,
    event: "user_services_shown",
    request: GetUserServicesRequest::SHAPE,
    response: &super::SERVICES,
    routes: &[],
    read_xml: read_request::<GetUserServicesRequest>,
    read_json: read_json_request::<GetUserServicesRequest>,
};

impl Request for GetUserServicesRequest {
    fn authorization(&self) -> Option<&Secret> {
        Some(&self.token)
    }
    fn application(&self) -> Option<&str> {
        Some(&self.client_id)
    }
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let portal = self.portal_id.0.unwrap_or(0);
        let user = super::user(call)?;
        let found = call
            .parts
            .store
            .read(|c| services::of_user(c, user.id, portal))?;
        Ok(super::answer(Outcome::Services(found)))
    }
}
