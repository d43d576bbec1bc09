//! JSON: a strict reader (RFC 8259, I-JSON), which refuses documents that parsers interpret differently, and a writer.

mod writer;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::problem::Why;
use super::rejection::{Rejection, malformed};
pub use writer::JsonWriter;

/// A JSON value. An object keeps the order of its members, whose names are unique.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number that is not a signed 64-bit integer.
    Fraction(serde_json::Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// An object with these members, all of them texts.
    #[must_use]
    pub fn of_texts<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let member = |(name, text): (&str, &str)| (name.to_owned(), Json::Text(text.to_owned()));
        Self::Object(members.into_iter().map(member).collect())
    }

    /// Takes the member of this name out of an object.
    pub fn take(&mut self, name: &str) -> Option<Json> {
        match self {
            Json::Object(members) => {
                let at = members.iter().position(|(n, _)| n == name)?;
                Some(members.swap_remove(at).1)
            }
            _ => None,
        }
    }

    /// The member of this name; `None` if this is not an object or has no such member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text; `None` if this is another value.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads a document of at most `depth` levels.
///
/// # Errors
/// [`Code::Malformed`](super::problem::Code::Malformed): the document is not JSON, is too deep, has two members of one
/// name, contains half a surrogate pair, or is followed by further content.
pub fn parse(bytes: &[u8], depth: usize) -> Result<Json, Rejection> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let refuse = |error: serde_json::Error| malformed(Why::NotJson).because(error);
    let value = Level { left: depth }
        .deserialize(&mut deserializer)
        .map_err(refuse)?;
    deserializer.end().map_err(refuse)?;
    Ok(value)
}

/// Reads one value with this many levels of nesting left.
#[derive(Clone, Copy)]
struct Level {
    left: usize,
}

impl Level {
    fn below<E: serde::de::Error>(self) -> Result<Level, E> {
        let left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| E::custom("too deep"))?;
        Ok(Level { left })
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Json;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(i64::try_from(value).map_or_else(|_| Json::Fraction(value.into()), Json::Integer))
    }
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        let number = serde_json::Number::from_f64(value);
        Ok(Json::Fraction(
            number.ok_or_else(|| E::custom("no number"))?,
        ))
    }
    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(below)? {
            list.push(entry);
        }
        Ok(Json::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let below = self.below()?;
        let mut object: Vec<(String, Json)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("two members of one name"));
            }
            object.push((name, members.next_value_seed(below)?));
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_valid_json_and_keeps_the_order() {
        let read = parse(b"\xEF\xBB\xBF {\"b\": [1, -2, 1.5, 18446744073709551615], \"a\": {\"\": null, \"c\": \"\\u00e9\\ud83d\\ude00\"}} ", 4);
        let text = |t: &str| Json::Text(t.to_owned());
        assert_eq!(
            read.unwrap(),
            Json::Object(vec![
                (
                    "b".to_owned(),
                    Json::List(vec![
                        Json::Integer(1),
                        Json::Integer(-2),
                        Json::Fraction(serde_json::Number::from_f64(1.5).unwrap()),
                        Json::Fraction(u64::MAX.into())
                    ])
                ),
                (
                    "a".to_owned(),
                    Json::Object(vec![
                        (String::new(), Json::Null),
                        ("c".to_owned(), text("é😀"))
                    ])
                ),
            ])
        );
    }

    #[test]
    fn refuses_ambiguous_documents() {
        for broken in [
            "",
            "{",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "[1,]",
            "{a:1}",
            "'a'",
            "01",
            "+1",
            "NaN",
            "1e999",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"",
            "\"a\tb\"",
            "null null",
            "[[[[[1]]]]]",
            "\u{FEFF}\u{FEFF}1",
            "/**/1",
        ] {
            assert!(parse(broken.as_bytes(), 4).is_err(), "{broken}");
        }
        assert!(parse(b"\"\xff\"", 4).is_err(), "not UTF-8");
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes(), 32).is_err());
    }
}
