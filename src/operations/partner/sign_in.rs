//! Signs a browser in by a partner's token.

use super::claims::{self, VerifiedAssertion};
use super::{ERROR_REDIRECT, PartnerSignInResult, provisioning, record, record_or_count};
use crate::operations::browser::begin_session_in;
use crate::operations::prelude::*;
use crate::secrets::assertions::{Assertion, Flaw};
use crate::secrets::rsa_keys;
use crate::store::{external_identities, used_assertions, users};

shape! {
    /// A partner's token and its context.
    pub struct PartnerSignInRequest = "PartnerSignInRequest_V1" {
        /// The signed token.
        token: Secret = "token", max = 8192, required;
        /// The gateway's own URL, which must be the token's audience.
        own_url: String = "ownUrl", max = 2048, required;
        /// The browser's `User-Agent` header.
        user_agent: String = "userAgent", max = 1024;
        /// If not empty, the signed-in user agrees to be replaced.
        agreed: String = "agreed", max = 1;
    }
}

/// The outcome in the audit log when a browser opens the link of its own session again.
const ALREADY_SIGNED_IN: &str = "already_signed_in";

impl Request for PartnerSignInRequest {
    type Answer = PartnerSignInResult;
    const OPERATION: &'static Operation = &Operation::unpublished::<Self>(
        "partnerSignIn",
        AuditEvent::PartnerLogin,
        "Signs a browser in by a partner's token, and creates the user if there is none.",
    )
    .access(Access::Visitor)
    .cost(Cost::Write)
    .throttle(Throttle::Forgeries)
    .sso();

    fn run(self, cx: &RequestContext<'_>) -> Result<PartnerSignInResult> {
        let (iss, checked) = read(cx, &self.token, &self.own_url)?;
        let result = checked.and_then(|assertion| self.admit(cx, assertion));
        match result {
            Ok(result) => Ok(result),
            // The signature is valid, so the audit log can name the partner.
            Err(Refusal::Rejected(mut rejection)) => {
                let outcome = (Self::OPERATION.event, rejection.code().as_str());
                record_or_count(cx, outcome, &iss, None)?;
                rejection.is_recorded = true;
                let registry = cx.app.registry.now();
                let page = registry
                    .partner(&iss)
                    .and_then(|partner| partner.error_redirect.clone());
                rejection
                    .params
                    .extend(page.map(|page| (ERROR_REDIRECT, page)));
                Err(rejection.into())
            }
            Err(trouble) => Err(trouble),
        }
    }
}

/// Examines a token without using it up. Returns its claims and the user that the token would sign in, if this user
/// exists.
///
/// # Errors
/// The refusal that a sign-in would get.
pub fn examine(
    cx: &RequestContext<'_>,
    token: &Secret,
    own_url: &str,
) -> Result<(VerifiedAssertion, Option<User>)> {
    let assertion = read(cx, token, own_url)?.1?;
    let known = cx.read(|c| {
        may_use(c, &assertion)?;
        if let Some(school) = &assertion.school {
            provisioning::school(c, school, None)?;
        }
        match external_identities::owner(c, &assertion.identity)? {
            Some(id) => Ok::<_, Refusal>(users::by_id(c, id)?),
            None => Ok(None),
        }
    })?;
    if let Some(user) = &known {
        may_sign_in(user)?;
    }
    Ok((assertion, known))
}

/// Verifies the signature of a token. Returns its issuer and the result of checking its claims.
fn read(
    cx: &RequestContext<'_>,
    token: &Secret,
    own_url: &str,
) -> Result<(String, Result<VerifiedAssertion>)> {
    let assertion = Assertion::read(token.reveal().trim()).map_err(|flaw| {
        refuse(match flaw {
            Flaw::Malformed => Code::TokenMalformed,
            Flaw::Header => Code::HeaderNotAllowed,
            Flaw::Algorithm => Code::AlgorithmNotAllowed,
        })
    })?;
    let iss = claims::issuer(&assertion.claims)?;
    let registry = cx.app.registry.now();
    let partner = registry
        .partner(&iss)
        .ok_or_else(|| refuse_field(Code::UnknownIssuer, "iss"))?;
    let names_its_key = |kid: &serde_json::Value| kid.as_str() == Some(&iss);
    if !assertion.kid.as_ref().is_none_or(names_its_key) {
        return Err(refuse_field(Code::KeyIdMismatch, "kid"));
    }
    let keys = rsa_keys::split(&partner.public_keys);
    if !keys.iter().any(|key| assertion.is_signed_with(key)) {
        return Err(refuse(Code::InvalidSignature));
    }
    let leeway = cx.app.rules.partner_leeway_ms;
    let checked = claims::check(&assertion.claims, partner, own_url, cx.now, leeway);
    Ok((iss, checked))
}

impl PartnerSignInRequest {
    /// Uses the token up and starts a session, in one transaction. A browser that is still in the session of a used
    /// token gets no new session.
    fn admit(
        &self,
        cx: &RequestContext<'_>,
        assertion: VerifiedAssertion,
    ) -> Result<PartnerSignInResult> {
        if let Some(user) = repeats(cx, &assertion)? {
            let outcome = (Self::OPERATION.event, ALREADY_SIGNED_IN);
            record_or_count(cx, outcome, &assertion.iss, Some(&user.user_name))?;
            let to = assertion.redirect;
            return Ok(PartnerSignInResult::AlreadySignedIn { to });
        }
        let token = cx.write(|tx| {
            let known = external_identities::lock_owner(tx.conn, &assertion.identity)?;
            if let Some(current) = self.replaced(cx, known.as_ref()) {
                may_use(tx.conn, &assertion)?;
                return Ok(Err(current));
            }
            use_up(tx.conn, &assertion)?;
            let school = assertion.school.as_ref();
            let school = school
                .map(|school| {
                    let found = provisioning::school(tx.conn, school, known.as_ref())?;
                    Ok::<_, Refusal>((school, found))
                })
                .transpose()?;
            let user = match known {
                Some(user) => {
                    may_sign_in(&user)?;
                    provisioning::update(tx, user, &assertion)?
                }
                None => provisioning::provision(tx, &assertion)?,
            };
            if let Some((school, found)) = &school {
                provisioning::join_school(tx, &user, (school, found), &assertion.iss)?;
                provisioning::replace_roles(tx, &user, found, &assertion)?;
            }
            // Choose the school's organisation for a user with several organisations, because the partner named the
            // school.
            let chosen = school.as_ref().map(|(_, found)| found.uuid.as_str());
            let (token, session) = begin_session_in(tx, user.id, &self.user_agent, chosen)?;
            let (iss, jti) = (&assertion.iss, sha256_hex(&assertion.jti));
            used_assertions::set_session(tx.conn, iss, &jti, session)?;
            let event = (Self::OPERATION.event, "ok");
            record(tx, event, &assertion.iss, Some(&user.user_name))?;
            Ok::<_, Refusal>(Ok(token))
        })?;
        let to = assertion.redirect.clone();
        Ok(match token {
            Ok(token) => PartnerSignInResult::SignedIn { token, to },
            Err(current) => PartnerSignInResult::OtherUser {
                current,
                arriving: match &assertion.name {
                    Some(name) => format!("{name} ({})", assertion.wanted_name()),
                    None => assertion.wanted_name(),
                },
                to,
            },
        })
    }

    /// The name of the signed-in user, if this user is not the partner's user and has not agreed to be replaced.
    /// Without this check, a link could sign a person in as another user unnoticed (login CSRF).
    fn replaced(&self, cx: &RequestContext<'_>, arriving: Option<&User>) -> Option<String> {
        let current = cx.user.as_ref().filter(|_| self.agreed.is_empty())?;
        let is_other = arriving.is_none_or(|user| user.id != current.id);
        is_other.then(|| format!("{} ({})", current.name, current.login()))
    }
}

/// The signed-in user, if this token has started the session of the browser. A session that has ended does not count,
/// because the request then has no session.
fn repeats<'a>(
    cx: &'a RequestContext<'_>,
    assertion: &VerifiedAssertion,
) -> Result<Option<&'a User>> {
    let (Some(own), Some(user)) = (cx.session_id(), &cx.user) else {
        return Ok(None);
    };
    let (iss, jti) = (&assertion.iss, sha256_hex(&assertion.jti));
    let started = cx.read(|c| used_assertions::session_of(c, iss, &jti))?;
    Ok((started == Some(own)).then_some(user))
}

fn may_use(c: &mut AnyConnection, assertion: &VerifiedAssertion) -> Result<()> {
    match used_assertions::is_used(c, &assertion.iss, &sha256_hex(&assertion.jti))? {
        true => Err(replayed()),
        false => Ok(()),
    }
}

fn use_up(c: &mut AnyConnection, assertion: &VerifiedAssertion) -> Result<()> {
    let (iss, jti) = (&assertion.iss, sha256_hex(&assertion.jti));
    match used_assertions::use_up(c, iss, &jti, assertion.accepted_until)? {
        true => Ok(()),
        false => Err(replayed()),
    }
}

fn replayed() -> Refusal {
    refuse_field(Code::TokenReplayed, "jti")
}

fn may_sign_in(user: &User) -> Result<()> {
    match user.status {
        Status::Active => Ok(()),
        Status::Inactive | Status::Unactivated => Err(refuse(Code::UserNotActive)),
    }
}
