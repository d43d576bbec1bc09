//! Ends a session of the user's, or every one but this browser's.

use super::Visit;
use crate::contract::rejection::Code;
use crate::contract::shape::{Number, Structure as _, shape};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Throttle, read_json_request,
    read_request, refuse,
};
use crate::store::{sessions, token_families};

shape! {
    /// Which session.
    pub struct EndSessionRequest = "EndSessionRequest_V1" Sequence {
        /// Its number; every other one, and every token, if there is none.
        session: Number = "session";
    }
}

/// Ends a session of the user, or every other one and all tokens.
pub static OPERATION: Operation = Operation {
    name: "endSession",
    doc: "Ends a session of the user, or every other one and all tokens.",
    access: Access::Session,
    cost: Cost::Write,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: false,
    event: "session_ended",
    request: EndSessionRequest::SHAPE,
    response: super::NOTHING,
    routes: &[],
    read_xml: read_request::<EndSessionRequest>,
    read_json: read_json_request::<EndSessionRequest>,
};

impl Request for EndSessionRequest {
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let own = call.session.as_ref().map(|s| s.id);
        call.parts.store.write(|c| {
            let user = super::hold(call, c)?;
            match self.session.0 {
                // One that is over already needs no ending.
                Some(id) => {
                    sessions::end(c, user.id, id)?;
                }
                None => {
                    let own = own.ok_or_else(|| refuse(Code::TokenExpired))?;
                    sessions::end_all(c, user.id, Some(own))?;
                    token_families::end_all(c, user.id)?;
                }
            }
            call.audit(c, OPERATION.event, "ok", Some(&user.user_name))
        })?;
        Ok(super::answer(Visit::Done))
    }
}
