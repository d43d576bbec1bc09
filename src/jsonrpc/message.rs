//! Answers of the consent API, as JSON-RPC 2.0 writes them.

use serde::Deserialize;
use serde_json::value::RawValue;
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
#[derive(Debug, Clone)]
pub(super) enum Id {
    Null,
    Text(String),
    /// A number as the caller wrote it, because no number type keeps the digits of every number.
    Number(Box<RawValue>),
}

impl Id {
    /// A text, a number or null; nothing else is an id. `call` is the text of the call.
    pub(super) fn read(json: &Json, call: &str) -> Option<Self> {
        match json {
            Json::Null => Some(Id::Null),
            Json::Text(text) => Some(Id::Text(text.clone())),
            Json::Integer(_) | Json::Fraction(_) => {
                let sent: SentId = serde_json::from_str(call).ok()?;
                sent.id.map(Id::Number)
            }
            Json::Bool(_) | Json::List(_) | Json::Object(_) => None,
        }
    }

    fn write(&self, out: &mut JsonWriter) {
        match self {
            Id::Null => out.member("id", &()),
            Id::Text(text) => out.member("id", text),
            Id::Number(number) => out.member("id", number),
        }
    }
}

/// The id of a call as the caller wrote it.
#[derive(Deserialize)]
struct SentId {
    id: Option<Box<RawValue>>,
}

/// Writes the answer of a call. Its result is the value of the answer's only field. The members have the order of the
/// document's example.
pub(super) fn answer(id: &Id, payload: &Payload) -> Reply {
    let mut out = JsonWriter::new();
    out.object(|out| {
        out.member("jsonrpc", "2.0");
        id.write(out);
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
        id.write(out);
    });
    reply(out.finish())
}

fn reply(body: Vec<u8>) -> Reply {
    Reply::new(200, CONTENT_TYPE, body)
}
