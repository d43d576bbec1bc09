//! Signs a user in: checks the password and the status, chooses the organisation, and issues a token.

use crate::contract::user::FlatUser;
use crate::domain::organisation::{Choice, choose};
use crate::operations::known_sources;
use crate::operations::prelude::*;
use crate::secrets::tokens::OrgClaim;
use crate::store::organisations;

use super::auth_token;
use super::sign_in::Checked;

/// The parameter that names the organisation to sign in to.
pub const USER_ORG_UUID: &str = "USER_ORG_UUID";
/// The parameter that lists the organisations to choose from.
pub const GRANTED_ORGS: &str = "GRANTED_ORGS";

shape! {
    /// The credentials of the user who signs in.
    pub struct AuthenticateRequest = "AuthenticateRequest_V1" {
        /// USER_ORG_UUID: the UUID of the organisation to sign in to.
        params: List<Param> = "params", item = "param", wrapped;
        /// The password.
        password: Secret = "password", max = 1024, required;
        /// The calling client and its user. Optional; without it the client is Default.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The user name or the e-mail address of the user.
        user_name_or_email: String = "userNameOrEmail", alias = "usernameOrEmail", max = 256, required, role = Role::Subject;
    }
}

shape! {
    /// The signed-in user and a token.
    pub struct AuthenticateResponse = "AuthenticateResponse_V1" {
        /// The outcome of the request.
        status: ResponseStatus = "status", required;
        /// P_AUTH_TOKEN: the token of the user. In a refusal, GRANTED_ORGS: the organisations to choose from, as JSON.
        params: List<Param> = "params", item = "param";
        /// The user.
        user: Option<FlatUser> = "user";
    }
}

impl Request for AuthenticateRequest {
    type Answer = AuthenticateResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "authenticate",
        AuditEvent::Login,
        "Signs a user in by user name or e-mail address and password.",
    )
    .access(Access::Anyone)
    .cost(Cost::Hash)
    .throttle(Throttle::Guesses)
    .soap()
    .rest(&[Route::new("POST", "/password/authenticate")
        .id("userNameOrEmail")
        .takes(&["authenticateRequest", USERS])
        .answers("user")
        .with_token()
        .refuses(&[
            Code::UnspecifiedOrganizationForUser,
            Code::BadCredentials,
            Code::UserNotActive,
        ])]);

    fn run(self, cx: &RequestContext<'_>) -> Result<AuthenticateResponse> {
        // Try again if another sign-in with the same password renewed the stored hash meanwhile.
        match self.sign_in(cx)? {
            Some(answer) => Ok(answer),
            None => self
                .sign_in(cx)?
                .ok_or_else(|| refuse(Code::BadCredentials)),
        }
    }
}

impl AuthenticateRequest {
    /// Signs the user in; `None` if the stored hash has changed since the password was checked.
    fn sign_in(&self, cx: &RequestContext<'_>) -> Result<Option<AuthenticateResponse>> {
        let checked = Checked::of(cx, &self.user_name_or_email, &self.password)?;
        let memberships = cx.read(|c| organisations::memberships(c, checked.user.id))?;
        let meta_params = self.request_meta.as_ref().map_or(&[][..], |m| &m.params.0);
        let wanted = param(&self.params.0, USER_ORG_UUID)
            .or(param(meta_params, USER_ORG_UUID))
            .filter(|uuid| !uuid.is_empty());
        let organisation = match choose(&memberships, wanted) {
            Choice::None => None,
            Choice::One(one) => Some(one),
            Choice::Several => return Err(ask_to_choose(&memberships).into()),
        };
        // The audit entry and the token are written in one transaction.
        let signed_in = checked.write(cx, |tx, user| {
            tx.audit_ok(Self::OPERATION.event, &user.user_name)?;
            known_sources::remember_network(tx, user)?;
            let token = auth_token::issue(tx, user, organisation, None)?;
            Ok((user.clone(), token))
        })?;
        let Some((user, token)) = signed_in else {
            return Ok(None);
        };
        Ok(Some(AuthenticateResponse {
            params: auth_token::token_param(&token),
            user: Some(user.into()),
            ..Default::default()
        }))
    }
}

fn ask_to_choose(memberships: &[Membership]) -> Rejection {
    let orgs: Vec<OrgClaim> = memberships
        .iter()
        .map(|g| OrgClaim {
            uuid: g.uuid.clone(),
            name: g.name.clone(),
        })
        .collect();
    let mut rejection = Rejection::new(Code::UnspecifiedOrganizationForUser);
    let orgs = serde_json::to_string(&orgs).unwrap_or_default();
    rejection.params.push((GRANTED_ORGS, orgs));
    rejection
}
