//! What portals embed and people see: the loginbar and its pages (SPEC §10). Holds no rule about users.

mod bar;
mod browsers;
mod data_export;
mod page_reply;
mod pages;

use std::sync::Arc;

use crate::app_context::AppContext;
use crate::contract::json::Json;
use crate::contract::messages::Language;
use crate::contract::problem::Problems;
use crate::contract::rejection::Rejection;
use crate::http::header::COOKIE;
use crate::http::{Decoded, Face, HttpRequest, Reply};
use crate::operations::from_fields;
use crate::operations::{Credentials, DecodedRequest, Request};
use crate::web::{Cookies, PREFIX, Site, View, session};

/// The result of reading a request for a page.
enum Read {
    /// A reply that needs no operation.
    Reply(Reply),
    /// An operation, whose answer becomes a reply, and the page that shows a refusal.
    Call(Box<DecodedRequest<Reply>>, Arc<dyn Page>),
    /// A refusal, and the page that shows it.
    Refused(Rejection, Arc<dyn Page>),
}

/// A page that shows why its operation was refused.
trait Page: Send + Sync {
    fn refused(&self, rejection: &Rejection) -> Reply;
}

/// A browser's request for the loginbar or one of its pages.
pub struct PageFace {
    app: Arc<AppContext>,
    /// The URL by which the browser knows the gateway, without a path.
    base: String,
    /// The page that shows a refusal.
    page: Arc<dyn Page>,
}

impl PageFace {
    /// The face of a request for a path below [`PREFIX`], at this URL.
    #[must_use]
    pub fn new(app: Arc<AppContext>, request: &HttpRequest, base: String) -> Self {
        let page: Arc<dyn Page> = match path_of(request) {
            bar::PATH => Arc::new(bar::Unread),
            _ => Arc::new(View::of(
                &Site::of(&app, base.clone()),
                request,
                "not_possible",
            )),
        };
        Self { app, base, page }
    }
}

/// The path below [`PREFIX`].
fn path_of(request: &HttpRequest) -> &str {
    request.path().strip_prefix(PREFIX).unwrap_or("")
}

impl Face for PageFace {
    const NAME: &'static str = "page";
    type Answer = Reply;

    fn decode(&mut self, request: &HttpRequest) -> Result<Decoded<Reply>, Rejection> {
        let site = Site::of(&self.app, self.base.clone());
        match read(&site, request, path_of(request)) {
            Read::Reply(reply) => Ok(Decoded::Reply(reply)),
            Read::Call(decoded, page) => {
                self.page = page;
                Ok(Decoded::Call(decoded))
            }
            Read::Refused(rejection, page) => {
                self.page = page;
                Err(rejection)
            }
        }
    }

    fn encode(&self, reply: Reply) -> Reply {
        reply
    }

    fn refuse(&self, rejection: &Rejection) -> Reply {
        self.page.refused(rejection)
    }
}

impl Page for View {
    fn refused(&self, rejection: &Rejection) -> Reply {
        self.refusal(rejection)
    }
}

/// Reads a request for the path below [`PREFIX`].
fn read(site: &Site<'_>, request: &HttpRequest, path: &str) -> Read {
    let get = request.is_get();
    match (path, get) {
        (bar::PATH, _) => bar::read(site, request),
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
        problems,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use crate::secrets::keyed_hashes;
    use crate::secrets::sealing::Sealer;

    #[test]
    fn refuses_every_page_until_the_configuration_is_loaded() {
        let keys = tempfile::tempdir().unwrap();
        let (csrf_signer, _) = keyed_hashes::load(&keys.path().join("a.key")).unwrap();
        let sealer = Sealer::load(&keys.path().join("b.key")).unwrap();
        let site = Site {
            registry: None,
            csrf_signer: &csrf_signer,
            sealer: &sealer,
            entropy: &Entropy::System,
            base: "https://id.example.org".to_owned(),
            session_ms: 1000,
            known_ms: 1,
            now: 0,
        };
        for path in ["loginbar.json", "login.html"] {
            let Read::Refused(rejection, page) = read(&site, &HttpRequest::default(), path) else {
                panic!("{path} is answered");
            };
            assert_eq!(page.refused(&rejection).status, 503);
            assert_eq!(rejection.retry_after(), Some(1));
        }
    }
}
