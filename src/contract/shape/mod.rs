//! Shapes: one declaration gives a struct, its field table, and how it is read and written in XML and JSON.

mod declare;
mod lists;
mod values;

use std::any::Any;

use super::field::{Field, Kind, Shape};
use super::json::{Json, JsonWriter};
use super::problem::Problems;
use super::rejection::Rejection;
use super::xml::{ReadResult, XmlReader, XmlWriter};

pub(crate) use declare::shape;
pub use lists::{List, MAX_LIST};
pub use values::{Number, Secret, StatusCode};

/// A value that a field can hold.
pub trait Value: Default {
    /// The published kind of the type.
    fn kind() -> Kind;
    /// Reads one occurrence of the field's element. The start tag has been read; the function reads up to the end tag.
    ///
    /// # Errors
    /// The document is unreadable. An invalid value is noted in the reader and is no error.
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult;
    /// Reads the field's JSON value and notes its problems. Null leaves the value as it is.
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems);
    /// Writes the element of this name, or the elements of a list in the form that the field states, or nothing.
    fn write_xml(&self, out: &mut XmlWriter, name: &str, field: &Field);
    /// Writes the JSON value, `null` if there is none.
    fn write_json(&self, out: &mut JsonWriter);
    /// Whether the value counts as missing if its field is required.
    fn is_missing(&self) -> bool;
    /// Whether the value is absent in JSON. An empty text or list is not absent.
    fn is_absent(&self) -> bool {
        false
    }
    /// Passes each structure of the value to `visit`: the value itself, or the entries of a list.
    fn each(&self, _: &mut dyn FnMut(&dyn Shaped)) {}
    /// Reads one occurrence of the element of a list of such values, wrapped or flat. The start tag has been read.
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
    /// Whether a second occurrence of the element continues the value. True only for lists.
    const REPEATS: bool = false;
}

/// A struct that the macro `shape!` declares.
pub trait Structure: Value + Shaped {
    /// The name, the documentation and the fields of the struct.
    const SHAPE: &'static Shape;
}

/// The object-safe part of [`Structure`], by which a face writes a value whose type it does not know. A position is the
/// index of a field in the table.
pub trait Shaped: Send + std::fmt::Debug {
    /// The name, the documentation and the fields of the struct.
    fn shape(&self) -> &'static Shape;
    /// Writes the XML element of this name.
    fn write_element(&self, out: &mut XmlWriter, name: &str);
    /// Writes the JSON object.
    fn write_object(&self, out: &mut JsonWriter);
    /// Writes the fields at these positions as members of a JSON object.
    fn write_members(&self, out: &mut JsonWriter, positions: &[usize]);
    /// Writes the field at this position as a member with this name, which may differ from the field's name.
    fn write_as(&self, out: &mut JsonWriter, name: &str, position: usize);
    /// Passes each structure in the field at this position to `visit`.
    fn each_in(&self, position: usize, visit: &mut dyn FnMut(&dyn Shaped));
    /// The value of the field at this position.
    fn field(&self, position: usize) -> Option<&dyn Any>;
}

/// The value of the field at this position, if it is a `T` and present.
#[must_use]
pub fn value_at<T: 'static>(of: &dyn Shaped, position: Option<usize>) -> Option<&T> {
    let field = of.field(position?)?;
    let present = field.downcast_ref();
    present.or_else(|| field.downcast_ref::<Option<T>>()?.as_ref())
}

/// Writes a field as a member of a JSON object, unless it has no value and the writer leaves such members out.
pub fn write_member(out: &mut JsonWriter, name: &str, value: &impl Value) {
    if out.writes_null() || !value.is_absent() {
        out.name(name);
        value.write_json(out);
    }
}
