//! The consent API: JSON-RPC 2.0 over the operations that have a method of their name (SPEC §8). Holds no rule about users.

mod message;

use crate::contract::json::{Json, parse};
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::{Rejection, malformed};
use crate::http::{self, HttpRequest, MediaType, Reply};
use crate::operations::{CATALOG, Credentials, DecodedRequest, Payload};

pub use message::{Id, answer, refusal};

/// Where the consent API is, beside the root.
pub const PATH: &str = "/user-multi-services";
/// The media type of the protocol; plain JSON is taken as well.
const MEDIA_TYPE: &str = "application/json-rpc";
/// The most calls in a batch.
pub const MAX_BATCH: usize = 50;

/// What a body holds.
#[derive(Debug)]
pub enum Calls {
    One(Read),
    Batch(Vec<Read>),
}

/// One call, as far as it can be read.
#[derive(Debug)]
pub enum Read {
    /// One to be run; without an id it is a notification, which is not answered.
    Call(Option<Id>, Box<DecodedRequest<Payload>>),
    /// One that cannot be.
    Refused(Option<Id>, Rejection),
}

/// Whether a request for the root is meant for the consent API.
#[must_use]
pub fn is_rpc(media_type: &MediaType) -> bool {
    media_type.name == MEDIA_TYPE
}

/// The reply to a body of another media type.
fn unsupported() -> Reply {
    let line = "Send application/json-rpc or application/json, in UTF-8";
    Reply::text(415, line)
}

/// The reply to a request whose body could not be read.
#[must_use]
pub fn unread(request: &HttpRequest, rejection: &Rejection) -> Reply {
    match rejection.code() {
        Code::TooLarge => Reply::text(413, "The request is too large"),
        Code::UnsupportedMediaType => unsupported(),
        Code::Malformed => message::unparseable(request, rejection),
        _ => refusal(request, &Id::Null, rejection),
    }
}

/// Reads a body.
///
/// # Errors
/// The reply for one of which no call can be told.
pub fn read(request: &HttpRequest, depth: usize) -> Result<Calls, Reply> {
    let media_type = request.media_type();
    let is_known = [MEDIA_TYPE, "application/json"].contains(&media_type.name.as_str());
    if !is_known || !media_type.is_utf8() {
        return Err(unsupported());
    }
    match parse(&request.body, depth) {
        Err(rejection) => Err(message::unparseable(request, &rejection)),
        Ok(Json::List(calls)) if calls.is_empty() || calls.len() > MAX_BATCH => {
            let rejection = malformed(Why::BatchSize(MAX_BATCH));
            Err(refusal(request, &Id::Null, &rejection))
        }
        Ok(Json::List(calls)) => Ok(Calls::Batch(
            calls.into_iter().map(|c| call(request, c)).collect(),
        )),
        Ok(single) => Ok(Calls::One(call(request, single))),
    }
}

/// Reads one call.
fn call(request: &HttpRequest, json: Json) -> Read {
    let invalid = |id| Read::Refused(Some(id), malformed(Why::NotACall));
    let Json::Object(_) = json else {
        return invalid(Id::Null);
    };
    let id = match json.get("id") {
        None => None,
        Some(id) => match Id::read(id) {
            Some(id) => Some(id),
            None => return invalid(Id::Null),
        },
    };
    let named = json.get("method").and_then(Json::text);
    let (Some("2.0"), Some(method)) = (json.get("jsonrpc").and_then(Json::text), named) else {
        return invalid(id.unwrap_or(Id::Null));
    };
    let operation = CATALOG.iter().find(|o| o.rpc && o.name == method);
    let Some(operation) = operation else {
        return Read::Refused(id, Rejection::new(Code::NoSuchOperation));
    };
    let nothing = Json::Object(Vec::new());
    let params = match json.get("params") {
        None => &nothing,
        Some(params @ Json::Object(_)) => params,
        // Parameters here are known by their names only.
        Some(Json::List(_)) => {
            let code = Code::InvalidField;
            let why = Some(Why::NamesNeeded);
            return Read::Refused(id, Rejection::field(code, "params", why));
        }
        Some(_) => return invalid(id.unwrap_or(Id::Null)),
    };
    let mut problems = Problems::none(false);
    let decoded = (operation.decode_json)(params, &mut problems);
    let incoming = DecodedRequest {
        request: decoded,
        problems: std::mem::take(&mut problems.found),
        // The token stands among the parameters, and so does the user.
        credentials: Credentials {
            source: request.client_ip,
            application: http::credentials(request, &mut Problems::none(false)).application,
            ..Credentials::default()
        },
        language: request.language(),
        request_id: request.request_id.clone(),
    };
    Read::Call(id, Box::new(incoming))
}
