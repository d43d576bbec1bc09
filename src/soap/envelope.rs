//! Reads envelopes in one pass, and writes envelopes in the form of the samples (SPEC §4).

use crate::contract::NAMESPACE;
use crate::contract::common::{EmptyResponse, params_of, status_of};
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::{Rejection, malformed};
use crate::contract::shape::Shaped as _;
use crate::contract::xml::{Ns, Token, XmlReader, XmlWriter};
use crate::domain::Millis;
use crate::http::{self, Decoded, HttpRequest, Reply};
use crate::operations::{CATALOG, ClaimedName, Credentials, Payload};

use super::context::{ResponseContext, SoapLimits};
use super::header;
use super::version::Version;

/// Reads the whole envelope.
pub(super) fn read(
    text: &str,
    request: &HttpRequest,
    limits: &SoapLimits,
    now: Millis,
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
    let operation = CATALOG
        .iter()
        .find(|o| o.soap && o.name == start.local)
        .filter(|_| start.ns == Ns::Ours);
    let Some(operation) = operation else {
        // Read to the end first: a document that is not well-formed is refused as malformed, even if its operation is
        // unknown.
        reader.skip()?;
        close(&mut reader)?;
        let cause = format!("{:?} {}", start.ns, start.local);
        return Err(Rejection::new(Code::NoSuchOperation).because(cause));
    };
    let decoded = (operation.decode_xml)(&mut reader)?;
    close(&mut reader)?;
    context.operation = Some(operation);

    // Client key and user name are in the envelope; the headers with these names belong to REST.
    let meta = decoded.claims().meta;
    let user_name = meta.and_then(|m| m.user_name.as_deref());
    let mut problems = reader.problems;
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

/// The reply with an answer; `write` writes its element `<response>`.
pub(super) fn reply(context: &ResponseContext, write: impl FnOnce(&mut XmlWriter)) -> Reply {
    let omitted = context.operation.map_or(&[][..], |o| o.soap_omits);
    let mut out = XmlWriter::omitting(omitted);
    out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<S:Envelope xmlns:S=\"");
    out.raw(context.version.namespace());
    out.raw("\"><S:Body><ns2:");
    let name = context.operation.map_or("", |o| o.name);
    out.raw(name);
    out.raw("Response xmlns:ns2=\"");
    out.raw(NAMESPACE);
    out.raw("\">");
    write(&mut out);
    out.raw("</ns2:");
    out.raw(name);
    out.raw("Response></S:Body></S:Envelope>");
    Reply::new(200, context.version.media_type(), out.finish())
}

/// A refusal by an operation: an ordinary answer with its status and parameters.
pub(super) fn refused(context: &ResponseContext, rejection: &Rejection, status: i32) -> Reply {
    let response = EmptyResponse {
        status: status_of(rejection, status, context.language),
        params: params_of(rejection),
    };
    reply(context, |out| response.write_element(out, "response"))
}
