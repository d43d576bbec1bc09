//! The operations that run when a page is opened and when its form is sent.

use std::sync::Arc;

use minijinja::context;

use super::kind::{Kind, PAGES};
use super::page_reply::{Linked, PageRequest, Step, call};
use super::reading::Read;
use crate::contract::problem::Code;
use crate::contract::rejection::Rejection;
use crate::http::Method;
use crate::http::header::USER_AGENT;
use crate::http::{HttpRequest, Parameters, Reply};
use crate::operations::browser::accept_agreement::AcceptAgreementRequest;
use crate::operations::browser::change_own_password::ChangeOwnPasswordRequest;
use crate::operations::browser::choose_organisation::ChooseOrganisationRequest;
use crate::operations::browser::delete_own_account::DeleteOwnAccountRequest;
use crate::operations::browser::end_session::EndSessionRequest;
use crate::operations::browser::leave_service::LeaveServiceRequest;
use crate::operations::browser::register_visitor::RegisterVisitorRequest;
use crate::operations::browser::show_account::ShowAccountRequest;
use crate::operations::browser::show_take_over::ShowTakeOverRequest;
use crate::operations::browser::show_visitor::ShowVisitorRequest;
use crate::operations::browser::sign_in::SignInRequest;
use crate::operations::browser::sign_out::SignOutRequest;
use crate::operations::browser::take_over::{ConfirmVisitorRequest, SetPasswordRequest};
use crate::operations::browser::undo_email_change::UndoEmailChangeRequest;
use crate::operations::browser::unlink_identity::UnlinkIdentityRequest;
use crate::operations::browser::withdraw_agreement::WithdrawAgreementRequest;
use crate::operations::user::resend::ResendRequest;
use crate::operations::user::reset_password::ResetPasswordRequest;
use crate::web::form::{is_foreign, is_form};
use crate::web::{Site, View};

/// The actions of the forms on the account page: the name, the operation, its field, and the notice after the action.
const ACCOUNT_ACTIONS: [(&str, Step, &str, &str); 6] = [
    ("leave", call::<LeaveServiceRequest>, "service", "left"),
    (
        "accept",
        call::<AcceptAgreementRequest>,
        "agreement",
        "agreement_accepted",
    ),
    (
        "withdraw",
        call::<WithdrawAgreementRequest>,
        "agreement",
        "agreement_withdrawn",
    ),
    (
        "end-session",
        call::<EndSessionRequest>,
        "session",
        "session_ended",
    ),
    ("end-others", call::<EndSessionRequest>, "", "others_ended"),
    (
        "unlink",
        call::<UnlinkIdentityRequest>,
        "identity",
        "identity_unlinked",
    ),
];

/// The notice to show on the account page after the action `done`; empty for an unknown action.
fn notice_of(done: &str) -> &'static str {
    let notices = ACCOUNT_ACTIONS.iter().map(|(.., notice)| *notice);
    let mut notices = notices.chain(["password_changed"]);
    notices.find(|notice| *notice == done).unwrap_or("")
}

impl Kind {
    /// The operation that runs when the page is opened, and its fields; `None` if the page is the same for everybody.
    fn on_open(self) -> Option<(Step, &'static [(&'static str, &'static str)])> {
        match self {
            Kind::Login | Kind::Organisation => {
                Some((call::<ShowVisitorRequest>, &[("organisations", "1")]))
            }
            Kind::Logout | Kind::Password | Kind::Delete => Some((call::<ShowVisitorRequest>, &[])),
            Kind::Account => Some((call::<ShowAccountRequest>, &[])),
            Kind::Data => Some((call::<ShowAccountRequest>, &[("events", "1")])),
            Kind::Register | Kind::Resend | Kind::Forgotten | Kind::UndoEmail => None,
            // The token is a further field; its value comes from the link.
            Kind::Confirm | Kind::NewPassword => Some((call::<ShowTakeOverRequest>, &[])),
        }
    }

    /// The operation and the fields of the page's form; the account page has several forms, see [`ACCOUNT_ACTIONS`].
    fn on_submit(self) -> Option<(Step, &'static [&'static str])> {
        Some(match self {
            Kind::Login => (call::<SignInRequest>, &["userNameOrEmail", "password"]),
            Kind::Organisation => (call::<ChooseOrganisationRequest>, &["organisation"]),
            Kind::Logout => (call::<SignOutRequest>, &["everywhere"]),
            Kind::Register => (
                call::<RegisterVisitorRequest>,
                &["name", "email", "password"],
            ),
            Kind::Resend => (call::<ResendRequest>, &["usernameOrEmail"]),
            Kind::Confirm => (call::<ConfirmVisitorRequest>, &["token"]),
            Kind::UndoEmail => (call::<UndoEmailChangeRequest>, &["token"]),
            Kind::Forgotten => (call::<ResetPasswordRequest>, &["userNameOrEmail"]),
            Kind::NewPassword => (
                call::<SetPasswordRequest>,
                &["passwordResetGuid", "password"],
            ),
            Kind::Password => (
                call::<ChangeOwnPasswordRequest>,
                &["oldPassword", "password"],
            ),
            Kind::Delete => (call::<DeleteOwnAccountRequest>, &["password"]),
            Kind::Account | Kind::Data => return None,
        })
    }
}

/// Reads a request for a page.
pub(super) fn read(site: &Site<'_>, request: &HttpRequest, path: &str) -> Read {
    let Some((_, kind, title)) = PAGES.iter().find(|(name, ..)| *name == path) else {
        let view = View::of(site, request, "not_found");
        let next_link = context! { href => view.link("account.html"), text => "account" };
        return Read::Reply(view.page(404, "message.html", context! { lead => "", next_link }));
    };
    let kind = *kind;
    let view = View::of(site, request, title);
    if site.registry.is_none() {
        return Read::Refused(Rejection::new(Code::NotReady), Arc::new(view));
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

/// Opens a page. Opening a page must not change data, because programs that scan mails open links, too.
fn open(site: &Site<'_>, request: &HttpRequest, kind: Kind, view: View) -> Read {
    let query = Parameters::of(request.query());
    let page_request = PageRequest {
        kind,
        values: context! {},
        token: query.get("token").unwrap_or("").to_owned(),
        linked: Vec::new(),
        sent: false,
        notice: notice_of(query.get("done").unwrap_or("")),
        session_ms: site.session_ms,
        known_ms: site.known_ms,
        view,
    };
    match kind.on_open() {
        Some((step, fields)) => {
            let token = page_request.token.clone();
            let token = match kind {
                Kind::Confirm => Some(("activation", token.as_str())),
                Kind::NewPassword => Some(("reset", token.as_str())),
                _ => None,
            };
            let fields: Vec<_> = fields.iter().copied().chain(token).collect();
            step(page_request, &fields, request)
        }
        None => Read::Reply(page_request.form()),
    }
}

/// Reads a form.
fn submit(site: &Site<'_>, request: &HttpRequest, kind: Kind, view: View) -> Read {
    if !is_form(request) {
        return Read::Reply(view.guarded(Reply::text(415, "Send a form")));
    }
    let form = Parameters::of(&String::from_utf8_lossy(&request.body));
    let field = |name: &str| form.get(name).unwrap_or("").to_owned();
    let token = form.get("token").or_else(|| form.get("passwordResetGuid"));
    let page_request = PageRequest {
        kind,
        values: context! {
            userNameOrEmail => field("userNameOrEmail"),
            usernameOrEmail => field("usernameOrEmail"),
            name => field("name"),
            email => field("email"),
        },
        token: token.unwrap_or("").to_owned(),
        linked: Linked::of(&form),
        sent: true,
        notice: "",
        session_ms: site.session_ms,
        known_ms: site.known_ms,
        view,
    };
    let is_own = page_request
        .view
        .is_own(site, request, &field("csrf_token"));
    if !is_own || is_foreign(request, &site.base) {
        return page_request.expired();
    }
    let action = ACCOUNT_ACTIONS
        .iter()
        .find(|(name, ..)| *name == field("do"));
    let (step, names, notice): (_, &[&str], _) = match (kind.on_submit(), action) {
        (Some((step, names)), _) => (step, names, ""),
        (None, Some((_, step, name, notice))) => (*step, &[*name], *notice),
        (None, None) => return page_request.expired(),
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
    step(
        PageRequest {
            notice,
            ..page_request
        },
        &fields,
        request,
    )
}
