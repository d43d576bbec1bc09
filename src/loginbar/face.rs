//! The face for browsers: decodes requests for the loginbar and its pages.

use std::sync::Arc;

use super::reading::{Page, Read};
use super::{bar, pages};
use crate::app_context::AppContext;
use crate::contract::rejection::Rejection;
use crate::http::{Decoded, Face, HttpRequest, Reply};
use crate::web::{PREFIX, Site, View};

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
            bar::PATH => Arc::new(bar::RefusedBar),
            _ => {
                let site = Site::of(&app, base.clone());
                Arc::new(View::of(&site, request, "not_possible"))
            }
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
                Ok(decoded)
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

/// Reads a request for the path below [`PREFIX`].
fn read(site: &Site<'_>, request: &HttpRequest, path: &str) -> Read {
    let get = request.is_get();
    match (path, get) {
        (bar::PATH, _) => bar::read(site, request),
        ("pages.css", true) => file("text/css; charset=utf-8", include_str!("pages.css")),
        ("loginbar.js", true) => file(
            "text/javascript; charset=utf-8",
            include_str!("loginbar.js"),
        ),
        ("icon.svg", true) => file("image/svg+xml", include_str!("icon.svg")),
        ("pages.css" | "loginbar.js" | "icon.svg", false) => {
            Read::Reply(Reply::method_not_allowed("GET, HEAD"))
        }
        _ => pages::read(site, request, path),
    }
}

/// A file that pages link to.
fn file(content_type: &'static str, text: &str) -> Read {
    let reply = Reply::new(200, content_type, text);
    Read::Reply(reply.with("Cache-Control", "public, max-age=300"))
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
                panic!("{path} is not refused");
            };
            assert_eq!(page.refused(&rejection).status, 503);
            assert_eq!(rejection.retry_after(), Some(1));
        }
    }
}
