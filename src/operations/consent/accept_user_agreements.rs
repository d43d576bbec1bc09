//! Accepts agreements on behalf of the user.

use super::Done;
use crate::operations::prelude::*;
use crate::store::consents;

shape! {
    /// Whose agreements.
    pub struct AcceptUserAgreementsRequest = "AcceptUserAgreementsRequest_V1" {
        /// The application that calls; a trailing .onetapi.pl may be left out.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The user's token, with or without JWT before it.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
        /// The agreements.
        agreement_ids: List<Number> = "agreement_ids", item = "agreement_id", required;
    }
}

impl Request for AcceptUserAgreementsRequest {
    type Answer = Done;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "accept_user_agreements",
        AuditEvent::UserAgreementsAccepted,
        "Accepts agreements on behalf of the user.",
    )
    .access(Access::Application)
    .cost(Cost::Write)
    .rpc();

    fn run(self, cx: &RequestContext<'_>) -> Result<Done> {
        let event = Self::OPERATION.event;
        super::change_agreements(cx, &self.agreement_ids.0, event, consents::accept)?;
        Ok(Done::ok())
    }
}
