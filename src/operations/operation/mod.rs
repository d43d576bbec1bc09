//! The entry of an operation in the catalogue: its contract, its rules, and the faces that reach it.

mod binding;
mod request;

use crate::contract::common::EmptyResponse;
use crate::contract::field::Shape;
use crate::contract::json::Json;
use crate::contract::problem::Problems;
use crate::contract::rejection::Rejection;
use crate::contract::shape::Structure;
use crate::contract::xml::XmlReader;
use crate::domain::audit_event::AuditEvent;

pub use binding::{Body, DirectoryRoute, Route, USERS};
pub use request::{Claims, DecodedRequest, Payload, Request, Runnable, from_fields};

/// The callers of an operation; [`access`](super::access) applies the rule to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Callers who are not signed in; the client key is optional.
    Anyone,
    /// A trusted client, or a public client with a user's token.
    ClientOrUser,
    /// A user with a token, through any client.
    User,
    /// A user with a token, through a registered application. The request contains the token and the application's ID.
    Application,
    /// Like `Application`; the application also authenticates by its secret, unless the registry sets `plain_calls`.
    ProvenApplication,
    /// A trusted client, or an administrator with a token through any client.
    TrustedOrAdmin,
    /// A user whose browser is signed in.
    Session,
    /// Anyone with a browser; the user is known if the browser is signed in.
    Visitor,
}

/// The most expensive work of an operation. It determines whether and in which queue the requests wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Only reads.
    Read,
    /// Reads, perhaps a large part of a table.
    Search,
    /// Writes, but hashes no password.
    Write,
    /// Hashes a password.
    Hash,
}

/// The events of an operation that the rate limit counts. Wrong JWTs and session cookies are not counted, because they
/// cannot be guessed. Forged signatures are counted so that they do not fill the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    Nothing,
    /// Wrong secrets, and any refusal after a password was hashed.
    Guesses,
    /// Invalid signatures. A valid signature never waits.
    Forgeries,
    /// Requests for mails, even to unknown users; names that are already taken; and any refusal after a password was
    /// hashed.
    Mails,
}

/// Reads a request inside the operation's XML element.
type DecodeXml = fn(&mut XmlReader<'_>) -> Result<Box<dyn Runnable<Payload>>, Rejection>;
/// Reads a request from a JSON object.
type DecodeJson = fn(&Json, &mut Problems) -> Box<dyn Runnable<Payload>>;

/// One operation. The contract, the routes and the documents are generated from this value.
#[derive(Debug)]
pub struct Operation {
    /// The public name.
    pub name: &'static str,
    /// The name of its events in the audit log.
    pub event: AuditEvent,
    /// The description, in one sentence.
    pub doc: &'static str,
    pub access: Access,
    pub cost: Cost,
    /// The events that the rate limit counts.
    pub throttle: Throttle,
    pub request: &'static Shape,
    pub response: &'static Shape,
    /// Whether the operation is in the SOAP contract.
    pub soap: bool,
    /// The elements that the SOAP answers omit, because the samples omit them.
    pub soap_omits: &'static [&'static str],
    /// Whether the operation is a JSON-RPC method of the consent API.
    pub rpc: bool,
    /// The REST routes, below the prefix of the user API.
    pub routes: &'static [Route],
    /// The routes in the directory.
    pub directory: &'static [DirectoryRoute],
    /// Whether the pages call the operation.
    pub pages: bool,
    /// Whether a partner's sign-in calls the operation.
    pub sso: bool,
    pub decode_xml: DecodeXml,
    pub decode_json: DecodeJson,
}

impl Operation {
    /// An operation with a published answer. By default, trusted clients and signed-in users may call the operation,
    /// the operation only reads and has no rate limit, and no face reaches it.
    pub(in crate::operations) const fn of<R: Request>(
        name: &'static str,
        event: AuditEvent,
        doc: &'static str,
    ) -> Self
    where
        R::Answer: Structure,
    {
        Self {
            response: <R::Answer as Structure>::SHAPE,
            decode_xml: request::decode_xml::<R>,
            decode_json: request::decode_json::<R>,
            ..Self::unpublished::<R>(name, event, doc)
        }
    }

    /// An operation whose answer is not published. A face that knows the operation gets the answer itself; any other
    /// face gets an [`EmptyResponse`].
    pub(in crate::operations) const fn unpublished<R: Request>(
        name: &'static str,
        event: AuditEvent,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            event,
            doc,
            access: Access::ClientOrUser,
            cost: Cost::Read,
            throttle: Throttle::Nothing,
            request: R::SHAPE,
            response: EmptyResponse::SHAPE,
            soap: false,
            soap_omits: &[],
            rpc: false,
            routes: &[],
            directory: &[],
            pages: false,
            sso: false,
            decode_xml: request::decode_xml_unpublished::<R>,
            decode_json: request::decode_json_unpublished::<R>,
        }
    }

    /// An operation of the pages. It needs a signed-in browser, writes, and has no rate limit.
    pub(in crate::operations) const fn page<R: Request>(
        name: &'static str,
        event: AuditEvent,
        doc: &'static str,
    ) -> Self {
        Self {
            access: Access::Session,
            cost: Cost::Write,
            pages: true,
            ..Self::unpublished::<R>(name, event, doc)
        }
    }

    pub(in crate::operations) const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    pub(in crate::operations) const fn cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }

    pub(in crate::operations) const fn throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = throttle;
        self
    }

    pub(in crate::operations) const fn soap(mut self) -> Self {
        self.soap = true;
        self
    }

    pub(in crate::operations) const fn soap_omits(
        mut self,
        elements: &'static [&'static str],
    ) -> Self {
        self.soap_omits = elements;
        self
    }

    pub(in crate::operations) const fn rpc(mut self) -> Self {
        self.rpc = true;
        self
    }

    pub(in crate::operations) const fn rest(mut self, routes: &'static [Route]) -> Self {
        self.routes = routes;
        self
    }

    pub(in crate::operations) const fn directory(
        mut self,
        routes: &'static [DirectoryRoute],
    ) -> Self {
        self.directory = routes;
        self
    }

    pub(in crate::operations) const fn pages(mut self) -> Self {
        self.pages = true;
        self
    }

    pub(in crate::operations) const fn sso(mut self) -> Self {
        self.sso = true;
        self
    }

    /// Whether programs can call the operation. The documents list only such operations; the pages call the others.
    #[must_use]
    pub const fn is_published(&self) -> bool {
        self.soap || self.rpc || !self.routes.is_empty() || !self.directory.is_empty()
    }
}
