//! Reads the credentials of a caller from the headers of its request (SPEC §3).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use percent_encoding::percent_decode;

use super::HttpRequest;
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::Rejection;
use crate::contract::shape::Secret;
use crate::operations::{ClaimedName, Credentials};

const CLIENT_KEY: HeaderName = HeaderName::from_static("x-client-hash-key");
const USER_NAME: HeaderName = HeaderName::from_static("x-user-name");

/// The credentials in the headers. A blank header counts as absent. A user name that cannot be a name is a problem and
/// is left out, because it would be written to the log.
///
/// # Errors
/// [`Code::InvalidField`] if a header occurs with different values: the caller and a proxy could read different ones.
pub fn credentials(
    request: &HttpRequest,
    problems: &mut Problems,
) -> Result<Credentials, Rejection> {
    let secret = |name| -> Result<Option<Secret>, Rejection> {
        let value = given(request, name)?;
        Ok(value.map(|value| Secret::from(text(value).as_ref())))
    };
    let authorization = secret((AUTHORIZATION, "Authorization"))?;
    let user_name = given(request, (USER_NAME, "X-User-Name"))?;
    let user_name = user_name.map(|value| name_of(value.as_bytes()));
    Ok(Credentials {
        source: request.client_ip,
        client_key: secret((CLIENT_KEY, "X-Client-Hash-Key"))?,
        user_name: user_name.and_then(|name| ClaimedName::read(&name, "X-User-Name", problems)),
        application: authorization.as_ref().and_then(basic),
        authorization,
        ..Credentials::default()
    })
}

/// The refusal of an identity that a request states twice with different values.
#[must_use]
pub fn ambiguous(field: &str) -> Rejection {
    Rejection::field(Code::InvalidField, field, Some(Why::Ambiguous))
}

/// The value of a header that is not blank. Equal values count as one.
fn given<'a>(
    request: &'a HttpRequest,
    (name, field): (HeaderName, &str),
) -> Result<Option<&'a HeaderValue>, Rejection> {
    let values = request.headers.get_all(name).iter();
    let mut values = values.filter(|value| !text(value).trim().is_empty());
    let first = values.next();
    let is_same = |other: &HeaderValue| first.is_some_and(|f| text(f).trim() == text(other).trim());
    match values.all(is_same) {
        true => Ok(first),
        false => Err(ambiguous(field)),
    }
}

fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

/// The name in the bytes of a header. Percent encoding is decoded, and the result is UTF-8, or Latin-1 if it is not
/// valid UTF-8: scripts in browsers can only send Latin-1 (Fetch §2.2.2).
fn name_of(bytes: &[u8]) -> String {
    let bytes: Cow<'_, [u8]> = percent_decode(bytes).into();
    match std::str::from_utf8(&bytes) {
        Ok(name) => name.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The name and the secret of HTTP's Basic scheme (RFC 7617); `None` for another scheme.
fn basic(authorization: &Secret) -> Option<(String, Secret)> {
    let (scheme, encoded) = authorization.reveal().trim().split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let text = Secret::from(String::from_utf8(decoded).ok()?.as_str());
    let (name, secret) = text.reveal().split_once(':')?;
    scheme
        .eq_ignore_ascii_case("basic")
        .then(|| (name.to_owned(), Secret::from(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_name_from_utf_8_latin_1_and_percent_encoding() {
        for bytes in [
            "Ádám".as_bytes(),
            b"\xc1d\xe1m",
            b"%C3%81d%c3%a1m",
            b"%C1d%E1m",
            "Ád%C3%A1m".as_bytes(),
        ] {
            assert_eq!(name_of(bytes), "Ádám", "{bytes:?}");
        }
        assert_eq!(name_of(b"50% of %zz %4"), "50% of %zz %4");
        // The gateway decodes a name only once.
        assert_eq!(name_of(b"%2541"), "%41");
    }
}
