//! Distinguishes forms of the gateway's pages from forms of other sites.

use crate::http::header::{HOST, ORIGIN};

use crate::http::HttpRequest;

/// The media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// Whether the body is a form.
#[must_use]
pub fn is_form(request: &HttpRequest) -> bool {
    request.media_type().is_one_of(&[FORM])
}

/// Whether the headers of a browser show that a page of another site sent a form. Without such headers the CSRF token
/// decides. Pages without a referrer, like those of the gateway, have the origin `null`.
pub fn is_foreign(request: &HttpRequest, base: &str) -> bool {
    if request.header("sec-fetch-site").as_deref() == Some("cross-site") {
        return true;
    }
    let Some(origin) = request.header(ORIGIN).filter(|o| o != "null") else {
        return false;
    };
    let host = origin.split_once("://").map(|(_, host)| host);
    origin != base && host != request.header(HOST).as_deref()
}

#[cfg(test)]
mod tests {
    use crate::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn recognises_forms_of_other_sites() {
        let sent = |origin: Option<&'static str>, site: Option<&'static str>| {
            let mut request = HttpRequest::default();
            let headers = [
                ("origin", origin),
                ("sec-fetch-site", site),
                ("host", Some("id.internal:8080")),
            ];
            for (name, value) in headers {
                let value = value.map(HeaderValue::from_static);
                request
                    .headers
                    .extend(value.map(|value| (HeaderName::from_static(name), value)));
            }
            request
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
