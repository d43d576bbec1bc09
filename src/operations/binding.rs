//! How REST and the directory reach an operation.

use crate::contract::problem::Code;

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

/// What a route makes of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Holds the fields.
    Needed,
    /// May be left out, where no field is needed.
    Optional,
    /// Not looked at; fields stand in path and query.
    Ignored,
}

/// How the directory reaches an operation.
#[derive(Debug)]
pub struct DirectoryRoute {
    pub method: &'static str,
    /// Segments; one in braces is a field of the request, percent-decoded.
    pub path: &'static str,
    /// The name of the call in answers.
    pub id: &'static str,
}

impl DirectoryRoute {
    pub(super) const fn new(method: &'static str, path: &'static str, id: &'static str) -> Self {
        Self { method, path, id }
    }
}

impl Route {
    /// A route whose body holds the fields of the request.
    pub(super) const fn new(method: &'static str, path: &'static str) -> Self {
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

    /// A route whose fields stand in path and query.
    pub(super) const fn bodiless(method: &'static str, path: &'static str) -> Self {
        Self::new(method, path).body(Body::Ignored)
    }

    pub(super) const fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(super) const fn id(mut self, field: &'static str) -> Self {
        self.id = Some(field);
        self
    }

    pub(super) const fn or_fresh_id(mut self) -> Self {
        self.fresh_id = true;
        self
    }

    pub(super) const fn inside(mut self, field: &'static str) -> Self {
        self.inside = Some(field);
        self
    }

    pub(super) const fn answers(mut self, resource: &'static str) -> Self {
        self.answers = resource;
        self
    }

    pub(super) const fn with_token(mut self) -> Self {
        self.with_token = true;
        self
    }

    pub(super) const fn refuses(mut self, codes: &'static [Code]) -> Self {
        self.refuses = codes;
        self
    }
}
