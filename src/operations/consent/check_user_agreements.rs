//! The agreements that a service requires and the user has not accepted, or has withdrawn.

use crate::contract::shape::{Number, Secret, Structure as _, shape};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Outcome, Refusal, Request, Throttle, read_json_request,
    read_request,
};
use crate::store::consents;

shape! {
    /// Which service of which portal, and whose.
    pub struct CheckUserAgreementsRequest = "CheckUserAgreementsRequest_V1" Sequence {
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

/// check_user_agreements in the catalogue.
pub static OPERATION: Operation = Operation {
    name: "check_user_agreements",
    doc: "The agreements that a service requires and the user has not accepted, or has withdrawn.",
    access: Access::Application,
    cost: Cost::Read,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: true,
    event: "user_agreements_shown",
    request: CheckUserAgreementsRequest::SHAPE,
    response: &super::MISSING,
    routes: &[],
    read_xml: read_request::<CheckUserAgreementsRequest>,
    read_json: read_json_request::<CheckUserAgreementsRequest>,
};

impl Request for CheckUserAgreementsRequest {
    fn authorization(&self) -> Option<&Secret> {
        Some(&self.token)
    }
    fn application(&self) -> Option<&str> {
        Some(&self.client_id)
    }
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let registry = call.parts.registry.now();
        let service = super::service(&registry, self.portal_id, self.service_id)?;
        let mut missing = service.requires.clone();
        if !missing.is_empty() {
            let user = super::user(call)?;
            let accepted = call
                .parts
                .store
                .read(|c| consents::among(c, user.id, &missing))?;
            missing.retain(|id| !accepted.contains(id));
        }
        Ok(super::answer(Outcome::Missing(missing)))
    }
}
