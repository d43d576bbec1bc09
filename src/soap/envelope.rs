//! Reads envelopes in one pass, and writes envelopes in the form of the samples (SPEC §4).

use std::sync::Arc;

use crate::contract::NAMESPACE;
use crate::contract::common::{EmptyResponse, params_of, status_of};
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::{Rejection, malformed};
use crate::contract::shape::Shaped;
use crate::contract::xml::{Ns, Token, XmlReader, XmlWriter};
use crate::domain::Millis;
use crate::http::{self, Decoded, HttpRequest, Reply};
use crate::operations::{CATALOG, ClaimedName, Credentials, Payload};

use super::context::{ResponseContext, SoapLimits};
use super::contract::Contract;
use super::header;
use super::version::Version;

/// Reads the whole envelope.
pub(super) fn read(
    text: &str,
    request: &HttpRequest,
    limits: &SoapLimits,
    now: Millis,
    offered: Option<&Arc<Contract>>,
    context: &mut ResponseContext,
) -> Result<Decoded<Payload>, Rejection> {
    let mut reader = XmlReader::new(text, limits.xml, limits.refuse_unknown);
    let version = open(&mut reader)?;
    context.version = version;
    let mut username_token = None;
    let mut in_body = next_part(&mut reader, version)?;
    if in_body == Some(Part::Header) {
        username_token = header::read(&mut reader, version, now)?;
        in_body = next_part(&mut reader, version)?;
    }
    if in_body != Some(Part::Body) {
        return Err(malformed(Why::BodyCount));
    }

    let Token::Start(start) = reader.tag()? else {
        return Err(malformed(Why::BodyCount));
    };
    let namespace = reader.namespace_name(&start);
    let translated = offered.and_then(|c| Some((c, c.request(namespace, start.local)?)));
    let operation = CATALOG
        .iter()
        .copied()
        .find(|o| o.soap && o.name == start.local)
        .filter(|_| start.ns == Ns::Ours);
    let Some(operation) = translated.map(|(_, operation)| operation).or(operation) else {
        // Read to the end first: a document that is not well-formed is refused as malformed, even if its operation is
        // unknown.
        reader.skip()?;
        close(&mut reader)?;
        let cause = format!("{:?} {}", start.ns, start.local);
        return Err(Rejection::new(Code::NoSuchOperation).because(cause));
    };
    let (decoded, mut problems) = match translated {
        None => {
            let decoded = (operation.decode_xml)(&mut reader)?;
            close(&mut reader)?;
            (decoded, reader.problems)
        }
        Some((contract, _)) => {
            let text = contract.translate_request(&mut reader, &start)?;
            close(&mut reader)?;
            context.contract = Some(Arc::clone(contract));
            let mut ours = XmlReader::new(&text, limits.xml, limits.refuse_unknown);
            ours.tag()?;
            ((operation.decode_xml)(&mut ours)?, ours.problems)
        }
    };
    context.operation = Some(operation);

    // Client key and user name are in the envelope; the headers with these names belong to REST.
    let meta = decoded.claims().meta;
    let user_name = meta.and_then(|m| m.user_name.as_deref());
    let credentials = Credentials {
        client_key: meta.and_then(|m| m.client_hash_key.clone()),
        user_name: user_name.and_then(|name| ClaimedName::read(name, "userName", &mut problems)),
        username_token,
        ..http::credentials(request, &mut Problems::none(false))?
    };
    let language = context.language;
    Ok(Decoded::call(
        request,
        decoded,
        problems,
        credentials,
        language,
    ))
}

fn open(reader: &mut XmlReader<'_>) -> Result<Version, Rejection> {
    let Token::Start(start) = reader.tag()? else {
        return Err(malformed(Why::NotAnEnvelope));
    };
    if start.local != "Envelope" {
        return Err(malformed(Why::NotAnEnvelope));
    }
    match start.ns {
        Ns::Soap11 => Ok(Version::Soap11),
        Ns::Soap12 => Ok(Version::Soap12),
        Ns::None | Ns::Ours | Ns::Wsse | Ns::Wsu | Ns::Xsi | Ns::Other => {
            Err(Rejection::new(Code::VersionMismatch))
        }
    }
}

#[derive(PartialEq, Eq)]
enum Part {
    Header,
    Body,
}

fn next_part(reader: &mut XmlReader<'_>, version: Version) -> Result<Option<Part>, Rejection> {
    let Token::Start(start) = reader.tag()? else {
        return Ok(None);
    };
    match start.local {
        "Header" if start.ns == version.ns() => Ok(Some(Part::Header)),
        "Body" if start.ns == version.ns() => Ok(Some(Part::Body)),
        _ => Err(malformed(Why::BodyCount)),
    }
}

/// Checks that only the ends of Body and Envelope follow the operation.
fn close(reader: &mut XmlReader<'_>) -> Result<(), Rejection> {
    for _ in ["Body", "Envelope"] {
        if !matches!(reader.tag()?, Token::End) {
            return Err(malformed(Why::BodyCount));
        }
    }
    match reader.tag()? {
        Token::Eof => Ok(()),
        _ => Err(malformed(Why::TrailingContent)),
    }
}

/// The reply with an answer.
pub(super) fn reply(context: &ResponseContext, answer: &dyn Shaped) -> Reply {
    let omitted = context.operation.map_or(&[][..], |o| o.soap_omits);
    let mut out = XmlWriter::omitting(omitted);
    out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<S:Envelope xmlns:S=\"");
    out.raw(context.version.namespace());
    out.raw("\"><S:Body>");
    let contract = context.contract.as_ref().zip(context.operation);
    let is_written =
        contract.is_some_and(|(c, operation)| c.write_answer(operation, answer, &mut out));
    if !is_written {
        write_answer(context.operation.map_or("", |o| o.name), answer, &mut out);
    }
    out.raw("</S:Body></S:Envelope>");
    Reply::new(200, context.version.media_type(), out.finish())
}

fn write_answer(operation: &str, answer: &dyn Shaped, out: &mut XmlWriter) {
    out.raw("<ns2:");
    out.raw(operation);
    out.raw("Response xmlns:ns2=\"");
    out.raw(NAMESPACE);
    out.raw("\">");
    answer.write_element(out, "response");
    out.raw("</ns2:");
    out.raw(operation);
    out.raw("Response>");
}

/// A refusal by an operation: an ordinary answer with its status and parameters.
pub(super) fn refused(context: &ResponseContext, rejection: &Rejection, status: i32) -> Reply {
    let response = EmptyResponse {
        status: status_of(rejection, status, context.language),
        params: params_of(rejection),
    };
    reply(context, &response)
}
