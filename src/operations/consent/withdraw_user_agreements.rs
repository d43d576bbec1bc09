//! Withdraws agreements that the user has accepted; other agreements stay unchanged.

use super::Done;
use crate::operations::prelude::*;
use crate::store::consents;

shape! {
    /// The user and the agreements.
    pub struct WithdrawUserAgreementsRequest = "WithdrawUserAgreementsRequest_V1" {
        /// The ID of the calling application. The suffix .onetapi.pl is optional.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The token of the user, with or without the prefix JWT.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
        /// The agreements.
        agreement_ids: List<Number> = "agreement_ids", item = "agreement_id", required;
    }
}

impl Request for WithdrawUserAgreementsRequest {
    type Answer = Done;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "withdraw_user_agreements",
        AuditEvent::UserAgreementsWithdrawn,
        "Withdraws agreements that the user has accepted; other agreements stay unchanged.",
    )
    .access(Access::Application)
    .cost(Cost::Write)
    .rpc();

    fn run(self, cx: &RequestContext<'_>) -> Result<Done> {
        let event = Self::OPERATION.event;
        super::change_agreements(cx, &self.agreement_ids.0, event, consents::withdraw)?;
        Ok(Done::ok())
    }
}
