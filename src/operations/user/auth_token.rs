//! Issues the tokens of operations: JWTs that belong to the family of their sign-in.

use crate::contract::common::P_AUTH_TOKEN;
use crate::operations::context::VerifiedToken;
use crate::operations::prelude::*;
use crate::secrets::tokens::{Claims, OrgClaim};
use crate::store::token_families;

/// The parameters of an answer with this token.
pub(super) fn token_param(token: &str) -> List<Param> {
    List(vec![Param {
        key: P_AUTH_TOKEN.to_owned(),
        value: format!("JWT {token}"),
    }])
}

/// Issues a token for this user and organisation, in the caller's transaction. The token joins the caller's token
/// family, or begins a new family.
pub(super) fn issue(
    tx: &mut Transaction<'_>,
    user: &User,
    organisation: Option<&Membership>,
    verified_token: Option<&VerifiedToken>,
) -> Result<String> {
    let jti = tx.cx.app.entropy.uuid();
    match verified_token {
        Some(verified_token) => {
            check_room(tx, verified_token)?;
            issue_as(tx, user, organisation, verified_token, jti)
        }
        None => {
            let now = tx.cx.app.clock.now();
            let most = tx.cx.app.rules.retention.families_of_user;
            token_families::end_oldest(tx.conn, user.id, most - 1)?;
            let first = VerifiedToken {
                family: token_families::start(tx.conn, user.id, now)?,
                jti: jti.clone(),
                organisation: None,
                started_at: now,
            };
            issue_as(tx, user, organisation, &first, jti)
        }
    }
}

/// The maximum number of unexpired tokens of one sign-in. An old token is not dropped for a new one, because the reuse
/// of an old token reveals a theft.
const MOST_TOKENS: i64 = 100;

/// Refuses a new token while the family has [`MOST_TOKENS`] unexpired tokens.
pub(super) fn check_room(tx: &mut Transaction<'_>, verified_token: &VerifiedToken) -> Result<()> {
    let now = tx.cx.app.clock.now();
    let (tokens, first) = token_families::unexpired(tx.conn, verified_token.family, now)?;
    if tokens < MOST_TOKENS {
        return Ok(());
    }
    Err(too_many_attempts(first.map_or(0, |at| at - now)))
}

/// The ID of the token that replaces the token with the ID `jti`. The new ID cannot be computed without the replaced
/// token.
pub(super) fn successor(jti: &str) -> String {
    let digest = sha256_hex(&format!("the successor of {jti}"));
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digest.as_bytes().chunks(2)) {
        let text = std::str::from_utf8(pair).unwrap_or("0");
        *byte = u8::from_str_radix(text, 16).unwrap_or(0);
    }
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// Issues the token with this ID in the family of the caller's token.
pub(super) fn issue_as(
    tx: &mut Transaction<'_>,
    user: &User,
    organisation: Option<&Membership>,
    verified_token: &VerifiedToken,
    jti: String,
) -> Result<String> {
    let seconds = tx.cx.app.clock.now().div_euclid(1000);
    let end = tx.cx.app.rules.end_of_family(verified_token.started_at) / 1000;
    let exp = end.min(seconds + tx.cx.app.rules.token_seconds);
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
        jti,
        rls: roles,
        org: organisation.map(|o| OrgClaim {
            uuid: o.uuid.clone(),
            name: o.name.clone(),
        }),
    };
    let sha256 = sha256_hex(&claims.jti);
    if !token_families::add(tx.conn, verified_token.family, &sha256, exp * 1000)? {
        // The family ended after the request began, for example by a new password.
        return Err(refuse(Code::TokenExpired));
    }
    tx.cx.app.tokens.issue(&claims).map_err(internal_error)
}
