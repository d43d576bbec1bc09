//! Where partners send their users: reads what they bring, and lets them in or says why not (SPEC §11). Holds no rule about
//! users.

use crate::contract::json::Json;
use crate::contract::problem::{Code, Problems};
use crate::contract::rejection::Rejection;
use crate::contract::shape::Secret;
use crate::directory::envelope::{Heading, code_of};
use crate::http::Method;
use crate::http::header::{ACCEPT, USER_AGENT};
use crate::http::{HttpRequest, Parameters, Reply, accept};
use crate::loginbar::{Entrance, Site, Switch, is_form};
use crate::operations::partner::Admitted;
use crate::operations::partner::sign_in::PartnerSignInRequest;
use crate::operations::request::from_fields;
use crate::operations::{Credentials, DecodedRequest};

/// Where that is: the path of either layout's document. The token itself says which layout it has, so both take both.
pub const PATHS: [&str; 2] = ["/v1/user/session/create", "/v2/user/session/create"];

/// The media type of the envelope.
const JSON: &str = "application/json";

/// The headers by which browsers say how a request came about (Fetch Metadata).
const FETCH_SITE: &str = "sec-fetch-site";
const FETCH_MODE: &str = "sec-fetch-mode";
const FETCH_DEST: &str = "sec-fetch-dest";

/// How much of what a browser calls itself is passed on, in characters.
const USER_AGENT_CHARS: usize = 256;

/// A browser that comes from a partner, but for what comes of that.
#[derive(Debug, Clone)]
pub struct Arrival {
    entrance: Entrance,
    heading: Heading,
    as_json: bool,
    path: String,
    /// What the partner has signed.
    token: Secret,
}

impl Arrival {
    /// The browser of this request.
    #[must_use]
    pub fn of(site: &Site<'_>, request: &HttpRequest) -> Self {
        let entrance = Entrance::of(site, request);
        let is_first = request.path().starts_with("/v1/");
        Self {
            heading: Heading {
                id: "api.user.session.create",
                ver: if is_first { "v1" } else { "v2" },
                now: site.now,
                request_id: request.request_id.clone(),
                language: entrance.language(),
            },
            as_json: prefers_json(request),
            path: request.path().to_owned(),
            token: token(request),
            entrance,
        }
    }

    /// Reads what it brings, for a gateway that is known by this URL.
    ///
    /// # Errors
    /// The reply for what is no sign-in.
    pub fn read(
        &self,
        site: &Site<'_>,
        request: &HttpRequest,
        own_url: &str,
    ) -> Result<Box<DecodedRequest<Admitted>>, Reply> {
        // Not HEAD: it would use the token up and sign nobody in.
        if !matches!(request.method, Method::GET | Method::POST) {
            return Err(Reply::method_not_allowed("GET, POST"));
        }
        if !is_navigation(request) {
            return Err(self.refusal(&Rejection::new(Code::NavigationRequired)));
        }
        if site.registry.is_none() {
            return Err(self.refusal(&Rejection::new(Code::NotReady)));
        }
        if has_body(request) && !is_form(request) {
            return Err(self.refusal(&Rejection::new(Code::UnsupportedMediaType)));
        }
        let form = form(request);
        let agent = request.header(USER_AGENT).unwrap_or_default();
        let agent: String = agent.chars().take(USER_AGENT_CHARS).collect();
        let agreed =
            form.get("switch").is_some() && self.entrance.is_own_form(site, request, &form);
        let fields = [
            ("agreed", if agreed { "1" } else { "" }),
            ("token", self.token.reveal()),
            ("ownUrl", own_url),
            ("userAgent", &agent),
        ];
        let fields = fields.map(|(name, text)| (name.to_owned(), Json::Text(text.to_owned())));
        let mut problems = Problems::none(false);
        let object = Json::Object(fields.into());
        let decoded = from_fields::<PartnerSignInRequest, _>(&object, &mut problems, |a| a);
        Ok(Box::new(DecodedRequest {
            request: decoded,
            problems: std::mem::take(&mut problems.found),
            credentials: Credentials {
                source: request.client_ip,
                session: self.entrance.session(request),
                ..Credentials::default()
            },
            language: self.heading.language,
            request_id: request.request_id.clone(),
        }))
    }

    /// The reply to it.
    #[must_use]
    pub fn reply(&self, outcome: Result<Admitted, Rejection>) -> Reply {
        match outcome {
            Err(rejection) => self.refusal(&rejection),
            Ok(Admitted::SignedIn { token, to }) => self.entrance.admit(&token, to.as_deref()),
            Ok(Admitted::OtherUser { .. }) if self.as_json => {
                self.refusal(&Rejection::new(Code::OtherUserSignedIn))
            }
            Ok(Admitted::OtherUser {
                current,
                arriving,
                to,
            }) => self.entrance.ask_to_switch(&Switch {
                current: &current,
                arriving: &arriving,
                to: to.as_deref(),
                path: &self.path,
                token: &self.token,
            }),
        }
    }

    /// Why it is not let in: a page, or the envelope for those who ask for JSON.
    #[must_use]
    pub fn refusal(&self, rejection: &Rejection) -> Reply {
        match self.as_json {
            true => self.heading.refusal(rejection),
            false => {
                let (status, _) = rejection.kind().envelope();
                self.entrance.refuse(rejection, status, code_of(rejection))
            }
        }
    }
}

/// Whether a client likes JSON better than a page.
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

/// Whether a browser opened this as a page of its own: not in a frame, not by a script, and not ahead of time. Older
/// browsers and other clients send none of these headers. `Sec-Fetch-User` is not asked for, since a redirect of the
/// partner's has no click of the user.
fn is_navigation(request: &HttpRequest) -> bool {
    let is_or_unsaid = |name: &str, expected: &str| {
        let value = request.header(name);
        value.is_none_or(|value| value.trim().eq_ignore_ascii_case(expected))
    };
    let purpose = request.header("sec-purpose");
    let purpose = purpose.or_else(|| request.header("purpose"));
    let is_ahead = purpose.is_some_and(|purpose| {
        let purpose = purpose.to_ascii_lowercase();
        purpose.contains("prefetch") || purpose.contains("prerender")
    });
    // Browsers send all of these headers together; Node's fetch, which is no browser, sends this one alone.
    let is_library = request.header(FETCH_MODE).as_deref() == Some("cors")
        && request.header(FETCH_DEST).is_none()
        && request.header(FETCH_SITE).is_none();
    (is_or_unsaid(FETCH_MODE, "navigate") || is_library)
        && is_or_unsaid(FETCH_DEST, "document")
        && !is_ahead
}
