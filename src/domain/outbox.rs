//! The kinds and states of outbox rows.

use super::words::words;

words! {
    /// The kind of an outbox row.
    pub enum OutboxKind {
        /// A mail to a user.
        Mail = "mail",
        /// A call that notifies a service that a user has left it.
        Callback = "callback",
    }
}

words! {
    /// The delivery state of an outbox row.
    pub enum OutboxState {
        /// The row waits for its first or next delivery attempt.
        Pending = "pending",
        /// The receiver has accepted the message.
        Delivered = "delivered",
        /// The row is a dead letter: every attempt failed.
        Dead = "dead",
    }
}
