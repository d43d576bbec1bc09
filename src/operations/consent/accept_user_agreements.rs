//! Accepts agreements on behalf of the user.

use super::Done;
use crate::operations::prelude::*;
use crate::store::consents;

shape! {
    /// The user and the agreements.
    pub struct AcceptUserAgreementsRequest = "AcceptUserAgreementsRequest_V1" {
        /// The ID of the calling application. The suffix .onetapi.pl is optional.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The token of the user, with or without the prefix JWT.
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
