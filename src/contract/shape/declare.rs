//! The macro that declares a shape.

/// Declares a published type once: the struct, its field table, how it is read and written.
///
/// A field is `name: Type = "publishedName"`, then in this order, as needed: `alias "other"`,
/// `item "entry"`, `max 64`, `is required` or `is id`.
macro_rules! shape {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident = $published:literal $order:ident {
            $(
                $(#[doc = $field_doc:literal])+
                $field:ident : $type:ty = $wire:literal
                    $(alias $alias:literal)? $(item $item:literal)? $(max $max:literal)? $(is $is:ident)?;
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
                        required: shape!(@required $($is)?),
                        is_id: shape!(@id $($is)?),
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
            fn read_xml(
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
                                $crate::contract::shape::Value::read_xml(&mut self.$field, reader, field)?;
                            }
                        }
                        // Past zero it wraps round and never comes back to it.
                        turn = turn.wrapping_sub(1);
                    )*
                    let _ = turn;
                    seen |= 1 << at;
                }
                $(
                    if shape!(@required $($is)?)
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
                    if shape!(@required $($is)?)
                        && $crate::contract::shape::Value::is_missing(&self.$field) {
                        problems.note_missing($wire);
                    }
                )*
            }
            fn write_xml(&self, out: &mut $crate::contract::xml::XmlWriter, name: &str, _: &str) {
                out.open(name);
                $(
                    if !out.omits($wire) {
                        $crate::contract::shape::Value::write_xml(&self.$field, out, $wire, shape!(@or "" $($item)?));
                    }
                )*
                out.close(name);
            }
            fn write_json(&self, out: &mut $crate::contract::json::JsonWriter) {
                out.object(|out| {
                    $( $crate::contract::shape::write_member(out, $wire, &self.$field); )*
                    let _ = out;
                });
            }
            fn is_missing(&self) -> bool { false }
            fn each(&self, visit: &mut dyn FnMut(&dyn $crate::contract::shape::Shaped)) {
                visit(self);
            }
        }

        impl $crate::contract::shape::Shaped for $name {
            fn shape(&self) -> &'static $crate::contract::shape::Shape {
                <$name as $crate::contract::shape::Structure>::SHAPE
            }
            fn write_element(&self, out: &mut $crate::contract::xml::XmlWriter, name: &str) {
                $crate::contract::shape::Value::write_xml(self, out, name, "");
            }
            fn write_object(&self, out: &mut $crate::contract::json::JsonWriter) {
                $crate::contract::shape::Value::write_json(self, out);
            }
            fn write_members(&self, out: &mut $crate::contract::json::JsonWriter, positions: &[usize]) {
                for position in positions {
                    shape!(@at *position, $($field)*, self, value => {
                        let name = <$name as $crate::contract::shape::Structure>::SHAPE.name_at(*position);
                        $crate::contract::shape::write_member(out, name, value);
                    });
                }
            }
            fn write_as(&self, out: &mut $crate::contract::json::JsonWriter, name: &str, position: usize) {
                shape!(@at position, $($field)*, self, value => {
                    $crate::contract::shape::write_member(out, name, value);
                });
            }
            fn each_in(
                &self,
                position: usize,
                visit: &mut dyn FnMut(&dyn $crate::contract::shape::Shaped),
            ) {
                shape!(@at position, $($field)*, self, value => {
                    $crate::contract::shape::Value::each(value, visit);
                });
            }
            fn number_in(&self, position: usize) -> Option<i64> {
                shape!(@at position, $($field)*, self, value => {
                    return $crate::contract::shape::Value::number(value);
                });
                None
            }
        }
    };
    // Does something with the field at a position.
    (@at $position:expr, $($field:ident)*, $of:ident, $value:ident => $does:block) => {
        let mut turn = $position;
        $(
            if turn == 0 {
                let $value = &$of.$field;
                $does
            }
            // Past zero it wraps round and never comes back to it.
            turn = turn.wrapping_sub(1);
        )*
        let _ = turn;
    };
    (@option) => { None };
    (@option $value:literal) => { Some($value) };
    (@or $default:literal) => { $default };
    (@or $default:literal $value:literal) => { $value };
    (@required) => { false };
    (@required required) => { true };
    (@required id) => { false };
    (@id) => { false };
    (@id id) => { true };
    (@id required) => { false };
}
pub(crate) use shape;
