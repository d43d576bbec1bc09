//! Lists of values, in the three forms in which the contract writes them.

use super::{Shaped, Structure, Value};
use crate::contract::field::{Field, Kind};
use crate::contract::json::{Json, JsonWriter};
use crate::contract::problem::{Problems, Why};
use crate::contract::rejection::Rejection;
use crate::contract::xml::{ReadResult, XmlReader, XmlWriter};

/// A list written as repeated elements; read in that form or with a wrapper.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flat(pub Vec<String>);

/// A list written with a wrapper; an empty list is omitted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrapped<T>(pub Vec<T>);

/// A list written with a wrapper; an empty list has an empty wrapper, like `<messages/>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Always<T>(pub Vec<T>);

/// The maximum number of entries of a list in a request.
pub const MAX_LIST: usize = 100;

fn read_json<T: Value>(
    list: &mut Vec<T>,
    value: &Json,
    field: &'static Field,
    problems: &mut Problems,
) {
    let entries = match value {
        Json::Null => &[],
        Json::List(entries) => entries.as_slice(),
        // A single value is read as a list of one entry, as in XML.
        single => std::slice::from_ref(single),
    };
    for value in entries {
        let mut entry = T::default();
        entry.read_json(value, field, problems);
        push(list, entry, problems, field);
    }
}

/// Reads the entries in a wrapper.
pub(super) fn read_entries<T: Value>(
    list: &mut Vec<T>,
    reader: &mut XmlReader<'_>,
    field: &'static Field,
) -> Result<(), Rejection> {
    if reader.at_nil() {
        return reader.skip();
    }
    reader.entries(field, |reader| {
        let mut entry = T::default();
        entry.read_xml(reader, field)?;
        push(list, entry, &mut reader.problems, field);
        Ok(())
    })
}

/// Reads texts in the field's element itself, or in entries inside it.
pub(super) fn read_texts(
    list: &mut Vec<String>,
    reader: &mut XmlReader<'_>,
    field: &'static Field,
) -> Result<(), Rejection> {
    if reader.at_nil() {
        return reader.skip();
    }
    let mut entries = Vec::new();
    let text = reader.text_or_entries(field, &mut entries)?;
    if entries.is_empty() {
        entries.push(text);
    }
    for entry in entries {
        push(list, entry.trim().to_owned(), &mut reader.problems, field);
    }
    Ok(())
}

fn push<T: Value>(list: &mut Vec<T>, entry: T, problems: &mut Problems, field: &'static Field) {
    if list.len() >= MAX_LIST {
        problems.note(field.name, Why::TooMany(MAX_LIST));
    } else if !entry.is_missing() {
        list.push(entry);
    }
}

fn write_entries<T: Value>(list: &[T], out: &mut XmlWriter, name: &str, item: &str) {
    out.open(name);
    for entry in list {
        entry.write_xml(out, item, "");
    }
    out.close(name);
}

fn write_json<T: Value>(list: &[T], out: &mut JsonWriter) {
    out.list(|out| {
        for entry in list {
            entry.write_json(out);
        }
    });
}

impl Value for Flat {
    fn kind() -> Kind {
        Kind::Flat
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult {
        read_texts(&mut self.0, reader, field)
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        read_json(&mut self.0, value, field, problems);
    }
    fn write_xml(&self, out: &mut XmlWriter, name: &str, _: &str) {
        for entry in &self.0 {
            out.text(name, entry);
        }
    }
    fn write_json(&self, out: &mut JsonWriter) {
        write_json(&self.0, out);
    }
    fn is_missing(&self) -> bool {
        self.0.is_empty()
    }
    const REPEATS: bool = true;
}

impl<T: Value> Value for Wrapped<T> {
    fn kind() -> Kind {
        Kind::Wrapped(T::kind)
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult {
        T::read_xml_list(&mut self.0, reader, field)
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        read_json(&mut self.0, value, field, problems);
    }
    fn write_xml(&self, out: &mut XmlWriter, name: &str, item: &str) {
        if !self.0.is_empty() {
            write_entries(&self.0, out, name, item);
        }
    }
    fn write_json(&self, out: &mut JsonWriter) {
        write_json(&self.0, out);
    }
    fn is_missing(&self) -> bool {
        self.0.is_empty()
    }
    fn each(&self, visit: &mut dyn FnMut(&dyn Shaped)) {
        for entry in &self.0 {
            entry.each(visit);
        }
    }
    const REPEATS: bool = true;
}

impl<T: Structure> Value for Always<T> {
    fn kind() -> Kind {
        Kind::Wrapped(T::kind)
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult {
        read_entries(&mut self.0, reader, field)
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        read_json(&mut self.0, value, field, problems);
    }
    fn write_xml(&self, out: &mut XmlWriter, name: &str, item: &str) {
        if self.0.is_empty() {
            out.empty(name);
        } else {
            write_entries(&self.0, out, name, item);
        }
    }
    fn write_json(&self, out: &mut JsonWriter) {
        write_json(&self.0, out);
    }
    fn is_missing(&self) -> bool {
        false
    }
}
