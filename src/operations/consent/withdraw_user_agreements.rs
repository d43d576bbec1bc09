//! Withdraws agreements that the user has accepted; other agreements stay unchanged.

use super::Done;
use crate::operations::prelude::*;
use crate::store::consents;

shape! {
    /// Whose agreements.
    pub struct WithdrawUserAgreementsRequest = "WithdrawUserAgreementsRequest_V1" {
        /// The application that calls; a trailing .onetapi.pl may be left out.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The user's token, with or without JWT before it.
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
