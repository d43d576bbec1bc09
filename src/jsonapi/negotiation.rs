//! The media types of requests and of replies, after JSON:API 1.1.

use crate::contract::problem::Code;
use crate::contract::rejection::Rejection;
use crate::http::header::ACCEPT;
use crate::http::{HttpRequest, MediaType, accept};

use super::context::MEDIA_TYPE;

/// Whether the text is UTF-8 and every parameter is one of these. JSON:API lets a server ignore a profile, and no other
/// parameter (JSON:API 1.1, Content Negotiation).
fn has_only(media_type: &MediaType<'_>, known: &[&str]) -> bool {
    let is_known = |name: &str| known.iter().any(|n| name.eq_ignore_ascii_case(n));
    media_type.is_utf8() && media_type.parameters().all(|(name, _)| is_known(name))
}

/// Checks that the body has a media type that the face reads.
///
/// # Errors
/// Another media type, one with extensions, or a character set other than UTF-8.
pub(super) fn sent(request: &HttpRequest) -> Result<(), Rejection> {
    let media_type = request.media_type();
    match media_type.is_one_of(&[MEDIA_TYPE, "application/json"])
        && has_only(&media_type, &["charset", "profile"])
    {
        true => Ok(()),
        false => Err(Rejection::new(Code::UnsupportedMediaType).because(media_type.name())),
    }
}

/// Checks that the client accepts a media type that the face writes.
///
/// # Errors
/// An `Accept` without a media type that the face writes, or with unknown parameters of it.
pub(super) fn accepted(request: &HttpRequest) -> Result<(), Rejection> {
    let accept = request.header(ACCEPT).unwrap_or_default();
    let takes = accept::accepts(&accept, |range| {
        range.is_one_of(&["*/*", "application/*", "application/json"])
            || (range.is_one_of(&[MEDIA_TYPE]) && has_only(range, &["charset", "profile", "q"]))
    });
    match takes {
        true => Ok(()),
        false => Err(Rejection::new(Code::NotAcceptable).because(accept)),
    }
}
