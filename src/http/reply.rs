//! Replies before they are sent.

use crate::contract::rejection::Rejection;

/// A reply. The server adds the headers that every reply has.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Empty if there is no body.
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// 204, without a body.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(204, "", Vec::new())
    }

    /// A reply with this body.
    #[must_use]
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// A line of text.
    #[must_use]
    pub fn text(status: u16, line: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{line}\n"))
    }

    /// 405, with the methods that the path has.
    #[must_use]
    pub fn method_not_allowed(allow: &str) -> Self {
        Self::text(405, "Method not allowed").with("Allow", allow)
    }

    /// The reply with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The reply with `Retry-After`, if a retry can succeed.
    #[must_use]
    pub fn with_retry_after(self, rejection: &Rejection) -> Self {
        match rejection.retry_after() {
            Some(seconds) => self.with("Retry-After", seconds.to_string()),
            None => self,
        }
    }
}
