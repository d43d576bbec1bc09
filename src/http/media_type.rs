//! Media types with their parameters (RFC 9110 §8.3.1).

/// A media type in lower case, and its parameters with lower-case names and values without quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaType {
    /// Type and subtype; empty where there is none.
    pub name: String,
    pub parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads one. Parameters without a value are skipped.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut pieces = text.split(';');
        let name = pieces.next().unwrap_or("").trim().to_ascii_lowercase();
        let parameters = pieces
            .filter_map(|parameter| parameter.split_once('='))
            .map(|(name, value)| {
                let value = value.trim().trim_matches(['"', '\'']);
                (name.trim().to_ascii_lowercase(), value.to_owned())
            })
            .collect();
        Self { name, parameters }
    }

    /// The value of a parameter, unless it is empty.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(n, _)| n == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }

    /// Whether the text is UTF-8: the type says so, or names no character set.
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
        let xml = MediaType::parse(" Text/XML ; CharSet=\"UTF-8\";x; action='a' ");
        assert_eq!(xml.name, "text/xml");
        assert_eq!(xml.parameter("charset"), Some("UTF-8"));
        assert_eq!(xml.parameter("action"), Some("a"));
        assert!(xml.is_utf8());
        assert!(MediaType::parse("application/json").is_utf8());
        assert!(!MediaType::parse("application/json; charset=utf-16").is_utf8());
        assert_eq!(MediaType::parse("").name, "");
    }
}
