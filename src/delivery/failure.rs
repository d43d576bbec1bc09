//! Why a row of the outbox was not delivered.

use crate::domain::Millis;

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Failure {
    /// For the operator; contains neither personal data nor secrets.
    pub(super) reason: String,
    /// The receiver's Retry-After, in milliseconds.
    pub(super) retry_after: Option<Millis>,
    /// Another attempt cannot succeed.
    pub(super) is_final: bool,
    /// A user has the id that the callback is about.
    pub(super) id_is_in_use: bool,
}

impl Failure {
    pub(super) fn of(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            retry_after: None,
            is_final: false,
            id_is_in_use: false,
        }
    }
}
