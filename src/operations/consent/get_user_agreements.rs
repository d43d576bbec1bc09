//! Lists the user's accepted agreements with the time of acceptance, in ascending order of their numbers.

use crate::contract::time::utc;
use crate::operations::prelude::*;
use crate::store::consents;

shape! {
    /// The user.
    pub struct GetUserAgreementsRequest = "GetUserAgreementsRequest_V1" {
        /// The ID of the calling application. The suffix .onetapi.pl is optional.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The token of the user, with or without the prefix JWT.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
    }
}

shape! {
    /// An agreement that the user has accepted.
    pub struct AcceptedAgreement = "AcceptedAgreement_V1" {
        /// The time of acceptance, in UTC.
        accepted_at: String = "accepted_at", max = 32, required;
        /// The number of the agreement.
        agreement_id: Number = "agreement_id", required;
    }
}

shape! {
    /// The accepted agreements, each with its number and the time of acceptance.
    pub struct Accepted = "Accepted_V1" {
        /// The agreements, in ascending order of their numbers.
        result: List<AcceptedAgreement> = "result", item = "agreement";
    }
}

impl Request for GetUserAgreementsRequest {
    type Answer = Accepted;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "get_user_agreements",
        AuditEvent::UserAgreementsShown,
        "Lists the user's accepted agreements with the time of acceptance, in ascending order of their numbers.",
    )
    .access(Access::Application)
    .rpc();

    fn run(self, cx: &RequestContext<'_>) -> Result<Accepted> {
        let user = cx.signed_in()?;
        let accepted = cx.read(|c| consents::accepted(c, user.id))?;
        let agreements = accepted.into_iter().map(|(id, at)| AcceptedAgreement {
            accepted_at: utc(at),
            agreement_id: Number(Some(id)),
        });
        Ok(Accepted {
            result: List(agreements.collect()),
        })
    }
}
