//! The kinds and the states of what the outbox delivers.

use super::words::words;

words! {
    /// What a row of the outbox delivers.
    pub enum OutboxKind {
        /// A mail to a user.
        Mail = "mail",
        /// A call that tells a service that a user has left it.
        Callback = "callback",
    }
}

words! {
    /// How far a row of the outbox is.
    pub enum OutboxState {
        /// Waits for its first or next attempt.
        Pending = "pending",
        /// The receiver has it.
        Delivered = "delivered",
        /// A dead letter: every attempt failed.
        Dead = "dead",
    }
}
