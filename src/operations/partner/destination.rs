//! Allowed redirect targets of a partner: this gateway and the partner's registered origins.

use crate::domain::web::{is_url, origin};

/// The longest URL, in characters.
pub const MAX_CHARS: usize = 2048;

/// Whether the URL has the gateway's own origin or one of these origins. A path without a host has the gateway's
/// origin.
#[must_use]
pub fn is_allowed(wanted: &str, own: &str, origins: &[String]) -> bool {
    if wanted.starts_with('/') {
        // Two slashes begin a host and not a path. `is_url` refuses characters that browsers treat as slashes.
        return !wanted.starts_with("//") && is_url(&format!("{own}{wanted}"));
    }
    let its = origin(wanted);
    is_url(wanted) && (its == own || origins.iter().any(|o| o == its))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://id.example.org";

    fn allowed(wanted: &str) -> bool {
        is_allowed(wanted, OWN, &["https://a.example.org".to_owned()])
    }

    #[test]
    fn allows_this_gateway_and_registered_origins() {
        for wanted in [
            "/",
            "/resources",
            "/resources?a=b%20c",
            "https://id.example.org",
            "https://id.example.org/resources",
            "https://id.example.org?a=1",
            "https://a.example.org/authorize?next=https://b.example.org/",
        ] {
            assert!(allowed(wanted), "{wanted}");
        }
    }

    #[test]
    fn refuses_known_open_redirect_bypasses() {
        for wanted in BYPASSES {
            assert!(!allowed(wanted), "{wanted}");
        }
    }

    /// Known open-redirect bypasses.
    const BYPASSES: [&str; 36] = [
        "",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "\\/evil.example",
        "/\t/evil.example",
        "/ /evil.example\n",
        "/%zz",
        "/#x",
        "resources",
        "./resources",
        "?resources",
        "https:/id.example.org/",
        "https:id.example.org/",
        "http://id.example.org/",
        "http://a.example.org/",
        "HTTPS://id.example.org/",
        "https://ID.example.org/",
        "https://id.example.org:443/",
        "https://id.example.org:8443/",
        "https://id.example.org./",
        " https://id.example.org/",
        "https://id.example.org/\r\nLocation: https://evil.example",
        "https://id.example.org@evil.example/",
        "https://id.example.org:x@evil.example/",
        "https://evil.example/https://id.example.org/",
        "https://id.example.org.evil.example/",
        "https://evil.example#https://id.example.org/",
        "https://evil.example?https://id.example.org/",
        "https://id.example.org%2f@evil.example/",
        "https://id.example.org\\.evil.example/",
        "https://id.example.org\u{ff0f}evil.example/",
        "javascript:alert(1)//https://id.example.org/",
        "data:text/html,https://id.example.org/",
        "https://xn--id-example.org/",
    ];
}
