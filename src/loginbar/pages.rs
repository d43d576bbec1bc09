//! The pages: which there are, what each of them asks for when it is opened, and what its form does.

use std::sync::Arc;

use crate::http::Method;
use crate::http::header::USER_AGENT;
use minijinja::{Value, context};

use super::form::{is_foreign, is_form};
use super::view::View;
use super::{Page, Read, Site, browsers, copy};
use crate::contract::rejection::{Code, Rejection};
use crate::contract::time::utc;
use crate::domain::external_identity::{LOGIN_ID, LinkedIdentity};
use crate::http::{HttpRequest, Parameters, Reply};
use crate::operations::browser::{
    Account, Visit, Visitor, accept_agreement, change_own_password, choose_organisation,
    delete_own_account, end_session, leave_service, register_visitor, show_account, show_take_over,
    show_visitor, sign_in, sign_out, take_over, undo_email_change, unlink_identity,
    withdraw_agreement,
};
use crate::operations::identities::key;
use crate::operations::user::{resend, reset_password};
use crate::operations::{Answer, Operation, Shown};

/// The pages by name. The rest of what a page is stands in [`Kind`].
const PAGES: &[(&str, Kind)] = &[
    ("login.html", Kind::Login),
    ("organisation.html", Kind::Organisation),
    ("logout.html", Kind::Logout),
    ("register.html", Kind::Register),
    ("resend.html", Kind::Resend),
    ("confirm.html", Kind::Confirm),
    ("forgotten-password.html", Kind::Forgotten),
    ("new-password.html", Kind::NewPassword),
    ("account.html", Kind::Account),
    ("password.html", Kind::Password),
    ("delete.html", Kind::Delete),
    ("undo-email.html", Kind::UndoEmail),
    ("data.json", Kind::Data),
];

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Login,
    Organisation,
    Logout,
    Register,
    Resend,
    Confirm,
    Forgotten,
    NewPassword,
    Account,
    Password,
    Delete,
    UndoEmail,
    Data,
}

/// What the form of the account's page can do: its word for it, the operation, the field it takes, and what is said after.
const DEEDS: [(&str, &Operation, &str, &str); 6] = [
    ("leave", &leave_service::OPERATION, "service", "left"),
    (
        "accept",
        &accept_agreement::OPERATION,
        "agreement",
        "agreement_accepted",
    ),
    (
        "withdraw",
        &withdraw_agreement::OPERATION,
        "agreement",
        "agreement_withdrawn",
    ),
    (
        "end-session",
        &end_session::OPERATION,
        "session",
        "session_ended",
    ),
    ("end-others", &end_session::OPERATION, "", "others_ended"),
    (
        "unlink",
        &unlink_identity::OPERATION,
        "identity",
        "identity_unlinked",
    ),
];

/// What may be said on the account's page of what was done before.
const NOTICES: [&str; 7] = [
    "left",
    "agreement_accepted",
    "agreement_withdrawn",
    "session_ended",
    "others_ended",
    "identity_unlinked",
    "password_changed",
];

impl Kind {
    const fn title(self) -> &'static str {
        match self {
            Kind::Login => "sign_in",
            Kind::Organisation => "choose_organisation",
            Kind::Logout => "sign_out",
            Kind::Register => "register",
            Kind::Resend => "resend",
            Kind::Confirm => "confirm_title",
            Kind::Forgotten => "forgotten_password",
            Kind::NewPassword => "new_password",
            Kind::Account | Kind::Data => "account",
            Kind::Password => "change_password",
            Kind::Delete => "delete_account",
            Kind::UndoEmail => "undo_email",
        }
    }

    const fn template(self) -> &'static str {
        match self {
            Kind::Login => "login.html",
            Kind::Organisation => "organisation.html",
            Kind::Logout => "logout.html",
            Kind::Register => "register.html",
            Kind::Resend | Kind::Forgotten => "mail-me.html",
            Kind::Confirm => "confirm.html",
            Kind::NewPassword => "new-password.html",
            Kind::Account | Kind::Data => "account.html",
            Kind::Password => "password.html",
            Kind::Delete => "delete.html",
            Kind::UndoEmail => "undo-email.html",
        }
    }

    /// What is asked when it is opened; nothing where a page is the same for everybody.
    fn shows(self) -> Option<(&'static Operation, &'static [(&'static str, &'static str)])> {
        match self {
            Kind::Login | Kind::Organisation => {
                Some((&show_visitor::OPERATION, &[("organisations", "1")]))
            }
            Kind::Logout | Kind::Password | Kind::Delete => Some((&show_visitor::OPERATION, &[])),
            Kind::Account => Some((&show_account::OPERATION, &[])),
            Kind::Data => Some((&show_account::OPERATION, &[("events", "1")])),
            Kind::Register | Kind::Resend | Kind::Forgotten | Kind::UndoEmail => None,
            // With the token, which is no fixed field.
            Kind::Confirm | Kind::NewPassword => Some((&show_take_over::OPERATION, &[])),
        }
    }

    /// What its form does, and the fields it takes; the account's page has several, see [`DEEDS`].
    fn does(self) -> Option<(&'static Operation, &'static [&'static str])> {
        Some(match self {
            Kind::Login => (&sign_in::OPERATION, &["userNameOrEmail", "password"]),
            Kind::Organisation => (&choose_organisation::OPERATION, &["organisation"]),
            Kind::Logout => (&sign_out::OPERATION, &["everywhere"]),
            Kind::Register => (&register_visitor::OPERATION, &["name", "email", "password"]),
            Kind::Resend => (&resend::OPERATION, &["usernameOrEmail"]),
            Kind::Confirm => (&take_over::CONFIRM, &["token"]),
            Kind::UndoEmail => (&undo_email_change::OPERATION, &["token"]),
            Kind::Forgotten => (&reset_password::OPERATION, &["userNameOrEmail"]),
            Kind::NewPassword => (&take_over::SET_PASSWORD, &["passwordResetGuid", "password"]),
            Kind::Password => (
                &change_own_password::OPERATION,
                &["oldPassword", "password"],
            ),
            Kind::Delete => (&delete_own_account::OPERATION, &["password"]),
            Kind::Account | Kind::Data => return None,
        })
    }
}

/// One request for a page, but for what its operation comes to.
struct Asked {
    kind: Kind,
    view: View,
    /// What was typed, for the form to be shown again with it; never a password.
    values: Value,
    token: String,
    /// What the link of a mail unlinks unless it is kept, as it was shown.
    linked: Vec<Linked>,
    /// Whether the form was sent.
    sent: bool,
    /// What is said of what was just done, or was done before.
    notice: &'static str,
    session_ms: i64,
    known_ms: i64,
}

/// The external identities on the page that takes an account over. A form brings them back, so that they are there when
/// it is shown again; only the keys that are kept decide anything.
#[derive(Debug, Clone)]
struct Linked {
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
    fn of(form: &Parameters) -> Vec<Self> {
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

/// Reads a request for a page.
pub(super) fn read(site: &Site<'_>, request: &HttpRequest, path: &str) -> Read {
    let Some((_, kind)) = PAGES.iter().find(|(name, _)| *name == path) else {
        let view = View::of(site, request, "not_found");
        let way_on = context! { href => view.link("account.html"), text => "account" };
        return Read::Reply(view.page(404, "message.html", context! { lead => "", way_on }));
    };
    let kind = *kind;
    let view = View::of(site, request, kind.title());
    if site.registry.is_none() {
        return Read::Reply(view.refusal(&Rejection::new(Code::NotReady)));
    }
    if view.is_unknown_application {
        let lead = context! { lead => "unknown_application_lead" };
        let view = view.titled("unknown_application");
        return Read::Reply(view.page(400, "message.html", lead));
    }
    match request.method {
        Method::GET | Method::HEAD => open(site, request, kind, view),
        Method::POST if kind != Kind::Data => submit(site, request, kind, view),
        _ if kind == Kind::Data => {
            Read::Reply(view.guarded(Reply::method_not_allowed("GET, HEAD")))
        }
        _ => Read::Reply(view.guarded(Reply::method_not_allowed("GET, HEAD, POST"))),
    }
}

/// A page is opened. Nothing changes by that: who scans mails opens links, too.
fn open(site: &Site<'_>, request: &HttpRequest, kind: Kind, view: View) -> Read {
    let query = Parameters::of(request.query());
    let done = query.get("done").unwrap_or("");
    let asked = Asked {
        kind,
        values: context! {},
        token: query.get("token").unwrap_or("").to_owned(),
        linked: Vec::new(),
        sent: false,
        notice: NOTICES.iter().find(|n| **n == done).copied().unwrap_or(""),
        session_ms: site.session_ms,
        known_ms: site.known_ms,
        view,
    };
    match kind.shows() {
        Some((operation, fields)) => {
            let token = match kind {
                Kind::Confirm => Some(("activation", asked.token.as_str())),
                Kind::NewPassword => Some(("reset", asked.token.as_str())),
                _ => None,
            };
            let fields: Vec<_> = fields.iter().copied().chain(token).collect();
            let call = asked.view.call(operation, &fields, request);
            Read::Call(Box::new(call), Arc::new(asked))
        }
        None => Read::Reply(asked.form()),
    }
}

/// A form is sent.
fn submit(site: &Site<'_>, request: &HttpRequest, kind: Kind, view: View) -> Read {
    if !is_form(request) {
        return Read::Reply(view.guarded(Reply::text(415, "Send a form")));
    }
    let form = Parameters::of(&String::from_utf8_lossy(&request.body));
    let field = |name: &str| form.get(name).unwrap_or("").to_owned();
    let login = field("userNameOrEmail");
    let asked = Asked {
        kind,
        values: context! {
            userNameOrEmail => login,
            usernameOrEmail => field("usernameOrEmail"),
            name => field("name"),
            email => field("email"),
        },
        token: form
            .get("token")
            .or_else(|| form.get("passwordResetGuid"))
            .unwrap_or("")
            .to_owned(),
        linked: Linked::of(&form),
        sent: true,
        notice: "",
        session_ms: site.session_ms,
        known_ms: site.known_ms,
        view,
    };
    let own = asked.view.is_own(site, request, &field("stamp"));
    if !own || is_foreign(request, &site.base) {
        return Read::Reply(asked.expired());
    }
    let deed = DEEDS.iter().find(|(name, ..)| *name == field("do"));
    let (operation, names, notice): (_, &[&str], _) = match (kind.does(), deed) {
        (Some((operation, names)), _) => (operation, names, ""),
        (None, Some((_, operation, name, notice))) => (*operation, &[*name], *notice),
        (None, None) => return Read::Reply(asked.expired()),
    };
    let mut fields: Vec<(&str, &str)> = names
        .iter()
        .filter_map(|name| Some((*name, form.get(name)?)))
        .collect();
    let keep = form.all("keep").collect::<Vec<_>>().join(",");
    if matches!(kind, Kind::Confirm | Kind::NewPassword) {
        fields.push(("keep", &keep));
    }
    let agent = request.header(USER_AGENT).unwrap_or_default();
    fields.push(("userAgent", &agent));
    let call = asked.view.call(operation, &fields, request);
    Read::Call(Box::new(call), Arc::new(Asked { notice, ..asked }))
}

impl Page for Asked {
    fn reply(&self, outcome: Result<Box<dyn Answer>, Rejection>) -> Reply {
        match outcome {
            Err(rejection) => self.refused(&rejection),
            Ok(answer) => match answer.shown() {
                Shown::Visit(Visit::SignedIn(signed_in)) => {
                    let several = signed_in.granted.len() > 1;
                    let mut reply = self.go_on(several);
                    let cookies = self.view.cookies;
                    for cookie in [
                        cookies.set_session(&signed_in.token, self.session_ms),
                        cookies.set_known_browser(&signed_in.known_browser, self.known_ms),
                    ] {
                        reply.headers.push(("Set-Cookie", cookie));
                    }
                    reply
                }
                Shown::Visit(Visit::Visitor(visitor)) => self.shown(visitor.as_deref()),
                Shown::Visit(Visit::Account(account)) => self.account(account),
                Shown::Visit(Visit::TakeOver(linked)) => {
                    let linked = linked.iter().map(|link| Linked {
                        key: key(&link.identity),
                        text: called(link),
                        kept: false,
                    });
                    self.form_with(&linked.collect::<Vec<_>>())
                }
                _ => self.done(),
            },
        }
    }
}

impl Asked {
    /// The page's form, empty.
    fn form(&self) -> Reply {
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
            let reply = copy::of(account);
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

    /// A form that is not ours, or was given out before the browser signed in or out.
    fn expired(&self) -> Reply {
        let mut rejection = Rejection::new(Code::FormExpired);
        rejection.cause = Some("the form carries no stamp of this browser".to_owned());
        match self.kind {
            Kind::Login
            | Kind::Register
            | Kind::Resend
            | Kind::Confirm
            | Kind::Forgotten
            | Kind::UndoEmail
            | Kind::NewPassword => self
                .view
                .again(self.kind.template(), &rejection, self.filled()),
            _ => self.view.titled("not_possible").refusal(&rejection),
        }
    }

    fn refused(&self, rejection: &Rejection) -> Reply {
        let signed_out = matches!(
            rejection.code(),
            Code::TokenExpired | Code::AuthenticationRequired
        );
        match self.kind {
            _ if signed_out => {
                rejection.log(&self.view.request_id, "page");
                self.without_session(self.to_sign_in())
            }
            Kind::Account | Kind::Data | Kind::Organisation | Kind::Logout => {
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
            by => link.asserted_by.as_deref(),
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
