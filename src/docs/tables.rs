//! The tables of the page: fields of shapes, types, message codes.

use super::html::Html;
use crate::contract::field::{Field, Kind, Shape};
use crate::contract::messages::Language;
use crate::contract::problem::{Code, FaultCode, SoapForm};
use crate::operations::CATALOG;

/// A link to what has this name on the page.
pub(super) fn link(html: &mut Html, name: &str) {
    html.link(&format!("#{name}"), name);
}

/// The fields of a shape.
pub(super) fn fields(html: &mut Html, caption: &str, shape: &Shape) {
    let heads = ["Field", "Meaning", "Type", "Required", "Longest"];
    html.table(caption, &heads, |html| {
        for field in shape.fields {
            html.element("tr", |html| {
                html.with("th", &[("scope", "row")], |html| {
                    html.line("code", field.name)
                });
                let alias = field.alias.map(|a| format!(" Read as {a} too."));
                html.line(
                    "td",
                    &format!("{}{}", field.doc.trim(), alias.unwrap_or_default()),
                );
                html.element("td", |html| kind(html, (field.kind)(), field));
                html.line("td", if field.required { "yes" } else { "no" });
                let is_text = matches!(innermost(field), Kind::Text | Kind::Flat);
                let longest = field.max.to_string();
                html.line("td", if is_text { &longest } else { "–" });
            });
        }
    });
}

fn innermost(field: &Field) -> Kind {
    match (field.kind)() {
        Kind::Wrapped(entry) => entry(),
        kind => kind,
    }
}

fn kind(html: &mut Html, kind_of: Kind, field: &Field) {
    match kind_of {
        Kind::Text => html.text("text"),
        Kind::Number | Kind::Status => html.text("whole number"),
        Kind::Boolean => html.text("true or false"),
        Kind::Flat => html.text("texts, the element repeated"),
        Kind::Shape(shape) => link(html, shape.name),
        Kind::Wrapped(entry) => {
            html.text("list of ");
            html.line("code", field.item);
            html.text(": ");
            kind(html, entry(), field);
        }
    }
}

/// The types that fields of operations have, each once.
pub(super) fn types(html: &mut Html) {
    let mut met: Vec<&'static Shape> = Vec::new();
    for operation in CATALOG.iter().filter(|o| o.is_published()) {
        for shape in [operation.request, operation.response] {
            gather(shape, &mut met);
        }
    }
    for shape in met {
        let named = format!("{}-title", shape.name);
        html.with(
            "article",
            &[("id", shape.name), ("aria-labelledby", &named)],
            |html| {
                html.with("h3", &[("id", &named)], |html| {
                    html.line("code", shape.name)
                });
                html.line("p", shape.doc.trim());
                fields(html, &format!("Fields of {}", shape.name), shape);
            },
        );
    }
}

/// The shapes that this one's fields have, at any depth.
fn gather(shape: &'static Shape, met: &mut Vec<&'static Shape>) {
    for field in shape.fields {
        if let Kind::Shape(inner) = innermost(field)
            && !met.iter().any(|s| s.name == inner.name)
        {
            met.push(inner);
            gather(inner, met);
        }
    }
}

/// Every message code.
pub(super) fn codes(html: &mut Html) {
    html.line(
        "p",
        "A refusal by an operation is an ordinary answer over SOAP, with a status and messages; a resource says the same with \
         an HTTP status, in meta and in errors. What cannot be read at all is a fault, or errors alone.",
    );
    let heads = [
        "Code",
        "English",
        "Magyar",
        "HTTP status of a resource",
        "SOAP",
    ];
    html.table(
        "Message codes, and how each face tells them",
        &heads,
        |html| {
            for code in Code::ALL {
                let (status, _) = code.kind().rest();
                html.with("tr", &[("id", code.as_str())], |html| {
                    html.with("th", &[("scope", "row")], |html| {
                        html.line("code", code.as_str())
                    });
                    html.line("td", code.title(Language::English));
                    html.with("td", &[("lang", "hu")], |html| {
                        html.text(code.title(Language::Hungarian))
                    });
                    html.line("td", &status.to_string());
                    html.line("td", &soap(code.kind().soap()));
                });
            }
        },
    );
}

fn soap(form: SoapForm) -> String {
    match form {
        SoapForm::Status(code) => format!("status {code}"),
        SoapForm::Http(status) => format!("HTTP {status}"),
        SoapForm::Fault(code) => match code {
            FaultCode::VersionMismatch => "fault VersionMismatch",
            FaultCode::MustUnderstand => "fault MustUnderstand",
            FaultCode::Client => "fault Client; in 1.2 Sender",
            FaultCode::ClientTooLarge => "fault Client; in 1.2 Sender; HTTP 413",
            FaultCode::ServerBusy => "fault Server; in 1.2 Receiver; HTTP 503",
            FaultCode::Server => "fault Server; in 1.2 Receiver",
        }
        .to_owned(),
    }
}
