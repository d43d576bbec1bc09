//! Shows the signed-in user of a browser, for the loginbar and the pages.

use super::Visitor;
use crate::operations::prelude::*;
use crate::store::organisations;

shape! {
    /// The parts to include.
    pub struct ShowVisitorRequest = "ShowVisitorRequest_V1" {
        /// If not empty, the answer includes the user's organisations.
        organisations: String = "organisations", max = 1;
    }
}

impl Request for ShowVisitorRequest {
    type Answer = Option<Visitor>;
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "showVisitor",
        AuditEvent::SessionShown,
        "Shows the user that a browser is signed in as.",
    )
    .access(Access::Visitor)
    .cost(Cost::Read);

    fn run(self, cx: &RequestContext<'_>) -> Result<Option<Visitor>> {
        let (Some(user), Some(session)) = (&cx.user, &cx.session) else {
            return Ok(None);
        };
        let memberships = match self.organisations.is_empty() {
            true => Vec::new(),
            false => cx.read(|c| organisations::memberships(c, user.id))?,
        };
        Ok(Some(Visitor {
            user: user.clone(),
            session: session.clone(),
            profile: cx.profile.clone(),
            memberships,
        }))
    }
}
