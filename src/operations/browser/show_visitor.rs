//! Whose browser it is, for the loginbar and for pages that greet.

use super::{Visit, Visitor};
use crate::contract::shape::{Structure as _, shape};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Throttle, read_json_request,
    read_request,
};
use crate::store::organisations;

shape! {
    /// How much of the user is wanted.
    pub struct ShowVisitorRequest = "ShowVisitorRequest_V1" Sequence {
        /// Its organisations, if there is anything here.
        organisations: String = "organisations" max 1;
    }
}

/// Whose browser it is.
pub static OPERATION: Operation = Operation {
    name: "showVisitor",
    doc: "Whose browser it is.",
    access: Access::Visitor,
    cost: Cost::Read,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: false,
    event: "session_shown",
    request: ShowVisitorRequest::SHAPE,
    response: super::NOTHING,
    routes: &[],
    read_xml: read_request::<ShowVisitorRequest>,
    read_json: read_json_request::<ShowVisitorRequest>,
};

impl Request for ShowVisitorRequest {
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let (Some(user), Some(session)) = (&call.user, &call.session) else {
            return Ok(super::answer(Visit::Visitor(None)));
        };
        let granted = match self.organisations.is_empty() {
            true => Vec::new(),
            false => call
                .parts
                .store
                .read(|c| organisations::granted(c, user.id))?,
        };
        Ok(super::answer(Visit::Visitor(Some(Box::new(Visitor {
            user: user.clone(),
            session: session.clone(),
            profile: call.profile.clone(),
            granted,
        })))))
    }
}
