//! Activates a registered user. The SOAP contract does not have this operation.

use crate::operations::identities;
use crate::operations::prelude::*;
use crate::store::{one_time_tokens, organisations, users};

shape! {
    /// The registration to confirm.
    pub struct ConfirmUserRequest = "ConfirmUserRequest_V1" {
        /// The calling client and its user. Optional; without it the client is Default.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The token from the activation mail.
        token: Secret = "token", max = 128, required;
    }
}

impl Request for ConfirmUserRequest {
    type Answer = EmptyResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "confirm",
        AuditEvent::UserConfirmed,
        "Activates a registered user.",
    )
    .access(Access::Anyone)
    .cost(Cost::Write)
    .throttle(Throttle::Guesses)
    .rest(&[Route::new("POST", "/register/confirm").refuses(&[Code::TokenInvalidOrExpired])]);

    fn run(self, cx: &RequestContext<'_>) -> Result<EmptyResponse> {
        self.confirm(cx, &[])?;
        Ok(EmptyResponse::default())
    }
}

impl ConfirmUserRequest {
    /// Activates the user. Only the external identities with these keys stay linked.
    ///
    /// # Errors
    /// [`Code::TokenInvalidOrExpired`] for an unknown, used or expired token.
    pub(in crate::operations) fn confirm(
        &self,
        cx: &RequestContext<'_>,
        keep: &[&str],
    ) -> Result<()> {
        let invalid_token = || invalid_one_time_token("token");
        let sha256 = super::hash_of_token(&self.token).ok_or_else(invalid_token)?;
        cx.write(|tx| {
            // Lock the user before its tokens: every transaction locks in this order, so that none deadlocks.
            let Some(id) = one_time_tokens::peek(tx.conn, &sha256, Purpose::Activation, cx.now)?
            else {
                return Err(unusable(tx, &sha256)?);
            };
            let user = users::lock_for_update(tx.conn, id)?.ok_or_else(invalid_token)?;
            if one_time_tokens::spend(tx.conn, &sha256, Purpose::Activation, cx.now)?.is_none() {
                return Err(unusable(tx, &sha256)?);
            }
            if user.status != Status::Unactivated {
                return Err(invalid_token());
            }
            if let Some(uuid) = users::activate(tx.conn, id, cx.now)? {
                organisations::join(tx.conn, id, &uuid, &[], cx.now)?;
            }
            identities::take_over(tx, &user, keep)?;
            tx.audit_ok(Self::OPERATION.event, &user.user_name)
        })
    }
}

/// The refusal of a token that cannot confirm a registration. For a used token, the refusal says that the registration
/// is already confirmed: the user may have opened the mail twice.
fn unusable(tx: &mut Transaction<'_>, sha256: &str) -> Result<Refusal> {
    if !one_time_tokens::is_used(tx.conn, sha256, Purpose::Activation)? {
        return Ok(invalid_one_time_token("token"));
    }
    let why = Some(Why::AlreadyConfirmed);
    Ok(Rejection::field(Code::TokenInvalidOrExpired, "token", why).into())
}
