//! The face of partners' sign-ins: reads a partner's token from a browser, and signs its user in (SPEC §11). The module
//! contains no rules about users.

mod sign_in_landing;

use std::sync::Arc;

use crate::app_context::AppContext;
use crate::contract::json::Json;
use crate::contract::problem::{Code, Problems};
use crate::contract::rejection::Rejection;
use crate::contract::shape::Secret;
use crate::http::Method;
use crate::http::envelope::{Heading, code_of};
use crate::http::header::{ACCEPT, USER_AGENT};
use crate::http::{Decoded, Face, HttpRequest, Parameters, Reply, accept};
use crate::operations::partner::sign_in::PartnerSignInRequest;
use crate::operations::partner::{ERROR_REDIRECT, PartnerSignInResult};
use crate::operations::{Credentials, Operation, Request as _, from_fields};
use crate::web::Site;
use crate::web::form::is_form;
use sign_in_landing::{SignInLanding, Switch};

/// The paths in the documents of the two layouts. Each path accepts both layouts, because the token itself shows its
/// layout.
pub const PATHS: [&str; 2] = ["/v1/user/session/create", "/v2/user/session/create"];

/// The pages that the redirect URLs of the original documents name.
const DOCUMENTED_PAGES: [&str; 2] = ["/resources", "/profile"];

/// The media type of the envelope.
const JSON: &str = "application/json";

/// The headers in which browsers describe the origin of a request (Fetch Metadata).
const FETCH_SITE: &str = "sec-fetch-site";
const FETCH_MODE: &str = "sec-fetch-mode";
const FETCH_DEST: &str = "sec-fetch-dest";

/// The maximum length of the `User-Agent` header that the operation gets, in characters. Longer values are cut.
const USER_AGENT_CHARS: usize = 256;

/// The request of a browser that comes from a partner.
pub struct SsoFace {
    app: Arc<AppContext>,
    /// The URL by which the browser knows the gateway, without a path.
    base: String,
    /// The audience that the partner's token must name.
    own_url: String,
    landing: SignInLanding,
    heading: Heading,
    as_json: bool,
    path: String,
    /// The partner's token.
    token: Secret,
}

impl SsoFace {
    /// The face of a request. `base` is the URL by which the browser knows the gateway; `own_url` is the audience that
    /// the partner's token must name.
    #[must_use]
    pub fn new(app: Arc<AppContext>, request: &HttpRequest, base: String, own_url: String) -> Self {
        let site = Site::of(&app, base.clone());
        let landing = SignInLanding::of(&site, request);
        let is_first = request.path().starts_with("/v1/");
        Self {
            heading: Heading {
                id: "api.user.session.create",
                ver: if is_first { "v1" } else { "v2" },
                now: site.now,
                request_id: Arc::clone(&request.request_id),
                message_id: None,
                language: landing.language(),
            },
            as_json: prefers_json(request),
            path: request.path().to_owned(),
            token: token(request),
            landing,
            app,
            base,
            own_url,
        }
    }
}

impl SsoFace {
    /// The URL of the redirect; `None` for the account page.
    fn target(&self, wanted: Option<String>) -> Option<String> {
        wanted.filter(|url| !is_documented_page(url, &self.own_url))
    }
}

impl Face for SsoFace {
    const NAME: &'static str = "sso";
    type Answer = PartnerSignInResult;

    fn operation(&self) -> Option<&'static Operation> {
        Some(PartnerSignInRequest::OPERATION)
    }

    fn decode(&mut self, request: &HttpRequest) -> Result<Decoded<PartnerSignInResult>, Rejection> {
        // HEAD would use up the token without signing a user in.
        if !matches!(request.method, Method::GET | Method::POST) {
            return Ok(Decoded::Reply(Reply::method_not_allowed("GET, POST")));
        }
        if !is_navigation(request) {
            return Err(Rejection::new(Code::NavigationRequired));
        }
        let site = Site::of(&self.app, self.base.clone());
        if site.registry.is_none() {
            return Err(Rejection::new(Code::NotReady));
        }
        if has_body(request) && !is_form(request) {
            return Err(Rejection::new(Code::UnsupportedMediaType));
        }
        let form = form(request);
        let agent = request.header(USER_AGENT).unwrap_or_default();
        let agent: String = agent.chars().take(USER_AGENT_CHARS).collect();
        let agreed =
            form.get("switch").is_some() && self.landing.is_own_form(&site, request, &form);
        let fields = [
            ("agreed", if agreed { "1" } else { "" }),
            ("token", self.token.reveal()),
            ("ownUrl", &self.own_url),
            ("userAgent", &agent),
        ];
        let (object, mut problems) = (Json::of_texts(fields), Problems::none(false));
        let decoded = from_fields::<PartnerSignInRequest, _>(&object, &mut problems, |a| a);
        let credentials = Credentials {
            source: request.client_ip,
            session: self.landing.session(request),
            ..Credentials::default()
        };
        let language = self.heading.language;
        Ok(Decoded::call(
            request,
            decoded,
            problems,
            credentials,
            language,
        ))
    }

    fn encode(&self, result: PartnerSignInResult) -> Reply {
        match result {
            PartnerSignInResult::SignedIn { token, to } => {
                self.landing.admit(&token, self.target(to))
            }
            PartnerSignInResult::AlreadySignedIn { to } => self.landing.redirect(self.target(to)),
            PartnerSignInResult::OtherUser { .. } if self.as_json => {
                self.refuse(&Rejection::new(Code::OtherUserSignedIn))
            }
            PartnerSignInResult::OtherUser {
                current,
                arriving,
                to,
            } => self.landing.ask_to_switch(&Switch {
                current: &current,
                arriving: &arriving,
                to: to.as_deref(),
                path: &self.path,
                token: &self.token,
            }),
        }
    }

    /// Writes the envelope for clients that ask for JSON, redirects to the partner's error page if the partner has one
    /// and signed the token, or writes a page.
    fn refuse(&self, rejection: &Rejection) -> Reply {
        if self.as_json {
            return self.heading.refusal(rejection);
        }
        let code = code_of(rejection);
        let mut params = rejection.params.iter();
        if let Some((_, to)) = params.find(|(name, _)| *name == ERROR_REDIRECT) {
            return self.landing.redirect_refused(to, rejection, code);
        }
        let (status, _) = rejection.kind().envelope();
        self.landing.refuse(rejection, status, code)
    }
}

/// Whether a redirect URL names a page of the original documents at this gateway. The gateway has the account page
/// in the place of these pages (SPEC §11).
fn is_documented_page(url: &str, own_url: &str) -> bool {
    let path = url.strip_prefix(own_url).unwrap_or(url);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    DOCUMENTED_PAGES.contains(&path.strip_suffix('/').unwrap_or(path))
}

/// Whether a client prefers JSON to a page.
fn prefers_json(request: &HttpRequest) -> bool {
    let accept = request.header(ACCEPT).unwrap_or_default();
    let offered = [JSON, "text/html", "application/xhtml+xml"];
    accept::preferred(&accept, &offered) == Some(JSON)
}

fn has_body(request: &HttpRequest) -> bool {
    request.method == Method::POST && !request.body.is_empty()
}

fn form(request: &HttpRequest) -> Parameters {
    match has_body(request) {
        true => Parameters::of(&String::from_utf8_lossy(&request.body)),
        false => Parameters::default(),
    }
}

/// The partner's token: in the form, or else in the query.
fn token(request: &HttpRequest) -> Secret {
    let query = Parameters::of(request.query());
    let form = form(request);
    let token = form.get("token").or_else(|| query.get("token"));
    Secret::from(token.unwrap_or(""))
}

/// Whether a browser opens this request as a page: not in a frame, not by a script, and not by a prefetch. Older
/// browsers and other clients send no Fetch Metadata headers and are accepted. `Sec-Fetch-User` is not needed, because
/// a redirect by the partner has no click of the user.
fn is_navigation(request: &HttpRequest) -> bool {
    let is_or_absent = |name: &str, expected: &str| {
        let value = request.header(name);
        value.is_none_or(|value| value.trim().eq_ignore_ascii_case(expected))
    };
    let purpose = request.header("sec-purpose");
    let purpose = purpose.or_else(|| request.header("purpose"));
    let is_ahead = purpose.is_some_and(|purpose| {
        let purpose = purpose.to_ascii_lowercase();
        purpose.contains("prefetch") || purpose.contains("prerender")
    });
    // Browsers send all Fetch Metadata headers together. The `fetch` of Node.js, which is no browser, sends
    // `Sec-Fetch-Mode` alone.
    let is_library = request.header(FETCH_MODE).as_deref() == Some("cors")
        && request.header(FETCH_DEST).is_none()
        && request.header(FETCH_SITE).is_none();
    (is_or_absent(FETCH_MODE, "navigate") || is_library)
        && is_or_absent(FETCH_DEST, "document")
        && !is_ahead
}
