//! The directory: portals make users, look them up by what others call them, and give them roles (SPEC §11). Holds no rule
//! about users.

pub mod envelope;

use crate::contract::json::{Json, parse};
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::Rejection;
use crate::domain::Millis;
use crate::http::{self, HttpRequest, Reply, path};
use crate::operations::{CATALOG, DecodedRequest, DirectoryRoute, Operation, Payload};
use envelope::Heading;

/// What every path of the directory starts with.
const PREFIXES: [&str; 2] = ["/user/v1/", "/orguser/v1/"];

/// Whether this path is the directory's.
#[must_use]
pub fn is_below(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

/// One call, but for what comes of it.
pub struct Asked {
    heading: Heading,
    /// The operation and its route, if the path and the method lead to one.
    route: Option<(&'static Operation, &'static DirectoryRoute)>,
    /// What stands in the path, with the names of its fields.
    named: Vec<(&'static str, String)>,
    /// The methods of the path, if it is one.
    allow: Vec<&'static str>,
}

impl Asked {
    /// The call of this request, at this time.
    #[must_use]
    pub fn of(request: &HttpRequest, now: Millis) -> Self {
        let below = request.path().trim_end_matches('/');
        // HEAD is asked for what GET answers.
        let method = match request.is_get() {
            true => "GET",
            false => request.method.as_str(),
        };
        let mut found = None;
        let mut allow = Vec::new();
        let routes = CATALOG.iter().flat_map(|operation| {
            operation
                .directory
                .iter()
                .map(move |route| (*operation, route))
        });
        for (operation, route) in routes {
            if let Some(named) = path::captures(route.path, below) {
                allow.push(route.method);
                if route.method == method {
                    found = Some(((operation, route), named));
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
                request_id: request.request_id.clone(),
                language: request.language(),
            },
            route,
            named: named.unwrap_or_default(),
            allow,
        }
    }

    /// Reads it, with so many levels of JSON at most.
    ///
    /// # Errors
    /// The reply for what is no call.
    pub fn read(
        &self,
        request: &HttpRequest,
        depth: usize,
    ) -> Result<Box<DecodedRequest<Payload>>, Reply> {
        let Some((operation, _)) = self.route else {
            return Err(self.not_routed());
        };
        let mut problems = Problems::none(false);
        let credentials = http::credentials(request, &mut problems);
        let object = if self.named.is_empty() {
            body(request, depth, &mut problems).map_err(|r| self.refusal(&r))?
        } else {
            let fields = self.named.iter();
            let fields = fields.map(|(name, text)| ((*name).to_owned(), Json::Text(text.clone())));
            Json::Object(fields.collect())
        };
        let decoded = (operation.decode_json)(&object, &mut problems);
        Ok(Box::new(DecodedRequest {
            request: decoded,
            problems: std::mem::take(&mut problems.found),
            credentials,
            language: self.heading.language,
            request_id: request.request_id.clone(),
        }))
    }

    /// A path that leads nowhere, or not by this method.
    fn not_routed(&self) -> Reply {
        let mut reply = self.refusal(&Rejection::new(Code::NoSuchOperation));
        if !self.allow.is_empty() {
            reply.status = 405;
            reply.headers.push(("Allow", self.allow.join(", ")));
        }
        reply
    }

    /// The reply to it.
    #[must_use]
    pub fn reply(&self, outcome: Result<Payload, Rejection>) -> Reply {
        match outcome {
            Err(rejection) => self.refusal(&rejection),
            Ok(payload) => self.heading.success(payload.answer.as_ref()),
        }
    }

    /// Why it was not done.
    #[must_use]
    pub fn refusal(&self, rejection: &Rejection) -> Reply {
        self.heading.refusal(rejection)
    }
}

/// The `request` in a body.
fn body(request: &HttpRequest, depth: usize, problems: &mut Problems) -> Result<Json, Rejection> {
    if request.media_type().name != "application/json" {
        return Err(Rejection::new(Code::UnsupportedMediaType));
    }
    let Json::Object(members) = parse(&request.body, depth)? else {
        return Err(Rejection::field(
            Code::InvalidField,
            "request",
            Some(Why::WrongContent),
        ));
    };
    let inner = members.into_iter().find(|(name, _)| name == "request");
    match inner {
        Some((_, object @ Json::Object(_))) => Ok(object),
        Some((_, Json::Null)) | None => {
            problems.note_missing("request");
            Ok(Json::Object(Vec::new()))
        }
        Some(_) => {
            problems.note("request", Why::WrongContent);
            Ok(Json::Object(Vec::new()))
        }
    }
}
