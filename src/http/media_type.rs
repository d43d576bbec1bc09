//! Media types with their parameters (RFC 9110 §8.3.1).

use std::borrow::Cow;

/// A media type as it was sent. Reading it allocates nothing.
#[derive(Debug, Clone, Default)]
pub struct MediaType<'a>(Cow<'a, str>);

impl<'a> MediaType<'a> {
    /// The media type of this text.
    #[must_use]
    pub fn new(text: impl Into<Cow<'a, str>>) -> Self {
        Self(text.into())
    }

    /// Type and subtype; empty if absent.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split(';').next().unwrap_or("").trim()
    }

    /// Whether type and subtype are one of these, in any case.
    #[must_use]
    pub fn is_one_of(&self, names: &[&str]) -> bool {
        let own = self.name();
        names.iter().any(|name| own.eq_ignore_ascii_case(name))
    }

    /// Names and values of the parameters, without quotes. Parameters without a value are skipped.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.split(';').skip(1).filter_map(|p| p.split_once('='));
        pairs.map(|(name, value)| (name.trim(), value.trim().trim_matches(['"', '\''])))
    }

    /// The value of a parameter, unless it is empty.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self
            .parameters()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value).filter(|v| !v.is_empty())
    }

    /// Whether the text is UTF-8: the type names UTF-8 or no character set.
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        let charset = self.parameter("charset");
        charset.is_none_or(|c| c.eq_ignore_ascii_case("utf-8") || c.eq_ignore_ascii_case("utf8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_parameters_in_any_case() {
        let xml = MediaType::new(" Text/XML ; CharSet=\"UTF-8\";x; action='a' ");
        assert_eq!(xml.name(), "Text/XML");
        assert!(xml.is_one_of(&["application/xml", "text/xml"]));
        assert_eq!(xml.parameter("charset"), Some("UTF-8"));
        assert_eq!(xml.parameter("action"), Some("a"));
        assert!(xml.is_utf8());
        assert!(MediaType::new("application/json").is_utf8());
        assert!(!MediaType::new("application/json; charset=utf-16").is_utf8());
        assert!(MediaType::new("").is_one_of(&[""]));
    }
}
