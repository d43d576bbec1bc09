//! Which external identities a link of a mail would unlink, for the page where its owner chooses what to keep.

use super::Visit;
use crate::contract::shape::{Secret, Structure as _, shape};
use crate::domain::one_time_token::{Purpose, is_well_formed};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Throttle, read_json_request,
    read_request,
};
use crate::secrets::sha256_hex;
use crate::store::{StoreError, external_identities, one_time_tokens};

shape! {
    /// The token of the mail.
    pub struct ShowTakeOverRequest = "ShowTakeOverRequest_V1" Sequence {
        /// One that activates an account.
        activation: Secret = "activation" max 128;
        /// One that sets a new password.
        reset: Secret = "reset" max 128;
    }
}

/// Showing what would be unlinked.
pub static OPERATION: Operation = Operation {
    name: "showTakeOver",
    doc: "Which external identities a link of a mail would unlink.",
    access: Access::Anyone,
    cost: Cost::Read,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: false,
    event: "take_over_shown",
    request: ShowTakeOverRequest::SHAPE,
    response: super::NOTHING,
    routes: &[],
    read_xml: read_request::<ShowTakeOverRequest>,
    read_json: read_json_request::<ShowTakeOverRequest>,
};

impl Request for ShowTakeOverRequest {
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let tokens = [
            (&self.activation, Purpose::Activation),
            (&self.reset, Purpose::PasswordReset),
        ];
        let token = tokens
            .into_iter()
            .map(|(token, purpose)| (token.reveal().trim(), purpose))
            .find(|(token, _)| is_well_formed(token));
        let Some((token, purpose)) = token else {
            return Ok(super::answer(Visit::TakeOver(Vec::new())));
        };
        let linked = call.parts.store.read(|c| {
            match one_time_tokens::peek(c, &sha256_hex(token), purpose, call.now)? {
                Some(user_id) => external_identities::linked_to(c, user_id),
                None => Ok::<_, StoreError>(Vec::new()),
            }
        })?;
        Ok(super::answer(Visit::TakeOver(linked)))
    }
}
