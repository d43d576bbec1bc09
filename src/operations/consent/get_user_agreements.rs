//! Lists the user's accepted agreements with the time of acceptance, in ascending order.

use crate::contract::time::utc;
use crate::operations::prelude::*;
use crate::store::consents;

shape! {
    /// Whose agreements.
    pub struct GetUserAgreementsRequest = "GetUserAgreementsRequest_V1" {
        /// The application that calls; a trailing .onetapi.pl may be left out.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The user's token, with or without JWT before it.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
    }
}

shape! {
    /// An agreement in force.
    pub struct AcceptedAgreement = "AcceptedAgreement_V1" {
        /// When it was accepted, in UTC.
        accepted_at: String = "accepted_at", max = 32, required;
        /// Its number.
        agreement_id: Number = "agreement_id", required;
    }
}

shape! {
    /// A list of objects with an agreement_id and accepted_at, in UTC.
    pub struct Accepted = "Accepted_V1" {
        /// The agreements, ascending.
        result: List<AcceptedAgreement> = "result", item = "agreement";
    }
}

impl Request for GetUserAgreementsRequest {
    type Answer = Accepted;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "get_user_agreements",
        AuditEvent::UserAgreementsShown,
        "Lists the user's accepted agreements with the time of acceptance, in ascending order.",
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
