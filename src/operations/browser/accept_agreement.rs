//! Accepts an agreement.

use super::Visit;
use crate::contract::shape::{Number, Structure as _, shape};
use crate::operations::consent::change_agreements;
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Throttle, read_json_request,
    read_request,
};
use crate::store::consents;

shape! {
    /// Which agreement.
    pub struct AcceptAgreementRequest = "AcceptAgreementRequest_V1" Sequence {
        /// Its number.
        agreement: Number = "agreement" is required;
    }
}

/// Accepts an agreement.
pub static OPERATION: Operation = Operation {
    name: "acceptAgreement",
    doc: "Accepts an agreement.",
    access: Access::Session,
    cost: Cost::Write,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: false,
    event: "user_agreements_accepted",
    request: AcceptAgreementRequest::SHAPE,
    response: super::NOTHING,
    routes: &[],
    read_xml: read_request::<AcceptAgreementRequest>,
    read_json: read_json_request::<AcceptAgreementRequest>,
};

impl Request for AcceptAgreementRequest {
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        change_agreements(call, &[self.agreement], OPERATION.event, consents::accept)?;
        Ok(super::answer(Visit::Done))
    }
}
