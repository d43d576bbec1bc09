//! The face of SOAP: decodes envelopes, and writes answers, refusals and faults.

use std::sync::Arc;

use super::context::{ResponseContext, SoapLimits};
use super::contract::Contract;
use super::version::Version;
use super::{encoding, envelope, fault};
use crate::contract::problem::{FaultCode, SoapForm};
use crate::contract::rejection::Rejection;
use crate::domain::Millis;
use crate::http::{Decoded, Face, HttpRequest, Reply};
use crate::operations::{Operation, Payload};

/// A SOAP request.
#[derive(Debug)]
pub struct SoapFace {
    context: ResponseContext,
    limits: SoapLimits,
    now: Millis,
    /// The contract of the path, in addition to ours.
    offered: Option<Arc<Contract>>,
}

impl SoapFace {
    /// The face of a request that was received at `now`.
    #[must_use]
    pub fn new(request: &HttpRequest, limits: SoapLimits, now: Millis) -> Self {
        Self {
            context: ResponseContext {
                version: Version::of_media_type(&request.media_type()),
                language: request.language(),
                request_id: Arc::clone(&request.request_id),
                operation: None,
                contract: None,
            },
            limits,
            now,
            offered: None,
        }
    }
}

impl SoapFace {
    /// The same face for a path with the contract of an installation.
    #[must_use]
    pub fn with_contract(mut self, contract: Option<Arc<Contract>>) -> Self {
        self.offered = contract;
        self
    }
}

impl Face for SoapFace {
    const NAME: &'static str = "soap";
    type Answer = Payload;

    fn operation(&self) -> Option<&'static Operation> {
        self.context.operation
    }

    fn decode(&mut self, request: &HttpRequest) -> Result<Decoded<Payload>, Rejection> {
        let text = encoding::decode(request)?;
        let offered = self.offered.as_ref();
        envelope::read(
            &text,
            request,
            &self.limits,
            self.now,
            offered,
            &mut self.context,
        )
    }

    fn encode(&self, payload: Payload) -> Reply {
        let reply = envelope::reply(&self.context, payload.answer.as_ref());
        match payload.authorization {
            Some(token) => reply.with("Authorization", token),
            None => reply,
        }
    }

    /// Writes a refusal in the form that the table of rejections states.
    fn refuse(&self, rejection: &Rejection) -> Reply {
        let context = &self.context;
        match rejection.kind().soap() {
            SoapForm::Status(status) if context.operation.is_some() => {
                envelope::refused(context, rejection, status)
            }
            SoapForm::Status(_) => fault::reply(context, rejection, FaultCode::Client),
            SoapForm::Fault(code) => fault::reply(context, rejection, code),
            SoapForm::Http(status) => Reply::text(status, &fault::describe(context, rejection)),
        }
    }
}

/// Checks whether a body is a well-formed XML document within the limits. Only tests call this function, to compare the
/// reader with other parsers.
///
/// # Errors
/// The first problem of the document.
pub fn check(request: &HttpRequest, limits: &SoapLimits) -> Result<(), Rejection> {
    let text = encoding::decode(request)?;
    crate::contract::xml::check(&text, limits.xml)
}
