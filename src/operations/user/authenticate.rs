//! Signs a user in: password, status, choice of organisation, token.

use crate::contract::common::{Param, RequestMeta, ResponseStatus, param};
use crate::contract::rejection::{Code, Rejection};
use crate::contract::shape::{Secret, Structure as _, Wrapped, shape};
use crate::contract::user::FlatUser;
use crate::domain::organisation::{Choice, Granted, choose};
use crate::domain::user::{Status, User};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Response, Route, Shown,
    read_json_request, read_request, refuse,
};
use crate::secrets::hashing::Verdict;
use crate::secrets::tokens::OrgClaim;
use crate::store::{organisations, users};

use super::auth_token;

/// The parameter that names the organisation to sign in to.
pub const USER_ORG_UUID: &str = "USER_ORG_UUID";
/// The parameter that lists the organisations to choose from.
pub const GRANTED_ORGS: &str = "GRANTED_ORGS";

shape! {
    /// Who signs in.
    pub struct AuthenticateRequest = "AuthenticateRequest_V1" Sequence {
        /// USER_ORG_UUID, to choose an organisation.
        params: Wrapped<Param> = "params" item "param";
        /// The password.
        password: Secret = "password" max 1024 is required;
        /// Who is calling; may be left out.
        request_meta: Option<RequestMeta> = "requestMeta";
        /// User name or e-mail address.
        user_name_or_email: String = "userNameOrEmail" alias "usernameOrEmail" max 256 is required;
    }
}

shape! {
    /// The signed-in user and its token.
    pub struct AuthenticateResponse = "AuthenticateResponse_V1" Sequence {
        /// How the operation went.
        status: ResponseStatus = "status" is required;
        /// P_AUTH_TOKEN, or GRANTED_ORGS.
        params: Wrapped<Param> = "params" item "param";
        /// The user.
        user: Option<FlatUser> = "user";
    }
}

/// authenticate in the catalogue.
pub static OPERATION: Operation = Operation {
    name: "authenticate",
    doc: "Signs a user in by user name or e-mail address and password.",
    access: Access::Anyone,
    cost: Cost::Hash,
    soap: true,
    rpc: false,
    event: "authn_login",
    request: AuthenticateRequest::SHAPE,
    response: AuthenticateResponse::SHAPE,
    routes: &[Route::new("POST", "/password/authenticate")
        .id("userNameOrEmail")
        .answers("user")
        .with_token()
        .refuses(&[
            Code::UnspecifiedOrganizationForUser,
            Code::BadCredentials,
            Code::UserNotActive,
        ])],
    read_xml: read_request::<AuthenticateRequest>,
    read_json: read_json_request::<AuthenticateRequest>,
};

impl Response for AuthenticateResponse {
    fn params(&self) -> &[Param] {
        &self.params.0
    }
    fn shown(&self) -> Shown<'_> {
        self.user
            .as_ref()
            .map_or(Shown::Nothing, |u| Shown::One(u.into()))
    }
}

impl Request for AuthenticateRequest {
    fn meta(&self) -> Option<&RequestMeta> {
        self.request_meta.as_ref()
    }
    fn subject(&self) -> Option<&str> {
        Some(&self.user_name_or_email)
    }
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        // A second time where the kept hash was renewed meanwhile, by another sign-in with the same password.
        match self.sign_in(call)? {
            Some(answer) => Ok(answer),
            None => self
                .sign_in(call)?
                .ok_or_else(|| refuse(Code::BadCredentials)),
        }
    }
}

impl AuthenticateRequest {
    /// Signs in; none where the user's hash has changed since it was checked.
    fn sign_in(&self, call: &Call<'_>) -> Result<Option<Box<dyn Answer>>, Refusal> {
        let (user, renewed) = self.check_password(call)?;
        let granted = call
            .parts
            .store
            .read(|c| organisations::granted(c, user.id))?;
        let meta_params = self.request_meta.as_ref().map_or(&[][..], |m| &m.params.0);
        let wanted = param(&self.params.0, USER_ORG_UUID)
            .or(param(meta_params, USER_ORG_UUID))
            .filter(|uuid| !uuid.is_empty());
        let organisation = match choose(&granted, wanted) {
            Choice::None => None,
            Choice::One(one) => Some(one),
            Choice::Several => return Err(ask_to_choose(&granted).into()),
        };
        // The same moment for the audit log and for the token.
        let signed_in = call.parts.store.write(|c| -> Result<_, Refusal> {
            // What was true when the hashing began must still be.
            let current = users::hold(c, user.id)?
                .filter(|now| now.status == user.status && now.password_hash == user.password_hash);
            let Some(current) = current else {
                return Ok(None);
            };
            if let (Some(old), Some(new)) = (&user.password_hash, &renewed) {
                users::rehash(c, user.id, old, new)?;
            }
            call.audit(c, OPERATION.event, "ok", Some(&user.user_name))?;
            let token = auth_token::issue(call, c, &current, organisation, None)?;
            Ok(Some((current, token)))
        })?;
        let Some((user, token)) = signed_in else {
            return Ok(None);
        };
        Ok(Some(Box::new(AuthenticateResponse {
            params: auth_token::token_param(&token),
            user: Some(user.into()),
            ..Default::default()
        })))
    }

    /// The user, and its hash anew where the kept one is out of date. Unknown users cost the same
    /// work and are answered the same.
    fn check_password(&self, call: &Call<'_>) -> Result<(User, Option<String>), Refusal> {
        let user = call
            .parts
            .store
            .read(|c| users::by_login(c, &self.user_name_or_email))?;
        let stored = user.as_ref().and_then(|u| u.password_hash.as_deref());
        let verdict = call.parts.hasher.verify(self.password.reveal(), stored);
        let Some(user) = user.filter(|_| verdict != Verdict::Wrong) else {
            return Err(refuse(Code::BadCredentials));
        };
        if user.status != Status::Active {
            return Err(refuse(Code::UserNotActive));
        }
        let renewed = match verdict {
            Verdict::RightButStale => Some(super::hash(call, self.password.reveal())?),
            Verdict::Right | Verdict::Wrong => None,
        };
        Ok((user, renewed))
    }
}

fn ask_to_choose(granted: &[Granted]) -> Rejection {
    let orgs: Vec<OrgClaim> = granted
        .iter()
        .map(|g| OrgClaim {
            uuid: g.uuid.clone(),
            name: g.name.clone(),
        })
        .collect();
    let mut rejection = Rejection::new(Code::UnspecifiedOrganizationForUser);
    rejection.params.push(Param {
        key: GRANTED_ORGS.to_owned(),
        value: serde_json::to_string(&orgs).unwrap_or_default(),
    });
    rejection
}
