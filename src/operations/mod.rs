//! The use cases, one file each, and the catalogue that every face is built from.

pub mod access;
mod application;
pub mod browser;
pub mod call;
pub mod consent;
pub mod directory;
pub mod identities;
mod known_sources;
mod origin;
pub mod partner;
mod published;
mod throttle;
pub mod user;

use crate::contract::common::{Param, RequestMeta};
use crate::contract::json::Json;
use crate::contract::messages::Why;
pub use crate::contract::openapi::Body;
use crate::contract::rejection::{Code, Problem, Problems, Rejection};
use crate::contract::shape::{Field, Secret, Shape, Shaped, Structure};
use crate::contract::wsdl::Entry;
use crate::contract::xml::{XmlReader, XmlWriter};
use crate::domain::Millis;
use crate::store::{StepError, StoreError};

pub use call::{Call, Credentials};
pub use origin::Origin;
pub use published::rest_entries;
pub use throttle::Throttle;

/// Who may call an operation; [`access`] decides what that means for a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For those who are not signed in; a client key may be left out.
    Anyone,
    /// A trusted client, or a public one with a user's token.
    ClientOrUser,
    /// A user, with a token, through any client.
    User,
    /// A user, with a token, through a registered application; both among the parameters.
    Application,
    /// The same, and the application proves itself by its secret, unless the registry lets it call plainly.
    ProvenApplication,
    /// A trusted client, or an administrator with a token, through whichever client.
    TrustedOrAdmin,
    /// A user whose browser is signed in.
    Session,
    /// Anyone with a browser; one that is signed in is known.
    Visitor,
}

/// Which queue an operation waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Reads only.
    Read,
    /// Reads, perhaps much of a table.
    Search,
    /// Writes, but hashes nothing.
    Write,
    /// Hashes a password.
    Hash,
}

/// One operation, stated once: the contract, the routes and the documents are printed from it.
#[derive(Debug)]
pub struct Operation {
    /// Its public name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    pub access: Access,
    pub cost: Cost,
    /// What of it is counted, so that nobody has it too often.
    pub throttle: Throttle,
    /// Whether ChaingunUserAPI has it; the others have a REST face only.
    pub soap: bool,
    /// Whether the consent API has it, as a method of its name.
    pub rpc: bool,
    /// The audit log's word for it.
    pub event: &'static str,
    pub request: &'static Shape,
    pub response: &'static Shape,
    /// Where REST has it, below the prefix of the user API.
    pub routes: &'static [Route],
    /// Reads the request shape from inside the operation's element.
    pub read_xml: fn(&mut XmlReader<'_>) -> Result<Box<dyn Request>, Rejection>,
    /// Reads the request shape from an object.
    pub read_json: fn(&Json, &mut Problems) -> Box<dyn Request>,
}

/// How REST reaches an operation.
#[derive(Debug)]
pub struct Route {
    pub method: &'static str,
    /// Segments; one in braces is a field of the request, percent-decoded.
    pub path: &'static str,
    /// The field that `data.id` stands for; none where an id has no role.
    pub id: Option<&'static str>,
    /// Whether a request without an id gets a fresh one (SPEC §6 createUser).
    pub fresh_id: bool,
    /// The field of the request that the attributes belong into; none where they are its own.
    pub inside: Option<&'static str>,
    /// The `data.type` of what is answered.
    pub answers: &'static str,
    pub body: Body,
    /// Whether a success hands out a token.
    pub with_token: bool,
    /// The codes that the operation's own rules refuse with, beside those that access and reading have.
    pub refuses: &'static [Code],
}

impl Route {
    const fn new(method: &'static str, path: &'static str) -> Self {
        Self {
            method,
            path,
            id: None,
            fresh_id: false,
            inside: None,
            answers: "users",
            body: Body::Needed,
            with_token: false,
            refuses: &[],
        }
    }

    const fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    const fn id(mut self, field: &'static str) -> Self {
        self.id = Some(field);
        self
    }

    const fn or_fresh_id(mut self) -> Self {
        self.fresh_id = true;
        self
    }

    const fn inside(mut self, field: &'static str) -> Self {
        self.inside = Some(field);
        self
    }

    const fn answers(mut self, resource: &'static str) -> Self {
        self.answers = resource;
        self
    }

    const fn with_token(mut self) -> Self {
        self.with_token = true;
        self
    }

    const fn refuses(mut self, codes: &'static [Code]) -> Self {
        self.refuses = codes;
        self
    }
}

/// What an answer shows beside its status and parameters.
#[derive(Debug)]
pub enum Shown<'a> {
    /// Nothing beside what the response shape holds.
    Shape,
    /// What a method of the consent API results in.
    Result(&'a Outcome),
    /// What a page shows.
    Visit(&'a browser::Visit),
    /// What the directory has.
    Entry(&'a directory::Entry),
    /// Who comes from a partner.
    Admitted(&'a partner::Admitted),
}

/// The results of the consent API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing but that it is done.
    Done,
    Whether(bool),
    /// Numbers of services.
    Services(Vec<i64>),
    /// Numbers of agreements that are missing.
    Missing(Vec<i64>),
    /// Agreements in force, and since when.
    Accepted(Vec<(i64, Millis)>),
}

/// A decoded request that can be run.
pub trait Request: Send + std::fmt::Debug {
    /// Who says it is calling; nobody where the caller stands elsewhere.
    fn meta(&self) -> Option<&RequestMeta> {
        None
    }
    /// The user it is about, for the audit log; none where it is about the caller, or about nobody in particular.
    fn subject(&self) -> Option<&str> {
        None
    }
    /// The account whose secret is guessed at; none where what is sent is too long to be guessed.
    fn guessed_at(&self) -> Option<&str> {
        self.subject()
    }
    /// Whose mailbox a mail may go to, for the operations that send one.
    fn mailbox(&self) -> Option<&str> {
        self.subject()
    }
    /// A token in the request itself, for the operations that take one there.
    fn authorization(&self) -> Option<&Secret> {
        None
    }
    /// The application it came through, for the operations that name one.
    fn application(&self) -> Option<&str> {
        None
    }
    /// The application's secret in the request itself, for the operations that want one.
    fn application_secret(&self) -> Option<&Secret> {
        None
    }
    /// Does the work.
    ///
    /// # Errors
    /// A refusal, or trouble with the store.
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal>;
}

/// What an operation answers when all went well.
pub trait Answer: Send + std::fmt::Debug {
    /// Writes the response shape's element.
    fn write_xml(&mut self, out: &mut XmlWriter, name: &str);
    /// The parameters beside the payload.
    fn params(&self) -> &[Param];
    /// The response shape's value; none where the operation answers in a form of its own.
    fn shaped(&self) -> Option<&dyn Shaped> {
        None
    }
    /// The payload.
    fn shown(&self) -> Shown<'_>;
    /// The value of the `Authorization` response header, if there is to be one.
    fn authorization(&self) -> Option<&str> {
        self.params()
            .iter()
            .find(|p| p.key == user::auth_token::P_AUTH_TOKEN)
            .map(|p| p.value.as_str())
    }
}

/// Why a request was not carried out.
#[derive(Debug)]
pub enum Refusal {
    /// By a rule; the client is told.
    Rejected(Rejection),
    /// By the store; the client is told no more than that.
    Store(StoreError),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Refusal::Rejected(rejection)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Refusal::Store(error)
    }
}

impl StepError for Refusal {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Refusal::Store(error) => Some(error),
            Refusal::Rejected(_) => None,
        }
    }
}

impl Refusal {
    /// What the client is told.
    #[must_use]
    pub fn into_rejection(self) -> Rejection {
        match self {
            Refusal::Rejected(rejection) => rejection,
            Refusal::Store(StoreError::Unavailable(cause)) => {
                Rejection::new(Code::NotReady).because(cause)
            }
            // Again and again, that is.
            Refusal::Store(error @ StoreError::Collided(_)) => {
                Rejection::new(Code::Busy).because(error)
            }
            Refusal::Store(error) => Rejection::new(Code::InternalError).because(error),
        }
    }
}

/// A refusal with this code and nothing more to say.
pub(crate) fn refuse(code: Code) -> Refusal {
    Refusal::Rejected(Rejection::new(code))
}

/// A refusal of one field.
pub(crate) fn refuse_field(code: Code, field: &str, why: Option<Why>) -> Refusal {
    Refusal::Rejected(Rejection::field(code, field, why))
}

/// Refuses if there is anything to refuse.
pub(crate) fn refuse_all(problems: Vec<Problem>) -> Result<(), Refusal> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Rejected(Rejection::of(problems)))
    }
}

/// Every operation, in the order of the documents.
pub static CATALOG: &[&Operation] = &[
    &user::find_users::OPERATION,
    &user::show_user::OPERATION,
    &user::create_user::OPERATION,
    &user::modify_user::OPERATION,
    &user::delete_user::OPERATION,
    &user::register_user::OPERATION,
    &user::resend::OPERATION,
    &user::confirm_user::OPERATION,
    &user::add_to_org::OPERATION,
    &user::reset_password::OPERATION,
    &user::change_password::OPERATION,
    &user::authenticate::OPERATION,
    &user::refresh_auth_token::OPERATION,
    &consent::assign_user_to_service::OPERATION,
    &consent::delete_user_from_service::OPERATION,
    &consent::get_user_services::OPERATION,
    &consent::check_if_service_is_assign_to_user::OPERATION,
    &consent::check_user_agreements::OPERATION,
    &consent::accept_user_agreements::OPERATION,
    &consent::withdraw_user_agreements::OPERATION,
    &consent::get_user_agreements::OPERATION,
];

/// The operations of the SOAP contract, as its printers want them.
#[must_use]
pub fn soap_entries() -> Vec<Entry> {
    CATALOG
        .iter()
        .filter(|o| o.soap)
        .map(|o| Entry {
            name: o.name,
            doc: o.doc,
            request: o.request,
            response: o.response,
        })
        .collect()
}

static REQUEST_FIELD: [Field; 1] = [Field {
    name: "request",
    alias: None,
    item: "",
    max: 0,
    required: true,
    is_id: false,
    doc: "",
    kind: || crate::contract::shape::Kind::Text,
}];

/// Reads `<request>` inside the operation's element, up to that element's end.
fn read_request<R: Structure + Request + 'static>(
    reader: &mut XmlReader<'_>,
) -> Result<Box<dyn Request>, Rejection> {
    let mut request = R::default();
    let mut seen = false;
    while let Some((_, field)) = reader.child(&REQUEST_FIELD)? {
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
    Ok(Box::new(request))
}

/// The same from an object.
fn read_json_request<R: Structure + Request + 'static>(
    object: &Json,
    problems: &mut Problems,
) -> Box<dyn Request> {
    let mut request = R::default();
    let [field] = &REQUEST_FIELD;
    request.read_json(object, field, problems);
    Box::new(request)
}

impl<T: Structure + Response> Answer for T {
    fn write_xml(&mut self, out: &mut XmlWriter, name: &str) {
        self.keep_what_soap_shows();
        self.write_element(out, name);
    }
    fn params(&self) -> &[Param] {
        Response::params(self)
    }
    fn shaped(&self) -> Option<&dyn Shaped> {
        Some(self)
    }
    fn shown(&self) -> Shown<'_> {
        Shown::Shape
    }
}

/// A response shape.
pub trait Response: Send + std::fmt::Debug {
    /// The parameters beside the payload.
    fn params(&self) -> &[Param];
    /// Drops what the sampled SOAP answer leaves out and the REST one does not.
    fn keep_what_soap_shows(&mut self) {}
}
