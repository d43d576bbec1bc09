//! The URL to which a browser is redirected. Only URLs that the application has registered are allowed; they are
//! compared exactly.

use percent_encoding::utf8_percent_encode;

use super::ESCAPED;
pub use crate::domain::web::origin;
use crate::registry::Application;

/// The longest `redirect_uri` and the longest `state`, in bytes.
pub const MOST_BYTES: usize = 2048;

/// The registered URL that `wanted` names. `wanted` is a registered URL, or the path of a registered URL at an origin
/// of the application. `None` for any other text.
#[must_use]
pub fn registered<'a>(application: &'a Application, wanted: &str) -> Option<&'a str> {
    let is_wanted = |uri: &&String| {
        let of_origin = |origin: &String| uri.strip_prefix(origin.as_str());
        uri.as_str() == wanted
            || (wanted.starts_with('/')
                && application
                    .origins
                    .iter()
                    .any(|o| of_origin(o) == Some(wanted)))
    };
    let mut all = application.redirect_uris.iter();
    all.find(is_wanted).map(String::as_str)
}

/// Like [`registered`]; the default is the first URL that the application has registered.
#[must_use]
pub fn or_default<'a>(application: &'a Application, wanted: Option<&str>) -> Option<&'a str> {
    let registered = wanted.and_then(|wanted| registered(application, wanted));
    registered.or_else(|| application.redirect_uris.first().map(String::as_str))
}

/// The URL with the application's `state` as a parameter.
#[must_use]
pub fn with_state(address: &str, state: Option<&str>) -> String {
    match state {
        None => address.to_owned(),
        Some(state) => with_parameter(address, "state", state),
    }
}

/// The URL with one more parameter in its query.
#[must_use]
pub fn with_parameter(address: &str, name: &str, value: &str) -> String {
    let mark = if address.contains('?') { '&' } else { '?' };
    let value = utf8_percent_encode(value, ESCAPED);
    format!("{address}{mark}{name}={value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application() -> Application {
        Application {
            client_id: "a".into(),
            origins: vec!["https://a.example.org".into()],
            redirect_uris: vec![
                "https://a.example.org/authorize".into(),
                "https://a.example.org/account?x=1".into(),
            ],
            secret: None,
            plain_calls: false,
        }
    }

    #[test]
    fn accepts_registered_urls_only() {
        let a = application();
        for (wanted, to) in [
            (
                "https://a.example.org/authorize",
                Some("https://a.example.org/authorize"),
            ),
            ("/authorize", Some("https://a.example.org/authorize")),
            ("/account?x=1", Some("https://a.example.org/account?x=1")),
        ] {
            assert_eq!(registered(&a, wanted), to, "{wanted}");
        }
        for foreign in BYPASSES {
            assert_eq!(registered(&a, foreign), None, "{foreign}");
            assert_eq!(
                or_default(&a, Some(foreign)),
                Some("https://a.example.org/authorize")
            );
        }
    }

    /// Known open-redirect bypasses.
    const BYPASSES: [&str; 36] = [
        "",
        "/",
        "//evil.example/authorize",
        "///evil.example/authorize",
        "/\\evil.example/authorize",
        "\\\\evil.example/authorize",
        "\\/evil.example",
        "/authorize/",
        "/authorize?",
        "/authorize#x",
        "/authorize/../evil",
        "/./authorize",
        "/%61uthorize",
        "/AUTHORIZE",
        "authorize",
        "./authorize",
        "https:/a.example.org/authorize",
        "https:a.example.org/authorize",
        "http://a.example.org/authorize",
        "HTTPS://a.example.org/authorize",
        "https://A.example.org/authorize",
        "https://a.example.org:443/authorize",
        "https://a.example.org./authorize",
        "https://a.example.org/authorize ",
        " https://a.example.org/authorize",
        "https://a.example.org/authorize\t",
        "https://a.example.org/authorize\r\nLocation: https://evil.example",
        "https://a.example.org@evil.example/authorize",
        "https://evil.example/https://a.example.org/authorize",
        "https://a.example.org.evil.example/authorize",
        "https://evil.example#https://a.example.org/authorize",
        "https://evil.example?https://a.example.org/authorize",
        "https://a.example.org%2f@evil.example/authorize",
        "https://a.example.org\\.evil.example/authorize",
        "javascript:alert(1)//https://a.example.org/authorize",
        "data:text/html,https://a.example.org/authorize",
    ];

    #[test]
    fn returns_the_state_as_one_value() {
        let to = |address| with_state(address, Some("a b&c=d#e%"));
        assert_eq!(to("https://a/b"), "https://a/b?state=a%20b%26c%3Dd%23e%25");
        assert_eq!(
            to("https://a/b?x=1"),
            "https://a/b?x=1&state=a%20b%26c%3Dd%23e%25"
        );
        assert_eq!(with_state("https://a/b", None), "https://a/b");
    }
}
