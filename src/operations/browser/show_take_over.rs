//! Lists the external identities that the link in a mail would unlink. The owner chooses on the page which of them to
//! keep.

use crate::domain::external_identity::LinkedIdentity;
use crate::operations::prelude::*;
use crate::operations::user::hash_of_token;
use crate::store::{external_identities, one_time_tokens};

shape! {
    /// The token of the mail.
    pub struct ShowTakeOverRequest = "ShowTakeOverRequest_V1" {
        /// The token of an activation mail.
        activation: Secret = "activation", max = 128;
        /// The token of a password mail.
        reset: Secret = "reset", max = 128;
    }
}

impl Request for ShowTakeOverRequest {
    type Answer = Vec<LinkedIdentity>;
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "showTakeOver",
        AuditEvent::TakeOverShown,
        "Lists the external identities that the link in a mail would unlink.",
    )
    .access(Access::Anyone)
    .cost(Cost::Read);

    fn run(self, cx: &RequestContext<'_>) -> Result<Vec<LinkedIdentity>> {
        let tokens = [
            (&self.activation, Purpose::Activation),
            (&self.reset, Purpose::PasswordReset),
        ];
        let token = tokens
            .into_iter()
            .find_map(|(token, purpose)| Some((hash_of_token(token)?, purpose)));
        let Some((sha256, purpose)) = token else {
            return Ok(Vec::new());
        };
        Ok(cx.read(
            |c| match one_time_tokens::peek(c, &sha256, purpose, cx.now)? {
                Some(user_id) => external_identities::linked_to(c, user_id),
                None => Ok::<_, StoreError>(Vec::new()),
            },
        )?)
    }
}
