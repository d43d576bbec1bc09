//! Lists the agreements that a service requires and the user has not accepted or has withdrawn.

use crate::operations::prelude::*;
use crate::store::consents;

shape! {
    /// The user, and a service of a portal.
    pub struct CheckUserAgreementsRequest = "CheckUserAgreementsRequest_V1" {
        /// The ID of the calling application. The suffix .onetapi.pl is optional.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The token of the user, with or without the prefix JWT.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
        /// The number of the portal.
        portal_id: Number = "portal_id", required;
        /// The number of the service. The service belongs to the portal.
        service_id: Number = "service_id", required;
    }
}

shape! {
    /// The agreements that a service requires and the user has not accepted.
    pub struct MissingAgreements = "MissingAgreements_V1" {
        /// The numbers of the agreements.
        missing: List<Number> = "missing", item = "agreement_id";
    }
}

shape! {
    /// The missing agreements.
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
