//! Writes the page for the answer of an operation, or for a refusal.

use std::sync::Arc;

use minijinja::{Value, context};

use super::pages::Kind;
use super::{Page, Read, browsers, data_export, decoded};
use crate::contract::common::EmptyResponse;
use crate::contract::problem::Code;
use crate::contract::rejection::Rejection;
use crate::contract::time::utc;
use crate::domain::external_identity::{LOGIN_ID, LinkedIdentity};
use crate::http::{HttpRequest, Parameters, Reply};
use crate::operations::Request;
use crate::operations::browser::{Account, SignedIn, Visitor};
use crate::operations::identities::key;
use crate::operations::user::reset_password::ResetPasswordResponse;
use crate::web::View;

/// One request for a page, but for what its operation comes to.
pub(super) struct Asked {
    pub(super) kind: Kind,
    pub(super) view: View,
    /// What was typed, for the form to be shown again with it; never a password.
    pub(super) values: Value,
    pub(super) token: String,
    /// The identities that a link from a mail unlinks, except those that the owner marked, in the order shown.
    pub(super) linked: Vec<Linked>,
    /// Whether the form was sent.
    pub(super) sent: bool,
    /// What is said of what was just done, or was done before.
    pub(super) notice: &'static str,
    pub(super) session_ms: i64,
    pub(super) known_ms: i64,
}

/// The external identities on the page that takes an account over. A form brings them back, so that they are there when
/// it is shown again; only the keys that are kept decide anything.
#[derive(Debug, Clone)]
pub(super) struct Linked {
    key: String,
    text: String,
    kept: bool,
}

impl Linked {
    fn shown(&self) -> Value {
        let value = format!("{} {}", self.key, self.text);
        context! { key => self.key.as_str(), text => self.text.as_str(), value, kept => self.kept }
    }

    /// Those of a form.
    pub(super) fn of(form: &Parameters) -> Vec<Self> {
        let of = |value: &str| {
            let (key, text) = value.split_once(' ')?;
            Some(Self {
                key: key.to_owned(),
                text: text.to_owned(),
                kept: form.all("keep").any(|kept| kept == key),
            })
        };
        form.all("linked").filter_map(of).collect()
    }
}

/// Calls an operation with these fields, and shows its answer on the page.
pub(super) type Step = fn(Asked, &[(&str, &str)], &HttpRequest) -> Read;

pub(super) fn call<R: Request<Answer: OnPage>>(
    asked: Asked,
    fields: &[(&str, &str)],
    request: &HttpRequest,
) -> Read {
    let page = Arc::new(asked);
    let shown = Arc::clone(&page);
    let show = move |answer: R::Answer| answer.show(&shown);
    let (language, cookies) = (page.view.language, page.view.cookies);
    let call = decoded::<R>(fields, language, request, cookies, show);
    Read::Call(Box::new(call), page)
}

/// An answer that a page can show.
pub(super) trait OnPage {
    fn show(self, page: &Asked) -> Reply;
}

impl OnPage for () {
    fn show(self, page: &Asked) -> Reply {
        page.done()
    }
}

impl OnPage for EmptyResponse {
    fn show(self, page: &Asked) -> Reply {
        page.done()
    }
}

impl OnPage for ResetPasswordResponse {
    fn show(self, page: &Asked) -> Reply {
        page.done()
    }
}

impl OnPage for SignedIn {
    fn show(self, page: &Asked) -> Reply {
        let mut reply = page.go_on(self.granted.len() > 1);
        let cookies = page.view.cookies;
        for cookie in [
            cookies.set_session(&self.token, page.session_ms),
            cookies.set_known_browser(&self.known_browser, page.known_ms),
        ] {
            reply.headers.push(("Set-Cookie", cookie));
        }
        reply
    }
}

impl OnPage for Option<Visitor> {
    fn show(self, page: &Asked) -> Reply {
        page.shown(self.as_ref())
    }
}

impl OnPage for Account {
    fn show(self, page: &Asked) -> Reply {
        page.account(&self)
    }
}

impl OnPage for Vec<LinkedIdentity> {
    fn show(self, page: &Asked) -> Reply {
        let linked = self.iter().map(|link| Linked {
            key: key(&link.identity),
            text: called(link),
            kept: false,
        });
        page.form_with(&linked.collect::<Vec<_>>())
    }
}

impl Asked {
    /// The page's form, empty.
    pub(super) fn form(&self) -> Reply {
        self.view.page(200, self.kind.template(), self.filled())
    }

    /// The page's form, with what it unlinks.
    fn form_with(&self, linked: &[Linked]) -> Reply {
        let linked: Vec<_> = linked.iter().map(Linked::shown).collect();
        let more = context! { linked, ..self.filled() };
        self.view.page(200, self.kind.template(), more)
    }

    /// What the form is shown with.
    fn filled(&self) -> Value {
        let (lead, login_field) = match self.kind {
            Kind::Resend => ("resend_lead", "usernameOrEmail"),
            _ => ("forgotten_lead", "userNameOrEmail"),
        };
        context! {
            values => self.values.clone(),
            token => self.token.as_str(),
            lead,
            login_field,
            linked => self.linked.iter().map(Linked::shown).collect::<Vec<_>>(),
            asks_password => true,
        }
    }

    /// On to the application, or to a choice first.
    fn go_on(&self, choose: bool) -> Reply {
        self.view.redirect(match choose {
            true => self.view.link("organisation.html"),
            false => self.view.onward(),
        })
    }

    fn to_sign_in(&self) -> Reply {
        self.view.redirect(self.view.link("login.html"))
    }

    /// A page that depends on whose browser it is.
    fn shown(&self, visitor: Option<&Visitor>) -> Reply {
        let Some(visitor) = visitor else {
            return match self.kind {
                Kind::Login => self.form(),
                Kind::Logout => self.signed_out(),
                _ => self.to_sign_in(),
            };
        };
        let undecided = visitor.session.organisation.is_none() && visitor.granted.len() > 1;
        match self.kind {
            // Who is signed in already is not asked again: that is what single sign-on is.
            Kind::Login => self.go_on(undecided),
            Kind::Organisation if visitor.granted.len() < 2 => self.go_on(false),
            _ => {
                let organisations: Vec<Value> = visitor
                    .granted
                    .iter()
                    .map(|g| context! { uuid => g.uuid.as_str(), name => g.name.as_str() })
                    .collect();
                let more = context! {
                    visitor => context! {
                        name => visitor.user.name.as_str(),
                        login => visitor.user.user_name.as_str(),
                        organisation => visitor.session.organisation.as_deref(),
                        organisations,
                    },
                    asks_password => visitor.user.password_hash.is_some(),
                    ..self.filled()
                };
                self.view.page(200, self.kind.template(), more)
            }
        }
    }

    fn account(&self, account: &Account) -> Reply {
        if self.kind == Kind::Data {
            let reply = data_export::of(account);
            return self.view.guarded(reply);
        }
        let more = context! { account => shown_account(account), notice => self.notice };
        self.view.page(200, self.kind.template(), more)
    }

    /// What is said, or where it goes, when a form has done what it does.
    fn done(&self) -> Reply {
        let sign_in = context! { href => self.view.link("login.html"), text => "sign_in" };
        let say = |title, lead: &str, way_on: Value| {
            let more = context! { lead => lead, way_on => way_on };
            self.view.titled(title).page(200, "message.html", more)
        };
        match self.kind {
            Kind::Organisation => self.go_on(false),
            Kind::Logout => self.signed_out(),
            Kind::Register => say("check_mail", "registered_lead", sign_in),
            Kind::Resend | Kind::Forgotten => say("check_mail", "mailed_lead", sign_in),
            Kind::Confirm => say("confirmed", "confirmed_lead", sign_in),
            Kind::NewPassword => say("password_set", "password_set_lead", sign_in),
            Kind::UndoEmail => say("email_restored", "email_restored_lead", sign_in),
            Kind::Password => self.to_account("password_changed"),
            Kind::Delete => self.without_session(say("deleted", "", Value::UNDEFINED)),
            Kind::Account | Kind::Login | Kind::Data => self.to_account(self.notice),
        }
    }

    fn to_account(&self, notice: &str) -> Reply {
        let page = format!("account.html?done={notice}");
        self.view.redirect(self.view.link(&page))
    }

    /// After signing out: where the application asked for, if it has registered that, and a page otherwise.
    fn signed_out(&self) -> Reply {
        if self.view.asked_to_go_on {
            return self.without_session(self.go_on(false));
        }
        let sign_in = context! { href => self.view.link("login.html"), text => "sign_in" };
        let more = context! { lead => "", way_on => sign_in };
        let view = self.view.titled("signed_out");
        self.without_session(view.page(200, "message.html", more))
    }

    /// Takes the session's cookie away from the browser.
    fn without_session(&self, mut reply: Reply) -> Reply {
        let cookie = self.view.cookies.clear_session();
        reply.headers.push(("Set-Cookie", cookie));
        reply
    }

    /// Refuses a form that is not ours, or was given out before the browser signed in or out.
    pub(super) fn expired(self) -> Read {
        let cause = "the form has no CSRF token of this browser";
        let rejection = Rejection::new(Code::FormExpired).because(cause);
        Read::Refused(rejection, Arc::new(self))
    }
}

impl Page for Asked {
    fn refused(&self, rejection: &Rejection) -> Reply {
        let signed_out = matches!(
            rejection.code(),
            Code::TokenExpired | Code::AuthenticationRequired
        );
        match self.kind {
            _ if signed_out => self.without_session(self.to_sign_in()),
            Kind::Account | Kind::Data | Kind::Organisation | Kind::Logout => {
                self.view.titled("not_possible").refusal(rejection)
            }
            Kind::Password | Kind::Delete if rejection.code() == Code::FormExpired => {
                self.view.titled("not_possible").refusal(rejection)
            }
            _ if !self.sent => self.view.titled("not_possible").refusal(rejection),
            // Sent again, it would be refused again; another mail helps.
            Kind::Confirm | Kind::NewPassword | Kind::UndoEmail
                if rejection.code() == Code::TokenInvalidOrExpired =>
            {
                let (page, text) = match self.kind {
                    Kind::Confirm => ("resend.html", "no_mail"),
                    _ => ("forgotten-password.html", "forgotten_password"),
                };
                let way_on = context! { href => self.view.link(page), text };
                self.view
                    .again("message.html", rejection, context! { lead => "", way_on })
            }
            _ => self
                .view
                .again(self.kind.template(), rejection, self.filled()),
        }
    }
}

/// The name of a client or partner, without the word for what it is.
fn name_of_asserter(asserted_by: &str) -> &str {
    asserted_by
        .split_once(':')
        .map_or(asserted_by, |(_, name)| name)
}

/// What an external identity is called on pages: the system, the id, and what kind of id it is where that tells more.
fn called(link: &LinkedIdentity) -> String {
    let who = &link.identity;
    match who.id_type == who.provider || who.id_type == LOGIN_ID {
        true => format!("{}: {}", who.provider, who.id),
        false => format!("{}: {} ({})", who.provider, who.id, who.id_type),
    }
}

/// An account as its page shows it.
fn shown_account(account: &Account) -> Value {
    let day = |at: i64| utc(at).get(..10).unwrap_or("").to_owned();
    let minute = |at: i64| utc(at).get(..16).unwrap_or("").replace('T', " ") + " UTC";
    let services = account.services.iter().map(|s| {
        context! { id => s.id, name => s.name.as_str(), user_id_in_service => s.user_id_in_service.as_str(), since => day(s.since) }
    });
    let agreements = account.agreements.iter().map(|a| {
        context! {
            id => a.id,
            name => a.name.as_str(),
            in_force => a.is_in_force(),
            accepted_at => a.accepted_at.map(day),
            withdrawn_at => a.withdrawn_at.map(day),
        }
    });
    let sessions = account.sessions.iter().map(|s| {
        context! {
            id => s.id,
            browser => browsers::name(&s.user_agent),
            startedAt => minute(s.started_at),
            startedUtc => utc(s.started_at),
            seenAt => minute(s.seen_at),
            seenUtc => utc(s.seen_at),
            own => s.id == account.session.id,
        }
    });
    let identities = account.identities.iter().map(|link| {
        context! {
            key => key(&link.identity),
            text => called(link),
            since => link.linked_at.map(day),
            by => link.asserted_by.as_deref().map(name_of_asserter),
        }
    });
    let organisations = account
        .granted
        .iter()
        .map(|g| context! { name => g.name.as_str() });
    context! {
        name => account.user.name.as_str(),
        userName => account.user.user_name.as_str(),
        email => account.user.address(),
        hasPassword => account.user.password_hash.is_some(),
        organisations => organisations.collect::<Vec<_>>(),
        services => services.collect::<Vec<_>>(),
        agreements => agreements.collect::<Vec<_>>(),
        identities => identities.collect::<Vec<_>>(),
        sessions => sessions.collect::<Vec<_>>(),
    }
}
