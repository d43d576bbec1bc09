//! Requests in the OpenAPI document: credentials, parameters, and both forms of the body.

use serde_json::{Map, Value, json};

use super::schemas::{Schemas, describe, is_meta, object, put};
use super::{Credential, DOCUMENT, Entry, FLAT};
use crate::contract::common::MAX_CLAIM_CHARS;
use crate::contract::field::{Field, Kind};

/// The member of a document's `meta`.
const PARAMS: &str = "params";

pub(super) fn security_schemes() -> Value {
    json!({
        "clientKey": {
            "type": "apiKey", "in": "header", "name": "X-Client-Hash-Key",
            "description": "The key of the calling client.",
        },
        "clientKeyInQuery": {
            "type": "apiKey", "in": "query", "name": "clientHashKey",
            "description": "The key of the calling client, for clients that cannot set headers. The header takes precedence.",
        },
        "userToken": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The token of a signed-in user, which authenticate returns. The scheme is JWT or Bearer.",
        },
    })
}

/// The credentials of an operation. A client key may be sent in the header or in the query.
pub(super) fn security(entry: &Entry) -> Value {
    let mut sets = Vec::new();
    for set in entry.credentials {
        let keys: &[&str] = match set.contains(&Credential::ClientKey) {
            true => &["clientKey", "clientKeyInQuery"],
            false => &[""],
        };
        for key in keys {
            let token = set.contains(&Credential::UserToken).then_some("userToken");
            let names = [Some(*key).filter(|k| !k.is_empty()), token];
            let needed: Map<_, _> = names
                .into_iter()
                .flatten()
                .map(|name| (name.to_owned(), json!([])))
                .collect();
            sets.push(Value::Object(needed));
        }
    }
    Value::Array(sets)
}

/// The headers that every operation reads.
pub(super) fn headers() -> Value {
    json!({
        "UserName": {
            "name": "X-User-Name", "in": "header", "schema": {"type": "string", "maxLength": MAX_CLAIM_CHARS},
            "description": "The user on whose behalf the client calls, in UTF-8, in Latin-1 or percent-encoded. Beside a \
                            token it must be the token's user. The name that a trusted client sends is written to the audit \
                            log.",
        },
        "Language": {
            "name": "Accept-Language", "in": "header", "schema": {"type": "string"}, "example": "en",
            "description": "The preferred language: hu or en. The default is Hungarian.",
        },
    })
}

/// The fields of a request without a body that are not in its path.
pub(super) fn in_query(entry: &Entry) -> impl Iterator<Item = &'static Field> {
    let captured = entry.captured();
    let fields = entry.fields.iter();
    fields.filter(move |f| !is_meta(f) && Some(f.name) != captured && f.name != PARAMS)
}

/// The parameters of an operation: the field in the path, the query of a request without a body, and the headers.
pub(super) fn parameters(entry: &Entry, schemas: &mut Schemas) -> Value {
    let mut parameters = Vec::new();
    if let Some(name) = entry.captured() {
        let field = entry.fields.iter().find(|f| f.name == name);
        let mut schema = field.map_or_else(|| json!({"type": "string"}), |f| schemas.field(f));
        put(&mut schema, "minLength", json!(1));
        let doc = take_description(&mut schema);
        parameters.push(json!({
            "name": name, "in": "path", "required": true, "schema": schema, "description": doc,
        }));
    }
    if !entry.has_body {
        for field in in_query(entry) {
            let mut schema = schemas.sent(field);
            let mut doc = take_description(&mut schema);
            let mut parameter =
                json!({"name": field.name, "in": "query", "required": field.required});
            if matches!((field.kind)(), Kind::List(_)) {
                doc.push_str(" Repeat the parameter, or separate the values by commas.");
            }
            put(&mut parameter, "schema", schema);
            describe(&mut parameter, &doc);
            parameters.push(parameter);
        }
    }
    for header in ["UserName", "Language"] {
        parameters.push(json!({"$ref": format!("#/components/parameters/{header}")}));
    }
    Value::Array(parameters)
}

/// Removes the description from a schema and returns it. In a parameter the description stands beside the schema.
fn take_description(schema: &mut Value) -> String {
    let taken = match schema {
        Value::Object(members) => members.remove("description"),
        _ => None,
    };
    match taken {
        Some(Value::String(doc)) => doc,
        _ => String::new(),
    }
}

/// The body in both forms.
pub(super) fn body(entry: &Entry, schemas: &mut Schemas) -> Value {
    json!({
        "required": !entry.body_is_optional,
        "content": {
            (DOCUMENT): {"schema": document(entry, schemas)},
            (FLAT): {"schema": flat(entry, schemas)},
        },
    })
}

/// The fields that a body may hold, in order of the table.
fn fields(entry: &Entry) -> impl Iterator<Item = &'static Field> {
    entry.fields.iter().filter(|f| !is_meta(f))
}

/// Whether a body must contain the field: required fields, except those that the path contains or the gateway
/// generates.
fn is_needed(entry: &Entry, field: &Field) -> bool {
    let is_id = entry.id == Some(field.name);
    (field.required || is_id) && entry.captured() != Some(field.name) && !(is_id && entry.fresh_id)
}

/// The flat form of a body. A field of the path may be repeated with the same value.
fn flat(entry: &Entry, schemas: &mut Schemas) -> Value {
    let captured = entry.captured();
    let members = fields(entry).filter(|f| Some(f.name) != captured);
    let schema = object_of(entry, members, schemas);
    schemas.name(name(entry, "Fields"), schema)
}

/// The name of a schema that depends on the fields in the path.
fn name(entry: &Entry, part: &str) -> String {
    let by_name = match entry.captured() {
        Some(_) => "ByName",
        None => "",
    };
    format!("{}{by_name}{part}", entry.title())
}

/// The JSON:API form of a body.
fn document(entry: &Entry, schemas: &mut Schemas) -> Value {
    let resource = resource(entry, schemas);
    let resource = schemas.name(name(entry, "Resource"), resource);
    let mut members = json!({"data": resource});
    if let Some(params) = fields(entry).find(|f| f.name == PARAMS) {
        let params = schemas.sent(params);
        let meta = object(json!({(PARAMS): params}), &[]);
        let meta = schemas.name(format!("{}Meta", entry.title()), meta);
        put(&mut members, "meta", meta);
    }
    let document = object(members, &["data"]);
    schemas.name(name(entry, "Document"), document)
}

/// The resource in a body: fields as attributes, with the ID in its JSON:API place.
fn resource(entry: &Entry, schemas: &mut Schemas) -> Value {
    let elsewhere = [entry.id, entry.captured(), Some(PARAMS)];
    let attributes = fields(entry).filter(|f| !elsewhere.contains(&Some(f.name)));
    let attributes = object_of(entry, attributes, schemas);
    let mut needed = vec!["type"];
    if attributes.get("required").is_some() {
        needed.push("attributes");
    }
    let attributes = schemas.name(format!("{}Attributes", entry.title()), attributes);
    let mut data = json!({"type": kind(entry), "attributes": attributes});
    match fields(entry).find(|f| Some(f.name) == entry.id) {
        Some(field) => {
            let mut id = schemas.sent(field);
            let doc = take_description(&mut id);
            let doc = match (entry.fresh_id, entry.captured().is_some()) {
                (true, _) => format!(
                    "{}: {doc} The gateway generates one if it is absent.",
                    field.name
                ),
                (_, true) => format!("{}: {doc} It must equal the value in the path.", field.name),
                _ => format!("{}: {doc}", field.name),
            };
            describe(&mut id, &doc);
            put(&mut data, "id", id);
            if is_needed(entry, field) {
                needed.push("id");
            }
        }
        None => put(
            &mut data,
            "id",
            json!({"type": "string", "description": "The ID is ignored."}),
        ),
    }
    object(data, &needed)
}

/// The type of the resource in a body.
fn kind(entry: &Entry) -> Value {
    match entry.takes {
        [] => json!({"type": "string", "minLength": 1, "description": "Any type is accepted."}),
        [kind] => json!({"type": "string", "const": kind}),
        kinds => json!({"type": "string", "enum": kinds}),
    }
}

/// An object with these fields of a request.
fn object_of(
    entry: &Entry,
    fields: impl Iterator<Item = &'static Field>,
    schemas: &mut Schemas,
) -> Value {
    let mut properties = Map::new();
    let mut needed = Vec::new();
    for field in fields {
        properties.insert(field.name.to_owned(), schemas.sent(field));
        if is_needed(entry, field) {
            needed.push(field.name);
        }
    }
    object(properties, &needed)
}
