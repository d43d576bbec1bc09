//! Reads the credentials of a caller from the headers of its request (SPEC §3).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use percent_encoding::percent_decode;

use super::HttpRequest;
use crate::contract::common::MAX_CLAIM_CHARS;
use crate::contract::problem::{Problems, Why};
use crate::contract::shape::Secret;
use crate::domain::hidden::is_hidden;
use crate::domain::text::has_control;
use crate::operations::Credentials;

const CLIENT_KEY: HeaderName = HeaderName::from_static("x-client-hash-key");
const USER_NAME: HeaderName = HeaderName::from_static("x-user-name");

/// The credentials in the headers. A blank header counts as absent. A user name that cannot be a name is a problem and
/// is left out, because it would be written to the log.
pub fn credentials(request: &HttpRequest, problems: &mut Problems) -> Credentials {
    let secret = |name| given(request, name).map(|value| Secret::from(text(value).as_ref()));
    let authorization = secret(AUTHORIZATION);
    let user_name = given(request, USER_NAME).map(|value| name_of(value.as_bytes()));
    Credentials {
        source: request.client_ip,
        client_key: secret(CLIENT_KEY),
        user_name: user_name.and_then(|name| claimed_name(&name, "X-User-Name", problems)),
        application: authorization.as_ref().and_then(basic),
        authorization,
        ..Credentials::default()
    }
}

/// The first value of a header that is not blank.
fn given(request: &HttpRequest, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = request.headers.get_all(name).iter();
    values.find(|value| !text(value).trim().is_empty())
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

/// The user name that a caller claims, without outer blanks; `None` for a blank one. A name that is too long or has
/// control or hidden characters is a problem of this field and is left out, because it would be written to the log.
pub fn claimed_name(name: &str, field: &str, problems: &mut Problems) -> Option<String> {
    let name = name.trim();
    let flaw = if name.chars().count() > MAX_CLAIM_CHARS as usize {
        Some(Why::TooLong(MAX_CLAIM_CHARS))
    } else {
        let is_unreadable = has_control(name) || name.chars().any(is_hidden);
        is_unreadable.then_some(Why::BadCharacters)
    };
    match flaw {
        Some(why) => {
            problems.note(field, why);
            None
        }
        None => Some(name.to_owned()).filter(|name| !name.is_empty()),
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
