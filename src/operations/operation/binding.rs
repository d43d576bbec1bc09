//! The routes by which REST and the directory reach an operation.

use crate::contract::problem::Code;

/// The `type` of users as JSON:API resources.
pub const USERS: &str = "users";

/// A route by which REST reaches an operation.
#[derive(Debug)]
pub struct Route {
    pub method: &'static str,
    /// The path. A segment in braces is a field of the request, percent-decoded.
    pub path: &'static str,
    /// The field that `data.id` fills; `None` if the route ignores the id.
    pub id: Option<&'static str>,
    /// Whether a request without an id gets a generated one (SPEC §6 createUser).
    pub fresh_id: bool,
    /// The field of the request that holds the attributes; `None` if they are fields of the request itself.
    pub inside: Option<&'static str>,
    /// The accepted values of `data.type` in the request, the preferred one first. Empty if every type is accepted,
    /// because no source document names a type.
    pub takes: &'static [&'static str],
    /// The `data.type` of the answer.
    pub answers: &'static str,
    pub body: Body,
    /// Whether a successful answer contains a token.
    pub with_token: bool,
    /// The codes of the operation's own rules, in addition to those of access and decoding.
    pub refuses: &'static [Code],
}

/// The content of the request body of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// The body holds the fields.
    Needed,
    /// The body may be absent, because no field is required.
    Optional,
    /// The body is ignored; path and query hold the fields.
    Ignored,
}

/// A route by which the directory reaches an operation.
#[derive(Debug)]
pub struct DirectoryRoute {
    pub method: &'static str,
    /// The path. A segment in braces is a field of the request, percent-decoded.
    pub path: &'static str,
    /// The name of the call in answers, such as `api.user.create`.
    pub id: &'static str,
    /// The fields that query parameters fill. Other parameters are ignored.
    pub query: &'static [&'static str],
}

impl DirectoryRoute {
    pub(in crate::operations) const fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
    ) -> Self {
        let query = &[];
        Self {
            method,
            path,
            id,
            query,
        }
    }

    /// The method and the path with its query, for the documents: `GET /path/{id}?provider=&idType=`.
    #[must_use]
    pub fn line(&self) -> String {
        let query: Vec<_> = self.query.iter().map(|name| format!("{name}=")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{}", self.method, self.path, query.join("&"))
    }

    pub(in crate::operations) const fn query(mut self, fields: &'static [&'static str]) -> Self {
        self.query = fields;
        self
    }
}

impl Route {
    /// A route whose body holds the fields of the request.
    pub(in crate::operations) const fn new(method: &'static str, path: &'static str) -> Self {
        Self {
            method,
            path,
            id: None,
            fresh_id: false,
            inside: None,
            takes: &[],
            answers: USERS,
            body: Body::Needed,
            with_token: false,
            refuses: &[],
        }
    }

    /// A route whose path and query hold the fields.
    pub(in crate::operations) const fn bodiless(method: &'static str, path: &'static str) -> Self {
        Self::new(method, path).body(Body::Ignored)
    }

    pub(in crate::operations) const fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(in crate::operations) const fn id(mut self, field: &'static str) -> Self {
        self.id = Some(field);
        self
    }

    pub(in crate::operations) const fn or_fresh_id(mut self) -> Self {
        self.fresh_id = true;
        self
    }

    pub(in crate::operations) const fn inside(mut self, field: &'static str) -> Self {
        self.inside = Some(field);
        self
    }

    pub(in crate::operations) const fn takes(mut self, types: &'static [&'static str]) -> Self {
        self.takes = types;
        self
    }

    /// Whether the document in the request is a user resource, whose id is the user name.
    #[must_use]
    pub fn is_of_user(&self) -> bool {
        self.takes.first() == Some(&USERS)
    }

    pub(in crate::operations) const fn answers(mut self, resource: &'static str) -> Self {
        self.answers = resource;
        self
    }

    pub(in crate::operations) const fn with_token(mut self) -> Self {
        self.with_token = true;
        self
    }

    pub(in crate::operations) const fn refuses(mut self, codes: &'static [Code]) -> Self {
        self.refuses = codes;
        self
    }
}
