//! Deletes the user's own account.

use super::Visit;
use crate::contract::rejection::Code;
use crate::contract::shape::{Secret, Structure as _, shape};
use crate::operations::user::delete_user;
use crate::operations::user::sign_in::Checked;
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Throttle, read_json_request,
    read_request, refuse, refuse_field,
};

shape! {
    /// What shows that it is meant.
    pub struct DeleteOwnAccountRequest = "DeleteOwnAccountRequest_V1" Sequence {
        /// The password; whoever has none, because a partner signs it in, needs none here.
        password: Secret = "password" max 1024;
    }
}

/// Deletes the account of the user, with its password.
pub static OPERATION: Operation = Operation {
    name: "deleteOwnAccount",
    doc: "Deletes the account of the user, with its password.",
    access: Access::Session,
    cost: Cost::Hash,
    throttle: Throttle::Guesses,
    soap: false,
    rpc: false,
    event: "user_deleted",
    request: DeleteOwnAccountRequest::SHAPE,
    response: super::NOTHING,
    routes: &[],
    read_xml: read_request::<DeleteOwnAccountRequest>,
    read_json: read_json_request::<DeleteOwnAccountRequest>,
};

impl Request for DeleteOwnAccountRequest {
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let user = super::user(call)?;
        if user.password_hash.is_some() {
            if self.password.reveal().is_empty() {
                return Err(refuse_field(Code::MissingField, "password", None));
            }
            let (login, password) = (&user.user_name, &self.password);
            Checked::settle(call, login, password, |c, user| {
                delete_user::erase(call, c, user)
            })?;
        } else {
            call.parts.store.write(|c| {
                let user = super::hold(call, c)?;
                if user.password_hash.is_some() {
                    // Since this call began.
                    return Err(refuse(Code::BadCredentials));
                }
                delete_user::erase(call, c, &user)
            })?;
        }
        delete_user::forget_names(call)?;
        Ok(super::answer(Visit::Done))
    }
}
