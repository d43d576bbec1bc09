//! Queries and forms, and the stamp that shows that a form is ours.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::exchange::HttpRequest;

/// The most parameters that a query or a form is read for.
pub const MAX_PARAMETERS: usize = 100;

/// The media type of forms; others cannot come from our pages.
const FORM: &str = "application/x-www-form-urlencoded";

/// Names and values of a query or form, decoded, in order; the first of a name counts.
#[derive(Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads them, as far as [`MAX_PARAMETERS`] go.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let decoded = |text: &str| {
            let spaced: Cow<'_, str> = match text.contains('+') {
                true => text.replace('+', " ").into(),
                false => text.into(),
            };
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .take(MAX_PARAMETERS)
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decoded(name), decoded(value)))
                .collect(),
        )
    }

    /// The first value of this name, unless it is empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(n, _)| n == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }
}

impl Parameters {
    /// Every value of this name that is not empty, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.0.iter().filter(move |(n, _)| n == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }
}

/// Whether the body is a form.
#[must_use]
pub fn is_form(request: &HttpRequest) -> bool {
    let name = request.content_type.as_deref().unwrap_or("");
    let name = name.split(';').next().unwrap_or("").trim();
    name.eq_ignore_ascii_case(FORM)
}

/// Whether a browser says that a form was sent by a page of another site. Where it says nothing, the stamp decides. Pages
/// that give no referrer, as ours do, have an origin of `null`.
pub(super) fn is_foreign(request: &HttpRequest, base: &str) -> bool {
    if request.fetch_site.as_deref() == Some("cross-site") {
        return true;
    }
    let Some(origin) = request.origin.as_deref().filter(|o| *o != "null") else {
        return false;
    };
    let host = |url: &str| url.split_once("://").map(|(_, host)| host.to_owned());
    origin != base && host(origin) != request.host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_browsers_send() {
        let form = Parameters::of("a=b+c%2B%c3%A1&body%5Bparams%5D%5Bfields%5D=x%2Cy&e=&a=z&f");
        assert_eq!(form.get("a"), Some("b c+á"));
        assert_eq!(form.get("body[params][fields]"), Some("x,y"));
        assert_eq!(form.get("e"), None);
        assert_eq!(form.get("f"), None);
        assert_eq!(Parameters::of("").get("a"), None);
    }

    #[test]
    fn tells_forms_of_other_sites() {
        let sent = |origin: Option<&str>, site: Option<&str>| HttpRequest {
            origin: origin.map(str::to_owned),
            fetch_site: site.map(str::to_owned),
            host: Some("id.internal:8080".to_owned()),
            ..HttpRequest::default()
        };
        let base = "https://id.example.org";
        for (origin, site) in [
            (None, None),
            (Some(base), Some("same-origin")),
            (Some("null"), Some("same-origin")),
            (Some("http://id.internal:8080"), None),
        ] {
            assert!(!is_foreign(&sent(origin, site), base), "{origin:?}");
        }
        for (origin, site) in [
            (Some("https://evil.example"), None),
            (Some("https://id.example.org.evil.example"), None),
            (None, Some("cross-site")),
            (Some("null"), Some("cross-site")),
        ] {
            assert!(is_foreign(&sent(origin, site), base), "{origin:?}");
        }
    }
}
