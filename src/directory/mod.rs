//! The directory face: portals create users, look them up by external ID, and assign roles (SPEC §11). This module
//! contains no rules about users.

use std::sync::Arc;

use crate::contract::json::{Json, parse};
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::Rejection;
use crate::domain::Millis;
use crate::http::envelope::Heading;
use crate::http::{self, Decoded, Face, HttpRequest, Reply, path};
use crate::operations::{CATALOG, DirectoryRoute, Operation, Payload};

/// The prefixes of the directory's paths.
const PREFIXES: [&str; 2] = ["/user/v1/", "/orguser/v1/"];

/// Whether this path belongs to the directory.
#[must_use]
pub fn is_below(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

/// A request to the directory.
#[derive(Debug)]
pub struct DirectoryFace {
    heading: Heading,
    /// The operation and its route, if a route matches the path and the method.
    route: Option<(&'static Operation, &'static DirectoryRoute)>,
    /// The fields in the path, and their texts.
    named: Vec<(&'static str, String)>,
    /// The methods of the path; empty for an unknown path.
    allow: Vec<&'static str>,
    depth: usize,
}

impl DirectoryFace {
    /// The face of a request that was received at `now`; bodies have at most `depth` levels of JSON.
    #[must_use]
    pub fn new(request: &HttpRequest, depth: usize, now: Millis) -> Self {
        let below = request.path().trim_end_matches('/');
        // HEAD is answered like GET.
        let method = match request.is_get() {
            true => "GET",
            false => request.method.as_str(),
        };
        let mut found = None;
        let mut allow = Vec::new();
        for operation in CATALOG {
            for route in operation.directory {
                let Some(named) = path::captures(route.path, below) else {
                    continue;
                };
                allow.push(route.method);
                if route.method == method {
                    found = Some(((*operation, route), named));
                }
            }
        }
        if allow.contains(&"GET") {
            allow.push("HEAD");
        }
        let (route, named) = found.unzip();
        Self {
            heading: Heading {
                id: route.map_or("api.user", |(_, route)| route.id),
                ver: "v1",
                now,
                request_id: Arc::clone(&request.request_id),
                language: request.language(),
            },
            route,
            named: named.unwrap_or_default(),
            allow,
            depth,
        }
    }
}

impl Face for DirectoryFace {
    const NAME: &'static str = "directory";
    type Answer = Payload;

    fn operation(&self) -> Option<&'static Operation> {
        self.route.map(|(operation, _)| operation)
    }

    fn decode(&mut self, request: &HttpRequest) -> Result<Decoded<Payload>, Rejection> {
        let Some((operation, _)) = self.route else {
            return Err(Rejection::new(Code::NoSuchOperation));
        };
        let mut problems = Problems::none(false);
        let credentials = http::credentials(request, &mut problems);
        let object = if self.named.is_empty() {
            body(request, self.depth, &mut problems)?
        } else {
            Json::of_texts(self.named.iter().map(|(name, text)| (*name, text.as_str())))
        };
        let decoded = (operation.decode_json)(&object, &mut problems);
        let language = self.heading.language;
        Ok(Decoded::call(
            request,
            decoded,
            problems,
            credentials,
            language,
        ))
    }

    fn encode(&self, payload: Payload) -> Reply {
        self.heading.success(payload.answer.as_ref())
    }

    fn refuse(&self, rejection: &Rejection) -> Reply {
        let mut reply = self.heading.refusal(rejection);
        if self.route.is_none() && !self.allow.is_empty() && reply.status == 404 {
            reply.status = 405;
            return reply.with("Allow", self.allow.join(", "));
        }
        reply
    }
}

/// The member `request` of a body.
fn body(request: &HttpRequest, depth: usize, problems: &mut Problems) -> Result<Json, Rejection> {
    if !request.media_type().is_one_of(&["application/json"]) {
        return Err(Rejection::new(Code::UnsupportedMediaType));
    }
    let mut json = parse(&request.body, depth)?;
    let Json::Object(_) = json else {
        let why = Some(Why::WrongContent);
        return Err(Rejection::field(Code::InvalidField, "request", why));
    };
    match json.take("request") {
        Some(object @ Json::Object(_)) => Ok(object),
        Some(Json::Null) | None => {
            problems.note_missing("request");
            Ok(Json::Object(Vec::new()))
        }
        Some(_) => {
            problems.note("request", Why::WrongContent);
            Ok(Json::Object(Vec::new()))
        }
    }
}
