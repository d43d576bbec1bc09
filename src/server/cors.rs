//! CORS for the REST face: only configured origins may call it.

use hyper::header::{self, HeaderMap};

use crate::http::Reply;

/// The request headers that scripts may send and the response headers that they may read, beyond the CORS-safelisted
/// ones.
const ALLOWED_HEADERS: &str =
    "Accept, Accept-Language, Authorization, Content-Type, X-Client-Hash-Key, X-User-Name";
const EXPOSED_HEADERS: &str = "Authorization, Retry-After, WWW-Authenticate, X-Request-Id";
/// Seconds for which a browser caches the preflight response.
const MAX_AGE: &str = "600";

/// The CORS part of a request.
pub(super) struct CorsRequest {
    /// The origin of the script, if it is configured.
    origin: Option<String>,
    /// Whether the request is a preflight.
    preflight: bool,
}

impl CorsRequest {
    /// Reads the headers of a request; `None` if no origin is configured.
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

    /// Adds the CORS headers to the reply. Credentials are never allowed, because this face uses tokens and not
    /// cookies.
    pub(super) fn answer(self, reply: &mut Reply) {
        // The reply depends on the origin, so `Vary` is necessary for unknown origins too.
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
            return add("Access-Control-Expose-Headers", EXPOSED_HEADERS);
        }
        add("Access-Control-Allow-Headers", ALLOWED_HEADERS);
        add("Access-Control-Max-Age", MAX_AGE);
        let allowed = reply.headers.iter().find(|(name, _)| *name == "Allow");
        if let Some(methods) = allowed.map(|(_, methods)| methods.clone()) {
            let name = "Access-Control-Allow-Methods";
            reply.headers.push((name, methods));
        }
    }
}
