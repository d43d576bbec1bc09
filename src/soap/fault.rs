//! Faults of SOAP 1.1 and of SOAP 1.2.

use crate::contract::NAMESPACE;
use crate::contract::problem::FaultCode;
use crate::contract::rejection::Rejection;
use crate::contract::xml::XmlWriter;
use crate::http::Reply;

use super::context::ResponseContext;
use super::header;
use super::version::Version;

/// The texts of a rejection in one line.
pub(super) fn describe(context: &ResponseContext, rejection: &Rejection) -> String {
    let texts: Vec<_> = rejection
        .problems
        .iter()
        .map(|p| p.describe(context.language))
        .collect();
    texts.join("; ")
}

/// A fault with its HTTP status.
pub(super) fn reply(context: &ResponseContext, rejection: &Rejection, code: FaultCode) -> Reply {
    let text = describe(context, rejection);
    let mut out = XmlWriter::new();
    out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<S:Envelope xmlns:S=\"");
    out.raw(context.version.namespace());
    out.raw("\">");
    if context.version == Version::Soap12 && code == FaultCode::VersionMismatch {
        // The supported envelopes (SOAP 1.2 part 1, §5.4.7).
        out.raw("<S:Header><S:Upgrade>");
        out.raw("<S:SupportedEnvelope qname=\"S:Envelope\"/>");
        out.raw("<S:SupportedEnvelope xmlns:s11=\"http://schemas.xmlsoap.org/soap/envelope/\" qname=\"s11:Envelope\"/>");
        out.raw("</S:Upgrade></S:Header>");
    }
    if context.version == Version::Soap12 && code == FaultCode::MustUnderstand {
        not_understood(&mut out, rejection);
    }
    out.raw("<S:Body><S:Fault>");
    // SOAP 1.2 (§5.4.5) and 1.1 (§4.4) forbid a detail for errors in the header.
    let with_detail = !matches!(code, FaultCode::MustUnderstand | FaultCode::VersionMismatch);
    let detail = |out: &mut XmlWriter| {
        out.raw("<ns2:fault xmlns:ns2=\"");
        out.raw(NAMESPACE);
        out.raw("\">");
        out.text("code", rejection.code().as_str());
        out.text("requestId", &context.request_id);
        out.raw("</ns2:fault>");
    };
    match context.version {
        Version::Soap11 => {
            out.text("faultcode", code_in_11(code));
            // Without xml:lang: a fault must validate against the schema of the envelope, which has no such attribute
            // (WS-I Basic Profile 1.1, BP1701).
            out.text("faultstring", &text);
            if with_detail {
                out.open("detail");
                detail(&mut out);
                out.close("detail");
            }
        }
        Version::Soap12 => {
            out.open("S:Code");
            out.text("S:Value", code_in_12(code));
            out.close("S:Code");
            out.raw("<S:Reason><S:Text xml:lang=\"");
            out.raw(context.language.tag());
            out.raw("\">");
            out.escaped(&text);
            out.raw("</S:Text></S:Reason>");
            if with_detail {
                out.open("S:Detail");
                detail(&mut out);
                out.close("S:Detail");
            }
        }
    }
    out.raw("</S:Fault></S:Body></S:Envelope>");
    let status = http_status(context.version, code);
    Reply::new(status, context.version.media_type(), out.finish())
}

/// Names the header entries that are not understood (SOAP 1.2 part 1, §5.4.8).
fn not_understood(out: &mut XmlWriter, rejection: &Rejection) {
    let names = rejection.problems.iter().filter_map(|p| p.field.as_deref());
    let mut names = names.filter_map(header::expanded_parts).peekable();
    if names.peek().is_none() {
        return;
    }
    out.raw("<S:Header>");
    for (namespace, local) in names {
        if namespace.is_empty() {
            out.raw("<S:NotUnderstood qname=\"");
        } else {
            out.raw("<S:NotUnderstood xmlns:ns=\"");
            out.escaped(namespace);
            out.raw("\" qname=\"ns:");
        }
        out.escaped(local);
        out.raw("\"/>");
    }
    out.raw("</S:Header>");
}

const fn http_status(version: Version, code: FaultCode) -> u16 {
    match (version, code) {
        (_, FaultCode::ServerBusy) => 503,
        (_, FaultCode::ClientTooLarge) => 413,
        (Version::Soap12, FaultCode::Client) => 400,
        (
            _,
            FaultCode::Client
            | FaultCode::Server
            | FaultCode::VersionMismatch
            | FaultCode::MustUnderstand,
        ) => 500,
    }
}

const fn code_in_11(code: FaultCode) -> &'static str {
    match code {
        FaultCode::VersionMismatch => "S:VersionMismatch",
        FaultCode::MustUnderstand => "S:MustUnderstand",
        FaultCode::Client | FaultCode::ClientTooLarge => "S:Client",
        FaultCode::ServerBusy | FaultCode::Server => "S:Server",
    }
}

const fn code_in_12(code: FaultCode) -> &'static str {
    match code {
        FaultCode::VersionMismatch => "S:VersionMismatch",
        FaultCode::MustUnderstand => "S:MustUnderstand",
        FaultCode::Client | FaultCode::ClientTooLarge => "S:Sender",
        FaultCode::ServerBusy | FaultCode::Server => "S:Receiver",
    }
}
