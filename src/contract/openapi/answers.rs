//! Answers in the OpenAPI document: successes from the response shape, refusals from the rejection table.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schemas::{Schemas, describe, list, object, put, reference};
use super::{DOCUMENT, Entry};
use crate::contract::common::{Param, ResponseStatus};
use crate::contract::messages::Language;
use crate::contract::problem::{Code, Kind};
use crate::contract::shape::Structure as _;
use crate::contract::user::FlatUser;

/// The field of a user that is the id of its resource.
const ID: &str = "userName";

/// Every status of an operation. Refusals are references to components, because operations share most of them.
pub(super) fn responses(entry: &Entry) -> Value {
    let mut responses = Map::new();
    responses.insert("200".to_owned(), success(entry));
    for (status, codes) in by_status(entry) {
        responses.insert(status.to_string(), response(&name_of(&codes)));
    }
    if entry.has_body {
        responses.insert("408".to_owned(), response(LATE));
    }
    Value::Object(responses)
}

/// Every refusal of these entries, by the name of its component.
pub(super) fn refusals(entries: &[Entry]) -> Value {
    let mut named = Map::new();
    for codes in entries.iter().flat_map(|e| by_status(e).into_values()) {
        named.insert(name_of(&codes), refusal(&codes));
    }
    let late = json!({
        "description": "The body did not arrive in time.",
        "headers": common_headers(&[]),
        "content": {"text/plain": {"schema": {"type": "string"}}},
    });
    named.insert(LATE.to_owned(), late);
    let other_method = json!({
        "description": "The path does not support the method.",
        "headers": common_headers(&["Allow"]),
        "content": {(DOCUMENT): {"schema": reference("Failure")}},
    });
    named.insert("MethodNotAllowed".to_owned(), other_method);
    Value::Object(named)
}

const LATE: &str = "RequestTimeout";

fn by_status(entry: &Entry) -> BTreeMap<u16, Vec<Code>> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in &entry.codes {
        let (status, _) = code.kind().rest();
        by_status.entry(status).or_default().push(*code);
    }
    by_status
}

fn name_of(codes: &[Code]) -> String {
    let names: Vec<_> = codes.iter().map(|c| c.as_str()).collect();
    names.join("-")
}

fn response(name: &str) -> Value {
    json!({"$ref": format!("#/components/responses/{name}")})
}

fn success(entry: &Entry) -> Value {
    let (what, name) = match entry.response.payload() {
        None => (
            "Done. The answer contains no data.",
            "EmptyDocument".to_owned(),
        ),
        Some(payload) if !payload.is_list => (
            "Done; the user.",
            format!("{}Document", title(entry.answers)),
        ),
        Some(_) => ("Done; a page of users.", "UserPageDocument".to_owned()),
    };
    let headers: &[&str] = if entry.with_token {
        &["Authorization"]
    } else {
        &[]
    };
    json!({
        "description": what,
        "headers": common_headers(headers),
        "content": {(DOCUMENT): {"schema": reference(&name)}},
    })
}

/// The resource types of users: `user` in the answer of a sign-in, and `users` in all other answers.
const KINDS: [&str; 2] = ["users", "user"];

/// The prefix of the names of schemas of this type.
fn title(kind: &str) -> &'static str {
    match kind {
        "user" => "SignedInUser",
        _ => "User",
    }
}

/// A user as a resource of this type.
fn resource(kind: &str) -> Value {
    json!({
        "type": "object",
        "required": ["type", "id", "attributes"],
        "properties": {
            "type": {"type": "string", "const": kind},
            "id": {"type": "string", "description": format!("The user's {ID}.")},
            "attributes": reference("UserAttributes"),
        },
    })
}

/// A document with this data and this meta.
fn document(data: Value, meta: &str) -> Value {
    object(
        json!({"data": data, "meta": reference(meta)}),
        &["data", "meta"],
    )
}

/// The response of one status: its codes in words and as a list, and the forms of its documents.
fn refusal(codes: &[Code]) -> Value {
    let texts: Vec<_> = codes
        .iter()
        .map(|c| format!("{}: {}.", c.as_str(), c.title(Language::English)))
        .collect();
    let mut forms = Vec::new();
    let (choices, others): (Vec<Code>, Vec<Code>) = codes
        .iter()
        .copied()
        .partition(|c| c.kind() == Kind::Choice);
    if let Some(first) = others.first() {
        let form = match first.kind().rest().1 {
            Some(_) => "Refusal",
            None => "Failure",
        };
        forms.push(reference(form));
    }
    if !choices.is_empty() {
        forms.push(reference("Choice"));
    }
    let headers: &[&str] = match codes.first().map(|c| c.kind()) {
        Some(Kind::SignIn) => &["WWW-Authenticate"],
        Some(Kind::Throttled | Kind::NotReady) => &["Retry-After"],
        _ => &[],
    };
    let schema = match forms.len() {
        1 => forms.pop().unwrap_or_default(),
        _ => json!({"oneOf": forms}),
    };
    let names: Vec<_> = codes.iter().map(|c| c.as_str()).collect();
    json!({
        "description": texts.join(" "),
        "x-codes": names,
        "headers": common_headers(headers),
        "content": {(DOCUMENT): {"schema": schema}},
    })
}

fn common_headers(further: &[&str]) -> Value {
    let names = ["X-Request-Id"].iter().chain(further);
    let headers = names.map(|name| {
        let reference = json!({"$ref": format!("#/components/headers/{name}")});
        ((*name).to_owned(), reference)
    });
    Value::Object(headers.collect())
}

pub(super) fn headers() -> Value {
    let header =
        |doc: &str, schema: Value| json!({"required": true, "schema": schema, "description": doc});
    json!({
        "X-Request-Id": header("The ID of the request in the log.", json!({"type": "string", "format": "uuid"})),
        "Authorization": header("The token to send from now on, with the prefix JWT.", json!({"type": "string", "pattern": "^JWT "})),
        "WWW-Authenticate": header("The scheme to sign in with.", json!({"const": "JWT"})),
        "Retry-After": header("The time to wait before the next attempt, in seconds.", json!({"type": "integer", "minimum": 0})),
        "Allow": header("The methods that the path supports.", json!({"type": "string"})),
    })
}

/// The schemas of answers, added to those of requests.
pub(super) fn schemas(mut schemas: Schemas) -> Value {
    let params = list(schemas.of(Param::SHAPE));
    let status = schemas.of(ResponseStatus::SHAPE);
    let user = FlatUser::SHAPE.fields.iter().filter(|f| f.name != ID);
    let mut attributes = schemas.object(user);
    describe(
        &mut attributes,
        "The attributes of a user, whose id is the user name.",
    );
    let total = json!({"type": "integer", "minimum": 0, "description": "The number of all hits, on this page and on others."});
    let meta = json!({"params": params, "responseStatus": status});
    let mut page_meta = meta.clone();
    put(&mut page_meta, "total", total);
    let errors = json!({"type": "array", "minItems": 1, "items": reference("Error")});
    let without_id = object(
        json!({"type": {"type": "string", "const": "users"}, "attributes": reference("UserAttributes")}),
        &["type", "attributes"],
    );
    let page = json!({
        "data": list(reference("UserResource")), "links": reference("Links"), "meta": reference("PageMeta"),
    });
    for kind in KINDS {
        let resource_name = format!("{}Resource", title(kind));
        let of_user = document(reference(&resource_name), "Meta");
        schemas.named.insert(resource_name, resource(kind));
        schemas
            .named
            .insert(format!("{}Document", title(kind)), of_user);
    }
    for (name, schema) in [
        ("UserAttributes", attributes),
        ("Meta", object(meta, &["params", "responseStatus"])),
        (
            "PageMeta",
            object(page_meta, &["params", "responseStatus", "total"]),
        ),
        ("Links", links()),
        ("Code", code()),
        ("Error", error()),
        ("ErrorSource", error_source()),
        ("EmptyResource", empty_resource()),
        (
            "EmptyAttributes",
            json!({"type": "object", "maxProperties": 0}),
        ),
        (
            "EmptyDocument",
            document(reference("EmptyResource"), "Meta"),
        ),
        ("UserPageDocument", object(page, &["data", "links", "meta"])),
        ("ChoiceResource", without_id),
        ("Failure", object(json!({"errors": errors}), &["errors"])),
        (
            "Refusal",
            object(
                json!({"errors": errors, "meta": reference("Meta")}),
                &["errors", "meta"],
            ),
        ),
        ("Choice", document(reference("ChoiceResource"), "Meta")),
    ] {
        schemas.named.insert(name.to_owned(), schema);
    }
    Value::Object(schemas.named)
}

/// Every message code, with its text.
fn code() -> Value {
    let names: Vec<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
    json!({"type": "string", "enum": names, "description": "A message code. Codes are never renamed; new codes may be added."})
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["id", "status", "code", "title", "detail"],
        "properties": {
            "id": {"type": "string", "description": "The ID of the request."},
            "status": {"type": "string", "pattern": "^[45][0-9][0-9]$", "description": "The HTTP status."},
            "code": reference("Code"),
            "title": {"type": "string", "description": "The text of the code."},
            "detail": {"type": "string", "description": "The title, the field and the reason."},
            "source": reference("ErrorSource"),
        },
    })
}

fn error_source() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "properties": {"pointer": text, "parameter": text, "header": text},
        "minProperties": 1,
        "maxProperties": 1,
        "description": "The member of the body, the query parameter or the header with the field, or the member that should hold it.",
    })
}

fn empty_resource() -> Value {
    json!({
        "type": "object",
        "required": ["type", "id", "attributes"],
        "properties": {
            "type": {"type": "string", "const": "emptyResponse"},
            "id": {"type": "string", "format": "uuid", "description": "A random UUID, different in each answer."},
            "attributes": reference("EmptyAttributes"),
        },
    })
}

fn links() -> Value {
    let names = ["self", "first", "prev", "next", "last"];
    let reference = json!({"type": "string", "format": "uri"});
    let named = names.map(|name| (name.to_owned(), reference.clone()));
    let properties: Map<_, _> = named.into_iter().collect();
    let mut links = object(properties, &["self", "first", "last"]);
    describe(&mut links, "The addresses of the pages of the list.");
    links
}
