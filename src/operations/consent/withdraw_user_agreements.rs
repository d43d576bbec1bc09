//! Withdraws agreements that the user has accepted; those it has not are left.

use crate::contract::shape::{Number, Secret, Structure as _, Wrapped, shape};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Throttle, read_json_request,
    read_request,
};
use crate::store::consents;

shape! {
    /// Whose agreements.
    pub struct WithdrawUserAgreementsRequest = "WithdrawUserAgreementsRequest_V1" Sequence {
        /// The application that calls; a trailing .onetapi.pl may be left out.
        client_id: String = "client_id" max 256 is required;
        /// The user's token, with or without JWT before it.
        token: Secret = "token" max 49152 is required;
        /// The agreements.
        agreement_ids: Wrapped<Number> = "agreement_ids" item "agreement_id" is required;
    }
}

/// withdraw_user_agreements in the catalogue.
pub static OPERATION: Operation = Operation {
    name: "withdraw_user_agreements",
    doc: "Withdraws agreements that the user has accepted; those it has not are left.",
    access: Access::Application,
    cost: Cost::Write,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: true,
    event: "user_agreements_withdrawn",
    request: WithdrawUserAgreementsRequest::SHAPE,
    response: &super::DONE,
    routes: &[],
    read_xml: read_request::<WithdrawUserAgreementsRequest>,
    read_json: read_json_request::<WithdrawUserAgreementsRequest>,
};

impl Request for WithdrawUserAgreementsRequest {
    fn authorization(&self) -> Option<&Secret> {
        Some(&self.token)
    }
    fn application(&self) -> Option<&str> {
        Some(&self.client_id)
    }
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        super::change_agreements(
            call,
            &self.agreement_ids.0,
            OPERATION.event,
            consents::withdraw,
        )
    }
}
