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
    pub(super) extent: Extent,
}

/// The messages that a failure concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Only this message: the receiver answered that it cannot accept it.
    Message,
    /// This message, and perhaps all others: the receiver reported an error of its own.
    Unclear,
    /// All messages to the receiver: it cannot be reached.
    Receiver,
}

impl Failure {
    /// A failure that concerns all messages to the receiver.
    pub(super) fn of(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            retry_after: None,
            is_final: false,
            id_is_in_use: false,
            extent: Extent::Receiver,
        }
    }

    /// A failure that concerns only this message.
    pub(super) fn of_message(reason: impl Into<String>) -> Self {
        Self {
            extent: Extent::Message,
            ..Self::of(reason)
        }
    }
}
