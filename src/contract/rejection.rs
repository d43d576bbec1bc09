//! A refusal of a request, on its way to a face.

use super::problem::{Code, Kind, Problem, Why};

/// A refusal: what the client is told, and beside it the cause that only the log sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// At least one; the first decides the kind.
    pub problems: Vec<Problem>,
    /// Parameters of the answer: keys and values.
    pub params: Vec<(&'static str, String)>,
    /// How long it will be refused, in milliseconds, where it is for a while only; 0 where nobody knows.
    pub wait_ms: i64,
    /// It is in the audit log already.
    pub is_recorded: bool,
    /// For the log only.
    pub cause: Option<String>,
}

impl Rejection {
    /// A refusal with one message that is about no field.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self::of(vec![Problem {
            code,
            field: None,
            why: None,
        }])
    }

    /// A refusal of one field.
    #[must_use]
    pub fn field(code: Code, field: &str, why: Option<Why>) -> Self {
        Self::of(vec![Problem {
            code,
            field: Some(field.to_owned()),
            why,
        }])
    }

    /// A refusal with these messages. An empty list is a bug of the caller's and told as one.
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

    /// The same, with a cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Writes it to the log, with its cause; clients never see that.
    pub fn log(&self, request_id: &str, operation: &str) {
        let code = self.code().as_str();
        let cause = self.cause.as_deref().unwrap_or("");
        if self.kind() == Kind::Internal {
            tracing::error!(request.id = request_id, operation, code, cause, "failed");
        } else {
            tracing::info!(request.id = request_id, operation, code, cause, "refused");
        }
    }

    /// The seconds after which to try again, where that helps; at least one (RFC 9110 §10.2.3).
    #[must_use]
    pub fn retry_after(&self) -> Option<i64> {
        matches!(self.kind(), Kind::Throttled | Kind::NotReady)
            .then(|| ((self.wait_ms + 999) / 1000).max(1))
    }

    /// The first message's code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.problems
            .first()
            .map_or(Code::InternalError, |p| p.code)
    }

    /// The row of the table.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.code().kind()
    }
}

/// Malformed input with its cause for the log.
#[must_use]
pub fn malformed(why: Why) -> Rejection {
    Rejection::of(vec![Problem {
        code: Code::Malformed,
        field: None,
        why: Some(why),
    }])
}
