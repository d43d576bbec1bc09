//! Validates the claims of a partner's token, in either of its two layouts.

use serde_json::Value;

use super::destination;
use crate::domain::Millis;
use crate::domain::external_identity::{ExternalIdentity, LOGIN_ID, is_login_id, is_part};
use crate::domain::mailbox::{MAX_EMAIL_CHARS, is_email};
use crate::domain::names::{MAX_NAME_CHARS, cleaned};
use crate::domain::roles;
use crate::domain::text::has_control;
use crate::domain::user::is_phone;
use crate::operations::prelude::*;
use crate::secrets::assertions::Claims;
use crate::store::partners::Partner;

/// The longest `jti`, in characters.
const MAX_JTI_CHARS: usize = 256;
/// The latest time of a claim: the end of the year 9999, in seconds.
const MAX_SECONDS: i64 = 253_402_300_799;
/// The maximum number of entries in the claim `roles`.
const MAX_ROLES: usize = 64;
/// The only supported version of the new layout.
const VERSION: &str = "v1";

/// The school of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct School {
    /// The channel of its organisation.
    pub channel: String,
    /// The ID of the school in that channel.
    pub external_id: String,
}

/// The verified claims of a partner about a user. Checks that need the store are still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAssertion {
    pub iss: String,
    pub jti: String,
    pub expires_at: Millis,
    /// The time from which the gateway rejects the token: the expiry plus the leeway.
    pub accepted_until: Millis,
    pub identity: ExternalIdentity,
    pub name: Option<String>,
    /// The e-mail address and telephone number, if the partner has verified them.
    pub email: Option<String>,
    pub phone: Option<String>,
    /// The school; the old layout has none.
    pub school: Option<School>,
    /// The roles in the school; `None` if the token has no such claim or the partner may not give roles.
    pub roles: Option<Vec<String>>,
    /// The URL that the browser is redirected to.
    pub redirect: Option<String>,
}

impl VerifiedAssertion {
    /// The preferred user name of a new user: `sub@iss` or `sub@state_id`.
    #[must_use]
    pub fn wanted_name(&self) -> String {
        format!("{}@{}", self.identity.id, self.identity.provider)
    }
}

/// Checks the claims of a token that this partner signed for the gateway at the URL `own`.
///
/// # Errors
/// The code of the first claim that is wrong.
pub fn check(
    claims: &Claims,
    partner: &Partner,
    own: &str,
    now: Millis,
    leeway: Millis,
) -> Result<VerifiedAssertion> {
    let expires_at = lifetime(claims, partner, now, leeway)?;
    if !is_for(claims.aud.as_ref(), own)? {
        return Err(refuse_field(Code::AudienceMismatch, "aud"));
    }
    let jti = needed("jti", text("jti", claims.jti.as_ref(), MAX_JTI_CHARS)?)?;
    // A token with a school and without `state_id` is invalid. It must not pass as a token of the old layout, where the
    // same `sub` names another user.
    let is_new = [&claims.state_id, &claims.version, &claims.school_id]
        .iter()
        .any(|claim| claim.is_some());
    let sub = needed("sub", id("sub", claims.sub.as_ref())?)?;
    let max_name = MAX_NAME_CHARS as usize;
    let name = text("name", claims.name.as_ref(), max_name)?;
    // Characters that are not allowed in a name are dropped; they do not fail the sign-in.
    let name = name.and_then(|name| cleaned(&name));
    let (identity, school, roles) = if is_new {
        let school = new_layout(claims, partner)?;
        needed("name", name.clone())?;
        let identity = identity(sub, &school.channel, &school.channel);
        (identity, Some(school), school_roles(claims, partner)?)
    } else {
        (identity(sub, &partner.iss, LOGIN_ID), None, None)
    };
    let redirect = wanted_redirect(claims)?;
    if let Some(wanted) = &redirect
        && !destination::is_allowed(wanted, own, &partner.redirect_origins)
    {
        return Err(refuse_field(Code::RedirectNotAllowed, "redirect_uri"));
    }
    Ok(VerifiedAssertion {
        iss: partner.iss.clone(),
        jti,
        expires_at,
        accepted_until: expires_at + leeway,
        identity,
        name,
        email: verified_email(claims)?,
        phone: verified_phone(claims)?,
        school,
        roles,
        redirect,
    })
}

fn identity(id: String, provider: &str, id_type: &str) -> ExternalIdentity {
    ExternalIdentity {
        id,
        provider: provider.to_owned(),
        id_type: id_type.to_owned(),
    }
}

/// The fields that only the new layout has: state and school.
fn new_layout(claims: &Claims, partner: &Partner) -> Result<School> {
    let version = text("version", claims.version.as_ref(), VERSION.len())?;
    if version.is_some_and(|v| v != VERSION) {
        return Err(invalid("version", Why::WrongContent));
    }
    let state_id = needed("state_id", id("state_id", claims.state_id.as_ref())?)?;
    let external_id = needed("school_id", id("school_id", claims.school_id.as_ref())?)?;
    if !partner.state_ids.contains(&state_id) || is_login_id(&state_id) {
        return Err(refuse_field(Code::StateIdNotAllowed, "state_id"));
    }
    Ok(School {
        channel: state_id,
        external_id,
    })
}

/// The roles in the school, if the partner may give roles. An empty list takes every role away.
fn school_roles(claims: &Claims, partner: &Partner) -> Result<Option<Vec<String>>> {
    let given = match &claims.roles {
        _ if !partner.assigns_roles => return Ok(None),
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(given)) => given,
        Some(_) => return Err(invalid("roles", Why::WrongContent)),
    };
    if given.len() > MAX_ROLES {
        return Err(invalid("roles", Why::TooMany(MAX_ROLES)));
    }
    let names: Option<Vec<&str>> = given.iter().map(Value::as_str).collect();
    let names = names.ok_or_else(|| invalid("roles", Why::WrongContent))?;
    roles::all_known(names)
        .filter(|roles| !roles.iter().any(|role| roles::is_administrative(role)))
        .map(Some)
        .ok_or_else(|| refuse_field(Code::InvalidRole, "roles"))
}

/// The expiry of the token, if the token is valid now and its lifetime is not too long.
fn lifetime(claims: &Claims, partner: &Partner, now: Millis, leeway: Millis) -> Result<Millis> {
    let issued_at = needed("iat", time("iat", claims.iat.as_ref())?)?;
    let expires_at = needed("exp", time("exp", claims.exp.as_ref())?)?;
    if issued_at > now + leeway {
        return Err(refuse_field(Code::TokenIatFuture, "iat"));
    }
    if expires_at + leeway <= now {
        return Err(refuse_field(Code::TokenExpired, "exp"));
    }
    if expires_at - issued_at > partner.max_life_s.saturating_mul(1000) {
        return Err(refuse_field(Code::TokenLifeTooLong, "exp"));
    }
    let not_before = time("nbf", claims.nbf.as_ref())?;
    if not_before.is_some_and(|at| at > now + leeway) {
        return Err(refuse_field(Code::TokenNotYetValid, "nbf"));
    }
    Ok(expires_at)
}

/// A time in seconds since 1970, whole or fractional (RFC 7519 §2, NumericDate). Text is refused, even digits.
fn time(name: &'static str, value: Option<&Value>) -> Result<Option<Millis>> {
    let Some(value) = value else {
        return Ok(None);
    };
    let millis = match (value.as_i64(), value.as_f64()) {
        (Some(whole), _) if (0..=MAX_SECONDS).contains(&whole) => Some(whole * 1000),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "the value is far below the limit of the type"
        )]
        (None, Some(part)) if (0.0..=MAX_SECONDS as f64).contains(&part) => {
            Some((part * 1000.0) as i64)
        }
        _ => None,
    };
    match millis {
        Some(millis) => Ok(Some(millis)),
        None => Err(invalid(name, Why::NotANumber)),
    }
}

/// Whether the token is for this gateway alone. Another recipient could replay a shared token here.
fn is_for(aud: Option<&Value>, own: &str) -> Result<bool> {
    match aud {
        None | Some(Value::Null) => Err(refuse_field(Code::PayloadDataMissing, "aud")),
        Some(Value::String(aud)) => Ok(aud == own),
        Some(Value::Array(several)) => match several.as_slice() {
            [Value::String(only)] => Ok(only == own),
            _ => Ok(false),
        },
        Some(_) => Err(invalid("aud", Why::WrongContent)),
    }
}

/// The redirect URL; the two layouts name the claim differently.
fn wanted_redirect(claims: &Claims) -> Result<Option<String>> {
    let read = |name, value: &Option<Value>| text(name, value.as_ref(), destination::MAX_CHARS);
    let uri = read("redirect_uri", &claims.redirect_uri)?;
    let url = read("redirect_url", &claims.redirect_url)?;
    if uri.is_some() && url.is_some() && uri != url {
        return Err(invalid("redirect_url", Why::ExactlyOneOf("redirect_uri")));
    }
    Ok(uri.or(url))
}

fn verified_email(claims: &Claims) -> Result<Option<String>> {
    if claims.email_verified != Some(Value::Bool(true)) {
        return Ok(None);
    }
    let email = text("email", claims.email.as_ref(), MAX_EMAIL_CHARS as usize)?;
    match email {
        Some(email) if !is_email(&email) => Err(invalid("email", Why::NotAnEmail)),
        email => Ok(email),
    }
}

fn verified_phone(claims: &Claims) -> Result<Option<String>> {
    if claims.phone_number_verified != Some(Value::Bool(true)) {
        return Ok(None);
    }
    let phone = text(
        "phone_number",
        claims.phone_number.as_ref(),
        MAX_NAME_CHARS as usize,
    )?;
    match phone {
        Some(phone) if !is_phone(&phone) => Err(invalid("phone_number", Why::WrongContent)),
        phone => Ok(phone),
    }
}

/// A text on one line; `None` if the text is absent or blank.
pub(super) fn text(
    name: &'static str,
    value: Option<&Value>,
    max: usize,
) -> Result<Option<String>> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(invalid(name, Why::WrongContent)),
    };
    if text.trim().is_empty() {
        return Ok(None);
    }
    if text.chars().count() > max {
        let max = u32::try_from(max).unwrap_or(u32::MAX);
        return Err(invalid(name, Why::TooLong(max)));
    }
    if has_control(text) {
        return Err(invalid(name, Why::BadCharacters));
    }
    Ok(Some(text.clone()))
}

/// An identifier, exactly as sent.
fn id(name: &'static str, value: Option<&Value>) -> Result<Option<String>> {
    match text(name, value, crate::domain::external_identity::MAX_CHARS)? {
        Some(text) if !is_part(&text) => Err(invalid(name, Why::BadCharacters)),
        text => Ok(text),
    }
}

pub(super) fn needed<T>(name: &'static str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| refuse_field(Code::PayloadDataMissing, name))
}

fn invalid(name: &'static str, why: Why) -> Refusal {
    Rejection::field(Code::PayloadDataInvalid, name, Some(why)).into()
}

/// The issuer of a token whose signature is not verified yet.
pub(super) fn issuer(claims: &Claims) -> Result<String> {
    let iss =
        text("iss", claims.iss.as_ref(), MAX_JTI_CHARS).map_err(|_| refuse(Code::UnknownIssuer))?;
    needed("iss", iss)
}
