//! The failure of a delivery attempt.

use crate::domain::Millis;

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Failure {
    /// The cause, for the operator. It contains neither personal data nor secrets.
    pub(super) reason: String,
    /// The receiver's Retry-After, in milliseconds.
    pub(super) retry_after: Option<Millis>,
    /// Whether no further attempt can succeed.
    pub(super) is_final: bool,
    /// Whether another user has the id that the callback is about.
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
