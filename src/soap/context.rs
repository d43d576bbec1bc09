//! The limits of the SOAP face, and the context of its replies.

use std::sync::Arc;

use super::contract::Contract;
use super::version::Version;
use crate::contract::messages::Language;
use crate::contract::xml::XmlLimits;
use crate::operations::Operation;

/// The limits of the SOAP face.
#[derive(Debug, Clone, Copy)]
pub struct SoapLimits {
    pub xml: XmlLimits,
    /// Maximum size of a body in bytes, with and without its content coding.
    pub body_bytes: usize,
    /// Whether elements that an operation does not have are refused instead of skipped.
    pub refuse_unknown: bool,
}

/// The parts of a request that its reply depends on.
#[derive(Debug)]
pub(super) struct ResponseContext {
    pub(super) version: Version,
    pub(super) language: Language,
    pub(super) request_id: Arc<str>,
    /// The operation, once it is known.
    pub(super) operation: Option<&'static Operation>,
    /// The contract of the request, if it is not ours.
    pub(super) contract: Option<Arc<Contract>>,
}
