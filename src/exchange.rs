//! Our own request and reply: what faces take and give; nothing of hyper in it.

use std::net::IpAddr;

/// A request, its body read and within its limit.
#[derive(Debug, Default)]
pub struct HttpRequest {
    pub method: String,
    /// The path alone, as it was asked for.
    pub path: String,
    /// Path and query as they were asked for.
    pub target: String,
    /// The query without its question mark.
    pub query: String,
    pub accept: Option<String>,
    /// `X-Client-Hash-Key`
    pub client_key: Option<String>,
    /// `X-User-Name`
    pub user_name: Option<String>,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub accept_language: Option<String>,
    pub authorization: Option<String>,
    pub host: Option<String>,
    pub origin: Option<String>,
    pub cookie: Option<String>,
    pub user_agent: Option<String>,
    /// `Sec-Fetch-Site`
    pub fetch_site: Option<String>,
    /// `Sec-Fetch-Mode`
    pub fetch_mode: Option<String>,
    /// `Sec-Fetch-Dest`
    pub fetch_dest: Option<String>,
    /// `Sec-Purpose`, or `Purpose` of older browsers
    pub purpose: Option<String>,
    pub body: Vec<u8>,
    pub request_id: String,
    /// The address it comes from.
    pub source: Option<IpAddr>,
}

/// A reply to be sent.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Empty where there is no body.
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// Nothing at all, and nothing wrong.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            status: 204,
            content_type: "",
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A line of text.
    #[must_use]
    pub fn text(status: u16, line: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            headers: Vec::new(),
            body: format!("{line}\n").into_bytes(),
        }
    }
}
