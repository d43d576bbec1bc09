//! The values of entries as TOML: the export prints them, and a plan compares them.

use std::fmt::{Display, Write as _};

/// A key of the file and its value. `None` stands for a missing value, and for a secret, which is never printed.
pub type Value = (&'static str, Option<String>);

/// A number or a boolean.
pub fn bare(key: &'static str, value: impl Display) -> Value {
    (key, Some(value.to_string()))
}

/// A text.
pub fn text(key: &'static str, text: &str) -> Value {
    bare(key, quoted(text))
}

/// A list of values that are TOML already.
pub fn list(key: &'static str, values: impl Iterator<Item = String>) -> Value {
    bare(
        key,
        format_args!("[{}]", values.collect::<Vec<_>>().join(", ")),
    )
}

/// A list of texts.
pub fn texts(key: &'static str, texts: &[String]) -> Value {
    list(key, texts.iter().map(|text| quoted(text)))
}

/// A basic string of TOML.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_texts_so_that_toml_reads_them_back() {
        let odd = "a \"b\" \\ c\u{7f}\u{1}\u{85}ő";
        let table: toml::Table = format!("x = {}", quoted(odd)).parse().unwrap();
        assert_eq!(table["x"].as_str(), Some(odd));
    }
}
