//! The SOAP face: bytes in, an operation of the catalogue, bytes out. Holds no rule about users.

mod encoding;
mod envelope;
mod fault;
mod header;

use crate::contract::messages::Language;
use crate::contract::problem::SoapForm;
use crate::contract::rejection::Rejection;
use crate::contract::xml::XmlLimits;
use crate::domain::Millis;
use crate::http::{HttpRequest, Reply};
use crate::operations::{DecodedRequest, Operation, Payload};

pub use envelope::Version;

/// What the SOAP face reads within.
#[derive(Debug, Clone, Copy)]
pub struct SoapLimits {
    pub xml: XmlLimits,
    /// Bytes of a body, with and without its content coding.
    pub body_bytes: usize,
    /// Refuse elements that an operation does not know, instead of skipping them.
    pub refuse_unknown: bool,
}

/// How a reply to this request is written.
#[derive(Debug, Clone)]
pub struct Manner {
    pub version: Version,
    pub language: Language,
    pub request_id: String,
    /// The operation, once it is known.
    pub operation: Option<&'static Operation>,
}

/// How to answer a request of which only the head is known.
#[must_use]
pub fn manner(request: &HttpRequest) -> Manner {
    Manner {
        version: Version::of_media_type(&request.media_type()),
        language: request.language(),
        request_id: request.request_id.clone(),
        operation: None,
    }
}

/// Reads a request, received at `now`, up to the point where it can be run.
///
/// # Errors
/// The reply for one that cannot.
pub fn read(
    request: &HttpRequest,
    limits: &SoapLimits,
    now: Millis,
) -> Result<(Manner, DecodedRequest<Payload>), Reply> {
    let mut manner = manner(request);
    let read = encoding::decode(request)
        .and_then(|text| envelope::read(&text, request, limits, now, &mut manner));
    read.map_err(|rejection| refusal(&manner, &rejection))
        .map(|incoming| (manner, incoming))
}

/// Reads a body as any XML document, to tell whether it is well-formed and within the limits. Nothing is answered by
/// this; tests compare it with other parsers.
///
/// # Errors
/// What is wrong with it.
pub fn check(request: &HttpRequest, limits: &SoapLimits) -> Result<(), Rejection> {
    let text = encoding::decode(request)?;
    crate::contract::xml::check(&text, limits.xml)
}

/// Writes an operation's answer.
pub fn answer(manner: &Manner, payload: Payload) -> Reply {
    let mut reply = envelope::reply(manner, |out| {
        payload.answer.write_element(out, "response");
    });
    if let Some(token) = payload.authorization {
        reply.headers.push(("Authorization", token));
    }
    reply
}

/// Writes a refusal, in the form its row of the table says.
#[must_use]
pub fn refusal(manner: &Manner, rejection: &Rejection) -> Reply {
    let operation = manner.operation.map_or("-", |o| o.name);
    rejection.log(&manner.request_id, operation);
    match rejection.kind().soap() {
        SoapForm::Status(status) if manner.operation.is_some() => {
            envelope::refused(manner, rejection, status)
        }
        SoapForm::Status(_) => fault::reply(
            manner,
            rejection,
            crate::contract::problem::FaultCode::Client,
        ),
        SoapForm::Fault(code) => fault::reply(manner, rejection, code),
        SoapForm::Http(status) => Reply::text(status, &fault::describe(manner, rejection)),
    }
}
