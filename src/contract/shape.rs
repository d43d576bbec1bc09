//! Shapes: one declaration gives the struct, its field table, its XML and JSON readers and its XML writer.

use super::json::Json;
use super::messages::Why;
use super::rejection::{Problems, Rejection};
use super::xml::{XmlReader, XmlWriter};

/// A published type: its name in the XSD and its fields, in the order they are written.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    pub doc: &'static str,
    pub order: Order,
    pub fields: &'static [Field],
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
    pub doc: &'static str,
    pub kind: fn() -> Kind,
}

/// The published kind of a value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Text,
    Number,
    /// Repeated elements of the field's own name.
    Flat,
    /// A wrapper with entries of this kind.
    Wrapped(fn() -> Kind),
    Shape(&'static Shape),
    /// One of these words.
    Status,
}

/// A value that a field can hold.
pub trait Value: Default {
    /// Its published kind.
    fn kind() -> Kind;
    /// Reads one occurrence of the field's element; the reader stands behind its start tag and is
    /// left behind its end tag.
    ///
    /// # Errors
    /// Only what makes the document unreadable; what is wrong with the value alone is noted in
    /// the reader.
    fn read(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> Result<(), Rejection>;
    /// Reads the field's JSON value; what is wrong with it is noted. Null is nothing.
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems);
    /// Writes the field's element or elements, or nothing.
    fn write(&self, out: &mut XmlWriter, name: &str, item: &str);
    /// Whether a required field holds nothing.
    fn is_missing(&self) -> bool;
    /// Whether a second occurrence of the element continues the value (flat lists).
    const REPEATS: bool = false;
}

/// The text of a JSON value of at most `max` characters; what is something else is noted.
fn text_of<'a>(value: &'a Json, field: &str, max: u32, problems: &mut Problems) -> Option<&'a str> {
    match value {
        Json::Text(text) if text.trim().chars().count() > max as usize => {
            problems.note(field, Why::TooLong(max));
            None
        }
        // XML has no way to say it, and PostgreSQL none to keep it.
        Json::Text(text) if text.contains('\0') => {
            problems.note(field, Why::BadCharacters);
            None
        }
        Json::Text(text) => Some(text),
        Json::Null => None,
        _ => {
            problems.note(field, Why::WrongContent);
            None
        }
    }
}

impl Value for String {
    fn kind() -> Kind {
        Kind::Text
    }
    fn read(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> Result<(), Rejection> {
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
    fn write(&self, out: &mut XmlWriter, name: &str, _: &str) {
        out.text(name, self);
    }
    fn is_missing(&self) -> bool {
        self.is_empty()
    }
}

impl<V: Value> Value for Option<V> {
    fn kind() -> Kind {
        V::kind()
    }
    fn read(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> Result<(), Rejection> {
        if reader.at_nil() {
            return reader.skip();
        }
        // A list may go on in a further element.
        let mut value = self.take().unwrap_or_default();
        value.read(reader, field)?;
        // An empty optional element says no more than an absent one.
        *self = (!value.is_missing()).then_some(value);
        Ok(())
    }
    fn read_json(&mut self, json: &Json, field: &'static Field, problems: &mut Problems) {
        if *json != Json::Null {
            let mut value = V::default();
            value.read_json(json, field, problems);
            *self = (!value.is_missing()).then_some(value);
        }
    }
    fn write(&self, out: &mut XmlWriter, name: &str, item: &str) {
        if let Some(value) = self {
            value.write(out, name, item);
        }
    }
    fn is_missing(&self) -> bool {
        false
    }
    const REPEATS: bool = V::REPEATS;
}

/// The longest number, in characters: more than any 32 bits take, for leading zeros and a sign.
const MAX_NUMBER_CHARS: u32 = 32;

/// A whole number of 32 bits (`xs:int`), or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Number(pub Option<i64>);

impl Value for Number {
    fn kind() -> Kind {
        Kind::Number
    }
    fn read(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> Result<(), Rejection> {
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
    fn write(&self, out: &mut XmlWriter, name: &str, _: &str) {
        if let Some(number) = self.0 {
            out.number(name, number);
        }
    }
    fn is_missing(&self) -> bool {
        self.0.is_none()
    }
}

/// A text that never shows itself in logs: passwords, tokens, keys. Blanks are part of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself; use it only to hash, compare or hand out.
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
    fn read(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> Result<(), Rejection> {
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
    fn write(&self, out: &mut XmlWriter, name: &str, _: &str) {
        out.text(name, &self.0);
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
    fn read(&mut self, reader: &mut XmlReader<'_>, _: &'static Field) -> Result<(), Rejection> {
        reader.skip()
    }
    fn read_json(&mut self, _: &Json, _: &'static Field, _: &mut Problems) {}
    fn write(&self, out: &mut XmlWriter, name: &str, _: &str) {
        out.number(name, i64::from(self.0));
    }
    fn is_missing(&self) -> bool {
        false
    }
}

/// A list written as repeated elements; read in that form or with a wrapper.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flat(pub Vec<String>);

/// A list written with a wrapper, which is left out when the list is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrapped<T>(pub Vec<T>);

/// A list written with a wrapper that is there even when the list is empty, like `<messages/>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Always<T>(pub Vec<T>);

/// The most entries a list in a request may have.
pub const MAX_LIST: usize = 100;

fn read_json_list<T: Value>(
    list: &mut Vec<T>,
    value: &Json,
    field: &'static Field,
    problems: &mut Problems,
) {
    match value {
        Json::List(entries) => {
            for value in entries {
                let mut entry = T::default();
                entry.read_json(value, field, problems);
                push(list, entry, problems, field);
            }
        }
        Json::Null => {}
        // One entry may stand for a list of one, as it does in XML.
        single => {
            let mut entry = T::default();
            entry.read_json(single, field, problems);
            push(list, entry, problems, field);
        }
    }
}

fn read_list<T: Value>(
    list: &mut Vec<T>,
    reader: &mut XmlReader<'_>,
    field: &'static Field,
) -> Result<(), Rejection> {
    if reader.at_nil() {
        return reader.skip();
    }
    reader.entries(field, |reader| {
        let mut entry = T::default();
        entry.read(reader, field)?;
        push(list, entry, &mut reader.problems, field);
        Ok(())
    })
}

fn push<T: Value>(list: &mut Vec<T>, entry: T, problems: &mut Problems, field: &'static Field) {
    if list.len() >= MAX_LIST {
        problems.note(field.name, Why::TooMany(MAX_LIST));
    } else if !entry.is_missing() {
        list.push(entry);
    }
}

/// Flat texts may stand in the element itself; entries in a wrapper are read as well.
fn read_texts(
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

impl Value for Flat {
    fn kind() -> Kind {
        Kind::Flat
    }
    fn read(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> Result<(), Rejection> {
        read_texts(&mut self.0, reader, field)
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        read_json_list(&mut self.0, value, field, problems);
    }
    fn write(&self, out: &mut XmlWriter, name: &str, _: &str) {
        for entry in &self.0 {
            out.text(name, entry);
        }
    }
    fn is_missing(&self) -> bool {
        false
    }
    const REPEATS: bool = true;
}

impl Value for Wrapped<String> {
    fn kind() -> Kind {
        Kind::Wrapped(String::kind)
    }
    fn read(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> Result<(), Rejection> {
        read_texts(&mut self.0, reader, field)
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        read_json_list(&mut self.0, value, field, problems);
    }
    fn write(&self, out: &mut XmlWriter, name: &str, item: &str) {
        write_list(&self.0, out, name, item);
    }
    fn is_missing(&self) -> bool {
        false
    }
    const REPEATS: bool = true;
}

impl Value for Wrapped<Number> {
    fn kind() -> Kind {
        Kind::Wrapped(Number::kind)
    }
    fn read(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> Result<(), Rejection> {
        read_list(&mut self.0, reader, field)
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        read_json_list(&mut self.0, value, field, problems);
    }
    fn write(&self, out: &mut XmlWriter, name: &str, item: &str) {
        write_list(&self.0, out, name, item);
    }
    fn is_missing(&self) -> bool {
        self.0.is_empty()
    }
    const REPEATS: bool = true;
}

fn write_list<T: Value>(list: &[T], out: &mut XmlWriter, name: &str, item: &str) {
    if !list.is_empty() {
        out.open(name);
        for entry in list {
            entry.write(out, item, "");
        }
        out.close(name);
    }
}

/// What [`shape!`] implements: a struct with a field table.
pub trait Structure: Value {
    /// Its name, documentation and fields.
    const SHAPE: &'static Shape;
}

impl<T: Structure> Value for Wrapped<T> {
    fn kind() -> Kind {
        Kind::Wrapped(T::kind)
    }
    fn read(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> Result<(), Rejection> {
        read_list(&mut self.0, reader, field)
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        read_json_list(&mut self.0, value, field, problems);
    }
    fn write(&self, out: &mut XmlWriter, name: &str, item: &str) {
        write_list(&self.0, out, name, item);
    }
    fn is_missing(&self) -> bool {
        false
    }
    const REPEATS: bool = true;
}

impl<T: Structure> Value for Always<T> {
    fn kind() -> Kind {
        Kind::Wrapped(T::kind)
    }
    fn read(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> Result<(), Rejection> {
        read_list(&mut self.0, reader, field)
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        read_json_list(&mut self.0, value, field, problems);
    }
    fn write(&self, out: &mut XmlWriter, name: &str, item: &str) {
        if self.0.is_empty() {
            out.empty(name);
        } else {
            write_list(&self.0, out, name, item);
        }
    }
    fn is_missing(&self) -> bool {
        false
    }
}

/// Declares a published type once: the struct, its field table, how it is read and written.
///
/// A field is `name: Type = "publishedName"`, then in this order, as needed: `alias "other"`,
/// `item "entry"`, `max 64`, `is required`.
macro_rules! shape {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident = $published:literal $order:ident {
            $(
                $(#[doc = $field_doc:literal])+
                $field:ident : $type:ty = $wire:literal
                    $(alias $alias:literal)? $(item $item:literal)? $(max $max:literal)? $(is $required:ident)?;
            )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name { $( $(#[doc = $field_doc])+ pub $field: $type, )* }

        impl $crate::contract::shape::Structure for $name {
            const SHAPE: &'static $crate::contract::shape::Shape = &$crate::contract::shape::Shape {
                name: $published,
                doc: concat!($($doc),+),
                order: $crate::contract::shape::Order::$order,
                fields: &[$(
                    $crate::contract::shape::Field {
                        name: $wire,
                        alias: shape!(@option $($alias)?),
                        item: shape!(@or "" $($item)?),
                        max: shape!(@or 0 $($max)?),
                        required: shape!(@required $($required)?),
                        doc: concat!($($field_doc),+),
                        kind: <$type as $crate::contract::shape::Value>::kind,
                    },
                )*],
            };
        }

        impl $crate::contract::shape::Value for $name {
            fn kind() -> $crate::contract::shape::Kind {
                $crate::contract::shape::Kind::Shape(
                    <$name as $crate::contract::shape::Structure>::SHAPE)
            }
            fn read(
                &mut self,
                reader: &mut $crate::contract::xml::XmlReader<'_>,
                _: &'static $crate::contract::shape::Field,
            ) -> Result<(), $crate::contract::rejection::Rejection> {
                let fields = <$name as $crate::contract::shape::Structure>::SHAPE.fields;
                let mut seen = 0_u64;
                while let Some((at, field)) = reader.child(fields)? {
                    let mut turn = at;
                    $(
                        if turn == 0 {
                            let repeated = seen & (1 << at) != 0;
                            if repeated && !<$type as $crate::contract::shape::Value>::REPEATS {
                                reader.problems.note(field.name, $crate::contract::messages::Why::Repeated);
                                reader.skip()?;
                            } else {
                                $crate::contract::shape::Value::read(&mut self.$field, reader, field)?;
                            }
                        }
                        // Past zero it wraps round and never comes back to it.
                        turn = turn.wrapping_sub(1);
                    )*
                    let _ = turn;
                    seen |= 1 << at;
                }
                $(
                    if shape!(@required $($required)?)
                        && $crate::contract::shape::Value::is_missing(&self.$field) {
                        reader.problems.note_missing($wire);
                    }
                )*
                Ok(())
            }
            fn read_json(
                &mut self,
                value: &$crate::contract::json::Json,
                of: &'static $crate::contract::shape::Field,
                problems: &mut $crate::contract::rejection::Problems,
            ) {
                let fields = <$name as $crate::contract::shape::Structure>::SHAPE.fields;
                let $crate::contract::json::Json::Object(members) = value else {
                    return problems.note(of.name, $crate::contract::messages::Why::WrongContent);
                };
                let mut seen = 0_u64;
                for (name, value) in members {
                    let known = fields
                        .iter()
                        .enumerate()
                        .find(|(_, f)| f.name == name || f.alias == Some(name));
                    let Some((at, field)) = known else {
                        problems.note_unknown(name);
                        continue;
                    };
                    // Once by its name and once by its alias.
                    if seen & (1 << at) != 0 {
                        problems.note(field.name, $crate::contract::messages::Why::Repeated);
                        continue;
                    }
                    seen |= 1 << at;
                    let mut turn = at;
                    $(
                        if turn == 0 {
                            $crate::contract::shape::Value::read_json(&mut self.$field, value, field, problems);
                        }
                        turn = turn.wrapping_sub(1);
                    )*
                    let _ = turn;
                }
                $(
                    if shape!(@required $($required)?)
                        && $crate::contract::shape::Value::is_missing(&self.$field) {
                        problems.note_missing($wire);
                    }
                )*
            }
            fn write(&self, out: &mut $crate::contract::xml::XmlWriter, name: &str, _: &str) {
                out.open(name);
                $( $crate::contract::shape::Value::write(&self.$field, out, $wire, shape!(@or "" $($item)?)); )*
                out.close(name);
            }
            fn is_missing(&self) -> bool { false }
        }
    };
    (@option) => { None };
    (@option $value:literal) => { Some($value) };
    (@or $default:literal) => { $default };
    (@or $default:literal $value:literal) => { $value };
    (@required) => { false };
    (@required required) => { true };
}
pub(crate) use shape;
