//! The macro that declares a shape.

/// Declares a published type once: the struct, its field table, and how it is read and written.
///
/// A field is `name: Type = "publishedName", attribute, attribute = value;`. Each attribute calls the method of
/// [`Field`](super::Field) of that name: `alias`, `item`, `wrapped`, `always`, `max`, `required`, `clears`,
/// `never_empty`, `id` or `role`.
macro_rules! shape {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident = $published:literal {
            $(
                $(#[doc = $field_doc:literal])+
                $field:ident : $type:ty = $wire:literal $(, $attribute:ident $(= $value:expr)?)*;
            )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name { $( $(#[doc = $field_doc])+ pub $field: $type, )* }

        const _: () = {
        use std::any::Any;

        use $crate::contract::field::{Field, Kind, Shape};
        use $crate::contract::json::{Json, JsonWriter};
        use $crate::contract::problem::{Problems, Why};
        use $crate::contract::shape::{Shaped, Structure, Value, write_member};
        use $crate::contract::xml::{ReadResult, XmlReader, XmlWriter};

        impl Structure for $name {
            const SHAPE: &'static Shape = &Shape::new(
                $published,
                concat!($($doc),+),
                &[$(
                    Field::new($wire, concat!($($field_doc),+), <$type as Value>::kind)
                        $(.$attribute($($value)?))*,
                )*],
            );
        }

        impl Value for $name {
            fn kind() -> Kind {
                Kind::Shape(Self::SHAPE)
            }
            fn read_xml(&mut self, reader: &mut XmlReader<'_>, _: &'static Field) -> ReadResult {
                let mut seen = 0_u64;
                while let Some((at, field)) = reader.child(Self::SHAPE.fields)? {
                    let is_repeated = seen & (1 << at) != 0;
                    seen |= 1 << at;
                    let mut turn = at;
                    $(
                        if turn == 0 {
                            if is_repeated && !<$type as Value>::REPEATS {
                                reader.problems.note(field.name, Why::Repeated);
                                reader.skip()?;
                            } else {
                                Value::read_xml(&mut self.$field, reader, field)?;
                            }
                        }
                        // The value wraps below zero, so that no later field is chosen.
                        turn = turn.wrapping_sub(1);
                    )*
                    let _ = turn;
                }
                self.note_missing(&mut reader.problems);
                Ok(())
            }
            fn read_json(&mut self, value: &Json, of: &'static Field, problems: &mut Problems) {
                let Json::Object(members) = value else {
                    return problems.note(of.name, Why::WrongContent);
                };
                let mut seen = 0_u64;
                for (name, value) in members {
                    let Some((at, field)) = Self::SHAPE.find(name) else {
                        problems.note_unknown(name);
                        continue;
                    };
                    // A field may be sent by its name and again by its alias.
                    if seen & (1 << at) != 0 {
                        problems.note(field.name, Why::Repeated);
                        continue;
                    }
                    seen |= 1 << at;
                    let mut turn = at;
                    $(
                        if turn == 0 {
                            Value::read_json(&mut self.$field, value, field, problems);
                        }
                        turn = turn.wrapping_sub(1);
                    )*
                    let _ = turn;
                }
                self.note_missing(problems);
            }
            fn write_xml(&self, out: &mut XmlWriter, name: &str, _: &Field) {
                self.write_element(out, name);
            }
            fn write_json(&self, out: &mut JsonWriter) {
                out.object(|out| {
                    $( write_member(out, $wire, &self.$field); )*
                    let _ = out;
                });
            }
            fn is_missing(&self) -> bool { false }
            fn each(&self, visit: &mut dyn FnMut(&dyn Shaped)) {
                visit(self);
            }
        }

        impl $name {
            /// Notes the required fields that have no value.
            fn note_missing(&self, problems: &mut Problems) {
                let mut fields = Self::SHAPE.fields.iter();
                $(
                    if let Some(field) = fields.next() && field.required && Value::is_missing(&self.$field) {
                        problems.note_missing(field.name);
                    }
                )*
            }
        }

        impl Shaped for $name {
            fn shape(&self) -> &'static Shape {
                Self::SHAPE
            }
            fn write_element(&self, out: &mut XmlWriter, name: &str) {
                out.open(name);
                let mut fields = Self::SHAPE.fields.iter();
                $(
                    if let Some(field) = fields.next() && !out.omits(field.name) {
                        Value::write_xml(&self.$field, out, field.name, field);
                    }
                )*
                out.close(name);
            }
            fn write_object(&self, out: &mut JsonWriter) {
                Value::write_json(self, out);
            }
            fn write_members(&self, out: &mut JsonWriter, positions: &[usize]) {
                for position in positions {
                    shape!(@at *position, $($field)*, self, value => {
                        write_member(out, Self::SHAPE.name_at(*position), value);
                    });
                }
            }
            fn write_as(&self, out: &mut JsonWriter, name: &str, position: usize) {
                shape!(@at position, $($field)*, self, value => {
                    write_member(out, name, value);
                });
            }
            fn each_in(&self, position: usize, visit: &mut dyn FnMut(&dyn Shaped)) {
                shape!(@at position, $($field)*, self, value => {
                    Value::each(value, visit);
                });
            }
            fn field(&self, position: usize) -> Option<&dyn Any> {
                shape!(@at position, $($field)*, self, value => {
                    return Some(value);
                });
                None
            }
        }
        };
    };
    // Runs a block with the field at a position.
    (@at $position:expr, $($field:ident)*, $of:ident, $value:ident => $does:block) => {
        let mut turn = $position;
        $(
            if turn == 0 {
                let $value = &$of.$field;
                $does
            }
            turn = turn.wrapping_sub(1);
        )*
        let _ = turn;
    };
}
pub(crate) use shape;

#[cfg(test)]
mod tests {
    use crate::contract::field::{Field, Kind, Shape};
    use crate::contract::json::{JsonWriter, parse};
    use crate::contract::problem::{Code, Problems};
    use crate::contract::shape::{List, Number, Shaped as _, Structure as _, Value as _};

    shape! {
        /// An entry.
        pub struct Entry = "Entry_V1" {
            /// A number.
            number: Number = "number", required;
        }
    }

    shape! {
        /// Every kind of list, required and not.
        pub struct Lists = "Lists_V1" {
            /// The name.
            name: Option<String> = "name", alias = "called", max = 3, id;
            /// Texts, repeated.
            flat: List<String> = "flat", max = 3, required;
            /// Numbers in a wrapper.
            numbers: List<Number> = "numbers", item = "number", wrapped, required;
            /// Structures in a wrapper that may be absent.
            entries: Option<List<Entry>> = "entries", item = "entry", wrapped, required;
            /// An optional list.
            others: List<String> = "others", item = "other", wrapped, max = 3;
        }
    }

    fn read(json: &str) -> (Lists, Vec<(Code, String)>) {
        static FIELD: Field = Field::new("request", "", || Kind::Text);
        let mut problems = Problems::none(true);
        let mut lists = Lists::default();
        lists.read_json(&parse(json.as_bytes(), 8).unwrap(), &FIELD, &mut problems);
        let found = problems.found.into_iter();
        (
            lists,
            found
                .map(|p| (p.code, p.field.unwrap_or_default()))
                .collect(),
        )
    }

    #[test]
    fn refuses_required_lists_that_are_absent_or_empty() {
        let missing = |field: &str| (Code::MissingField, field.to_owned());
        let wanted = vec![missing("flat"), missing("numbers"), missing("entries")];
        assert_eq!(read("{}").1, wanted);
        let empty = r#"{"flat": [], "numbers": null, "entries": null, "others": []}"#;
        assert_eq!(read(empty).1, wanted);
        let full = r#"{"flat": ["a"], "numbers": [1], "entries": []}"#;
        assert_eq!(read(full).1, []);
    }

    #[test]
    fn writes_the_json_that_it_has_read() {
        let json =
            r#"{"name":"x","flat":["a","b"],"numbers":[1,2],"entries":[{"number":3}],"others":[]}"#;
        let (lists, problems) = read(json);
        assert_eq!(problems, []);
        let mut out = JsonWriter::new();
        lists.write_json(&mut out);
        assert_eq!(String::from_utf8(out.finish()).unwrap(), json);
    }

    #[test]
    fn writes_absent_members_as_null_or_not_at_all() {
        let written = |mut out: JsonWriter| {
            Lists::default().write_json(&mut out);
            String::from_utf8(out.finish()).unwrap()
        };
        let left_out = r#"{"flat":[],"numbers":[],"others":[]}"#;
        assert_eq!(written(JsonWriter::new()), left_out);
        let nulls = r#"{"name":null,"flat":[],"numbers":[],"entries":null,"others":[]}"#;
        assert_eq!(written(JsonWriter::with_nulls()), nulls);
    }

    #[test]
    fn writes_chosen_members_in_the_order_asked_for() {
        let (lists, _) = read(r#"{"called":"x","flat":["a"],"numbers":[1],"entries":[]}"#);
        let mut out = JsonWriter::new();
        out.object(|out| {
            lists.write_members(out, &[2, 1, 99]);
            lists.write_as(out, "id", Lists::SHAPE.id().unwrap());
        });
        let written = String::from_utf8(out.finish()).unwrap();
        assert_eq!(written, r#"{"numbers":[1],"flat":["a"],"id":"x"}"#);
    }

    #[test]
    #[should_panic(expected = "at most 64 fields")]
    fn refuses_a_shape_of_65_fields() {
        let fields: Vec<_> = (0..65)
            .map(|_| Field::new("x", "", || Kind::Text))
            .collect();
        let _ = Shape::new("X", "", fields.leak());
    }
}
