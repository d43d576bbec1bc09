//! Single values: texts, numbers, secrets, and values that may be absent.

use super::{Shaped, Value, lists};
use crate::contract::field::{Emptiness, Field, Kind};
use crate::contract::json::{Json, JsonWriter};
use crate::contract::problem::{Problems, Why};
use crate::contract::rejection::Rejection;
use crate::contract::xml::{ReadResult, XmlReader, XmlWriter};

/// The text of a JSON value, if the text has at most `max` characters. Notes a problem for any other value except null.
fn text_of<'a>(value: &'a Json, field: &str, max: u32, problems: &mut Problems) -> Option<&'a str> {
    let why = match value {
        Json::Null => return None,
        Json::Text(text) if text.trim().chars().count() > max as usize => Why::TooLong(max),
        // XML cannot carry a zero character, and PostgreSQL cannot store one.
        Json::Text(text) if text.contains('\0') => Why::BadCharacters,
        Json::Text(text) => return Some(text),
        _ => Why::WrongContent,
    };
    problems.note(field, why);
    None
}

impl Value for String {
    fn kind() -> Kind {
        Kind::Text
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult {
        if let Some(text) = reader.text(field.name, field.max)? {
            self.push_str(text.trim());
        }
        Ok(())
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        if let Some(text) = text_of(value, field.name, field.max, problems) {
            self.push_str(text.trim());
        }
    }
    fn write_xml(&self, out: &mut XmlWriter, name: &str, _: &Field) {
        out.text(name, self);
    }
    fn write_json(&self, out: &mut JsonWriter) {
        out.scalar(self.as_str());
    }
    fn is_missing(&self) -> bool {
        self.is_empty()
    }
    fn read_xml_list(
        list: &mut Vec<Self>,
        reader: &mut XmlReader<'_>,
        field: &'static Field,
    ) -> Result<(), Rejection> {
        lists::read_texts(list, reader, field)
    }
}

impl<V: Value> Value for Option<V> {
    fn kind() -> Kind {
        V::kind()
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult {
        if reader.at_nil() {
            return reader.skip();
        }
        // A list may continue in a further element.
        let mut value = self.take().unwrap_or_default();
        value.read_xml(reader, field)?;
        *self = kept(value);
        Ok(())
    }
    fn read_json(&mut self, json: &Json, field: &'static Field, problems: &mut Problems) {
        let mut value = V::default();
        value.read_json(json, field, problems);
        *self = match field.emptiness {
            Emptiness::Absent if *json == Json::Null => return,
            Emptiness::Absent => kept(value),
            Emptiness::Clears | Emptiness::Refused => Some(value),
        };
    }
    fn write_xml(&self, out: &mut XmlWriter, name: &str, field: &Field) {
        if let Some(value) = self {
            value.write_xml(out, name, field);
        }
    }
    fn write_json(&self, out: &mut JsonWriter) {
        match self {
            Some(value) => value.write_json(out),
            None => out.scalar(&()),
        }
    }
    // An absent structure is not noted here, because its operation notes each of its required fields.
    fn is_missing(&self) -> bool {
        V::REPEATS && self.is_none()
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
    fn each(&self, visit: &mut dyn FnMut(&dyn Shaped)) {
        if let Some(value) = self {
            value.each(visit);
        }
    }
    const REPEATS: bool = V::REPEATS;
}

/// The optional value. An empty text counts as absent; an empty list does not.
fn kept<V: Value>(value: V) -> Option<V> {
    (V::REPEATS || !value.is_missing()).then_some(value)
}

/// The longest number, in characters. Leading zeros and a sign are allowed, so this is more than 32 bits need.
const MAX_NUMBER_CHARS: u32 = 32;

/// A whole number of 32 bits (`xs:int`), or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Number(pub Option<i64>);

impl Value for Number {
    fn kind() -> Kind {
        Kind::Number
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult {
        if let Some(text) = reader.text(field.name, MAX_NUMBER_CHARS)? {
            let text = text.trim();
            if !text.is_empty() {
                match text.parse::<i32>() {
                    Ok(number) => self.0 = Some(i64::from(number)),
                    Err(_) => reader.problems.note(field.name, Why::NotANumber),
                }
            }
        }
        Ok(())
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        let number = match value {
            Json::Null => return,
            Json::Integer(number) => i32::try_from(*number).ok(),
            // Query parameters are texts.
            Json::Text(text) if text.trim().is_empty() => return,
            Json::Text(text) if text.len() <= MAX_NUMBER_CHARS as usize => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) => self.0 = Some(i64::from(number)),
            None => problems.note(field.name, Why::NotANumber),
        }
    }
    fn write_xml(&self, out: &mut XmlWriter, name: &str, _: &Field) {
        if let Some(number) = self.0 {
            out.number(name, number);
        }
    }
    fn write_json(&self, out: &mut JsonWriter) {
        out.scalar(&self.0);
    }
    fn is_missing(&self) -> bool {
        self.0.is_none()
    }
    fn is_absent(&self) -> bool {
        self.0.is_none()
    }
}

/// A text that never appears in logs: a password, a token or a key. Leading and trailing blanks are part of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself. Use it only to hash it, to compare it or to send it to its receiver.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Value for Secret {
    fn kind() -> Kind {
        Kind::Text
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult {
        if let Some(text) = reader.text(field.name, field.max)? {
            self.0.push_str(&text);
        }
        Ok(())
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        if let Some(text) = text_of(value, field.name, field.max, problems) {
            self.0.push_str(text);
        }
    }
    fn write_xml(&self, out: &mut XmlWriter, name: &str, _: &Field) {
        out.text(name, &self.0);
    }
    fn write_json(&self, out: &mut JsonWriter) {
        out.scalar(&self.0);
    }
    fn is_missing(&self) -> bool {
        self.0.is_empty()
    }
}

/// The code of a response status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatusCode(pub i32);

impl Value for StatusCode {
    fn kind() -> Kind {
        Kind::Status
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, _: &'static Field) -> ReadResult {
        reader.skip()
    }
    fn read_json(&mut self, _: &Json, _: &'static Field, _: &mut Problems) {}
    fn write_xml(&self, out: &mut XmlWriter, name: &str, _: &Field) {
        out.number(name, i64::from(self.0));
    }
    fn write_json(&self, out: &mut JsonWriter) {
        out.scalar(&self.0);
    }
    fn is_missing(&self) -> bool {
        false
    }
}

impl Value for bool {
    fn kind() -> Kind {
        Kind::Boolean
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult {
        match reader
            .text(field.name, MAX_NUMBER_CHARS)?
            .as_deref()
            .map(str::trim)
        {
            Some("true" | "1") => *self = true,
            Some("false" | "0") | None => *self = false,
            Some(_) => reader.problems.note(field.name, Why::NotABoolean),
        }
        Ok(())
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        match value {
            Json::Bool(value) => *self = *value,
            Json::Null => {}
            _ => problems.note(field.name, Why::NotABoolean),
        }
    }
    fn write_xml(&self, out: &mut XmlWriter, name: &str, _: &Field) {
        out.text(name, if *self { "true" } else { "false" });
    }
    fn write_json(&self, out: &mut JsonWriter) {
        out.scalar(self);
    }
    fn is_missing(&self) -> bool {
        false
    }
}
