//! Where partners send their users: reads what they bring, and lets them in or says why not (SPEC §11). Holds no rule about
//! users.

use crate::contract::json::Json;
use crate::contract::rejection::{Code, Problems, Rejection};
use crate::contract::shape::Secret;
use crate::directory::envelope::{Heading, code_of};
use crate::exchange::{HttpRequest, Reply};
use crate::loginbar::{Entrance, Parameters, Site, Switch, is_form};
use crate::operations::access::Incoming;
use crate::operations::partner::Admitted;
use crate::operations::partner::sign_in::OPERATION;
use crate::operations::{Answer, Credentials, Shown};

/// Where that is: the path of either layout's document. The token itself says which layout it has, so both take both.
pub const PATHS: [&str; 2] = ["/v1/user/session/create", "/v2/user/session/create"];

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
        let is_first = request.path.starts_with("/v1/");
        Self {
            heading: Heading {
                id: "api.user.session.create",
                ver: if is_first { "v1" } else { "v2" },
                now: site.now,
                request_id: request.request_id.clone(),
                language: entrance.language(),
            },
            as_json: wants_json(request.accept.as_deref().unwrap_or("")),
            path: request.path.clone(),
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
    ) -> Result<Box<Incoming>, Reply> {
        // Not HEAD: it would use the token up and sign nobody in.
        if !matches!(request.method.as_str(), "GET" | "POST") {
            let mut reply = Reply::text(405, "Method not allowed");
            reply.headers.push(("Allow", "GET, POST".to_owned()));
            return Err(reply);
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
        let agent = request.user_agent.as_deref().unwrap_or("");
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
        let decoded = (OPERATION.read_json)(&Json::Object(fields.into()), &mut problems);
        Ok(Box::new(Incoming {
            operation: &OPERATION,
            request: decoded,
            problems: std::mem::take(&mut problems.found),
            credentials: Credentials {
                source: request.source,
                session: self.entrance.session(request),
                ..Credentials::default()
            },
            language: self.heading.language,
            request_id: request.request_id.clone(),
        }))
    }

    /// The reply to it.
    #[must_use]
    pub fn reply(&self, outcome: Result<Box<dyn Answer>, Rejection>) -> Reply {
        match outcome {
            Err(rejection) => self.refusal(&rejection),
            Ok(answer) => match answer.shown() {
                Shown::Admitted(Admitted::SignedIn { token, to }) => {
                    self.entrance.admit(token, to.as_deref())
                }
                Shown::Admitted(Admitted::OtherUser { .. }) if self.as_json => {
                    self.refusal(&Rejection::new(Code::OtherUserSignedIn))
                }
                Shown::Admitted(Admitted::OtherUser {
                    current,
                    arriving,
                    to,
                }) => self.entrance.ask_to_switch(&Switch {
                    current,
                    arriving,
                    to: to.as_deref(),
                    path: &self.path,
                    token: &self.token,
                }),
                _ => self.refusal(&Rejection::new(Code::InternalError)),
            },
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

fn has_body(request: &HttpRequest) -> bool {
    request.method == "POST" && !request.body.is_empty()
}

fn form(request: &HttpRequest) -> Parameters {
    match has_body(request) {
        true => Parameters::of(&String::from_utf8_lossy(&request.body)),
        false => Parameters::default(),
    }
}

/// The partner's token: in the form, or else in the query.
fn token(request: &HttpRequest) -> Secret {
    let query = Parameters::of(&request.query);
    let form = form(request);
    let token = form.get("token").or_else(|| query.get("token"));
    Secret::from(token.unwrap_or(""))
}

/// Whether a browser opened this as a page of its own: not in a frame, not by a script, and not ahead of time. Older
/// browsers and other clients send none of these headers. `Sec-Fetch-User` is not asked for, since a redirect of the
/// partner's has no click of the user.
fn is_navigation(request: &HttpRequest) -> bool {
    let is_or_unsaid = |value: &Option<String>, expected: &str| {
        let value = value.as_deref().map(str::trim);
        value.is_none_or(|value| value.eq_ignore_ascii_case(expected))
    };
    let is_ahead = request.purpose.as_deref().is_some_and(|purpose| {
        let purpose = purpose.to_ascii_lowercase();
        purpose.contains("prefetch") || purpose.contains("prerender")
    });
    // Browsers send all of these headers together; Node's fetch, which is no browser, sends this one alone.
    let is_library = request.fetch_mode.as_deref() == Some("cors")
        && request.fetch_dest.is_none()
        && request.fetch_site.is_none();
    (is_or_unsaid(&request.fetch_mode, "navigate") || is_library)
        && is_or_unsaid(&request.fetch_dest, "document")
        && !is_ahead
}

/// Whether a client prefers JSON to a page (RFC 9110 §12.5.1): of the two that have the same weight, the one it names first.
fn wants_json(accept: &str) -> bool {
    let mut best = (false, 0.0_f32);
    for range in accept.split(',') {
        let mut parts = range.split(';');
        let is_json = match parts
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase()
            .as_str()
        {
            "application/json" => true,
            "text/html" | "application/xhtml+xml" => false,
            _ => continue,
        };
        let weight = parts
            .find_map(|p| p.trim().strip_prefix("q="))
            .map_or(Some(1.0), |q| q.parse().ok())
            .unwrap_or(0.0);
        if weight > best.1 {
            best = (is_json, weight);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::wants_json;

    #[test]
    fn pages_unless_json_is_preferred() {
        for (accept, json) in [
            ("", false),
            ("*/*", false),
            ("application/json", true),
            ("Application/JSON, text/plain", true),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                false,
            ),
            ("text/html, application/json;q=0.9", false),
            ("application/json, text/html", true),
            ("application/json;q=0", false),
        ] {
            assert_eq!(wants_json(accept), json, "{accept}");
        }
    }
}
