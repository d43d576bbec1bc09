//! The directory face: portals create users, look them up, assign roles and search organisations (SPEC §11). This module
//! contains no rules about users.

mod credentials;

use std::sync::Arc;

use crate::contract::json::{Json, parse};
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::Rejection;
use crate::domain::Millis;
use crate::http::envelope::Heading;
use crate::http::{Decoded, Face, HttpRequest, Parameters, Reply, path};
use crate::operations::{CATALOG, DirectoryRoute, Operation, Payload};

/// The prefixes of the directory's paths.
const PREFIXES: [&str; 4] = ["/user/v1/", "/private/user/v1/", "/orguser/v1/", "/org/v2/"];

/// The header with the caller's own ID of the message, which the answer repeats.
const MESSAGE_ID: &str = "x-msgid";
/// The longest message ID, in characters.
const MAX_MESSAGE_ID_CHARS: usize = 128;

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
                ver: match below.contains("/v2/") {
                    true => "v2",
                    false => "v1",
                },
                now,
                message_id: request.header(MESSAGE_ID).and_then(|id| message_id(&id)),
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
        let Some((operation, route)) = self.route else {
            return Err(Rejection::new(Code::NoSuchOperation));
        };
        let mut problems = Problems::none(false);
        let credentials = credentials::credentials(request, &mut problems)?;
        let object = match route.method {
            "GET" => self.fields(route, request, &mut problems),
            _ => self.body(request, &mut problems)?,
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

impl DirectoryFace {
    /// The fields in the path, and those in the query that the route names.
    fn fields(
        &self,
        route: &DirectoryRoute,
        request: &HttpRequest,
        problems: &mut Problems,
    ) -> Json {
        let query = Parameters::of(request.query());
        let mut fields: Vec<(&str, &str)> = Vec::new();
        for (name, text) in &self.named {
            fields.push((name, text));
        }
        for name in route.query {
            let mut given = query.all(name);
            fields.extend(given.next().map(|text| (*name, text)));
            if given.next().is_some() {
                problems.note(name, Why::Repeated);
            }
        }
        Json::of_texts(fields)
    }

    /// The member `request` of a body. The message ID in its `params` counts if no header has one.
    fn body(&mut self, request: &HttpRequest, problems: &mut Problems) -> Result<Json, Rejection> {
        if !request.media_type().is_one_of(&["application/json"]) {
            return Err(Rejection::new(Code::UnsupportedMediaType));
        }
        let mut json = parse(&request.body, self.depth)?;
        let Json::Object(_) = json else {
            let why = Some(Why::WrongContent);
            return Err(Rejection::field(Code::InvalidField, "request", why));
        };
        if self.heading.message_id.is_none() {
            let id = json.get("params").and_then(|params| params.get("msgid"));
            self.heading.message_id = id.and_then(Json::text).and_then(message_id);
        }
        match json.take("request") {
            Some(object @ Json::Object(_)) => return Ok(object),
            Some(Json::Null) | None => problems.note_missing("request"),
            Some(_) => problems.note("request", Why::WrongContent),
        }
        Ok(Json::Object(Vec::new()))
    }
}

/// The message ID of a caller, if it is short and has visible ASCII characters only. An invalid one counts as absent,
/// because it must not fail the call.
fn message_id(text: &str) -> Option<Arc<str>> {
    let text = text.trim();
    let fits = (1..=MAX_MESSAGE_ID_CHARS).contains(&text.len());
    (fits && text.bytes().all(|b| b.is_ascii_graphic())).then(|| text.into())
}
