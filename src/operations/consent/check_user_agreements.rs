//! Lists the agreements that a service requires and the user has not accepted or has withdrawn.

use crate::operations::prelude::*;
use crate::store::consents;

shape! {
    /// Which service of which portal, and whose.
    pub struct CheckUserAgreementsRequest = "CheckUserAgreementsRequest_V1" {
        /// The application that calls; a trailing .onetapi.pl may be left out.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The user's token, with or without JWT before it.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
        /// The portal.
        portal_id: Number = "portal_id", required;
        /// The service, of that portal.
        service_id: Number = "service_id", required;
    }
}

shape! {
    /// The agreements that a service requires and the user has not accepted.
    pub struct MissingAgreements = "MissingAgreements_V1" {
        /// Their numbers.
        missing: List<Number> = "missing", item = "agreement_id";
    }
}

shape! {
    /// An object with the numbers that are missing.
    pub struct Missing = "Missing_V1" {
        /// The agreements.
        result: MissingAgreements = "result", required;
    }
}

impl Request for CheckUserAgreementsRequest {
    type Answer = Missing;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "check_user_agreements",
        AuditEvent::UserAgreementsShown,
        "Lists the agreements that a service requires and the user has not accepted or has withdrawn.",
    )
    .access(Access::Application)
    .rpc();

    fn run(self, cx: &RequestContext<'_>) -> Result<Missing> {
        let registry = cx.app.registry.now();
        let service = super::service(&registry, self.portal_id, self.service_id)?;
        let mut missing = service.requires.clone();
        if !missing.is_empty() {
            let user = cx.signed_in()?;
            let accepted = cx.read(|c| consents::among(c, user.id, &missing))?;
            missing.retain(|id| !accepted.contains(id));
        }
        let missing = missing.into_iter().map(|id| Number(Some(id))).collect();
        Ok(Missing {
            result: MissingAgreements {
                missing: List(missing),
            },
        })
    }
}
