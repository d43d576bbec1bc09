//! JSON Schemas of fields and shapes.

use serde_json::{Map, Value, json};

use crate::contract::common::RequestMeta;
use crate::contract::field::{Emptiness, Field, Kind, Shape};
use crate::contract::problem::Code;
use crate::contract::shape::{MAX_LIST, Structure as _};

/// The schemas of shapes, each once, under its published name.
#[derive(Default)]
pub(super) struct Schemas {
    pub(super) named: Map<String, Value>,
}

impl Schemas {
    /// A reference to the schema of a shape.
    pub(super) fn of(&mut self, shape: &'static Shape) -> Value {
        if !self.named.contains_key(shape.name) {
            // Insert a placeholder first, for a shape that contains itself.
            self.named.insert(shape.name.to_owned(), json!({}));
            let mut schema = self.object(shape.fields.iter());
            describe(&mut schema, shape.doc);
            self.named.insert(shape.name.to_owned(), schema);
        }
        reference(shape.name)
    }

    /// A reference to this schema, under this name. Routes that share a name have equal schemas.
    pub(super) fn name(&mut self, name: String, schema: Value) -> Value {
        let reference = reference(&name);
        let earlier = self.named.insert(name, schema.clone());
        debug_assert!(
            earlier.is_none_or(|e| e == schema),
            "two schemas have one name"
        );
        reference
    }

    /// An object with these fields.
    pub(super) fn object<'a>(&mut self, fields: impl Iterator<Item = &'a Field>) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in fields {
            properties.insert(field.name.to_owned(), self.field(field));
            if field.required {
                required.push(field.name);
            }
        }
        object(properties, &required)
    }

    /// The schema of a field, with its description.
    pub(super) fn field(&mut self, field: &Field) -> Value {
        let mut schema = match (field.kind)() {
            Kind::List(entry) => list(self.one(entry(), field.max)),
            kind => self.one(kind, field.max),
        };
        let mut doc = field.doc.trim().to_owned();
        if let Some(alias) = field.alias {
            doc.push_str(&format!(" The name {alias} is accepted, too."));
        }
        describe(&mut schema, &doc);
        schema
    }

    /// The schema of a field, with the constraints of requests.
    pub(super) fn sent(&mut self, field: &Field) -> Value {
        let mut schema = self.field(field);
        match (field.kind)() {
            Kind::List(_) => put(&mut schema, "maxItems", json!(MAX_LIST)),
            Kind::Text if field.required || field.emptiness == Emptiness::Refused => {
                put(&mut schema, "minLength", json!(1));
            }
            _ => {}
        }
        if field.emptiness == Emptiness::Clears {
            let kind = schema.get("type").cloned().unwrap_or_default();
            put(&mut schema, "type", json!([kind, "null"]));
        }
        schema
    }

    fn one(&mut self, kind: Kind, max: u32) -> Value {
        match kind {
            Kind::Text | Kind::List(_) => text(max),
            Kind::Number => json!({"type": "integer", "format": "int32"}),
            Kind::Boolean => json!({"type": "boolean"}),
            Kind::Status => json!({"type": "integer", "enum": statuses()}),
            Kind::Shape(shape) => self.of(shape),
        }
    }
}

/// Whether the field is the request meta data, which REST sends in headers.
pub(super) fn is_meta(field: &Field) -> bool {
    matches!((field.kind)(), Kind::Shape(shape) if shape.name == RequestMeta::SHAPE.name)
}

/// Every `responseStatus/code`: 0 for success, and the codes of the table.
fn statuses() -> Vec<i32> {
    let refused = Code::ALL.iter().filter_map(|c| c.kind().rest().1);
    let mut statuses: Vec<i32> = std::iter::once(0).chain(refused).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

pub(super) fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

/// The schema of an object with these members, some of which are required.
pub(super) fn object(properties: impl Into<Value>, required: &[&str]) -> Value {
    let mut object = json!({"type": "object", "properties": properties.into()});
    if !required.is_empty() {
        put(&mut object, "required", json!(required));
    }
    object
}

pub(super) fn put(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value);
    }
}

pub(super) fn describe(schema: &mut Value, doc: &str) {
    if !doc.trim().is_empty() {
        put(schema, "description", json!(doc.trim()));
    }
}

fn text(max: u32) -> Value {
    json!({"type": "string", "maxLength": max})
}
