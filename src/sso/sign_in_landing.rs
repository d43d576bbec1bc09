//! The replies to a browser that a partner has sent: a sign-in, a question or a refusal (SPEC §11).

use minijinja::context;

use crate::contract::messages::Language;
use crate::contract::rejection::Rejection;
use crate::contract::shape::Secret;
use crate::http::{HttpRequest, Parameters, Reply};
use crate::web::destination::with_parameter;
use crate::web::form::is_foreign;
use crate::web::{Site, View, session};

/// A browser that a partner has sent.
#[derive(Debug, Clone)]
pub(super) struct SignInLanding {
    view: View,
    /// The lifetime of a new session, in milliseconds.
    session_ms: i64,
}

/// A sign-in that waits for the user to agree.
#[derive(Debug)]
pub(super) struct Switch<'a> {
    /// The name of the user who is signed in.
    pub(super) current: &'a str,
    /// The name of the user who arrives.
    pub(super) arriving: &'a str,
    /// The URL that the browser is redirected to.
    pub(super) to: Option<&'a str>,
    /// The path that the form is sent to.
    pub(super) path: &'a str,
    /// The partner's token, which the form sends back.
    pub(super) token: &'a Secret,
}

impl SignInLanding {
    /// The browser of this request.
    #[must_use]
    pub(super) fn of(site: &Site<'_>, request: &HttpRequest) -> Self {
        Self {
            // The path of a partner's sign-in is no page. The links of this page, such as those to other languages,
            // therefore lead to the sign-in page.
            view: View::of(site, request, "not_possible").at("login.html"),
            session_ms: site.session_ms,
        }
    }

    /// The language of the pages for this browser.
    #[must_use]
    pub(super) fn language(&self) -> Language {
        self.view.language
    }

    /// The value of the browser's session cookie.
    #[must_use]
    pub(super) fn session(&self, request: &HttpRequest) -> Option<Secret> {
        session(self.view.cookies, request)
    }

    /// Sets the session cookie and redirects the browser to this URL, or to the account page.
    #[must_use]
    pub(super) fn admit(&self, token: &Secret, to: Option<String>) -> Reply {
        let cookie = self.view.cookies.set_session(token, self.session_ms);
        self.redirect(to).with("Set-Cookie", cookie)
    }

    /// Redirects the browser to this URL, or to the account page.
    #[must_use]
    pub(super) fn redirect(&self, to: Option<String>) -> Reply {
        self.view
            .redirect(to.unwrap_or_else(|| self.view.link("account.html")))
    }

    /// Whether this is a form of a page of the gateway, sent by this browser in the same session.
    #[must_use]
    pub(super) fn is_own_form(
        &self,
        site: &Site<'_>,
        request: &HttpRequest,
        form: &Parameters,
    ) -> bool {
        let token = form.get("csrf_token").unwrap_or("");
        self.view.is_own(site, request, token) && !is_foreign(request, &site.base)
    }

    /// The page that asks whether another user may replace the signed-in one.
    #[must_use]
    pub(super) fn ask_to_switch(&self, switch: &Switch<'_>) -> Reply {
        let mut view = self.view.titled("switch_user");
        // A path without a host is on this gateway.
        view.leads_to = switch
            .to
            .filter(|to| !to.starts_with('/'))
            .map(str::to_owned);
        let more = context! {
            current => switch.current,
            arriving => switch.arriving,
            path => switch.path,
            token => switch.token.reveal(),
        };
        view.page(200, "switch-user.html", more)
    }

    /// Redirects the browser to the partner's error page, as portals of this kind do.
    #[must_use]
    pub(super) fn redirect_refused(&self, to: &str, rejection: &Rejection, code: &str) -> Reply {
        let texts = rejection.problems.iter();
        let texts: Vec<_> = texts.map(|p| p.explain(self.language())).collect();
        let to = with_parameter(to, "error_message", &texts.join("; "));
        self.view.redirect(with_parameter(&to, "error", code))
    }

    /// The page of a refusal, with this status and a code that the partner can look up.
    #[must_use]
    pub(super) fn refuse(&self, rejection: &Rejection, status: u16, code: &str) -> Reply {
        let next_link = context! { href => self.view.link("login.html"), text => "sign_in" };
        let more = context! { lead => "", code, next_link };
        let mut reply = self.view.again("message.html", rejection, more);
        reply.status = status;
        reply
    }
}
