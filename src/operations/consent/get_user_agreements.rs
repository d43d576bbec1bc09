//! The agreements of the user that are in force, ascending, and since when.

use crate::contract::shape::{Secret, Structure as _, shape};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Outcome, Refusal, Request, Throttle, read_json_request,
    read_request,
};
use crate::store::consents;

shape! {
    /// Whose agreements.
    pub struct GetUserAgreementsRequest = "GetUserAgreementsRequest_V1" Sequence {
        /// The application that calls; a trailing .onetapi.pl may be left out.
        client_id: String = "client_id" max 256 is required;
        /// The user's token, with or without JWT before it.
        token: Secret = "token" max 49152 is required;
    }
}

/// get_user_agreements in the catalogue.
pub static OPERATION: Operation = Operation {
    name: "get_user_agreements",
    doc: "The agreements of the user that are in force, ascending, and since when.",
    access: Access::Application,
    cost: Cost::Read,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: true,
    event: "user_agreements_shown",
    request: GetUserAgreementsRequest::SHAPE,
    response: &super::ACCEPTED,
    routes: &[],
    read_xml: read_request::<GetUserAgreementsRequest>,
    read_json: read_json_request::<GetUserAgreementsRequest>,
};

impl Request for GetUserAgreementsRequest {
    fn authorization(&self) -> Option<&Secret> {
        Some(&self.token)
    }
    fn application(&self) -> Option<&str> {
        Some(&self.client_id)
    }
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let user = super::user(call)?;
        let accepted = call.parts.store.read(|c| consents::accepted(c, user.id))?;
        Ok(super::answer(Outcome::Accepted(accepted)))
    }
}
