//! Refusals of operations, and shorthands to create them.

use crate::contract::field::Emptiness;
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::Rejection;
use crate::contract::shape::{Structure, value_at};
use crate::store::{StepError, StoreError};

/// The result of a step of an operation.
pub type Result<T, E = Refusal> = std::result::Result<T, E>;

/// The reason why a request was not carried out.
#[derive(Debug)]
pub enum Refusal {
    /// A rule refused the request. The client gets the code of the rule.
    Rejected(Rejection),
    /// The store failed. Only the log names the cause.
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
    /// The rejection that the client gets.
    #[must_use]
    pub fn into_rejection(self) -> Rejection {
        match self {
            Refusal::Rejected(rejection) => rejection,
            Refusal::Store(StoreError::Unavailable(cause)) => {
                Rejection::new(Code::NotReady).because(cause)
            }
            // The transaction was retried and collided each time.
            Refusal::Store(error @ StoreError::Collided(_)) => {
                Rejection::new(Code::Busy).because(error)
            }
            Refusal::Store(error) => Rejection::new(Code::InternalError).because(error),
        }
    }
}

/// A refusal with this code alone.
pub(crate) fn refuse(code: Code) -> Refusal {
    Refusal::Rejected(Rejection::new(code))
}

/// A refusal of one field.
pub(crate) fn refuse_field(code: Code, field: &str) -> Refusal {
    Refusal::Rejected(Rejection::field(code, field, None))
}

/// The refusal of a caller without a token.
pub(crate) fn not_signed_in() -> Refusal {
    refuse_field(Code::AuthenticationRequired, "Authorization")
}

/// The refusal of a one-time token that is not valid.
pub(crate) fn invalid_one_time_token(field: &str) -> Refusal {
    let why = Some(Why::NewTokenNeeded);
    Rejection::field(Code::TokenInvalidOrExpired, field, why).into()
}

/// A refusal of an invalid field.
pub(crate) fn refuse_invalid(field: &str, why: Why) -> Refusal {
    Refusal::Rejected(Rejection::field(Code::InvalidField, field, Some(why)))
}

/// The refusal of every attempt within the next `wait_ms` milliseconds.
pub(crate) fn too_many_attempts(wait_ms: i64) -> Refusal {
    let mut rejection = Rejection::new(Code::TooManyAttempts);
    rejection.wait_ms = wait_ms;
    rejection.into()
}

/// The refusal for a failure of the gateway itself. Only the log names the cause.
pub(crate) fn internal_error(cause: impl std::fmt::Display) -> Refusal {
    Rejection::new(Code::InternalError).because(cause).into()
}

/// Refuses a request that has problems.
pub(crate) fn refuse_all(problems: Problems) -> Result<(), Refusal> {
    match problems.found.is_empty() {
        true => Ok(()),
        false => Err(Rejection::of(problems.found).into()),
    }
}

/// The problems of fields that the request would clear and that must not be empty.
pub(crate) fn refuse_empty(request: &impl Structure) -> Problems {
    let mut problems = Problems::default();
    for (position, field) in request.shape().fields.iter().enumerate() {
        let is_empty = value_at::<String>(request, Some(position)).is_some_and(String::is_empty);
        if is_empty && field.emptiness == Emptiness::Refused {
            problems.note(field.name, Why::MustNotBeEmpty);
        }
    }
    problems
}
