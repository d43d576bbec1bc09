//! Changes the user's own password, with the old one; this browser stays signed in, and no other.

use super::Visit;
use crate::contract::shape::{Secret, Structure as _, shape};
use crate::operations::user::change_password::ChangePasswordRequest;
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Throttle, read_json_request,
    read_request,
};

shape! {
    /// The old password and the new one.
    pub struct ChangeOwnPasswordRequest = "ChangeOwnPasswordRequest_V1" Sequence {
        /// The old password.
        old_password: Secret = "oldPassword" max 1024 is required;
        /// The new password, 8 to 64 characters.
        password: Secret = "password" max 1024 is required;
    }
}

/// Changes the password of the user, with the old one.
pub static OPERATION: Operation = Operation {
    name: "changeOwnPassword",
    doc: "Changes the password of the user, with the old one.",
    access: Access::Session,
    cost: Cost::Hash,
    throttle: Throttle::Guesses,
    soap: false,
    rpc: false,
    event: "authn_password_change",
    request: ChangeOwnPasswordRequest::SHAPE,
    response: super::NOTHING,
    routes: &[],
    read_xml: read_request::<ChangeOwnPasswordRequest>,
    read_json: read_json_request::<ChangeOwnPasswordRequest>,
};

impl Request for ChangeOwnPasswordRequest {
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let change = ChangePasswordRequest {
            old_password: Some(self.old_password),
            password: self.password,
            user_name: Some(super::user(call)?.user_name.clone()),
            ..Default::default()
        };
        Box::new(change).run(call)?;
        Ok(super::answer(Visit::Done))
    }
}
