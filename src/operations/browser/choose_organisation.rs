//! Chooses the organisation of the session.

use crate::operations::prelude::*;
use crate::store::{organisations, sessions};

shape! {
    /// The organisation to choose.
    pub struct ChooseOrganisationRequest = "ChooseOrganisationRequest_V1" {
        /// The UUID of an organisation that the user is a member of.
        organisation: String = "organisation", max = 128, required;
    }
}

impl Request for ChooseOrganisationRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "chooseOrganisation",
        AuditEvent::SessionOrganisationChosen,
        "Chooses the organisation that the user is signed in for.",
    );

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let session = cx.session.as_ref();
        let session = session.ok_or_else(|| refuse(Code::TokenExpired))?.id;
        cx.write(|tx| {
            let user = tx.lock_user()?;
            let memberships = organisations::memberships(tx.conn, user.id)?;
            if !memberships.iter().any(|m| m.uuid == self.organisation) {
                let code = Code::OrganizationNotFound;
                return Err(refuse_field(code, "organisation"));
            }
            sessions::choose_organisation(tx.conn, session, &self.organisation)?;
            tx.audit_ok(Self::OPERATION.event, &user.user_name)
        })
    }
}
