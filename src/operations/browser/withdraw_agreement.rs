//! Withdraws an agreement.

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
    pub struct WithdrawAgreementRequest = "WithdrawAgreementRequest_V1" Sequence {
        /// Its number.
        agreement: Number = "agreement" is required;
    }
}

/// Withdraws an agreement.
pub static OPERATION: Operation = Operation {
    name: "withdrawAgreement",
    doc: "Withdraws an agreement.",
    access: Access::Session,
    cost: Cost::Write,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: false,
    event: "user_agreements_withdrawn",
    request: WithdrawAgreementRequest::SHAPE,
    response: super::NOTHING,
    routes: &[],
    read_xml: read_request::<WithdrawAgreementRequest>,
    read_json: read_json_request::<WithdrawAgreementRequest>,
};

impl Request for WithdrawAgreementRequest {
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        change_agreements(call, &[self.agreement], OPERATION.event, consents::withdraw)?;
        Ok(super::answer(Visit::Done))
    }
}
