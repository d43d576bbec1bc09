//! Lists of values.

use super::{Shaped, Value};
use crate::contract::field::{Emptiness, Field, Kind, ListForm};
use crate::contract::json::{Json, JsonWriter};
use crate::contract::problem::{Problems, Why};
use crate::contract::rejection::Rejection;
use crate::contract::xml::{ReadResult, XmlReader, XmlWriter};

/// A list. It is written in the form that its field states, and read in every form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

/// The maximum number of entries of a list in a request.
pub const MAX_LIST: usize = 100;

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

impl<T: Value> Value for List<T> {
    fn kind() -> Kind {
        Kind::List(T::kind)
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult {
        T::read_xml_list(&mut self.0, reader, field)
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        let is_list = matches!(value, Json::List(_));
        let entries = match value {
            Json::Null => &[],
            Json::List(entries) => entries.as_slice(),
            // A single value is read as a list of one entry, as in XML.
            single => std::slice::from_ref(single),
        };
        for value in entries {
            let mut entry = T::default();
            entry.read_json(value, field, problems);
            // Only an empty list clears the stored list; a list of blanks is a mistake of the client.
            if field.emptiness == Emptiness::Clears && is_list && entry.is_missing() {
                problems.note(field.name, Why::MustNotBeEmpty);
            }
            push(&mut self.0, entry, problems, field);
        }
    }
    fn write_xml(&self, out: &mut XmlWriter, name: &str, field: &Field) {
        let entry_name = match field.form {
            ListForm::Flat => name,
            ListForm::Wrapped if self.0.is_empty() => return,
            ListForm::Always if self.0.is_empty() => return out.empty(name),
            ListForm::Wrapped | ListForm::Always => field.item,
        };
        let is_wrapped = field.form != ListForm::Flat;
        if is_wrapped {
            out.open(name);
        }
        for entry in &self.0 {
            entry.write_xml(out, entry_name, field);
        }
        if is_wrapped {
            out.close(name);
        }
    }
    fn write_json(&self, out: &mut JsonWriter) {
        out.list(|out| {
            for entry in &self.0 {
                entry.write_json(out);
            }
        });
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
