//! From bytes to characters: media type, gzip, character encoding.

use std::borrow::Cow;
use std::io::Read as _;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::bufread::GzDecoder;

use crate::contract::messages::Why;
use crate::contract::rejection::{Code, Rejection, malformed};
use crate::exchange::HttpRequest;

/// The most members of one gzip body; clients send one, or one for each piece they write.
const MAX_GZIP_MEMBERS: usize = 16;
/// How many times its own size a gzip body may inflate to.
const MAX_GZIP_RATIO: usize = 200;
/// Bytes that any gzip body may inflate to, since a small text may be white space for the most part.
const FREE_GZIP_BYTES: usize = 65_536;

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
    let charset = match charset(parameters) {
        Some(label) => named(&label)?,
        None => declared(&bytes)?,
    };
    Ok(match bytes {
        Cow::Borrowed(bytes) => to_text(bytes, charset)?,
        Cow::Owned(bytes) => Cow::Owned(to_text(&bytes, charset)?.into_owned()),
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
    let mut rest = request.body.as_slice();
    for _ in 0..MAX_GZIP_MEMBERS {
        let most = limit.saturating_add(1).saturating_sub(inflated.len());
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let mut member = GzDecoder::new(rest);
        (&mut member)
            .take(most)
            .read_to_end(&mut inflated)
            .map_err(|e| malformed(Why::Inflation).because(e))?;
        if inflated.len() > limit {
            return Err(Rejection::new(Code::TooLarge));
        }
        if inflated.len() > FREE_GZIP_BYTES && inflated.len() / MAX_GZIP_RATIO > request.body.len()
        {
            let cause = format!("gzip: over {MAX_GZIP_RATIO} times its size");
            return Err(malformed(Why::Inflation).because(cause));
        }
        rest = member.into_inner();
        if rest.is_empty() {
            return Ok(Cow::Owned(inflated));
        }
    }
    let cause = format!("gzip: over {MAX_GZIP_MEMBERS} members");
    Err(malformed(Why::Inflation).because(cause))
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

/// How bytes become characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    /// ASCII alone, which the WHATWG's table would read as windows-1252.
    Ascii,
    Of(&'static Encoding),
}

impl Charset {
    fn is_wide(self) -> bool {
        self == Charset::Of(UTF_16LE) || self == Charset::Of(UTF_16BE)
    }
}

fn named(label: &str) -> Result<Charset, Rejection> {
    match label.to_ascii_lowercase().as_str() {
        // The only names of an encoding that does not say its byte order; a mark will.
        "utf-16" => Ok(Charset::Of(UTF_16LE)),
        "us-ascii" | "ascii" => Ok(Charset::Ascii),
        other => Encoding::for_label(other.as_bytes())
            .map(Charset::Of)
            .ok_or_else(|| Rejection::new(Code::UnsupportedMediaType).because(other)),
    }
}

/// The encoding by byte order mark, by the look of the first characters, or by the XML declaration, which must not say
/// another one (XML 1.0 §4.3.3).
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
            Err(malformed(Why::Encoding).because("another encoding than is marked"))
        }
        Some(encoding) if label.is_none() || is_wide => Ok(Charset::Of(encoding)),
        None if !is_wide => Ok(by_label.unwrap_or(Charset::Of(UTF_8))),
        _ => Err(malformed(Why::Encoding).because("another encoding than is declared")),
    }
}

/// The name of the encoding in an XML declaration; the reader checks later whether that is a good one.
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
