//! From bytes to characters: media type, gzip, character encoding.

use std::borrow::Cow;
use std::io::Read as _;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::read::MultiGzDecoder;

use crate::contract::messages::Why;
use crate::contract::rejection::{Code, Rejection, malformed};
use crate::exchange::HttpRequest;

/// The document as text, without byte order mark.
///
/// # Errors
/// A media type, content coding, size or encoding that is not read here.
pub(super) fn decode(request: &HttpRequest, limit: usize) -> Result<Cow<'_, str>, Rejection> {
    let content_type = request.content_type.as_deref().unwrap_or("");
    let (media, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let media = media.trim().to_ascii_lowercase();
    if !matches!(
        media.as_str(),
        "" | "text/xml" | "application/soap+xml" | "application/xml"
    ) {
        return Err(Rejection::new(Code::UnsupportedMediaType).because(media));
    }
    let bytes = inflate(request, limit)?;
    let encoding = match charset(parameters) {
        Some(label) => named(&label)?,
        None => declared(&bytes)?,
    };
    Ok(match bytes {
        Cow::Borrowed(bytes) => to_text(bytes, encoding)?,
        Cow::Owned(bytes) => Cow::Owned(to_text(&bytes, encoding)?.into_owned()),
    })
}

fn inflate(request: &HttpRequest, limit: usize) -> Result<Cow<'_, [u8]>, Rejection> {
    let coding = request.content_encoding.as_deref().unwrap_or("").trim();
    if coding.is_empty() || coding.eq_ignore_ascii_case("identity") {
        return Ok(Cow::Borrowed(&request.body));
    }
    if !coding.eq_ignore_ascii_case("gzip") && !coding.eq_ignore_ascii_case("x-gzip") {
        return Err(Rejection::new(Code::UnsupportedMediaType).because(coding));
    }
    let mut inflated = Vec::with_capacity(request.body.len().saturating_mul(2).min(limit));
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(request.body.as_slice())
        .take(most)
        .read_to_end(&mut inflated)
        .map_err(|e| malformed(Why::Inflation).because(e))?;
    if inflated.len() > limit {
        return Err(Rejection::new(Code::TooLarge));
    }
    Ok(Cow::Owned(inflated))
}

fn charset(parameters: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches(['"', '\'']).to_owned())
            .filter(|v| !v.is_empty())
    })
}

fn named(label: &str) -> Result<&'static Encoding, Rejection> {
    match label.to_ascii_lowercase().as_str() {
        // The only names of an encoding that does not say its byte order; a mark will.
        "utf-16" => Ok(UTF_16LE),
        "us-ascii" => Ok(UTF_8),
        other => Encoding::for_label(other.as_bytes())
            .ok_or_else(|| Rejection::new(Code::UnsupportedMediaType).because(other)),
    }
}

/// The encoding by byte order mark, by the look of the first characters, or by the XML declaration.
fn declared(bytes: &[u8]) -> Result<&'static Encoding, Rejection> {
    match bytes {
        [0xFE, 0xFF, ..] | [0, b'<', ..] => return Ok(UTF_16BE),
        [0xFF, 0xFE, ..] | [b'<', 0, ..] => return Ok(UTF_16LE),
        _ => {}
    }
    let head = bytes.get(..bytes.len().min(200)).unwrap_or_default();
    let Some(declaration) = head
        .strip_prefix(b"<?xml")
        .and_then(|rest| rest.split(|b| *b == b'>').next())
        .and_then(|d| std::str::from_utf8(d).ok())
    else {
        return Ok(UTF_8);
    };
    let Some((_, value)) = declaration.split_once("encoding") else {
        return Ok(UTF_8);
    };
    let mut quoted = value.split(['"', '\'']);
    quoted.next();
    match quoted.next() {
        Some(label) => match named(label)? {
            // A declaration that could be read byte by byte was not written in UTF-16.
            e if e == UTF_16LE || e == UTF_16BE => Ok(UTF_8),
            e => Ok(e),
        },
        None => Ok(UTF_8),
    }
}

fn to_text<'a>(bytes: &'a [u8], encoding: &'static Encoding) -> Result<Cow<'a, str>, Rejection> {
    if encoding == UTF_8 {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        return std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|e| malformed(Why::Encoding).because(e));
    }
    // A byte order mark outranks the name, so `utf-16` is read in the order it is written in.
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
