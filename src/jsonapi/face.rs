//! The face of JSON:API: decodes requests for resources, and writes documents.

use std::sync::Arc;

use super::context::{JsonLimits, MEDIA_TYPE, ResponseContext};
use super::document::TOTAL;
use super::routing::{Found, find};
use super::{document, negotiation, request};
use crate::contract::problem::{Code, Kind};
use crate::contract::rejection::Rejection;
use crate::http::{Decoded, Face, HttpRequest, Method, Reply};
use crate::operations::{Operation, Payload};

/// A request for a JSON:API resource.
#[derive(Debug)]
pub struct RestFace {
    context: ResponseContext,
    /// The operation, or the methods that the path has.
    found: Result<Found, Vec<&'static str>>,
    limits: JsonLimits,
}

impl RestFace {
    /// The face of a request for this path below the prefix. `base_url` returns the URL at which the client
    /// sees the gateway; it is called only for an answer with links.
    #[must_use]
    pub fn new(
        request: &HttpRequest,
        path: &str,
        base_url: impl FnOnce() -> String,
        limits: JsonLimits,
    ) -> Self {
        let found = find(request.method.as_str(), path);
        let has_links = |found: &Found| found.operation.response.position(TOTAL).is_some();
        let base_url = match &found {
            Ok(found) if has_links(found) => base_url(),
            _ => String::new(),
        };
        Self {
            context: ResponseContext {
                language: request.language(),
                request_id: Arc::clone(&request.request_id),
                base_url,
                uri: request.uri.clone(),
                route: found.as_ref().ok().map(|found| found.route),
                places: Vec::new(),
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
        request::read(request, found, self.limits, &mut self.context)
    }

    fn encode(&self, payload: Payload) -> Reply {
        let body = document::answer(&self.context, payload.answer.as_ref());
        let reply = reply(200, body);
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
            _ => (status, String::new()),
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
