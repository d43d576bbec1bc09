//! Ends the session of this browser.

use super::Visit;
use crate::contract::shape::{Structure as _, shape};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Throttle, read_json_request,
    read_request,
};
use crate::store::{sessions, token_families};

shape! {
    /// How far it goes.
    pub struct SignOutRequest = "SignOutRequest_V1" Sequence {
        /// Every other session and all tokens too, if there is anything here.
        everywhere: String = "everywhere" max 1;
    }
}

/// Ends the session of this browser, if it has one.
pub static OPERATION: Operation = Operation {
    name: "signOut",
    doc: "Ends the session of this browser, if it has one.",
    access: Access::Visitor,
    cost: Cost::Write,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: false,
    event: "session_ended",
    request: SignOutRequest::SHAPE,
    response: super::NOTHING,
    routes: &[],
    read_xml: read_request::<SignOutRequest>,
    read_json: read_json_request::<SignOutRequest>,
};

impl Request for SignOutRequest {
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        if let (Some(user), Some(session)) = (&call.user, &call.session) {
            call.parts.store.write(|c| {
                if self.everywhere.is_empty() {
                    sessions::end(c, user.id, session.id)?;
                } else {
                    sessions::end_all(c, user.id, None)?;
                    token_families::end_all(c, user.id)?;
                }
                call.audit(c, OPERATION.event, "ok", Some(&user.user_name))
            })?;
        }
        Ok(super::answer(Visit::Done))
    }
}
