//! The REST face: the same operations as vnd.api+json resources (SPEC §5). Holds no rule about users.

mod document;
mod links;
mod negotiation;
mod request;
mod routing;

use crate::contract::messages::Language;
use crate::contract::problem::{Code, Kind};
use crate::contract::rejection::Rejection;
use crate::http::{HttpRequest, Reply};
use crate::operations::{DecodedRequest, Payload, Route};

pub use routing::{Found, find};

/// The media type of everything written here.
pub const MEDIA_TYPE: &str = "application/vnd.api+json";

/// What the REST face reads within.
#[derive(Debug, Clone, Copy)]
pub struct JsonLimits {
    /// Levels of nesting in a body.
    pub depth: usize,
    /// Refuse fields that an operation does not know, instead of skipping them.
    pub refuse_unknown: bool,
}

/// How a reply to this request is written.
#[derive(Debug, Clone)]
pub struct Manner {
    pub language: Language,
    pub request_id: String,
    /// The path and query that were asked for, for a list's links.
    pub target: String,
    pub route: Option<&'static Route>,
    /// Where the fields of this request stand: below `data`, in the object itself, or in the query.
    pub form: Form,
    /// Fields that the query names otherwise, like `page[limit]`, and that name.
    pub named: Vec<(String, String)>,
}

/// Where the fields of a request stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Resource,
    Flat,
    Query,
}

/// How to answer a request of which only the head is known.
#[must_use]
pub fn manner(request: &HttpRequest) -> Manner {
    Manner {
        language: request.language(),
        request_id: request.request_id.clone(),
        target: request.uri.to_string(),
        route: None,
        form: Form::Resource,
        named: Vec::new(),
    }
}

/// Reads a request up to the point where it can be run.
///
/// # Errors
/// The reply for one that cannot.
pub fn read(
    request: &HttpRequest,
    found: &Found,
    limits: JsonLimits,
) -> Result<(Manner, DecodedRequest<Payload>), Reply> {
    let mut manner = manner(request);
    manner.route = Some(found.route);
    negotiation::accepted(request)
        .and_then(|()| request::read(request, found, limits, &mut manner))
        .map_err(|rejection| refusal(&manner, &rejection))
        .map(|incoming| (manner, incoming))
}

/// Writes an operation's answer.
pub fn answer(manner: &Manner, payload: Payload) -> Reply {
    let mut reply = reply(200, document::answer(manner, payload.answer.as_ref()));
    if let Some(token) = payload.authorization {
        reply.headers.push(("Authorization", token));
    }
    reply
}

/// Writes a refusal, as its row of the table says.
#[must_use]
pub fn refusal(manner: &Manner, rejection: &Rejection) -> Reply {
    let (status, _) = rejection.kind().rest();
    refused(manner, status, rejection)
}

fn refused(manner: &Manner, status: u16, rejection: &Rejection) -> Reply {
    rejection.log(&manner.request_id, manner.route.map_or("-", |r| r.path));
    let mut reply = reply(status, document::refusal(manner, status, rejection));
    if rejection.kind() == Kind::SignIn {
        reply.headers.push(("WWW-Authenticate", "JWT".to_owned()));
    }
    if let Some(seconds) = rejection.retry_after() {
        reply.headers.push(("Retry-After", seconds.to_string()));
    }
    reply
}

/// Refuses a path or method that nothing is reached by; `allow` are the methods of the path.
#[must_use]
pub fn not_routed(request: &HttpRequest, allow: &[&str]) -> Reply {
    let status = if allow.is_empty() { 404 } else { 405 };
    let rejection = Rejection::new(Code::NoSuchOperation);
    let mut reply = refused(&manner(request), status, &rejection);
    if !allow.is_empty() {
        reply.headers.push(("Allow", allow.join(", ")));
    }
    reply
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    Reply {
        status,
        content_type: MEDIA_TYPE,
        headers: vec![("Vary", "Accept, Accept-Language".to_owned())],
        body,
    }
}
