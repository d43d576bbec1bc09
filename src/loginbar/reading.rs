//! The result of reading a request: a reply, a call of an operation, or a refusal.

use std::sync::Arc;

use crate::contract::json::Json;
use crate::contract::messages::Language;
use crate::contract::problem::Problems;
use crate::contract::rejection::Rejection;
use crate::http::header::COOKIE;
use crate::http::{Decoded, HttpRequest, Reply};
use crate::operations::{Credentials, Request, from_fields};
use crate::web::{Cookies, View, session};

/// The result of reading a request for a page.
pub(super) enum Read {
    /// A reply that needs no operation.
    Reply(Reply),
    /// An operation, whose answer becomes a reply, and the page that shows a refusal.
    Call(Decoded<Reply>, Arc<dyn Page>),
    /// A refusal, and the page that shows it.
    Refused(Rejection, Arc<dyn Page>),
}

/// A page that shows why its operation was refused.
pub(super) trait Page: Send + Sync {
    fn refused(&self, rejection: &Rejection) -> Reply;
}

impl Page for View {
    fn refused(&self, rejection: &Rejection) -> Reply {
        self.refusal(rejection)
    }
}

/// A call of an operation by the browser that sent a request; `show` turns the answer into the reply.
pub(super) fn decoded<R: Request>(
    fields: &[(&str, &str)],
    language: Language,
    request: &HttpRequest,
    cookies: Cookies,
    show: impl FnOnce(R::Answer) -> Reply + Send + 'static,
) -> Decoded<Reply> {
    let mut problems = Problems::none(false);
    let object = Json::of_texts(fields.iter().copied());
    let operation = from_fields::<R, _>(&object, &mut problems, show);
    let credentials = Credentials {
        source: request.client_ip,
        session: session(cookies, request),
        known_browser: cookies.known_browser(request.header(COOKIE).as_deref()),
        ..Credentials::default()
    };
    Decoded::call(request, operation, problems, credentials, language)
}
