//! Prints the contract of the REST face: OpenAPI 3.1, from the shapes, the rejection table and the routes.

mod answers;
mod requests;
mod schemas;

use serde_json::{Map, Value, json};

use super::SERVICE;
use super::field::{Field, Shape};
use super::problem::Code;
use schemas::Schemas;

/// The media type of every answer, and of a body that is a JSON:API document.
const DOCUMENT: &str = "application/vnd.api+json";
/// The media type of a body that is an object with the fields as its members.
const FLAT: &str = "application/json";

/// One route of an operation, as the printer needs it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: &'static str,
    pub doc: &'static str,
    /// The access rule in words.
    pub who: &'static str,
    /// The sets of credentials; each set is sufficient.
    pub credentials: &'static [&'static [Credential]],
    pub method: &'static str,
    /// Whether the body holds the fields; otherwise path and query hold them.
    pub has_body: bool,
    /// Whether the body is optional.
    pub body_is_optional: bool,
    /// The path below the prefix; a segment in braces is a field of the request.
    pub path: &'static str,
    /// The fields that a client sends by this route.
    pub fields: &'static [Field],
    /// The accepted `data.type`s of a body; empty if any type is accepted.
    pub takes: &'static [&'static str],
    /// The field that `data.id` stands for; `None` if the id is ignored.
    pub id: Option<&'static str>,
    /// Whether the gateway generates an id for a request without an id.
    pub fresh_id: bool,
    pub response: &'static Shape,
    /// The `data.type` of the answer.
    pub answers: &'static str,
    /// Whether a successful answer contains a token.
    pub with_token: bool,
    /// Every code with which the route can refuse.
    pub codes: Vec<Code>,
}

/// A credential of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// The key of the calling client, in a header or in the query.
    ClientKey,
    /// The token of a signed-in user.
    UserToken,
}

impl Entry {
    /// The prefix of the names of the entry's schemas: the name of the operation with a capital first letter.
    fn title(&self) -> String {
        let mut letters = self.name.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    }

    /// The field that a segment of the path stands for.
    fn captured(&self) -> Option<&'static str> {
        let (_, rest) = self.path.split_once('{')?;
        rest.split_once('}').map(|(field, _)| field)
    }
}

/// The document for resources below these prefixes. Equal entries give equal text.
#[must_use]
pub fn document(entries: &[Entry], prefixes: &[String]) -> String {
    let mut schemas = Schemas::default();
    let mut paths: Map<String, Value> = Map::new();
    let mut seen: Vec<&str> = Vec::new();
    let mut tags: Vec<&str> = Vec::new();
    for entry in entries {
        let tag = tag(entry.path);
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        let operation = operation(entry, seen.contains(&entry.name), &mut schemas);
        seen.push(entry.name);
        let item = paths.entry(entry.path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = item {
            methods.insert(entry.method.to_ascii_lowercase(), operation);
        }
    }
    let servers: Vec<_> = prefixes.iter().map(|p| json!({"url": p})).collect();
    let tags: Vec<_> = tags.iter().map(|t| json!({"name": t})).collect();
    let whole = json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("{SERVICE}, as JSON:API resources"),
            "version": "1.0",
            "description": ABOUT,
        },
        "servers": servers,
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": answers::schemas(schemas),
            "parameters": requests::headers(),
            "headers": answers::headers(),
            "responses": answers::refusals(entries),
            "securitySchemes": requests::security_schemes(),
        },
    });
    format!("{whole:#}\n")
}

/// The rules that apply to every operation and that no table contains.
const ABOUT: &str = "The operations of the SOAP service as resources. Every answer is application/vnd.api+json, even if the \
body of the request is application/json. If an operation refuses a request, the answer has the reasons twice: in \
meta.responseStatus, as in SOAP, and in errors. If the gateway cannot read a request, the answer has only errors. Texts are \
Hungarian unless Accept-Language prefers English. A trailing slash is ignored; a slash in a user name is sent as %2F. HEAD \
returns the headers of GET. OPTIONS returns 204 with the methods of the path in Allow. A method that the path does not support \
gets 405 (#/components/responses/MethodNotAllowed).";

/// The first segment of the path, under which tools group operations.
fn tag(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or("")
}

fn operation(entry: &Entry, again: bool, schemas: &mut Schemas) -> Value {
    let mut operation = Map::new();
    let mut put = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    put("operationId", json!(operation_id(entry, again)));
    put("summary", json!(entry.doc.trim()));
    let mut description = format!("Allowed callers: {}.", entry.who);
    if !entry.has_body && requests::in_query(entry).next().is_some() {
        description.push_str(
            " Conditions may have the form filter[name]; limit and offset may have the form page[limit] and page[offset].",
        );
        if requests::in_query(entry).any(|f| f.name == "userName") {
            description.push_str(
                " If userName is given twice, the first value names the caller, as X-User-Name does, and the second is the \
                 condition. Further parameters are read as params[0].key and params[0].value, or as params[0][key] and \
                 params[0][value].",
            );
        }
    }
    put("description", json!(description));
    put("tags", json!([tag(entry.path)]));
    put("security", requests::security(entry));
    put("parameters", requests::parameters(entry, schemas));
    if entry.has_body {
        put("requestBody", requests::body(entry, schemas));
    }
    put("responses", answers::responses(entry));
    Value::Object(operation)
}

/// The name of the operation. If the operation has several routes, all routes but the first append their method and the
/// field in their path.
fn operation_id(entry: &Entry, again: bool) -> String {
    let mut id = entry.name.to_owned();
    if again {
        for part in [
            &entry.method.to_ascii_lowercase(),
            entry.captured().unwrap_or(""),
        ] {
            let mut letters = part.chars();
            id.extend(letters.next().map(|c| c.to_ascii_uppercase()));
            id.push_str(letters.as_str());
        }
    }
    id
}
