//! Media types, after JSON:API 1.1: what may be sent, and what may be asked for.

use crate::http::header::ACCEPT;

use crate::contract::problem::Code;

use crate::contract::rejection::Rejection;
use crate::http::{HttpRequest, MediaType, accept};

use super::MEDIA_TYPE;

/// Whether the parameters of a media type change nothing here. A profile adds meaning and may be ignored (JSON:API 1.1,
/// Content Negotiation).
fn are_known(media_type: &MediaType) -> bool {
    let parameters = &mut media_type.parameters.iter();
    media_type.is_utf8() && parameters.all(|(name, _)| name == "charset" || name == "profile")
}

/// Whether the body is JSON that is read here.
///
/// # Errors
/// Another media type, one with extensions, or a character set other than UTF-8.
pub(super) fn sent(request: &HttpRequest) -> Result<(), Rejection> {
    let media_type = request.media_type();
    let name = media_type.name.as_str();
    match [MEDIA_TYPE, "application/json"].contains(&name) && are_known(&media_type) {
        true => Ok(()),
        false => Err(Rejection::new(Code::UnsupportedMediaType).because(media_type.name)),
    }
}

/// Whether the client takes what is written here.
///
/// # Errors
/// An `Accept` that names nothing we write, or our media type only with parameters we do not know.
pub(super) fn accepted(request: &HttpRequest) -> Result<(), Rejection> {
    let accept = request.header(ACCEPT).unwrap_or_default();
    let takes = accept::accepts(&accept, |range| match range.name.as_str() {
        "*/*" | "application/*" | "application/json" => true,
        MEDIA_TYPE => are_known(range),
        _ => false,
    });
    match takes {
        true => Ok(()),
        false => Err(Rejection::new(Code::NotAcceptable).because(accept)),
    }
}
