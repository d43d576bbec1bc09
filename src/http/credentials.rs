//! Reads the credentials of a caller from the headers of its request (SPEC §3).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderName};

use super::HttpRequest;
use crate::contract::common::MAX_CLAIM_CHARS;
use crate::contract::problem::{Problems, Why};
use crate::contract::shape::Secret;
use crate::operations::Credentials;

const CLIENT_KEY: HeaderName = HeaderName::from_static("x-client-hash-key");
const USER_NAME: HeaderName = HeaderName::from_static("x-user-name");

/// The credentials in the headers. A blank user name counts as absent. A user name that is too long is a problem and is
/// left out, because it would be written to the log.
pub fn credentials(request: &HttpRequest, problems: &mut Problems) -> Credentials {
    let secret = |text: Cow<'_, str>| Secret::from(text.as_ref());
    let authorization = request.header(AUTHORIZATION).map(secret);
    let user_name = request.header(USER_NAME);
    let user_name = user_name.map(|name| name.trim().to_owned());
    let mut user_name = user_name.filter(|name| !name.is_empty());
    if user_name
        .as_ref()
        .is_some_and(|name| name.chars().count() > MAX_CLAIM_CHARS as usize)
    {
        problems.note("X-User-Name", Why::TooLong(MAX_CLAIM_CHARS));
        user_name = None;
    }
    Credentials {
        source: request.client_ip,
        client_key: request.header(CLIENT_KEY).map(secret),
        user_name,
        application: authorization.as_ref().and_then(basic),
        authorization,
        ..Credentials::default()
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
