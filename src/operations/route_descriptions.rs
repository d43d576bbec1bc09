//! Descriptions of routes for the OpenAPI document: credentials and every code that a route can refuse with.

use super::{Access, Body, CATALOG, Operation, Route, Throttle};
use crate::contract::field::{Field, Kind};
use crate::contract::openapi::{Credential, Entry};
use crate::contract::problem::Code;

impl Access {
    /// The allowed callers, for the documents.
    #[must_use]
    pub const fn who(self) -> &'static str {
        match self {
            Access::Anyone => "anyone",
            Access::ClientOrUser => "a trusted client, or a user through a public client",
            Access::User => "a user",
            Access::TrustedOrAdmin => "a trusted client, or an administrator",
            Access::Application => "a user through a registered application",
            Access::ProvenApplication => "a user through an application that authenticates",
            Access::Visitor => "anyone with a browser",
            Access::Session => "a user whose browser is signed in",
        }
    }

    /// The accepted sets of credentials; a trusted client needs only its key.
    const fn credentials(self) -> &'static [&'static [Credential]] {
        use Credential::{ClientKey, UserToken};
        match self {
            Access::Anyone | Access::Visitor => &[&[], &[ClientKey]],
            Access::ClientOrUser => &[&[ClientKey], &[ClientKey, UserToken]],
            Access::TrustedOrAdmin => &[&[ClientKey], &[UserToken]],
            Access::User | Access::Application | Access::ProvenApplication | Access::Session => {
                &[&[ClientKey, UserToken]]
            }
        }
    }

    /// The codes of the access decision. False claims and unknown keys are refused everywhere.
    const fn codes(self) -> &'static [Code] {
        match self {
            Access::Anyone | Access::Visitor => &[Code::AccessDenied, Code::UnknownClient],
            Access::ClientOrUser
            | Access::User
            | Access::TrustedOrAdmin
            | Access::Application
            | Access::ProvenApplication
            | Access::Session => &[
                Code::AccessDenied,
                Code::UnknownClient,
                Code::AuthenticationRequired,
                Code::TokenExpired,
            ],
        }
    }
}

/// The codes of decoding and of server failures, which every operation can answer with.
const ANYWHERE: &[Code] = &[
    Code::Malformed,
    Code::InvalidField,
    Code::UnknownField,
    Code::NotAcceptable,
    Code::TooLarge,
    Code::NotReady,
    Code::Busy,
    Code::InternalError,
];

impl Operation {
    /// Every code that REST can refuse this route with, in the order of [`Code::ALL`].
    #[must_use]
    pub fn codes(&self, route: &Route) -> Vec<Code> {
        let mut possible: Vec<Code> = [ANYWHERE, self.access.codes(), route.refuses].concat();
        if self.throttle != Throttle::Nothing {
            possible.push(Code::TooManyAttempts);
        }
        if route.body != Body::Ignored {
            possible.push(Code::UnsupportedMediaType);
        }
        if self.request.fields.iter().any(|f| f.required) {
            possible.push(Code::MissingField);
        }
        if !route.takes.is_empty() {
            possible.push(Code::TypeMismatch);
        }
        if route.path.contains('{') || route.is_of_user() {
            possible.push(Code::IdMismatch);
        }
        if route.path.contains('{') {
            // A path may name a user that does not exist.
            possible.push(Code::UserNotFound);
        }
        let all = Code::ALL.iter().copied();
        all.filter(|code| possible.contains(code)).collect()
    }

    /// The fields that a client sends by this route: the fields of the request, or the fields inside the field that
    /// holds the attributes.
    fn fields(&self, route: &Route) -> &'static [Field] {
        let own = self.request.fields;
        let inside = own.iter().find(|f| Some(f.name) == route.inside);
        match inside.map(|f| (f.kind)()) {
            Some(Kind::Shape(shape)) => shape.fields,
            _ => own,
        }
    }
}

/// Every REST route with its operation, for the OpenAPI document.
#[must_use]
pub fn rest_entries() -> Vec<Entry> {
    let entry = |operation: &'static Operation, route: &'static Route| Entry {
        name: operation.name,
        doc: operation.doc,
        who: operation.access.who(),
        credentials: operation.access.credentials(),
        method: route.method,
        has_body: route.body != Body::Ignored,
        body_is_optional: route.body == Body::Optional,
        path: route.path,
        fields: operation.fields(route),
        takes: route.takes,
        id: route.id,
        fresh_id: route.fresh_id,
        response: operation.response,
        answers: route.answers,
        with_token: route.with_token,
        codes: operation.codes(route),
    };
    CATALOG
        .iter()
        .flat_map(|operation| operation.routes.iter().map(move |r| entry(operation, r)))
        .collect()
}
