//! Which browser front ends may call the REST face: those of the origins that are configured, and no other.

use hyper::header::{self, HeaderMap};

use crate::http::Reply;

/// What scripts may send and see beyond what every page may.
const SENT: &str =
    "Accept, Accept-Language, Authorization, Content-Type, X-Client-Hash-Key, X-User-Name";
const SEEN: &str = "Authorization, Retry-After, WWW-Authenticate, X-Request-Id";
/// Seconds for which a browser remembers what it may do.
const MAX_AGE: &str = "600";

/// What a browser asks on behalf of a script.
pub(super) struct Asked {
    /// The script's origin, if it is a configured one.
    origin: Option<String>,
    /// Whether it asks before it sends.
    preflight: bool,
}

impl Asked {
    /// Nothing is asked where nobody may.
    pub(super) fn of(origins: &[String], request: &HeaderMap) -> Option<Self> {
        if origins.is_empty() {
            return None;
        }
        let origin = request.get(header::ORIGIN).and_then(|o| o.to_str().ok());
        Some(Self {
            origin: origins.iter().find(|o| Some(o.as_str()) == origin).cloned(),
            preflight: request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD),
        })
    }

    /// Adds what lets the script read this reply. Cookies are never let in: this face knows tokens only.
    pub(super) fn answer(self, reply: &mut Reply) {
        // Whatever the origin is, another one may be answered otherwise.
        match reply.headers.iter_mut().find(|(name, _)| *name == "Vary") {
            Some((_, vary)) => vary.push_str(", Origin"),
            None => reply.headers.push(("Vary", "Origin".to_owned())),
        }
        let Some(origin) = self.origin else {
            return;
        };
        reply.headers.push(("Access-Control-Allow-Origin", origin));
        let mut add = |name, value: &str| reply.headers.push((name, value.to_owned()));
        if !self.preflight {
            return add("Access-Control-Expose-Headers", SEEN);
        }
        add("Access-Control-Allow-Headers", SENT);
        add("Access-Control-Max-Age", MAX_AGE);
        let allowed = reply.headers.iter().find(|(name, _)| *name == "Allow");
        if let Some(methods) = allowed.map(|(_, methods)| methods.clone()) {
            let name = "Access-Control-Allow-Methods";
            reply.headers.push((name, methods));
        }
    }
}
