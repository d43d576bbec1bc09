//! One page for one browser: its language, its application, the CSRF token of its forms, and its headers.

use std::fmt::Write as _;
use std::sync::LazyLock;

use crate::http::header::COOKIE;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use percent_encoding::utf8_percent_encode;

use super::cookies::{self, Cookies};
use super::destination::{self, MOST_BYTES};
use super::{ESCAPED, MAX_CLIENT_ID, PREFIX, Site, i18n, session};
use crate::contract::messages::Language;
use crate::contract::problem::{Code, Kind, Problem};
use crate::contract::rejection::Rejection;
use crate::domain::one_time_token::format as token_of;
use crate::http::{HttpRequest, Parameters, Reply};

macro_rules! templates {
    ($($name:literal)+) => {
        static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
            let mut environment = Environment::new();
            // An undefined variable is an error, so that tests find misspelled names.
            environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
            $(
                // Templates are part of the program, and a broken template fails every test of its page.
                if let Err(error) = environment.add_template($name, include_str!(concat!("templates/", $name))) {
                    tracing::error!(cause = %error, "a page's template is broken");
                }
            )+
            environment
        });
    };
}

templates! {
    "frame.html" "login.html" "organisation.html" "logout.html" "register.html" "mail-me.html" "confirm.html"
    "new-password.html" "undo-email.html" "switch-user.html" "password.html" "delete.html" "message.html" "account.html"
}

/// The input fields. Only a problem of one of these fields links to its field.
const TYPED: [&str; 6] = [
    "name",
    "email",
    "userNameOrEmail",
    "usernameOrEmail",
    "oldPassword",
    "password",
];

/// A page for one browser.
#[derive(Debug, Clone)]
pub struct View {
    pub cookies: Cookies,
    pub language: Language,
    /// The page, below the prefix.
    path: String,
    /// The application, which every link repeats.
    client_id: Option<String>,
    /// The application's name and the URL to redirect to.
    pub application: Option<(String, String)>,
    redirect_uri: Option<String>,
    /// Whether `redirect_uri` is a registered URL.
    pub has_redirect: bool,
    /// Another URL to which the answer to a form of this page may redirect.
    pub leads_to: Option<String>,
    state: Option<String>,
    /// Whether `client_id` is unknown.
    pub is_unknown_application: bool,
    csrf_token: String,
    title: &'static str,
    set_cookies: Vec<String>,
}

impl View {
    /// The page with this title for the browser that sent this request.
    pub fn of(site: &Site<'_>, request: &HttpRequest, title: &'static str) -> Self {
        let cookies = Cookies::of(&site.base);
        let header = &request.header(COOKIE).unwrap_or_default();
        let query = Parameters::of(request.query());
        let mut set_cookies = Vec::new();
        let chosen = query.get("lang").and_then(cookies::language);
        if let Some(language) = chosen {
            set_cookies.push(cookies.set_language(language));
        }
        let language = chosen
            .or_else(|| cookies.language(header))
            .unwrap_or_else(|| request.language());
        let short = |name, most| query.get(name).filter(|v| v.len() <= most);
        let client_id = short("client_id", MAX_CLIENT_ID);
        let known = site.registry.as_ref().zip(client_id);
        let known = known.and_then(|(registry, id)| registry.application(id));
        let wanted = short("redirect_uri", MOST_BYTES);
        let application = known.and_then(|application| {
            let to = destination::or_default(application, wanted)?;
            Some((application.client_id.clone(), to.to_owned()))
        });
        let mut view = Self {
            cookies,
            language,
            path: request.path().strip_prefix(PREFIX).unwrap_or("").to_owned(),
            client_id: client_id.filter(|_| known.is_some()).map(str::to_owned),
            has_redirect: known
                .zip(wanted)
                .is_some_and(|(a, to)| destination::registered(a, to).is_some()),
            application,
            redirect_uri: wanted.map(str::to_owned),
            leads_to: None,
            state: short("state", MOST_BYTES).map(str::to_owned),
            is_unknown_application: query.get("client_id").is_some() && known.is_none(),
            csrf_token: String::new(),
            title,
            set_cookies,
        };
        view.csrf_token = view.issue_csrf_token(site, request, header);
        view
    }

    /// The CSRF token of this browser's forms. A new browser first gets an ID.
    fn issue_csrf_token(
        &mut self,
        site: &Site<'_>,
        request: &HttpRequest,
        cookies: &str,
    ) -> String {
        let browser = match self.cookies.browser(cookies) {
            Some(browser) => browser.to_owned(),
            None => {
                let browser = token_of(site.entropy.bytes());
                self.set_cookies.push(self.cookies.set_browser(&browser));
                browser
            }
        };
        let signed = signed_browser(&browser, self.cookies, request);
        site.csrf_signer.token(&signed)
    }

    /// Whether a form carries the CSRF token of this browser and its current session.
    pub fn is_own(&self, site: &Site<'_>, request: &HttpRequest, token: &str) -> bool {
        let header = &request.header(COOKIE).unwrap_or_default();
        self.cookies.browser(header).is_some_and(|browser| {
            let signed = signed_browser(browser, self.cookies, request);
            site.csrf_signer.is_valid(&signed, token)
        })
    }

    /// Changes the title; the browser stays the same.
    pub fn titled(&self, title: &'static str) -> Self {
        Self {
            title,
            ..self.clone()
        }
    }

    /// Changes the path below the prefix; the browser stays the same.
    pub fn at(self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..self
        }
    }

    /// The URL of another page of the gateway, for the same application.
    pub fn link(&self, page: &str) -> String {
        self.link_with(page, None)
    }

    fn link_with(&self, page: &str, language: Option<Language>) -> String {
        let mut link = format!("{PREFIX}{page}");
        let parameters = [
            ("client_id", self.client_id.as_deref()),
            ("redirect_uri", self.redirect_uri.as_deref()),
            ("state", self.state.as_deref()),
            ("lang", language.map(Language::tag)),
        ];
        let mut mark = if page.contains('?') { '&' } else { '?' };
        for (name, value) in parameters {
            if let Some(value) = value {
                let value = utf8_percent_encode(value, ESCAPED);
                let _ = write!(link, "{mark}{name}={value}");
                mark = '&';
            }
        }
        link
    }

    /// The URL to which a signed-in browser is redirected.
    pub fn redirect_target(&self) -> String {
        match &self.application {
            Some((_, to)) => destination::with_state(to, self.state.as_deref()),
            None => self.link("account.html"),
        }
    }

    /// Redirects the browser to this URL by GET.
    pub fn redirect(&self, to: String) -> Reply {
        self.guarded(Reply::new(303, "", "").with("Location", to))
    }

    /// Writes a page of this template.
    pub fn page(&self, status: u16, template: &str, more: Value) -> Reply {
        self.written(status, template, Vec::new(), more)
    }

    /// Writes the page again, with the problems.
    pub fn again(&self, template: &str, rejection: &Rejection, more: Value) -> Reply {
        let wrongs: Vec<Value> = rejection
            .problems
            .iter()
            .map(|problem| self.wrong(rejection.kind(), problem))
            .collect();
        let (status, _) = rejection.kind().rest();
        self.written(status, template, wrongs, more)
    }

    /// The text of a problem, and its field.
    fn wrong(&self, kind: Kind, problem: &Problem) -> Value {
        // Forms of signed-in users have no name field, so only the password can be wrong.
        let its_password = match (problem.code, self.title) {
            (Code::BadCredentials, "change_password") => Some("oldPassword"),
            (Code::BadCredentials, "delete_account") => Some("password"),
            _ => None,
        };
        if let Some(field) = its_password {
            let text = i18n::words(self.language).get_attr("wrong_password").ok();
            return context! { field, text };
        }
        let about_a_field = matches!(kind, Kind::Invalid | Kind::NotFound);
        let field = problem.field.as_deref();
        let field = field.filter(|name| about_a_field && TYPED.contains(name));
        context! { field, text => problem.explain(self.language) }
    }

    /// Writes a page with the reason of a refusal.
    pub fn refusal(&self, rejection: &Rejection) -> Reply {
        let next_link = context! { href => self.link("account.html"), text => "back_to_account" };
        self.again(
            "message.html",
            rejection,
            context! { lead => "", next_link },
        )
    }

    fn written(&self, status: u16, template: &str, errors: Vec<Value>, more: Value) -> Reply {
        let languages = [("hu", "Magyar"), ("en", "English")].map(|(tag, name)| {
            context! { tag, name, href => self.link_with(&self.path, cookies::language(tag)) }
        });
        let own = context! {
            language => self.language.tag(),
            languages => languages.to_vec(),
            w => i18n::words(self.language),
            title => self.title,
            csrf_token => &self.csrf_token,
            action => self.link(&self.path),
            application => self.application.as_ref().map(|(name, _)| name),
            errors,
            links => self.links(),
        };
        let page = TEMPLATES.get_template(template).and_then(|t| {
            t.render(context! { ..more, ..own, ..context! { notice => "", values => context! {} } })
        });
        let body = page.unwrap_or_else(|error| {
            tracing::error!(cause = %error, template, "a page could not be written");
            String::new()
        });
        let status = if body.is_empty() { 500 } else { status };
        let reply = Reply::new(status, "text/html; charset=utf-8", body);
        self.guarded(reply.with("Content-Language", self.language.tag()))
    }

    fn links(&self) -> Value {
        context! {
            login => self.link("login.html"),
            register => self.link("register.html"),
            resend => self.link("resend.html"),
            forgotten => self.link("forgotten-password.html"),
            account => self.link("account.html"),
            password => self.link("password.html"),
            delete => self.link("delete.html"),
            data => self.link("data.json"),
            logout => self.link("logout.html"),
        }
    }

    /// Adds the cookies and the headers that guard a page, in addition to those of every reply. The pages
    /// have no scripts.
    pub fn guarded(&self, mut reply: Reply) -> Reply {
        for cookie in &self.set_cookies {
            reply.headers.push(("Set-Cookie", cookie.clone()));
        }
        // Browsers also apply the policy to the redirect after a form.
        let application = self.application.as_ref().map(|(_, to)| to);
        let form_targets: String = application
            .into_iter()
            .chain(&self.leads_to)
            .map(|to| format!(" {}", destination::origin(to)))
            .collect();
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{form_targets}; \
             base-uri 'none'; frame-ancestors 'none'"
        );
        reply
            .with("Content-Security-Policy", policy)
            .with("X-Frame-Options", "DENY")
            .with("Referrer-Policy", "no-referrer")
            .with("Cross-Origin-Opener-Policy", "same-origin")
            .with("Vary", "Cookie, Accept-Language")
    }
}

/// The value that a CSRF token signs: the browser and its session.
fn signed_browser(browser: &str, cookies: Cookies, request: &HttpRequest) -> String {
    let session = session(cookies, request);
    let session = session.as_ref().map_or("", |s| s.reveal());
    format!("{browser}\n{session}")
}
