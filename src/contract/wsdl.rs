//! The printed contract: WSDL 1.1 with its XSD, from the shapes and a list of operations.

use std::collections::BTreeSet;

use minijinja::{Environment, Value, context};

use super::field::{Field, Kind, Order, Shape};
use super::{NAMESPACE, SERVICE};

/// The data of an operation that the printers need.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub name: &'static str,
    pub doc: &'static str,
    pub request: &'static Shape,
    pub response: &'static Shape,
}

/// The XML Schema of every SOAP message.
#[must_use]
pub fn xsd(entries: &[Entry]) -> String {
    let mut types = Types::default();
    for entry in entries {
        types.add(entry.request);
        types.add(entry.response);
    }
    let values = context! {
        namespace => NAMESPACE,
        entries => described(entries),
        shapes => types.shapes.into_iter().map(shape).collect::<Vec<_>>(),
        lengths => types.lengths.into_iter().collect::<Vec<_>>(),
    };
    print(include_str!("templates/schema.xsd"), values)
}

/// The WSDL, for a service at `address`; the schema is imported from `schema`.
#[must_use]
pub fn wsdl(entries: &[Entry], address: &str, schema: &str) -> String {
    let values = context! {
        namespace => NAMESPACE,
        service => SERVICE,
        entries => described(entries),
        address,
        schema,
    };
    print(include_str!("templates/service.wsdl"), values)
}

fn print(template: &str, values: Value) -> String {
    let mut environment = Environment::new();
    environment.add_filter("text", text);
    environment.add_filter("attribute", |value: &str| {
        text(value).replace('"', "&quot;")
    });
    environment
        .render_str(template, values)
        .unwrap_or_else(|error| {
            tracing::error!(cause = %error, "the contract could not be printed");
            String::new()
        })
}

/// Escapes characters that are not allowed in the text of an element.
fn text(value: &str) -> String {
    value.trim().replace('&', "&amp;").replace('<', "&lt;")
}

fn described(entries: &[Entry]) -> Vec<Value> {
    let described = entries.iter().map(|entry| {
        context! {
            name => entry.name,
            doc => entry.doc,
            request => entry.request.name,
            response => entry.response.name,
        }
    });
    described.collect()
}

/// Every referenced type, in the order of first use, and every text length in use.
#[derive(Default)]
struct Types {
    shapes: Vec<&'static Shape>,
    lengths: BTreeSet<u32>,
}

impl Types {
    fn add(&mut self, shape: &'static Shape) {
        if self.shapes.iter().any(|s| std::ptr::eq(*s, shape)) {
            return;
        }
        self.shapes.push(shape);
        for field in shape.fields {
            let kind = match (field.kind)() {
                Kind::Wrapped(entry) => entry(),
                kind => kind,
            };
            match kind {
                Kind::Shape(inner) => self.add(inner),
                Kind::Text | Kind::Flat => {
                    self.lengths.insert(field.max);
                }
                Kind::Number | Kind::Boolean | Kind::Status | Kind::Wrapped(_) => {}
            }
        }
    }
}

fn shape(shape: &Shape) -> Value {
    let group = match shape.order {
        Order::Sequence => "sequence",
        Order::All => "all",
    };
    let fields = shape.fields.iter().map(field).collect::<Vec<_>>();
    context! { name => shape.name, doc => shape.doc, group, fields }
}

fn field(field: &Field) -> Value {
    let (form, kind) = match (field.kind)() {
        Kind::Wrapped(entry) => ("wrapped", entry()),
        Kind::Flat => ("repeated", Kind::Text),
        kind => ("single", kind),
    };
    let type_name = match kind {
        Kind::Text | Kind::Flat | Kind::Wrapped(_) => format!("tns:Text{}", field.max),
        Kind::Number | Kind::Status => "xs:int".to_owned(),
        Kind::Boolean => "xs:boolean".to_owned(),
        Kind::Shape(shape) => format!("tns:{}", shape.name),
    };
    context! {
        name => field.name,
        form,
        item => field.item,
        type => type_name,
        required => field.required,
        doc => field.doc.trim(),
    }
}
