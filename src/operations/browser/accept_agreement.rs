//! Accepts an agreement.

use crate::contract::shape::{Number, shape};
use crate::domain::audit_event::AuditEvent;
use crate::operations::consent::change_agreements;
use crate::operations::{Access, Call, Cost, Operation, Refusal, Request};
use crate::store::consents;

shape! {
    /// Which agreement.
    pub struct AcceptAgreementRequest = "AcceptAgreementRequest_V1" {
        /// Its number.
        agreement: Number = "agreement", required;
    }
}

impl Request for AcceptAgreementRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::unpublished::<Self>(
        "acceptAgreement",
        AuditEvent::UserAgreementsAccepted,
        "Accepts an agreement.",
    )
    .access(Access::Session)
    .cost(Cost::Write)
    .pages();

    fn run(self, call: &Call<'_>) -> Result<(), Refusal> {
        change_agreements(
            call,
            &[self.agreement],
            Self::OPERATION.event,
            consents::accept,
        )?;
        Ok(())
    }
}
