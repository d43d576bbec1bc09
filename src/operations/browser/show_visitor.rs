//! Whose browser it is, for the loginbar and for pages that greet.

use super::Visitor;
use crate::contract::shape::shape;
use crate::operations::{Access, Call, Operation, Refusal, Request};
use crate::store::organisations;

shape! {
    /// How much of the user is wanted.
    pub struct ShowVisitorRequest = "ShowVisitorRequest_V1" {
        /// Its organisations, if there is anything here.
        organisations: String = "organisations", max = 1;
    }
}

impl Request for ShowVisitorRequest {
    type Answer = Option<Visitor>;
    const OPERATION: &'static Operation =
        &Operation::unpublished::<Self>("showVisitor", "session_shown", "Whose browser it is.")
            .access(Access::Visitor)
            .pages();

    fn run(self, call: &Call<'_>) -> Result<Option<Visitor>, Refusal> {
        let (Some(user), Some(session)) = (&call.user, &call.session) else {
            return Ok(None);
        };
        let granted = match self.organisations.is_empty() {
            true => Vec::new(),
            false => call
                .parts
                .store
                .read(|c| organisations::granted(c, user.id))?,
        };
        Ok(Some(Visitor {
            user: user.clone(),
            session: session.clone(),
            profile: call.profile.clone(),
            granted,
        }))
    }
}
