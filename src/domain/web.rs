//! Checks for URLs and origins in the configuration.

use std::net::Ipv6Addr;

/// Whether `text` is an origin (RFC 6454 §6.2) as browsers send it. Wildcards are not supported.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    without_scheme(text).is_some_and(is_authority)
}

/// Whether `text` is an absolute http or https URL that can be used unchanged: a lower-case host, no user
/// information, no fragment.
#[must_use]
pub fn is_url(text: &str) -> bool {
    let Some(rest) = without_scheme(text) else {
        return false;
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/?:@!$&'()*+,;=[]%".contains(c);
    let mut escapes = path.split('%').skip(1);
    let escaped = |e: &str| e.len() >= 2 && e.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    is_authority(authority) && path.chars().all(plain) && escapes.all(escaped)
}

/// The origin of a URL: everything before its path.
#[must_use]
pub fn origin(address: &str) -> &str {
    let host = address.find("://").map_or(0, |at| at + 3);
    let rest = address.get(host..).unwrap_or("");
    let end = rest.find(['/', '?']).map_or(address.len(), |at| host + at);
    address.get(..end).unwrap_or(address)
}

fn without_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
}

/// Whether `text` is a lower-case host with an optional port.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let number = |port: &str| !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    let address = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let named = !host.is_empty() && !host.starts_with(['.', '-']) && host.chars().all(plain);
    port.is_none_or(number) && address.map_or(named, |a| a.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_origins_and_refuses_other_urls() {
        for origin in [
            "https://a.example.org",
            "http://localhost:9098",
            "http://[::1]:80",
        ] {
            assert!(is_origin(origin), "{origin}");
        }
        for wrong in [
            "",
            "https://",
            "ftp://a",
            "https://a/",
            "https://A.b",
            "https://*.a",
            "https://a:",
            "https://a:0",
            "https://a:99999",
            "https://u@a",
            "https://[1]",
            "https://a,https://b",
            "a.example.org",
        ] {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }

    #[test]
    fn returns_the_origin_of_a_url() {
        for (address, expected) in [
            ("https://a.example.org/b?c", "https://a.example.org"),
            ("http://localhost:9098", "http://localhost:9098"),
            ("https://a?b/c", "https://a"),
        ] {
            assert_eq!(origin(address), expected);
        }
    }

    #[test]
    fn accepts_urls_that_need_no_change() {
        for url in [
            "https://a.example.org/b?c=d%20e",
            "http://127.0.0.1:9099/users",
            "https://a",
        ] {
            assert!(is_url(url), "{url}");
        }
        for wrong in [
            "https:///b",
            "https://a/#b",
            "https://a/%2",
            "https://a/ b",
            "https://a/{id}",
            "https://u:p@a/",
        ] {
            assert!(!is_url(wrong), "{wrong}");
        }
    }
}
