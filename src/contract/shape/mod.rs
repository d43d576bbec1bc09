//! Shapes: one declaration gives a struct, its field table, and how it is read and written in XML and JSON.

mod declare;
mod lists;
mod values;

use super::json::{Json, JsonWriter};
use super::rejection::{Problems, Rejection};
use super::xml::{XmlReader, XmlWriter};

pub(crate) use declare::shape;
pub use lists::{Always, Flat, MAX_LIST, Wrapped};
pub use values::{Number, Secret, StatusCode};

/// A published type: its name in the XSD and its fields, in the order they are written.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    pub doc: &'static str,
    pub order: Order,
    pub fields: &'static [Field],
}

impl Shape {
    /// A shape with these fields, of which there are at most 64: readers note the fields that they met in as many bits.
    pub(crate) const fn new(
        name: &'static str,
        doc: &'static str,
        order: Order,
        fields: &'static [Field],
    ) -> Self {
        assert!(fields.len() <= 64, "a shape has at most 64 fields");
        Self {
            name,
            doc,
            order,
            fields,
        }
    }

    /// The field of this name or alias, and its position in the table.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(usize, &'static Field)> {
        let mut fields = self.fields.iter().enumerate();
        fields.find(|(_, field)| field.name == name || field.alias == Some(name))
    }

    /// The position of the field of this name in the table.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The name of the field at this position of the table; empty past its end.
    #[must_use]
    pub fn name_at(&self, position: usize) -> &'static str {
        self.fields.get(position).map_or("", |field| field.name)
    }

    /// The position of the field that identifies a value of this type; none for a type whose values have no identity.
    #[must_use]
    pub fn id(&self) -> Option<usize> {
        self.fields.iter().position(|field| field.is_id)
    }

    /// The first field that holds values with an identity; none in answers that only say how the operation went.
    #[must_use]
    pub fn payload(&self) -> Option<Payload> {
        self.fields
            .iter()
            .enumerate()
            .find_map(|(position, field)| {
                let kind = (field.kind)();
                let (is_list, kind) = match kind {
                    Kind::Wrapped(entry) => (true, entry()),
                    kind => (false, kind),
                };
                match kind {
                    Kind::Shape(shape) if shape.id().is_some() => Some(Payload {
                        position,
                        is_list,
                        shape,
                    }),
                    _ => None,
                }
            })
    }
}

/// The field of an answer that holds what the operation is about.
#[derive(Debug, Clone, Copy)]
pub struct Payload {
    /// The position of the field.
    pub position: usize,
    pub is_list: bool,
    /// The type of the value or of each entry.
    pub shape: &'static Shape,
}

/// Whether the XSD asks for the order of the table (`sequence`) or leaves it free (`all`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Sequence,
    /// Where the seeds' own samples disagree with each other about the order.
    All,
}

/// One row of a field table.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    /// Another spelling that is read and never written.
    pub alias: Option<&'static str>,
    /// The element name of one entry, for lists with a wrapper.
    pub item: &'static str,
    /// The longest text, in characters.
    pub max: u32,
    pub required: bool,
    /// Whether the field identifies the value, like the user name of a user.
    pub is_id: bool,
    pub doc: &'static str,
    pub kind: fn() -> Kind,
}

impl Field {
    /// A field that may be left out.
    pub(crate) const fn new(name: &'static str, doc: &'static str, kind: fn() -> Kind) -> Self {
        Self {
            name,
            alias: None,
            item: "",
            max: 0,
            required: false,
            is_id: false,
            doc,
            kind,
        }
    }

    pub(crate) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    pub(crate) const fn item(mut self, item: &'static str) -> Self {
        self.item = item;
        self
    }

    pub(crate) const fn max(mut self, characters: u32) -> Self {
        self.max = characters;
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn id(mut self) -> Self {
        self.is_id = true;
        self
    }
}

/// The published kind of a value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Text,
    Number,
    Boolean,
    /// Repeated elements of the field's own name.
    Flat,
    /// A wrapper with entries of this kind.
    Wrapped(fn() -> Kind),
    Shape(&'static Shape),
    /// One of the codes of a response status.
    Status,
}

/// A value that a field can hold.
pub trait Value: Default {
    /// Its published kind.
    fn kind() -> Kind;
    /// Reads one occurrence of the field's element. The reader stands behind the start tag and is left behind the end tag.
    ///
    /// # Errors
    /// Only if the document is unreadable; a wrong value alone is noted in the reader.
    fn read_xml(
        &mut self,
        reader: &mut XmlReader<'_>,
        field: &'static Field,
    ) -> Result<(), Rejection>;
    /// Reads the field's JSON value and notes what is wrong with it. Null leaves the value as it is.
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems);
    /// Writes the field's element or elements, or nothing.
    fn write_xml(&self, out: &mut XmlWriter, name: &str, item: &str);
    /// Writes the JSON value, `null` if there is none.
    fn write_json(&self, out: &mut JsonWriter);
    /// Whether a required field holds nothing.
    fn is_missing(&self) -> bool;
    /// Whether there is no value to write in JSON; an empty text or list is a value.
    fn is_absent(&self) -> bool {
        false
    }
    /// The number, if the value is one.
    fn number(&self) -> Option<i64> {
        None
    }
    /// Passes each structure of the value to `visit`: itself, or the entries of a list.
    fn each(&self, _: &mut dyn FnMut(&dyn Shaped)) {}
    /// Reads a wrapped list of such values, whose wrapper's start tag has been read.
    ///
    /// # Errors
    /// As [`Value::read_xml`].
    fn read_xml_list(
        list: &mut Vec<Self>,
        reader: &mut XmlReader<'_>,
        field: &'static Field,
    ) -> Result<(), Rejection> {
        lists::read_entries(list, reader, field)
    }
    /// Whether a second occurrence of the element continues the value. True for lists alone.
    const REPEATS: bool = false;
}

/// A struct that [`shape!`] declares.
pub trait Structure: Value + Shaped {
    /// Its name, documentation and fields.
    const SHAPE: &'static Shape;
}

/// The part of [`Structure`] that a face needs to write a value whose type it does not know. A position is that of a field in
/// the table.
pub trait Shaped: Send + std::fmt::Debug {
    /// Its name, documentation and fields.
    fn shape(&self) -> &'static Shape;
    /// Writes the XML element of this name.
    fn write_element(&self, out: &mut XmlWriter, name: &str);
    /// Writes the JSON object.
    fn write_object(&self, out: &mut JsonWriter);
    /// Writes the fields at these positions as members of a JSON object.
    fn write_members(&self, out: &mut JsonWriter, positions: &[usize]);
    /// Writes the field at this position as a member of another name.
    fn write_as(&self, out: &mut JsonWriter, name: &str, position: usize);
    /// Passes each structure in the field at this position to `visit`.
    fn each_in(&self, position: usize, visit: &mut dyn FnMut(&dyn Shaped));
    /// The number in the field at this position, if it is one.
    fn number_in(&self, position: usize) -> Option<i64>;
}

/// Writes a field as a member of a JSON object, unless it has no value and the writer leaves such members out.
pub fn write_member(out: &mut JsonWriter, name: &str, value: &impl Value) {
    if out.writes_null() || !value.is_absent() {
        out.name(name);
        value.write_json(out);
    }
}
