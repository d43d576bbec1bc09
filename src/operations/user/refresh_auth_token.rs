//! Replaces a valid token: returns a new token and retires the old one.

use crate::operations::prelude::*;
use crate::store::{organisations, token_families};

use super::auth_token::{self, token_param};

shape! {
    /// The token to replace.
    pub struct RefreshAuthTokenRequest = "RefreshAuthTokenRequest_V1" {
        /// The token, with or without the prefix JWT. The Authorization header may contain the token instead. The word
        /// JWT alone counts as an absent token.
        authorization: Option<Secret> = "authorization", max = 49152, role = Role::Authorization;
        /// The calling client and its user.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
    }
}

impl Request for RefreshAuthTokenRequest {
    type Answer = EmptyResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "refreshAuthToken",
        AuditEvent::TokenCreated,
        "Replaces a valid token and returns the new token.",
    )
    .access(Access::User)
    .cost(Cost::Write)
    .rest(&[Route::new("POST", "/password/refreshAuthToken")
        .body(Body::Optional)
        .with_token()
        .refuses(&[Code::TooManyAttempts])]);

    fn run(self, cx: &RequestContext<'_>) -> Result<EmptyResponse> {
        let Some(verified_token) = &cx.verified_token else {
            return Err(not_signed_in());
        };
        if cx.app.rules.end_of_family(verified_token.started_at) <= cx.now {
            return Err(refuse(Code::TokenExpired));
        }
        let token = cx.write(|tx| {
            // Rights are read from the database and not from the old token.
            let user = tx.lock_user()?;
            let memberships = organisations::memberships(tx.conn, user.id)?;
            let bound_to = verified_token.organisation.as_deref();
            let organisation = memberships
                .iter()
                .find(|m| Some(m.uuid.as_str()) == bound_to);
            if bound_to.is_some() && organisation.is_none() {
                return Err(refuse(Code::TokenExpired));
            }
            // A client that lost the answer may refresh again within the grace period and gets the same successor.
            // Every token thus has one successor, and later use of a replaced token reveals a theft.
            let jti = auth_token::successor(&verified_token.jti);
            auth_token::check_room(tx, verified_token)?;
            let token = auth_token::issue_as(tx, &user, organisation, verified_token, jti)?;
            let replaced = sha256_hex(&verified_token.jti);
            token_families::retire(tx.conn, &replaced, cx.app.clock.now())?;
            tx.audit_ok(Self::OPERATION.event, &user.user_name)?;
            Ok::<_, Refusal>(token)
        })?;
        Ok(EmptyResponse {
            params: token_param(&token),
            ..Default::default()
        })
    }
}
