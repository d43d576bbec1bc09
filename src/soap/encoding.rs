//! Decodes bytes into characters: media type and character encoding.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::contract::problem::Code;
use crate::contract::problem::Why;
use crate::contract::rejection::{Rejection, malformed};
use crate::http::HttpRequest;

/// The document as text, without byte order mark.
///
/// # Errors
/// An unsupported media type or character encoding.
pub(super) fn decode(request: &HttpRequest) -> Result<Cow<'_, str>, Rejection> {
    let media_type = request.media_type();
    let read = ["", "text/xml", "application/soap+xml", "application/xml"];
    if !media_type.is_one_of(&read) {
        return Err(Rejection::new(Code::UnsupportedMediaType).because(media_type.name()));
    }
    let charset = match media_type.parameter("charset") {
        Some(label) => named(label)?,
        None => declared(&request.body)?,
    };
    to_text(&request.body, charset)
}

/// Decodes a document by its byte order mark and its XML declaration; `None` if the encoding is unknown or wrong.
pub(super) fn decode_document(bytes: &[u8]) -> Option<String> {
    let charset = declared(bytes).ok()?;
    to_text(bytes, charset).ok().map(Cow::into_owned)
}

/// A character encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    /// ASCII, which the table of the WHATWG maps to windows-1252.
    Ascii,
    Of(&'static Encoding),
}

impl Charset {
    fn is_wide(self) -> bool {
        self == Charset::Of(UTF_16LE) || self == Charset::Of(UTF_16BE)
    }
}

fn named(label: &str) -> Result<Charset, Rejection> {
    if label.eq_ignore_ascii_case("utf-8") {
        return Ok(Charset::Of(UTF_8));
    }
    match label.to_ascii_lowercase().as_str() {
        // Only this name leaves the byte order open. The byte order mark decides it; see `to_text`.
        "utf-16" => Ok(Charset::Of(UTF_16LE)),
        "us-ascii" | "ascii" => Ok(Charset::Ascii),
        other => Encoding::for_label(other.as_bytes())
            .map(Charset::Of)
            .ok_or_else(|| Rejection::new(Code::UnsupportedMediaType).because(other)),
    }
}

/// Detects the encoding by the byte order mark, by the first characters, or by the XML declaration, which must not
/// contradict them (XML 1.0 §4.3.3).
fn declared(bytes: &[u8]) -> Result<Charset, Rejection> {
    let head = bytes.get(..bytes.len().min(200)).unwrap_or_default();
    let wide = match bytes {
        [0xFE, 0xFF, ..] | [0, b'<', ..] => Some(UTF_16BE),
        [0xFF, 0xFE, ..] | [b'<', 0, ..] => Some(UTF_16LE),
        _ => None,
    };
    let head = match wide {
        Some(encoding) => encoding.decode(head).0,
        None => String::from_utf8_lossy(head.strip_prefix(MARK).unwrap_or(head)),
    };
    let label = declared_label(&head);
    let by_label = label.map(named).transpose()?;
    let is_wide = by_label.is_some_and(Charset::is_wide);
    let is_marked = bytes.starts_with(MARK);
    match wide {
        None if is_marked && by_label.is_some_and(|c| c != Charset::Of(UTF_8)) => {
            Err(malformed(Why::Encoding)
                .because("the byte order mark contradicts the declared encoding"))
        }
        Some(encoding) if label.is_none() || is_wide => Ok(Charset::Of(encoding)),
        None if !is_wide => Ok(by_label.unwrap_or(Charset::Of(UTF_8))),
        _ => Err(malformed(Why::Encoding).because("the document is not in the declared encoding")),
    }
}

/// The name of the encoding in an XML declaration. The XML reader validates the declaration later.
fn declared_label(head: &str) -> Option<&str> {
    let (declaration, _) = head.strip_prefix("<?xml")?.split_once('>')?;
    let (_, value) = declaration.split_once("encoding")?;
    value.split(['"', '\'']).nth(1)
}

/// The byte order mark in UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

fn to_text(bytes: &[u8], charset: Charset) -> Result<Cow<'_, str>, Rejection> {
    let encoding = match charset {
        Charset::Ascii if !bytes.is_ascii() => return Err(malformed(Why::Encoding)),
        Charset::Ascii => UTF_8,
        Charset::Of(encoding) => encoding,
    };
    if encoding == UTF_8 {
        let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
        return std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|e| malformed(Why::Encoding).because(e));
    }
    // A byte order mark takes precedence over the name, so a document labelled `utf-16` is read in the byte order of
    // its mark.
    let (text, _, broken) = match bytes {
        [0, b'<', ..] if encoding == UTF_16LE => UTF_16BE.decode(bytes),
        _ => encoding.decode(bytes),
    };
    if broken {
        Err(malformed(Why::Encoding))
    } else {
        Ok(text)
    }
}
