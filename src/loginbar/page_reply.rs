//! Writes the page for the answer of an operation, or for a refusal.

use std::sync::Arc;

use minijinja::{Value, context};

use super::kind::Kind;
use super::reading::{Page, Read, decoded};
use super::{browsers, data_export};
use crate::contract::common::EmptyResponse;
use crate::contract::problem::{Code, Why};
use crate::contract::rejection::Rejection;
use crate::contract::time::utc;
use crate::domain::external_identity::{LOGIN_ID, LinkedIdentity};
use crate::http::{HttpRequest, Parameters, Reply};
use crate::operations::Request;
use crate::operations::browser::{Account, SignedIn, Visitor};
use crate::operations::identities::key;
use crate::operations::user::reset_password::ResetPasswordResponse;
use crate::web::View;

/// One request for a page, before its operation has run.
pub(super) struct PageRequest {
    pub(super) kind: Kind,
    pub(super) view: View,
    /// The values that the user typed, to show the form again with them; never a password.
    pub(super) values: Value,
    pub(super) token: String,
    /// The external identities on the take-over page, in the order shown. The operation unlinks the identities that the
    /// owner does not select.
    pub(super) linked: Vec<Linked>,
    /// Whether the form was sent.
    pub(super) sent: bool,
    /// The notice about the last action.
    pub(super) notice: &'static str,
    pub(super) session_ms: i64,
    pub(super) known_ms: i64,
}

/// An external identity on the take-over page. The form sends all identities back, so that a refused form can show them
/// again. The operation uses only the keys of kept identities.
#[derive(Debug, Clone)]
pub(super) struct Linked {
    key: String,
    text: String,
    kept: bool,
}

impl Linked {
    fn value(&self) -> Value {
        let value = format!("{} {}", self.key, self.text);
        context! { key => self.key.as_str(), text => self.text.as_str(), value, kept => self.kept }
    }

    /// The identities in a form.
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
pub(super) type Step = fn(PageRequest, &[(&str, &str)], &HttpRequest) -> Read;

pub(super) fn call<R: Request<Answer: OnPage>>(
    page: PageRequest,
    fields: &[(&str, &str)],
    request: &HttpRequest,
) -> Read {
    let page = Arc::new(page);
    let shown = Arc::clone(&page);
    let show = move |answer: R::Answer| answer.show(&shown);
    let (language, cookies) = (page.view.language, page.view.cookies);
    let call = decoded::<R>(fields, language, request, cookies, show);
    Read::Call(call, page)
}

/// An answer that a page can show.
pub(super) trait OnPage: Sized {
    /// The page for this answer. The default is [`PageRequest::done`].
    fn show(self, page: &PageRequest) -> Reply {
        page.done()
    }
}

impl OnPage for () {}

impl OnPage for EmptyResponse {}

impl OnPage for ResetPasswordResponse {}

impl OnPage for SignedIn {
    fn show(self, page: &PageRequest) -> Reply {
        let cookies = page.view.cookies;
        let session = cookies.set_session(&self.token, page.session_ms);
        let known_browser = cookies.set_known_browser(&self.known_browser, page.known_ms);
        page.redirect_onward(self.memberships.len() > 1)
            .with("Set-Cookie", session)
            .with("Set-Cookie", known_browser)
    }
}

impl OnPage for Option<Visitor> {
    fn show(self, page: &PageRequest) -> Reply {
        page.visitor_page(self.as_ref())
    }
}

impl OnPage for Account {
    fn show(self, page: &PageRequest) -> Reply {
        page.account(&self)
    }
}

impl OnPage for Vec<LinkedIdentity> {
    fn show(self, page: &PageRequest) -> Reply {
        let linked = self.iter().map(|link| Linked {
            key: key(&link.identity),
            text: identity_text(link),
            kept: false,
        });
        page.form_with(&linked.collect::<Vec<_>>())
    }
}

impl PageRequest {
    /// The page's form, with the values that the user typed before.
    pub(super) fn form(&self) -> Reply {
        self.view
            .page(200, self.kind.template(), self.form_values())
    }

    /// The page's form, with the external identities that the user can keep.
    fn form_with(&self, linked: &[Linked]) -> Reply {
        let more = context! { linked => list(linked, Linked::value), ..self.form_values() };
        self.view.page(200, self.kind.template(), more)
    }

    /// The values of the form.
    fn form_values(&self) -> Value {
        let (lead, login_field) = match self.kind {
            Kind::Resend => ("resend_lead", "usernameOrEmail"),
            _ => ("forgotten_lead", "userNameOrEmail"),
        };
        context! {
            values => self.values.clone(),
            token => self.token.as_str(),
            lead,
            login_field,
            linked => list(&self.linked, Linked::value),
            asks_password => true,
        }
    }

    /// Redirects to the application, or to the choice of an organisation first.
    fn redirect_onward(&self, choose: bool) -> Reply {
        self.view.redirect(match choose {
            true => self.view.link("organisation.html"),
            false => self.view.redirect_target(),
        })
    }

    fn to_sign_in(&self) -> Reply {
        self.view.redirect(self.view.link("login.html"))
    }

    /// The page for the user of the browser; `None` if the browser is not signed in.
    fn visitor_page(&self, visitor: Option<&Visitor>) -> Reply {
        let Some(visitor) = visitor else {
            return match self.kind {
                Kind::Login => self.form(),
                Kind::Logout => self.signed_out(),
                _ => self.to_sign_in(),
            };
        };
        let undecided = visitor.session.organisation.is_none() && visitor.memberships.len() > 1;
        match self.kind {
            // A signed-in user is not asked again: this is single sign-on.
            Kind::Login => self.redirect_onward(undecided),
            Kind::Organisation if visitor.memberships.len() < 2 => self.redirect_onward(false),
            _ => {
                let organisations = list(&visitor.memberships, |m| {
                    context! { uuid => m.uuid.as_str(), name => m.name.as_str() }
                });
                let more = context! {
                    visitor => context! {
                        name => visitor.user.name.as_str(),
                        login => visitor.user.user_name.as_str(),
                        organisation => visitor.session.organisation.as_deref(),
                        organisations,
                    },
                    asks_password => visitor.user.password_hash.is_some(),
                    ..self.form_values()
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
        let more = context! { account => account_values(account), notice => self.notice };
        self.view.page(200, self.kind.template(), more)
    }

    /// The reply after the operation of a form: a message or a redirect.
    fn done(&self) -> Reply {
        let message = |title, lead| self.message(title, lead, self.sign_in_link());
        match self.kind {
            Kind::Organisation => self.redirect_onward(false),
            Kind::Logout => self.signed_out(),
            Kind::Register => message("check_mail", "registered_lead"),
            Kind::Resend | Kind::Forgotten => message("check_mail", "mailed_lead"),
            Kind::Confirm => message("confirmed", "confirmed_lead"),
            Kind::NewPassword => message("password_set", "password_set_lead"),
            Kind::UndoEmail => message("email_restored", "email_restored_lead"),
            Kind::Password => self.to_account("password_changed"),
            Kind::Delete => self.without_session(self.message("deleted", "", Value::UNDEFINED)),
            Kind::Account | Kind::Login | Kind::Data => self.to_account(self.notice),
        }
    }

    /// A page with a message and a link to the next page.
    fn message(&self, title: &'static str, lead: &str, next_link: Value) -> Reply {
        let more = context! { lead, next_link };
        self.view.titled(title).page(200, "message.html", more)
    }

    fn sign_in_link(&self) -> Value {
        context! { href => self.view.link("login.html"), text => "sign_in" }
    }

    fn to_account(&self, notice: &str) -> Reply {
        let page = format!("account.html?done={notice}");
        self.view.redirect(self.view.link(&page))
    }

    /// The reply after signing out: a redirect to the registered URL that the application asked for, or a page.
    fn signed_out(&self) -> Reply {
        if self.view.has_redirect {
            return self.without_session(self.redirect_onward(false));
        }
        self.without_session(self.message("signed_out", "", self.sign_in_link()))
    }

    /// Deletes the session cookie of the browser.
    fn without_session(&self, reply: Reply) -> Reply {
        reply.with("Set-Cookie", self.view.cookies.clear_session())
    }

    /// Refuses a form of another site, or a form that was opened before the browser signed in or out.
    pub(super) fn expired(self) -> Read {
        let cause = "the form has no CSRF token of this browser";
        let rejection = Rejection::new(Code::FormExpired).because(cause);
        Read::Refused(rejection, Arc::new(self))
    }
}

impl Page for PageRequest {
    fn refused(&self, rejection: &Rejection) -> Reply {
        let code = rejection.code();
        let signed_out = matches!(code, Code::TokenExpired | Code::AuthenticationRequired);
        match self.kind {
            _ if signed_out => self.without_session(self.to_sign_in()),
            Kind::Account | Kind::Data | Kind::Organisation | Kind::Logout => {
                self.view.titled("not_possible").refusal(rejection)
            }
            Kind::Password | Kind::Delete if code == Code::FormExpired => {
                self.view.titled("not_possible").refusal(rejection)
            }
            _ if !self.sent => self.view.titled("not_possible").refusal(rejection),
            // The same token would be refused again; the user needs another mail.
            Kind::Confirm | Kind::NewPassword | Kind::UndoEmail
                if code == Code::TokenInvalidOrExpired =>
            {
                let link = |page, text| context! { href => self.view.link(page), text };
                let next_link = match self.kind {
                    _ if is_confirmed(rejection) => self.sign_in_link(),
                    Kind::Confirm => link("resend.html", "no_mail"),
                    _ => link("forgotten-password.html", "forgotten_password"),
                };
                let more = context! { lead => "", next_link };
                self.view.again("message.html", rejection, more)
            }
            _ => {
                let template = self.kind.template();
                self.view.again(template, rejection, self.form_values())
            }
        }
    }
}

/// Whether a token was refused because it has already confirmed its registration.
fn is_confirmed(rejection: &Rejection) -> bool {
    let mut problems = rejection.problems.iter();
    problems.any(|problem| problem.why == Some(Why::AlreadyConfirmed))
}

/// The name of the client or partner that asserted a link, without the prefix `client:` or `partner:`.
fn name_of_asserter(asserted_by: &str) -> &str {
    let parts = asserted_by.split_once(':');
    parts.map_or(asserted_by, |(_, name)| name)
}

/// The name of an external identity on pages: the system, the ID, and the type of the ID if it adds information.
fn identity_text(link: &LinkedIdentity) -> String {
    let identity = &link.identity;
    match identity.id_type == identity.provider || identity.id_type == LOGIN_ID {
        true => format!("{}: {}", identity.provider, identity.id),
        false => format!(
            "{}: {} ({})",
            identity.provider, identity.id, identity.id_type
        ),
    }
}

/// Converts the items of a list to template values.
fn list<T>(items: &[T], entry: impl Fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(entry).collect()
}

/// The values of the account page.
fn account_values(account: &Account) -> Value {
    let day = |at: i64| utc(at).get(..10).unwrap_or("").to_owned();
    let minute = |at: i64| utc(at).get(..16).unwrap_or("").replace('T', " ") + " UTC";
    context! {
        name => account.user.name.as_str(),
        userName => account.user.user_name.as_str(),
        email => account.user.address(),
        hasPassword => account.user.password_hash.is_some(),
        organisations => list(&account.memberships, |m| context! { name => m.name.as_str() }),
        services => list(&account.services, |s| context! {
            id => s.id,
            name => s.name.as_str(),
            user_id_in_service => s.user_id_in_service.as_str(),
            since => day(s.since),
        }),
        agreements => list(&account.agreements, |a| context! {
            id => a.id,
            name => a.name.as_str(),
            in_force => a.is_in_force(),
            accepted_at => a.accepted_at.map(day),
            withdrawn_at => a.withdrawn_at.map(day),
        }),
        identities => list(&account.identities, |link| context! {
            key => key(&link.identity),
            text => identity_text(link),
            since => link.linked_at.map(day),
            by => link.asserted_by.as_deref().map(name_of_asserter),
        }),
        sessions => list(&account.sessions, |s| context! {
            id => s.id,
            browser => browsers::name(&s.user_agent),
            startedAt => minute(s.started_at),
            startedUtc => utc(s.started_at),
            seenAt => minute(s.seen_at),
            seenUtc => utc(s.seen_at),
            own => s.id == account.session.id,
        }),
    }
}
