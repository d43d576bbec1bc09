//! Reads the tables of a registry file value by value and collects every fault with its place.

use std::fmt::Display;
use std::path::Path;

use toml::{Table, Value};

use crate::domain::names::flaw_of_display_name;
use crate::domain::text::is_line;

/// The longest name or id, in characters.
const MAX_NAME: usize = 128;
/// The longest text in a list, such as a URL, in bytes.
const MAX_TEXT: usize = 2048;
/// The shortest and the longest secret, in characters.
const SECRET: std::ops::RangeInclusive<usize> = 16..=256;

/// A fault with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationError(pub String);

/// An entry with its place in the file, for example `services[2]`.
#[derive(Debug, Clone)]
pub struct FileEntry<T> {
    pub place: String,
    pub entry: T,
    /// The secret to seal, if the file has one.
    pub secret: Option<String>,
}

/// One table of the file.
pub struct TableReader<'a> {
    place: String,
    table: &'a Table,
    folder: &'a Path,
    mistakes: &'a mut Vec<ValidationError>,
    /// The secret of the entry; it is sealed before it is stored.
    pub to_seal: Option<String>,
}

impl<'a> TableReader<'a> {
    /// A table at this place of the file. Paths in it are relative to `folder`.
    pub fn new(
        place: String,
        table: &'a Table,
        folder: &'a Path,
        mistakes: &'a mut Vec<ValidationError>,
    ) -> Self {
        Self {
            place,
            table,
            folder,
            mistakes,
            to_seal: None,
        }
    }
}

impl TableReader<'_> {
    /// Reports a fault of a value in this table.
    pub fn wrong(&mut self, key: &str, what: impl Display) {
        let place = &self.place;
        self.mistakes
            .push(ValidationError(format!("{place}.{key}: {what}")));
    }

    /// Reports the keys that are not among these.
    pub fn only(&mut self, keys: &[&str]) {
        let unknown: Vec<_> = self.table.keys().cloned().collect();
        for key in unknown.iter().filter(|k| !keys.contains(&k.as_str())) {
            self.wrong(
                key,
                format_args!("there is no such key, only {}", keys.join(", ")),
            );
        }
    }

    /// Whether the table has this key.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// An optional text.
    pub fn text(&mut self, key: &str) -> Option<String> {
        match self.table.get(key)? {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.wrong(key, "must be a text");
                None
            }
        }
    }

    /// A required name or id.
    pub fn name(&mut self, key: &str) -> Option<String> {
        if !self.has(key) {
            self.wrong(key, "is missing");
            return None;
        }
        let text = self.text(key)?;
        if is_line(&text) && text.chars().count() <= MAX_NAME {
            return Some(text);
        }
        self.wrong(
            key,
            format_args!(
                "must be 1 to {MAX_NAME} characters on one line, without blanks at the ends"
            ),
        );
        None
    }

    /// A required display name.
    pub fn display_name(&mut self, key: &str) -> Option<String> {
        let text = self.name(key)?;
        if flaw_of_display_name(&text).is_none() {
            return Some(text);
        }
        self.wrong(
            key,
            "must be readable: no hidden or unassigned characters, and no accents without a letter",
        );
        None
    }

    /// An optional integer.
    pub fn number(&mut self, key: &str, most: i64) -> Option<i64> {
        let value = self.table.get(key)?;
        self.whole(key, value, most)
    }

    fn whole(&mut self, key: &str, value: &Value, most: i64) -> Option<i64> {
        let number = value.as_integer().filter(|n| (1..=most).contains(n));
        if number.is_none() {
            self.wrong(key, format_args!("must be a whole number from 1 to {most}"));
        }
        number
    }

    /// A required number, such as the id of an entry.
    pub fn id(&mut self, key: &str) -> Option<i64> {
        if !self.has(key) {
            self.wrong(key, "is missing");
        }
        self.number(key, i64::MAX)
    }

    /// An optional list of numbers, sorted and without duplicates.
    pub fn ids(&mut self, key: &str) -> Vec<i64> {
        let values = self.array(key);
        let mut ids: Vec<i64> = Vec::new();
        for (at, value) in values.iter().enumerate() {
            let place = format!("{key}[{at}]");
            match self.whole(&place, value, i64::MAX) {
                Some(id) if ids.contains(&id) => {
                    self.wrong(&place, format_args!("{id} is listed twice"))
                }
                id => ids.extend(id),
            }
        }
        ids.sort_unstable();
        ids
    }

    fn array(&mut self, key: &str) -> Vec<Value> {
        match self.table.get(key) {
            None => Vec::new(),
            Some(Value::Array(values)) => values.clone(),
            Some(_) => {
                self.wrong(key, "must be a list");
                Vec::new()
            }
        }
    }

    /// An optional list of texts without duplicates, all of which pass the check.
    pub fn texts(&mut self, key: &str, what: &str, check: impl Fn(&str) -> bool) -> Vec<String> {
        let values = self.array(key);
        let mut texts: Vec<String> = Vec::new();
        for (at, value) in values.iter().enumerate() {
            let place = format!("{key}[{at}]");
            match value.as_str() {
                Some(text) if texts.iter().any(|t| t == text) => {
                    self.wrong(&place, format_args!("{text:?} is listed twice"));
                }
                Some(text) if check(text) && text.len() <= MAX_TEXT => texts.push(text.to_owned()),
                _ => self.wrong(&place, format_args!("must be {what}")),
            }
        }
        texts
    }

    /// A list like [`TableReader::texts`] that must not be empty.
    pub fn some_texts(
        &mut self,
        key: &str,
        what: &str,
        check: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        if self
            .table
            .get(key)
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty)
        {
            self.wrong(key, "there must be at least one");
        }
        self.texts(key, what, check)
    }

    /// An optional boolean with its default.
    pub fn flag(&mut self, key: &str, default: bool) -> bool {
        match self.table.get(key) {
            None => default,
            Some(Value::Boolean(flag)) => *flag,
            Some(_) => {
                self.wrong(key, "must be true or false");
                default
            }
        }
    }

    /// An optional secret, from the file itself or from the file that it names.
    pub fn secret(&mut self, key: &str) -> Option<String> {
        let file_key = format!("{key}_file");
        if self.has(key) && self.has(&file_key) {
            self.wrong(
                &file_key,
                format_args!("must not be set together with {key}"),
            );
        }
        let (key, text) = match self.text(&file_key) {
            Some(name) => match std::fs::read_to_string(self.folder.join(&name)) {
                Ok(text) => (
                    file_key.as_str(),
                    text.trim_end_matches(['\r', '\n']).to_owned(),
                ),
                Err(error) => {
                    self.wrong(&file_key, format_args!("{name}: {error}"));
                    return None;
                }
            },
            None => (key, self.text(key)?),
        };
        // The message must not contain the value, because reports end up in logs.
        if !is_line(&text) || !SECRET.contains(&text.chars().count()) {
            self.wrong(
                key,
                format_args!(
                    "must be {} to {} characters on one line, without blanks at the ends",
                    SECRET.start(),
                    SECRET.end()
                ),
            );
            return None;
        }
        Some(text)
    }
}
