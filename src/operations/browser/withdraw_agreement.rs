//! Withdraws an agreement.

use crate::operations::consent::change_agreements;
use crate::operations::prelude::*;
use crate::store::consents;

shape! {
    /// The agreement to withdraw.
    pub struct WithdrawAgreementRequest = "WithdrawAgreementRequest_V1" {
        /// The number of the agreement.
        agreement: Number = "agreement", required;
    }
}

impl Request for WithdrawAgreementRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "withdrawAgreement",
        AuditEvent::UserAgreementsWithdrawn,
        "Withdraws an agreement.",
    );

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let event = Self::OPERATION.event;
        change_agreements(cx, &[self.agreement], event, consents::withdraw)
    }
}
