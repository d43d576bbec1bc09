//! A request whose head and body have been read, within their limits.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{ACCEPT_LANGUAGE, AsHeaderName, CONTENT_TYPE};
use hyper::{HeaderMap, Method, Uri};

use super::MediaType;
use crate::contract::messages::Language;

/// The first value of a header. Bytes that are not UTF-8 become U+FFFD, so that such a value is invalid and not absent.
#[must_use]
pub fn header_text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Cow<'_, str>> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()))
}

/// A request as a face gets it.
#[derive(Debug, Default)]
pub struct HttpRequest {
    pub method: Method,
    /// Path and query as sent.
    pub uri: Uri,
    pub headers: HeaderMap,
    /// The body without its content coding.
    pub body: Vec<u8>,
    pub request_id: Arc<str>,
    /// The address of the client, which trusted proxies report.
    pub client_ip: Option<IpAddr>,
}

impl HttpRequest {
    /// The path as it was sent, with its percent encoding.
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The query as it was sent, without its question mark.
    #[must_use]
    pub fn query(&self) -> &str {
        self.uri.query().unwrap_or("")
    }

    /// The first value of a header, see [`header_text`].
    #[must_use]
    pub fn header(&self, name: impl AsHeaderName) -> Option<Cow<'_, str>> {
        header_text(&self.headers, name)
    }

    /// The media type of the body; an empty one if the request names none.
    #[must_use]
    pub fn media_type(&self) -> MediaType<'_> {
        MediaType::new(self.header(CONTENT_TYPE).unwrap_or_default())
    }

    /// The language that the client prefers.
    #[must_use]
    pub fn language(&self) -> Language {
        let accepted = self.header(ACCEPT_LANGUAGE).unwrap_or_default();
        Language::from_accept_language(&accepted)
    }

    /// Whether this is a GET or a HEAD, which is answered like a GET without its body.
    #[must_use]
    pub fn is_get(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }
}
