//! Requests: the trait that request types implement, and the type in which a face holds a request of any operation.
//!
//! A face that knows the operation gets the operation's own answer type: pages and partners' sign-ins pass a function
//! to [`from_fields`] that turns this answer into a reply. A face that finds the operation in the catalogue gets a
//! [`Payload`], which can contain the answer of any operation.

use std::sync::Arc;

use super::Operation;
use crate::contract::common::{EmptyResponse, P_AUTH_TOKEN, Param, RequestMeta, param};
use crate::contract::field::{Field, Kind, Role};
use crate::contract::json::Json;
use crate::contract::messages::Language;
use crate::contract::problem::{Problems, Why};
use crate::contract::rejection::Rejection;
use crate::contract::shape::{List, Secret, Shaped, Structure, value_at};
use crate::contract::xml::XmlReader;
use crate::operations::context::{Credentials, RequestContext};
use crate::operations::refusal::Result;

/// The request of an operation. An implementation states the name, the callers and the work of the operation.
pub trait Request: Structure + 'static {
    /// The answer of the operation.
    type Answer: 'static;
    /// The entry of the operation in the catalogue.
    const OPERATION: &'static Operation;

    /// The user that the request is about, for the audit log; `None` if the request is about the caller or about no
    /// single user.
    fn subject(&self) -> Option<&str> {
        claim(self, Role::Subject).map(String::as_str)
    }
    /// The account whose secret may be guessed; `None` if the secret is too long to guess.
    fn guessed_at(&self) -> Option<&str> {
        self.subject()
    }
    /// The login name of the mailbox to which the operation may send a mail.
    fn mailbox(&self) -> Option<&str> {
        self.subject()
    }
    /// Runs the operation.
    fn run(self, cx: &RequestContext<'_>) -> Result<Self::Answer>;
}

/// The field of a request with this role.
fn claim<T: 'static>(request: &impl Structure, role: Role) -> Option<&T> {
    value_at(request, request.shape().role(role))
}

/// The claims of a request about its caller and its subject, before they are verified. See [`Role`] and the methods of
/// [`Request`].
#[derive(Debug, Clone, Copy)]
pub struct Claims<'a> {
    pub meta: Option<&'a RequestMeta>,
    pub subject: Option<&'a str>,
    pub guessed_at: Option<&'a str>,
    pub mailbox: Option<&'a str>,
    pub authorization: Option<&'a Secret>,
    pub application: Option<&'a str>,
    pub application_secret: Option<&'a Secret>,
}

/// A request of any type whose answer becomes an `A`.
pub trait Runnable<A>: Send + std::fmt::Debug {
    fn operation(&self) -> &'static Operation;
    /// The claims of the request about its caller and its subject.
    fn claims(&self) -> Claims<'_>;
    /// Runs the operation.
    fn run(self: Box<Self>, cx: &RequestContext<'_>) -> Result<A>;
}

/// A request, and the function that turns its answer into an `A`.
struct Converted<R, F> {
    request: R,
    convert: F,
}

impl<R: std::fmt::Debug, F> std::fmt::Debug for Converted<R, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.request.fmt(f)
    }
}

impl<R: Request, A, F: FnOnce(R::Answer) -> A + Send> Runnable<A> for Converted<R, F> {
    fn operation(&self) -> &'static Operation {
        R::OPERATION
    }
    fn claims(&self) -> Claims<'_> {
        let request = &self.request;
        Claims {
            meta: claim(request, Role::Meta),
            subject: request.subject(),
            guessed_at: request.guessed_at(),
            mailbox: request.mailbox(),
            authorization: claim(request, Role::Authorization),
            application: claim(request, Role::Application).map(String::as_str),
            application_secret: claim(request, Role::ApplicationSecret),
        }
    }
    fn run(self: Box<Self>, cx: &RequestContext<'_>) -> Result<A> {
        self.request.run(cx).map(self.convert)
    }
}

/// The answer of an operation, before a face encodes it.
#[derive(Debug)]
pub struct Payload {
    pub answer: Box<dyn Shaped>,
    /// The value of the `Authorization` response header, if the answer contains a token.
    pub authorization: Option<String>,
}

/// A decoded request, with the values that its operation needs to run.
#[derive(Debug)]
pub struct DecodedRequest<A> {
    pub request: Box<dyn Runnable<A>>,
    /// The problems of the request's fields. Only callers who may call the operation see them.
    pub problems: Problems,
    pub credentials: Credentials,
    pub language: Language,
    pub request_id: Arc<str>,
}

impl<A> DecodedRequest<A> {
    #[must_use]
    pub fn operation(&self) -> &'static Operation {
        self.request.operation()
    }
}

/// Reads a request from the fields of an object, and turns its answer into an `A`.
#[must_use]
pub fn from_fields<R: Request, A>(
    object: &Json,
    problems: &mut Problems,
    convert: impl FnOnce(R::Answer) -> A + Send + 'static,
) -> Box<dyn Runnable<A>> {
    let mut request = R::default();
    request.read_json(object, &REQUEST_FIELD, problems);
    Box::new(Converted { request, convert })
}

static REQUEST_FIELD: Field = Field::new("request", "", || Kind::Text).required();

/// Reads `<request>` inside the operation's element, up to that element's end.
fn read_request<R: Structure>(reader: &mut XmlReader<'_>) -> Result<R, Rejection> {
    let mut request = R::default();
    let mut seen = false;
    while let Some((_, field)) = reader.child(std::slice::from_ref(&REQUEST_FIELD))? {
        if seen {
            reader.problems.note("request", Why::Repeated);
            reader.skip()?;
        } else {
            seen = true;
            request.read_xml(reader, field)?;
        }
    }
    if !seen {
        reader.problems.note_missing("request");
    }
    Ok(request)
}

fn published<R: Request>(answer: R::Answer) -> Payload
where
    R::Answer: Structure,
{
    let params: Option<&List<Param>> = value_at(&answer, answer.shape().position("params"));
    Payload {
        authorization: params
            .and_then(|params| param(&params.0, P_AUTH_TOKEN))
            .map(str::to_owned),
        answer: Box::new(answer),
    }
}

fn unpublished<A>(_: A) -> Payload {
    Payload {
        answer: Box::new(EmptyResponse::default()),
        authorization: None,
    }
}

pub(super) fn decode_xml<R: Request>(
    reader: &mut XmlReader<'_>,
) -> Result<Box<dyn Runnable<Payload>>, Rejection>
where
    R::Answer: Structure,
{
    let (request, convert) = (read_request::<R>(reader)?, published::<R>);
    Ok(Box::new(Converted { request, convert }))
}

pub(super) fn decode_json<R: Request>(
    object: &Json,
    problems: &mut Problems,
) -> Box<dyn Runnable<Payload>>
where
    R::Answer: Structure,
{
    from_fields::<R, _>(object, problems, published::<R>)
}

pub(super) fn decode_xml_unpublished<R: Request>(
    reader: &mut XmlReader<'_>,
) -> Result<Box<dyn Runnable<Payload>>, Rejection> {
    let (request, convert) = (read_request::<R>(reader)?, unpublished::<R::Answer>);
    Ok(Box::new(Converted { request, convert }))
}

pub(super) fn decode_json_unpublished<R: Request>(
    object: &Json,
    problems: &mut Problems,
) -> Box<dyn Runnable<Payload>> {
    from_fields::<R, _>(object, problems, unpublished::<R::Answer>)
}
