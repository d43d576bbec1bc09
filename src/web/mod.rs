//! The shared parts of the handlers for browsers: the site, its cookies, forms, texts and templates.

pub mod cookies;
pub mod destination;
pub mod form;
mod i18n;
pub mod view;

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use crate::app_context::AppContext;
use crate::contract::shape::Secret;
use crate::entropy::Entropy;
use crate::http::HttpRequest;
use crate::http::header::COOKIE;
use crate::registry::Snapshot;
use crate::secrets::keyed_hashes::CsrfSigner;
use crate::secrets::sealing::Sealer;

pub use cookies::Cookies;
pub use view::View;

/// The prefix of the paths of all pages.
pub const PREFIX: &str = "/checkSSO/";
/// The longest `client_id`, in bytes.
pub const MAX_CLIENT_ID: usize = 256;

/// The characters to escape in a query value: all except the unreserved characters (RFC 3986 §2.3).
pub const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The settings and services of pages, for one request.
pub struct Site<'a> {
    /// The configuration; `None` until it is loaded.
    pub registry: Option<Arc<Snapshot>>,
    pub csrf_signer: &'a CsrfSigner,
    pub sealer: &'a Sealer,
    pub entropy: &'a Entropy,
    /// The URL by which browsers know the gateway, without a path.
    pub base: String,
    /// The lifetime of a session, in milliseconds.
    pub session_ms: i64,
    /// The time for which a browser stays known after a sign-in, in milliseconds.
    pub known_ms: i64,
    /// The time of the request, in milliseconds since 1970.
    pub now: i64,
}

impl<'a> Site<'a> {
    /// The site at this URL.
    #[must_use]
    pub fn of(app: &'a AppContext, base: String) -> Self {
        Self {
            registry: app.registry.loaded(),
            csrf_signer: &app.csrf_signer,
            sealer: &app.sealer,
            entropy: &app.entropy,
            base,
            session_ms: app.rules.session_ms,
            known_ms: app.rules.throttle.known_ms,
            now: app.clock.now(),
        }
    }
}

/// The token in the session cookie of a request.
#[must_use]
pub fn session(cookies: Cookies, request: &HttpRequest) -> Option<Secret> {
    cookies.session(request.header(COOKIE).as_deref())
}
