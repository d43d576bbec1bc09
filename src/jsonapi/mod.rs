//! The REST face: the same operations as vnd.api+json resources (SPEC §5). Holds no rule about users.

mod document;
mod links;
mod negotiation;
mod request;
mod routing;

use crate::contract::messages::Language;
use crate::contract::problem::{Code, Kind};
use crate::contract::rejection::Rejection;
use crate::http::{Decoded, Face, HttpRequest, Method, Reply};
use crate::operations::{Operation, Payload, Route};

use routing::{Found, find};

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

/// How replies to a request are written.
#[derive(Debug)]
struct ResponseContext {
    language: Language,
    request_id: String,
    /// The path and query that were asked for, for a list's links.
    target: String,
    route: Option<&'static Route>,
    /// The place of the fields in this request.
    form: Form,
    /// Fields that the query names otherwise, like `page[limit]`, and that name.
    named: Vec<(String, String)>,
}

/// Where the fields of a request stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Resource,
    Flat,
    Query,
}

/// A request for a JSON:API resource.
#[derive(Debug)]
pub struct RestFace {
    context: ResponseContext,
    /// The operation, or the methods that the path has.
    found: Result<Found, Vec<&'static str>>,
    limits: JsonLimits,
}

impl RestFace {
    /// The face of a request for this path below the prefix.
    #[must_use]
    pub fn new(request: &HttpRequest, path: &str, limits: JsonLimits) -> Self {
        let found = find(request.method.as_str(), path);
        Self {
            context: ResponseContext {
                language: request.language(),
                request_id: request.request_id.clone(),
                target: request.uri.to_string(),
                route: found.as_ref().ok().map(|found| found.route),
                form: Form::Resource,
                named: Vec::new(),
            },
            found,
            limits,
        }
    }
}

impl Face for RestFace {
    const NAME: &'static str = "rest";
    type Answer = Payload;

    fn operation(&self) -> Option<&'static Operation> {
        self.found.as_ref().ok().map(|found| found.operation)
    }

    fn decode(&mut self, request: &HttpRequest) -> Result<Decoded<Payload>, Rejection> {
        let found = match &self.found {
            Ok(found) => found,
            Err(allow) if request.method == Method::OPTIONS && !allow.is_empty() => {
                let reply = Reply::empty().with("Allow", allow.join(", "));
                return Ok(Decoded::Reply(reply));
            }
            Err(_) => return Err(Rejection::new(Code::NoSuchOperation)),
        };
        negotiation::accepted(request)?;
        let decoded = request::read(request, found, self.limits, &mut self.context)?;
        Ok(Decoded::Call(Box::new(decoded)))
    }

    fn encode(&self, payload: Payload) -> Reply {
        let reply = reply(
            200,
            document::answer(&self.context, payload.answer.as_ref()),
        );
        match payload.authorization {
            Some(token) => reply.with("Authorization", token),
            None => reply,
        }
    }

    fn refuse(&self, rejection: &Rejection) -> Reply {
        let (status, _) = rejection.kind().rest();
        let (status, allow) = match &self.found {
            Err(allow) if rejection.code() == Code::NoSuchOperation && !allow.is_empty() => {
                (405, allow.join(", "))
            }
            Err(_) | Ok(_) => (status, String::new()),
        };
        let mut reply = reply(status, document::refusal(&self.context, status, rejection));
        if rejection.kind() == Kind::SignIn {
            reply = reply.with("WWW-Authenticate", "JWT");
        }
        if !allow.is_empty() {
            reply = reply.with("Allow", allow);
        }
        reply
    }
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    Reply::new(status, MEDIA_TYPE, body).with("Vary", "Accept, Accept-Language")
}
