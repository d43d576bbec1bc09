//! The credentials of a portal: besides the gateway's own headers, `Authorization: Bearer` with the portal's key and
//! `X-Authenticated-User-Token` with the token of the user for whom it calls.

use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::Rejection;
use crate::contract::shape::Secret;
use crate::http::{self, HttpRequest};
use crate::operations::Credentials;

const USER_TOKEN: &str = "x-authenticated-user-token";

/// The credentials in the headers. A bearer token that is no JWT is the key of the client.
///
/// # Errors
/// [`Code::InvalidField`] if two headers name two clients or two users.
pub(super) fn credentials(
    request: &HttpRequest,
    problems: &mut Problems,
) -> Result<Credentials, Rejection> {
    let mut found = http::credentials(request, problems)?;
    if let Some(key) = found.authorization.as_ref().and_then(bearer_key) {
        let other = found.client_key.as_ref();
        if other.is_some_and(|other| other.reveal().trim() != key.reveal()) {
            return Err(conflict("X-Client-Hash-Key"));
        }
        found.client_key = Some(key);
        found.authorization = None;
    }
    let tokens = request.headers.get_all(USER_TOKEN).iter();
    let tokens = tokens.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let tokens: Vec<_> = tokens.filter(|text| !text.trim().is_empty()).collect();
    let authorization = found.authorization.as_ref().map(Secret::reveal);
    let Some(first) = tokens.first().map(|text| without_scheme(text)) else {
        return Ok(found);
    };
    let others = tokens.iter().map(AsRef::as_ref).chain(authorization);
    if others
        .filter(|text| carries_token(text))
        .any(|other| without_scheme(other) != first)
    {
        return Err(conflict("X-Authenticated-User-Token"));
    }
    found.authorization = Some(Secret::from(format!("Bearer {first}").as_str()));
    Ok(found)
}

/// The client key in `Bearer KEY`. A JWT (RFC 7519 §3) has three parts with a dot between them, and is a user's token.
fn bearer_key(authorization: &Secret) -> Option<Secret> {
    let (scheme, key) = authorization.reveal().trim().split_once(' ')?;
    let key = key.trim();
    let is_jwt = key.split('.').filter(|part| !part.is_empty()).count() == 3;
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty() && !is_jwt).then(|| Secret::from(key))
}

/// Whether the value is a token, with or without a scheme for tokens. Other schemes are ignored, as on the other faces.
fn carries_token(text: &str) -> bool {
    let scheme = text.trim().split_once(' ').map(|(scheme, _)| scheme);
    scheme.is_none_or(|scheme| {
        ["jwt", "bearer"]
            .iter()
            .any(|s| scheme.eq_ignore_ascii_case(s))
    })
}

/// The token without the name of a scheme.
fn without_scheme(text: &str) -> &str {
    let text = text.trim();
    text.split_once(' ').map_or(text, |(_, token)| token.trim())
}

fn conflict(other: &'static str) -> Rejection {
    let why = Some(Why::ExactlyOneOf(other));
    Rejection::field(Code::InvalidField, "Authorization", why)
}
