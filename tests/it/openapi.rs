//! The OpenAPI document: it is committed, served, consistent, and describes the real answers.

use std::sync::LazyLock;

use chaingun_gateway::config::{Config, Values};
use chaingun_gateway::contract::openapi;
use chaingun_gateway::contract::problem::Code;
use chaingun_gateway::operations::{CATALOG, rest_entries};
use serde_json::{Value, json};

use crate::harness::Gateway;
use crate::wire;

const COMMITTED: &str = include_str!("../../schema/openapi.json");

fn document() -> Value {
    serde_json::from_str(COMMITTED).unwrap()
}

#[test]
fn prints_the_committed_document() {
    let defaults = Config::read(&Values::new(), Vec::new()).unwrap();
    assert!(
        openapi::document(&rest_entries(), &defaults.server.rest_prefixes) == COMMITTED,
        "stale: run `cargo run -- contract print --write` and read the difference"
    );
}

#[test]
fn serves_the_document_with_the_configured_paths() {
    let gateway = Gateway::demo();
    let served = gateway.get("/openapi.json");
    assert_eq!(
        (served.status, served.header("Content-Type")),
        (200, Some("application/json"))
    );
    assert!(served.body == COMMITTED);
    let head = gateway
        .raw(b"HEAD /openapi.json HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let post = gateway.raw(
        b"POST /openapi.json HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(
        (post.status, post.header("Allow")),
        (405, Some("GET, HEAD"))
    );
    let elsewhere = Gateway::with(&[("context_path", "moby")]).get("/openapi.json");
    let elsewhere: Value = serde_json::from_str(&elsewhere.body).unwrap();
    assert_eq!(
        elsewhere["servers"],
        json!([{"url": "/moby/json/user/v1"}, {"url": "/moby/user/v1"}])
    );
    assert_eq!(elsewhere["paths"], document()["paths"]);
}

/// Calls `visit` with every object in the value, at every depth.
fn each_object(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            visit(members);
            members.values().for_each(|v| each_object(v, visit));
        }
        Value::Array(entries) => entries.iter().for_each(|v| each_object(v, visit)),
        _ => {}
    }
}

#[test]
fn describes_every_route_and_defines_every_reference() {
    let document = document();
    let mut ids = Vec::new();
    for operation in CATALOG {
        for route in operation.routes {
            let described = &document["paths"][route.path][route.method.to_lowercase()];
            assert_eq!(described["summary"], operation.doc, "{}", route.path);
            let captured = route.path.contains('{');
            let in_path = described["parameters"].as_array().unwrap();
            assert_eq!(in_path.iter().any(|p| p["in"] == "path"), captured);
            ids.push(described["operationId"].as_str().unwrap().to_owned());
        }
    }
    let described = document["paths"].as_object().unwrap().values();
    assert_eq!(
        described
            .map(|p| p.as_object().unwrap().len())
            .sum::<usize>(),
        ids.len()
    );
    ids.sort();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all, "two operations have the same id");
    let mut used = std::collections::BTreeSet::new();
    each_object(&document, &mut |object| {
        if let Some(Value::String(reference)) = object.get("$ref") {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
            used.insert(pointer.to_owned());
        }
        if let (Some(Value::Array(required)), Some(Value::Object(properties))) =
            (object.get("required"), object.get("properties"))
        {
            for name in required {
                assert!(properties.contains_key(name.as_str().unwrap()), "{name}");
            }
        }
    });
    for kind in ["schemas", "headers", "parameters", "responses"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            // No operation refers to this answer; the description of the document names it.
            let spare = name == "MethodNotAllowed";
            let pointer = format!("/components/{kind}/{name}");
            assert!(
                used.contains(&pointer) || spare,
                "nothing refers to {pointer}"
            );
        }
    }
    let codes: Vec<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
    assert_eq!(
        document["components"]["schemas"]["Code"]["enum"],
        json!(codes)
    );
}

#[test]
fn names_every_schema_of_a_body_and_of_an_answer() {
    let document = document();
    let mut named = 0;
    each_object(&document, &mut |object| {
        for media_type in ["application/vnd.api+json", "application/json"] {
            let Some(schema) = object.get(media_type).and_then(|m| m.get("schema")) else {
                continue;
            };
            let forms = schema["oneOf"].as_array();
            let forms = forms.map_or(vec![schema], |forms| forms.iter().collect());
            for form in forms {
                assert!(form["$ref"].is_string(), "{form}");
                named += 1;
            }
        }
    });
    assert!(named > 30, "{named}");
    // Code generators name the type of a nested object after its place, and two places may result in the same name.
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for member in schema["properties"].as_object().into_iter().flatten() {
            assert!(member.1["properties"].is_null(), "{name}/{}", member.0);
        }
    }
}

/// The names after `before` in the code of a file, without the functions for the command line at its end.
fn names_in(text: &str, before: &str) -> Vec<String> {
    let text = text.split("_by_operator(").next().unwrap();
    let code: String = text
        .lines()
        .filter(|l| !l.trim().starts_with("//"))
        .collect();
    let named = code.split(before).skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    });
    named.collect()
}

#[test]
fn declares_every_code_that_the_file_of_an_operation_refuses_with() {
    let mut told = 0;
    for file in std::fs::read_dir("src/operations/user").unwrap() {
        let file = file.unwrap().path();
        let file = file.to_str().unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        let name = text
            .split("::<Self>(")
            .nth(1)
            .and_then(|t| t.split('"').nth(1));
        let Some(operation) = CATALOG.iter().find(|o| Some(o.name) == name) else {
            continue;
        };
        for route in operation.routes {
            let codes = operation.codes(route);
            for code in names_in(&text, "Code::") {
                let code = Code::ALL.iter().find(|c| format!("{c:?}") == code).unwrap();
                assert!(
                    codes.contains(code),
                    "{file} refuses with {code:?}: add it to the route's `refuses`"
                );
                told += 1;
            }
            assert_eq!(
                route.with_token,
                text.contains("token_param(&"),
                "{file}: add `with_token` to the route whose answer has a token"
            );
        }
    }
    assert!(told > 20, "{told}");
}

/// Checks a value against a schema; `all` demands that the schema knows every member.
fn check(schema: &Value, value: &Value, all: bool, place: &str) -> Result<(), String> {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(document);
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = DOCUMENT.pointer(&reference[1..]).unwrap();
        return check(schema, value, all, place);
    }
    let wrong = |what: &str| Err(format!("{place}: {what}: {value}"));
    for (at, part) in schema["allOf"].as_array().into_iter().flatten().enumerate() {
        check(part, value, all && at == 0, place)?;
    }
    if let Some(forms) = schema["oneOf"].as_array() {
        let fits = forms.iter().filter(|f| check(f, value, all, place).is_ok());
        if fits.count() != 1 {
            return wrong("not exactly one of the forms");
        }
    }
    let right = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        _ => true,
    };
    let constant = schema.get("const").is_none_or(|c| c == value);
    let listed = schema["enum"].as_array().is_none_or(|e| e.contains(value));
    let length = value.as_str().map_or(0, |t| t.chars().count() as u64);
    let short = schema["maxLength"].as_u64().is_none_or(|max| length <= max);
    if !(right && constant && listed && short) {
        return wrong("not of the type, or not one of the values");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            return wrong(&format!("{name} is missing"));
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => check(schema, member, all, &format!("{place}/{name}"))?,
            None if all && schema.get("type").is_some() => {
                return wrong(&format!("the schema has no member {name}"));
            }
            None => {}
        }
    }
    for entry in value.as_array().into_iter().flatten() {
        check(&schema["items"], entry, all, place)?;
    }
    Ok(())
}

/// The operation of the document for a request line.
fn described<'a>(document: &'a Value, line: &str) -> Option<&'a Value> {
    let (method, target) = line.split_once(' ').unwrap();
    let path = target
        .strip_prefix("/hammy/json/user/v1")?
        .split('?')
        .next()?;
    let segments: Vec<_> = path.split('/').collect();
    let (_, item) = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .find(|(pattern, _)| {
            let pattern: Vec<_> = pattern.split('/').collect();
            pattern.len() == segments.len()
                && pattern
                    .iter()
                    .zip(&segments)
                    .all(|(p, s)| p.starts_with('{') || p == s)
        })?;
    item.get(method.to_lowercase())
}

#[test]
fn describes_every_member_of_every_conversation() {
    let document = document();
    let mut checked = 0;
    for file in wire::files("examples/wire", "wire") {
        let messages = wire::read(&std::fs::read_to_string(&file).unwrap());
        for pair in messages.windows(2).filter(|pair| pair[0].is_request) {
            let [request, answer] = pair else { continue };
            let Some(operation) = described(&document, &request.head[0]) else {
                continue;
            };
            let place = format!("{}: {}", file.display(), request.head[0]);
            let sent = request
                .head
                .iter()
                .find_map(|h| h.strip_prefix("Content-Type: "));
            // A document of another type gets 409, and the schema of the operation does not describe such a document.
            if let Some(sent) = sent.filter(|_| answer.head[0] != "409") {
                let body = serde_json::from_str(&request.body).unwrap();
                let schema = &operation["requestBody"]["content"][sent]["schema"];
                check(schema, &body, true, &place).unwrap();
            }
            let mut response = &operation["responses"][&answer.head[0]];
            if let Some(reference) = response["$ref"].as_str() {
                response = document.pointer(&reference[1..]).unwrap();
            }
            assert!(response.is_object(), "{place}: no {}", answer.head[0]);
            let body = serde_json::from_str(&answer.body).unwrap();
            let schema = &response["content"]["application/vnd.api+json"]["schema"];
            check(schema, &body, true, &place).unwrap();
            let token = answer.head.iter().any(|h| h.starts_with("Authorization: "));
            assert_eq!(token, response["headers"].get("Authorization").is_some());
            checked += 1;
        }
    }
    assert!(checked > 15, "{checked}");
}
