//! A face: a protocol that reads requests for operations and writes their outcomes.

use std::sync::Arc;

use super::{HttpRequest, Reply};
use crate::contract::messages::Language;
use crate::contract::problem::Problems;
use crate::contract::rejection::Rejection;
use crate::operations::{Credentials, DecodedRequest, Operation, Runnable};

/// The result of decoding a request.
pub enum Decoded<A> {
    /// An operation to run. The face gets its answer as an `A`.
    Call(Box<DecodedRequest<A>>),
    /// A reply that needs no operation.
    Reply(Reply),
}

impl<A> Decoded<A> {
    /// A call by this request.
    #[must_use]
    pub fn call(
        request: &HttpRequest,
        operation: Box<dyn Runnable<A>>,
        problems: Problems,
        credentials: Credentials,
        language: Language,
    ) -> Self {
        Self::Call(Box::new(DecodedRequest {
            request: operation,
            problems,
            credentials,
            language,
            request_id: Arc::clone(&request.request_id),
        }))
    }
}

/// One request of a protocol, from its head to its reply. The server creates the face from the request's head, lets it
/// decode the request, runs the operation, and lets the face encode the outcome.
pub trait Face: Send + Sync + 'static {
    /// The face's name in logs and metrics.
    const NAME: &'static str;
    /// The answer of an operation, as the face gets it.
    type Answer: 'static;

    /// The operation of the request, as soon as the face knows it; before that, logs have `-` in its place.
    fn operation(&self) -> Option<&'static Operation> {
        None
    }

    /// Reads the request up to the point where it can be run. The server calls this function once.
    ///
    /// # Errors
    /// The rejection of a request that cannot be run. The server passes it to [`Face::refuse`].
    fn decode(&mut self, request: &HttpRequest) -> Result<Decoded<Self::Answer>, Rejection>;

    /// Writes the answer of the operation.
    fn encode(&self, answer: Self::Answer) -> Reply;

    /// Writes a refusal. The server logs it, and adds `Retry-After`.
    fn refuse(&self, rejection: &Rejection) -> Reply;
}
