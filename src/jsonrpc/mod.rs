//! The consent API: JSON-RPC 2.0 over the operations that have a method of their name (SPEC §8). Holds no rule about users.

mod message;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::contract::json::{Json, parse};
use crate::contract::messages::{Language, Why};
use crate::contract::rejection::{Code, Problems, Rejection, malformed};
use crate::contract::shape::Secret;
use crate::exchange::{HttpRequest, Reply};
use crate::operations::access::Incoming;
use crate::operations::{CATALOG, Credentials};

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
    Call(Option<Id>, Box<Incoming>),
    /// One that cannot be.
    Refused(Option<Id>, Rejection),
}

/// Whether a request for the root is meant for the consent API.
#[must_use]
pub fn is_rpc(content_type: Option<&str>) -> bool {
    media_type(content_type) == MEDIA_TYPE
}

/// The language of a request.
#[must_use]
pub fn language(request: &HttpRequest) -> Language {
    Language::from_accept_language(request.accept_language.as_deref().unwrap_or(""))
}

/// Reads a body.
///
/// # Errors
/// The reply for one of which no call can be told.
pub fn read(request: &HttpRequest, depth: usize) -> Result<Calls, Reply> {
    let content_type = request.content_type.as_deref();
    let known = [MEDIA_TYPE, "application/json"].contains(&media_type(content_type).as_str());
    if !known || !is_utf8(content_type.unwrap_or("")) {
        return Err(Reply::text(
            415,
            "Send application/json-rpc or application/json, in UTF-8",
        ));
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

fn media_type(content_type: Option<&str>) -> String {
    let name = content_type.and_then(|c| c.split(';').next());
    name.unwrap_or("").trim().to_ascii_lowercase()
}

fn is_utf8(content_type: &str) -> bool {
    let lower = content_type.to_ascii_lowercase();
    match lower.split_once("charset=") {
        Some((_, charset)) => charset.trim_matches(['"', ' ']).starts_with("utf-8"),
        None => true,
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
    let decoded = (operation.read_json)(params, &mut problems);
    let incoming = Incoming {
        operation,
        request: decoded,
        problems: std::mem::take(&mut problems.found),
        credentials: Credentials {
            source: request.source,
            application: basic(request.authorization.as_deref().unwrap_or("")),
            ..Credentials::default()
        },
        language: language(request),
        request_id: request.request_id.clone(),
    };
    Read::Call(id, Box::new(incoming))
}

/// The name and the secret of HTTP's Basic scheme (RFC 7617); nothing where the header is of another scheme, or is none.
fn basic(header: &str) -> Option<(String, Secret)> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let text = Secret::from(String::from_utf8(decoded).ok()?.as_str());
    let (name, secret) = text.reveal().split_once(':')?;
    scheme
        .eq_ignore_ascii_case("basic")
        .then(|| (name.to_owned(), Secret::from(secret)))
}
