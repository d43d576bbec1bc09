//! The tokens that operations hand out: a JWT a time, each in the family of its sign-in.

use crate::contract::common::Param;
use crate::contract::rejection::{Code, Rejection};
use crate::contract::shape::Wrapped;
use crate::domain::organisation::Granted;
use crate::domain::user::User;
use crate::operations::call::Held;
use crate::operations::{Call, Refusal, refuse};
use crate::secrets::sha256_hex;
use crate::secrets::tokens::{Claims, OrgClaim};
use crate::store::{AnyConnection, token_families};

/// The parameter that carries the token.
pub const P_AUTH_TOKEN: &str = "P_AUTH_TOKEN";

/// The parameters of an answer with this token.
pub(super) fn token_param(token: &str) -> Wrapped<Param> {
    Wrapped(vec![Param {
        key: P_AUTH_TOKEN.to_owned(),
        value: format!("JWT {token}"),
    }])
}

/// A token for this user in this organisation, in the caller's transaction; the next of its family, or the first of a
/// new one.
pub(super) fn issue(
    call: &Call<'_>,
    c: &mut AnyConnection,
    user: &User,
    organisation: Option<&Granted>,
    held: Option<&Held>,
) -> Result<String, Refusal> {
    let now = call.parts.clock.now();
    let family = match held {
        Some(held) => held.family,
        None => token_families::start(c, user.id, now)?,
    };
    let seconds = now.div_euclid(1000);
    let mut exp = seconds + call.parts.rules.token_seconds;
    if let Some(held) = held {
        exp = exp.min(call.parts.rules.end_of_family(held.started_at) / 1000);
    }
    let mut roles = user.roles.clone();
    for role in organisation.map_or(&[][..], |o| &o.roles) {
        if !roles.contains(role) {
            roles.push(role.clone());
        }
    }
    let claims = Claims {
        sub: user.user_name.clone(),
        exp,
        nbf: seconds,
        iat: seconds,
        jti: call.parts.entropy.uuid(),
        rls: roles,
        org: organisation.map(|o| OrgClaim {
            uuid: o.uuid.clone(),
            name: o.name.clone(),
        }),
    };
    if !token_families::add(c, family, &sha256_hex(&claims.jti), exp * 1000)? {
        // Ended since the call began, by a new password for example.
        return Err(refuse(Code::TokenExpired));
    }
    call.parts
        .tokens
        .issue(&claims)
        .map_err(|e| Rejection::new(Code::InternalError).because(e).into())
}
