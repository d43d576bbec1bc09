//! Answers of the consent API, as JSON-RPC 2.0 writes them.

use serde_json::{Value, json};

use crate::contract::json::{Json, JsonWriter};
use crate::contract::messages::Language;
use crate::contract::problem::Kind;
use crate::contract::rejection::Rejection;
use crate::http::Reply;
use crate::operations::Payload;

/// The media type of answers.
pub(super) const CONTENT_TYPE: &str = "application/json-rpc; charset=utf-8";

/// The id of a call, echoed as it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Id {
    Null,
    Text(String),
    Number(serde_json::Number),
}

impl Id {
    /// A text, a number or null; nothing else is an id.
    pub(super) fn read(json: &Json) -> Option<Self> {
        match json {
            Json::Null => Some(Id::Null),
            Json::Text(text) => Some(Id::Text(text.clone())),
            Json::Integer(number) => Some(Id::Number((*number).into())),
            Json::Fraction(number) => Some(Id::Number(number.clone())),
            Json::Bool(_) | Json::List(_) | Json::Object(_) => None,
        }
    }

    fn value(&self) -> Value {
        match self {
            Id::Null => Value::Null,
            Id::Text(text) => json!(text),
            Id::Number(number) => json!(number),
        }
    }
}

/// Writes the answer of a call. Its result is the value of the answer's only field. The members have the order of the
/// document's example.
pub(super) fn answer(id: &Id, payload: &Payload) -> Reply {
    let mut out = JsonWriter::new();
    out.object(|out| {
        out.member("jsonrpc", "2.0");
        out.member("id", &id.value());
        payload.answer.write_members(out, &[0]);
    });
    reply(out.finish())
}

/// Writes a refusal of a call. Protocol errors have the texts of JSON-RPC 2.0. Other errors have the same messages as
/// in every face, in `data`.
pub(super) fn refusal(
    id: &Id,
    language: Language,
    request_id: &str,
    rejection: &Rejection,
) -> Reply {
    let kind = rejection.kind();
    let messages: Vec<_> = rejection
        .problems
        .iter()
        .map(|problem| {
            json!({
                "severity": "ERROR",
                "code": problem.code.as_str(),
                "description": problem.describe(language),
            })
        })
        .collect();
    let error = match kind {
        Kind::Malformed => json!({ "code": kind.rpc(), "message": "Invalid Request" }),
        Kind::UnknownOperation => json!({ "code": kind.rpc(), "message": "Method not found" }),
        _ => json!({
            "code": kind.rpc(),
            "message": match kind {
                Kind::Invalid | Kind::Choice => "Invalid params",
                Kind::Internal => "Internal error",
                _ => rejection.code().title(language),
            },
            "data": { "messages": messages, "requestId": request_id },
        }),
    };
    error_reply(&error, id)
}

/// Writes the error of a body that is not JSON.
pub(super) fn unparseable() -> Reply {
    error_reply(
        &json!({ "code": -32700, "message": "Parse error" }),
        &Id::Null,
    )
}

fn error_reply(error: &Value, id: &Id) -> Reply {
    let mut out = JsonWriter::new();
    out.object(|out| {
        out.member("jsonrpc", "2.0");
        out.member("error", error);
        out.member("id", &id.value());
    });
    reply(out.finish())
}

fn reply(body: Vec<u8>) -> Reply {
    Reply::new(200, CONTENT_TYPE, body)
}
