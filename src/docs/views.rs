//! The values that the page's template shows: operations, shapes with their fields, and message codes.

use minijinja::{Value, context};

use super::examples;
use crate::contract::field::{Field, Kind, ListForm, Shape};
use crate::contract::messages::Language;
use crate::contract::problem::{Code, FaultCode, SoapForm};
use crate::operations::{Body, CATALOG, DirectoryRoute, Operation, Route};

/// The values of one operation: its access rule, routes, fields, refusals and examples.
pub(super) fn operation(operation: &Operation) -> Value {
    let directory = operation.directory.iter();
    context! {
        name => operation.name,
        doc => operation.doc,
        who => operation.access.who(),
        soap => operation.soap,
        rpc => operation.rpc,
        directory => directory.map(DirectoryRoute::line).collect::<Vec<_>>(),
        routes => operation.routes.iter().map(route).collect::<Vec<_>>(),
        request => shape(operation.request),
        response => shape(operation.response),
        codes => codes_of(operation),
        examples => examples::of(operation),
    }
}

/// A route, and the place of the request's fields.
fn route(route: &Route) -> Value {
    let body = match route.body {
        Body::Ignored => "none",
        Body::Optional => "optional",
        Body::Needed => "needed",
    };
    context! {
        method => route.method,
        path => route.path,
        body,
        id => route.id,
        fresh_id => route.fresh_id,
        inside => route.inside,
    }
}

/// The codes of all routes of an operation, in the order of the table.
fn codes_of(operation: &Operation) -> Vec<&'static str> {
    let of_route = |route| operation.codes(route);
    let met: Vec<Code> = operation.routes.iter().flat_map(of_route).collect();
    let in_order = Code::ALL.iter().filter(|code| met.contains(code));
    in_order.map(|code| code.as_str()).collect()
}

fn shape(shape: &Shape) -> Value {
    context! {
        name => shape.name,
        doc => shape.doc.trim(),
        fields => shape.fields.iter().map(field).collect::<Vec<_>>(),
    }
}

fn field(field: &Field) -> Value {
    let is_list = matches!((field.kind)(), Kind::List(_));
    let is_flat = field.form == ListForm::Flat;
    let (kind, shape) = match innermost(field) {
        Kind::Text if is_list => ("texts", None),
        Kind::Text => ("text", None),
        Kind::Number | Kind::Status if is_list => ("whole numbers", None),
        Kind::Number | Kind::Status => ("whole number", None),
        Kind::Boolean => ("true or false", None),
        Kind::List(_) => ("list", None),
        Kind::Shape(shape) => ("", Some(shape.name)),
    };
    let is_text = matches!(innermost(field), Kind::Text);
    context! {
        name => field.name,
        doc => field.doc.trim(),
        alias => field.alias,
        list => is_list,
        item => (is_list && !is_flat).then_some(field.item),
        kind,
        shape,
        required => field.required,
        max => is_text.then_some(field.max),
    }
}

/// The kind of a field, or of the entries of a list.
fn innermost(field: &Field) -> Kind {
    match (field.kind)() {
        Kind::List(entry) => entry(),
        kind => kind,
    }
}

/// Every type of the operations' fields, once.
pub(super) fn types() -> Vec<Value> {
    let mut met = Vec::new();
    for operation in CATALOG.iter().filter(|o| o.is_published()) {
        gather(operation.request, &mut met);
        gather(operation.response, &mut met);
    }
    met.into_iter().map(shape).collect()
}

/// Collects the shapes of this shape's fields, at any depth.
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
pub(super) fn codes() -> Vec<Value> {
    let codes = Code::ALL.iter().map(|code| {
        let (status, _) = code.kind().rest();
        context! {
            name => code.as_str(),
            english => code.title(Language::English),
            hungarian => code.title(Language::Hungarian),
            status,
            soap => soap(code.kind().soap()),
        }
    });
    codes.collect()
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
