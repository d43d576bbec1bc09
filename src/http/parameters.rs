//! Percent encoding, and the parameters of queries and forms (WHATWG URL §5).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Maximum number of parameters that are read from a query or a form.
pub const MAX_PARAMETERS: usize = 100;

/// Decodes percent encoding. Bytes that are not UTF-8 become U+FFFD, as in browsers.
#[must_use]
pub fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Decodes a name or a value of a query or form, where a plus is a blank.
#[must_use]
pub fn decode_form(text: &str) -> String {
    let spaced: Cow<'_, str> = match text.contains('+') {
        true => text.replace('+', " ").into(),
        false => text.into(),
    };
    decode(&spaced)
}

/// Names and values of a query or form, decoded, in order.
#[derive(Debug, Default)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
    /// Whether the text has more parameters than were read.
    pub is_cut: bool,
}

impl Parameters {
    /// Reads the first [`MAX_PARAMETERS`].
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut pairs = text.split('&').filter(|pair| !pair.is_empty());
        let read = pairs.by_ref().take(MAX_PARAMETERS);
        let read = read.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self {
            pairs: read
                .map(|(name, value)| (decode_form(name), decode_form(value)))
                .collect(),
            is_cut: pairs.next().is_some(),
        }
    }

    /// All parameters, including those with an empty value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.pairs.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Every value of this name that is not empty, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.iter().filter(move |(n, _)| *n == name);
        found.map(|(_, value)| value).filter(|v| !v.is_empty())
    }

    /// The first value of this name, unless it is empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let first = self.iter().find(|(n, _)| *n == name);
        first.map(|(_, value)| value).filter(|v| !v.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_forms_as_browsers_send_them() {
        let form = Parameters::of("a=b+c%2B%c3%A1&body%5Bparams%5D%5Bfields%5D=x%2Cy&e=&a=z&f");
        assert_eq!(form.get("a"), Some("b c+á"));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["b c+á", "z"]);
        assert_eq!(form.get("body[params][fields]"), Some("x,y"));
        assert_eq!(form.get("e"), None);
        assert_eq!(form.get("f"), None);
        assert_eq!(form.iter().count(), 5);
        assert!(!form.is_cut);
        assert!(Parameters::of(&"a&".repeat(MAX_PARAMETERS + 1)).is_cut);
        assert_eq!(Parameters::of("").get("a"), None);
    }

    #[test]
    fn replaces_bytes_that_are_not_utf_8() {
        assert_eq!(decode("%FF+%2B"), "\u{FFFD}++");
        assert_eq!(Parameters::of("a=%FF+").get("a"), Some("\u{FFFD} "));
    }
}
