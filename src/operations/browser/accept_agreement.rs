//! Accepts an agreement.

use crate::operations::consent::change_agreements;
use crate::operations::prelude::*;
use crate::store::consents;

shape! {
    /// The agreement to accept.
    pub struct AcceptAgreementRequest = "AcceptAgreementRequest_V1" {
        /// The number of the agreement.
        agreement: Number = "agreement", required;
    }
}

impl Request for AcceptAgreementRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "acceptAgreement",
        AuditEvent::UserAgreementsAccepted,
        "Accepts an agreement.",
    );

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let event = Self::OPERATION.event;
        change_agreements(cx, &[self.agreement], event, consents::accept)
    }
}
