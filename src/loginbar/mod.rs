//! What portals embed and people see: the loginbar and its pages (SPEC §10). Holds no rule about users.

mod bar;
mod browsers;
pub mod cookies;
mod copy;
pub mod destination;
mod entrance;
mod form;
mod page_reply;
mod pages;
mod view;
mod words;

use std::sync::Arc;

use crate::http::header::COOKIE;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use crate::contract::json::Json;
use crate::contract::messages::Language;
use crate::contract::problem::Problems;
use crate::contract::rejection::Rejection;
use crate::contract::shape::Secret;
use crate::entropy::Entropy;
use crate::http::{HttpRequest, Reply};
use crate::operations::request::from_fields;
use crate::operations::{Credentials, DecodedRequest, Request};
use crate::registry::Snapshot;
use crate::secrets::sealing::Sealer;
use crate::secrets::stamps::Stamper;

pub use cookies::Cookies;
pub use entrance::{Entrance, Switch};
pub use form::is_form;
use view::View;

/// What every path of the pages starts with.
pub const PREFIX: &str = "/checkSSO/";

/// What stands in a value of a query: letters, digits, and what needs no escaping anywhere.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What the pages are served with.
pub struct Site<'a> {
    /// What is configured; nothing before that is known.
    pub registry: Option<Arc<Snapshot>>,
    pub stamper: &'a Stamper,
    pub sealer: &'a Sealer,
    pub entropy: &'a Entropy,
    /// The URL that browsers know us by, without a path.
    pub base: String,
    /// How long a browser stays signed in, in milliseconds.
    pub session_ms: i64,
    /// How long a browser is known after it has signed a user in, in milliseconds.
    pub known_ms: i64,
    /// The time, in milliseconds.
    pub now: i64,
}

/// What a request comes to.
pub enum Read {
    /// A reply that needs nothing of anybody.
    Reply(Reply),
    /// An operation, whose answer becomes a reply, and the page that tells a refusal.
    Call(Box<DecodedRequest<Reply>>, Arc<dyn Page>),
}

/// A page whose operation may be refused.
pub trait Page: Send + Sync {
    /// The reply that tells why.
    fn refused(&self, rejection: &Rejection) -> Reply;
}

/// Reads a request for the path below [`PREFIX`].
#[must_use]
pub fn read(site: &Site<'_>, request: &HttpRequest, path: &str) -> Read {
    let get = request.is_get();
    match (path, get) {
        ("loginbar.json", _) => bar::read(site, request),
        ("pages.css", true) => {
            Read::Reply(file("text/css; charset=utf-8", include_str!("pages.css")))
        }
        ("loginbar.js", true) => Read::Reply(file(
            "text/javascript; charset=utf-8",
            include_str!("loginbar.js"),
        )),
        ("icon.svg", true) => Read::Reply(file("image/svg+xml", include_str!("icon.svg"))),
        ("pages.css" | "loginbar.js" | "icon.svg", false) => {
            Read::Reply(Reply::method_not_allowed("GET, HEAD"))
        }
        _ => pages::read(site, request, path),
    }
}

/// The page for a request whose body is too large.
#[must_use]
pub fn refusal(site: &Site<'_>, request: &HttpRequest, rejection: &Rejection) -> Reply {
    View::of(site, request, "not_possible").refusal(rejection)
}

/// A reply with our security headers for whatever a page links to (SECURITY-CHECKS C6).
fn file(content_type: &'static str, text: &str) -> Reply {
    Reply::new(200, content_type, text).with("Cache-Control", "public, max-age=300")
}

/// A call of an operation by the browser that sent a request; `show` turns the answer into the reply.
fn decoded<R: Request>(
    fields: &[(&str, &str)],
    language: Language,
    request: &HttpRequest,
    cookies: Cookies,
    show: impl FnOnce(R::Answer) -> Reply + Send + 'static,
) -> DecodedRequest<Reply> {
    let fields = fields.iter();
    let object = fields.map(|(name, value)| ((*name).to_owned(), Json::Text((*value).to_owned())));
    let mut problems = Problems::none(false);
    DecodedRequest {
        request: from_fields::<R, _>(&Json::Object(object.collect()), &mut problems, show),
        problems: std::mem::take(&mut problems.found),
        credentials: Credentials {
            source: request.client_ip,
            session: session(cookies, request),
            known_browser: cookies.known_browser(request.header(COOKIE).as_deref()),
            ..Credentials::default()
        },
        language,
        request_id: request.request_id.clone(),
    }
}

fn session(cookies: Cookies, request: &HttpRequest) -> Option<Secret> {
    cookies.session(request.header(COOKIE).as_deref())
}
