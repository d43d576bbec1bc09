//! Media types, after JSON:API 1.1: what may be sent, and what may be asked for.

use crate::contract::rejection::{Code, Rejection};
use crate::exchange::HttpRequest;

use super::MEDIA_TYPE;

/// A media type without its parameters, in lower case, and the parameters.
fn parts(media_type: &str) -> (String, Vec<(String, String)>) {
    let mut pieces = media_type.split(';');
    let name = pieces.next().unwrap_or("").trim().to_ascii_lowercase();
    let parameters = pieces
        .filter_map(|p| p.split_once('='))
        .map(|(name, value)| {
            let value = value.trim().trim_matches('"').to_ascii_lowercase();
            (name.trim().to_ascii_lowercase(), value)
        })
        .collect();
    (name, parameters)
}

/// Whether the body is JSON that is read here.
///
/// # Errors
/// Another media type, one with extensions, or a character set other than UTF-8.
pub(super) fn sent(request: &HttpRequest) -> Result<(), Rejection> {
    let content_type = request.content_type.as_deref().unwrap_or("");
    let (name, parameters) = parts(content_type);
    let known = name == MEDIA_TYPE || name == "application/json";
    let bearable = parameters.iter().all(|(name, value)| match name.as_str() {
        "charset" => value == "utf-8" || value == "utf8",
        // A profile adds meaning and may be ignored (JSON:API 1.1, Content Negotiation).
        "profile" => true,
        _ => false,
    });
    if known && bearable {
        Ok(())
    } else {
        Err(Rejection::new(Code::UnsupportedMediaType).because(content_type))
    }
}

/// Whether the client takes what is written here.
///
/// # Errors
/// An `Accept` that names nothing we write, or our media type only with parameters we do not know.
pub(super) fn accepted(request: &HttpRequest) -> Result<(), Rejection> {
    let Some(accept) = request.accept.as_deref().filter(|a| !a.trim().is_empty()) else {
        return Ok(());
    };
    let takes = accept.split(',').map(parts).any(|(name, parameters)| {
        let weight = parameters.iter().find(|(name, _)| name == "q");
        let refused = weight.is_some_and(|(_, q)| q.parse().is_ok_and(|q: f32| q <= 0.0));
        let known = ["*/*", "application/*", "application/json", MEDIA_TYPE];
        let bearable = name != MEDIA_TYPE
            || parameters.iter().all(|(name, value)| match name.as_str() {
                "q" | "profile" => true,
                "charset" => value == "utf-8" || value == "utf8",
                _ => false,
            });
        known.contains(&name.as_str()) && bearable && !refused
    });
    if takes {
        Ok(())
    } else {
        Err(Rejection::new(Code::NotAcceptable).because(accept))
    }
}
