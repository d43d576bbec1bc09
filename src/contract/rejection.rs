//! A refusal of a request, on its way to a face.

use super::problem::{Code, Kind, Problem, Why};

/// A refusal: the problems that the client gets, and a cause for the log only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// At least one problem; the first decides the kind.
    pub problems: Vec<Problem>,
    /// Parameters of the answer: keys and values.
    pub params: Vec<(&'static str, String)>,
    /// The time until a retry may succeed, in milliseconds; 0 if unknown.
    pub wait_ms: i64,
    /// Whether the refusal is in the audit log already.
    pub is_recorded: bool,
    /// The cause, for the log only.
    pub cause: Option<String>,
}

impl Rejection {
    /// A refusal with this code, about no field.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self::of(vec![Problem::new(code, None, None)])
    }

    /// A refusal of one field.
    #[must_use]
    pub fn field(code: Code, field: &str, why: Option<Why>) -> Self {
        Self::of(vec![Problem::new(code, Some(field), why)])
    }

    /// A refusal with these problems. An empty list is a bug and answered as an internal error.
    #[must_use]
    pub fn of(problems: Vec<Problem>) -> Self {
        Self {
            problems,
            params: Vec::new(),
            wait_ms: 0,
            is_recorded: false,
            cause: None,
        }
    }

    /// Adds a cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Writes the refusal and its cause to the log. Clients never see the cause.
    pub fn log(&self, face: &str, request_id: &str, operation: &str) {
        let code = self.code().as_str();
        let cause = self.cause.as_deref().unwrap_or("");
        if self.kind() == Kind::Internal {
            tracing::error!(
                request.id = request_id,
                face,
                operation,
                code,
                cause,
                "failed"
            );
        } else {
            tracing::info!(
                request.id = request_id,
                face,
                operation,
                code,
                cause,
                "refused"
            );
        }
    }

    /// The value of `Retry-After` in seconds, at least 1 (RFC 9110 §10.2.3); `None` if a retry does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<i64> {
        matches!(self.kind(), Kind::Throttled | Kind::NotReady)
            .then(|| ((self.wait_ms + 999) / 1000).max(1))
    }

    /// The code of the first problem.
    #[must_use]
    pub fn code(&self) -> Code {
        self.problems
            .first()
            .map_or(Code::InternalError, |p| p.code)
    }

    /// The kind of the refusal, which selects the row of the table.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.code().kind()
    }
}

/// A refusal of malformed input.
#[must_use]
pub fn malformed(why: Why) -> Rejection {
    Rejection::of(vec![Problem::new(Code::Malformed, None, Some(why))])
}
