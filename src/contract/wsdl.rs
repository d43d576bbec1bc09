//! The printed contract: WSDL 1.1 with its XSD, from the shapes and a list of operations.

use std::collections::BTreeSet;

use minijinja::{Environment, Value, context};

use super::field::{Kind, ListForm, Shape};
use super::{NAMESPACE, SERVICE};

/// The data of an operation that the printers need.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub name: &'static str,
    pub doc: &'static str,
    pub request: &'static Shape,
    pub response: &'static Shape,
}

/// The place of the schema of a WSDL.
#[derive(Debug, Clone, Copy)]
pub enum Schema<'a> {
    /// The WSDL imports the schema from this URL.
    At(&'a str),
    /// The WSDL contains the schema.
    Inline,
}

/// The XML Schema of every SOAP message.
#[must_use]
pub fn xsd(entries: &[Entry]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}",
        schema(entries)
    )
}

/// The schema without an XML declaration.
fn schema(entries: &[Entry]) -> String {
    let mut types = Types::default();
    for entry in entries {
        types.add(entry.request);
        types.add(entry.response);
    }
    let values = context! {
        namespace => NAMESPACE,
        entries => described(entries),
        types => types.printed,
        lengths => types.lengths.into_iter().collect::<Vec<_>>(),
    };
    print(include_str!("templates/schema.xsd"), values)
}

/// The WSDL, for a service at `address`.
#[must_use]
pub fn wsdl(entries: &[Entry], address: &str, place: Schema<'_>) -> String {
    let (inline, url) = match place {
        Schema::At(url) => (None, url),
        Schema::Inline => (Some(schema(entries)), ""),
    };
    let values = context! {
        namespace => NAMESPACE,
        service => SERVICE,
        entries => described(entries),
        address,
        schema => url,
        inline => inline.as_deref().map(str::trim_end),
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
    names: BTreeSet<String>,
    printed: Vec<Value>,
    lengths: BTreeSet<u32>,
}

impl Types {
    fn add(&mut self, shape: &'static Shape) {
        if !self.names.insert(shape.name.to_owned()) {
            return;
        }
        let mut fields = Vec::new();
        let mut inner_shapes = Vec::new();
        let mut list_types = Vec::new();
        for field in shape.fields {
            let (is_list, kind) = match (field.kind)() {
                Kind::List(entry) => (true, entry()),
                kind => (false, kind),
            };
            match kind {
                Kind::Shape(inner) => inner_shapes.push(inner),
                Kind::Text if !is_list => drop(self.lengths.insert(field.max)),
                _ => {}
            }
            let mut type_name = type_of(kind, (!is_list).then_some(field.max));
            let is_wrapped = is_list && field.form != ListForm::Flat;
            let is_flat = is_list && !is_wrapped;
            if is_wrapped {
                let list = list_name(field.name);
                let entries = element(field.item, &type_name, Occurs::AnyNumber, "");
                if self.names.insert(list.clone()) {
                    list_types.push(complex_type(&list, "", vec![entries]));
                }
                type_name = format!("tns:{list}");
            }
            let occurs = match field.required {
                _ if is_flat => Occurs::AnyNumber,
                true => Occurs::Once,
                false => Occurs::AtMostOnce,
            };
            fields.push(element(field.name, &type_name, occurs, field.doc));
        }
        self.printed
            .push(complex_type(shape.name, shape.doc, fields));
        self.printed.append(&mut list_types);
        for inner in inner_shapes {
            self.add(inner);
        }
    }
}

/// The number of occurrences of an element.
#[derive(PartialEq, Eq)]
enum Occurs {
    Once,
    AtMostOnce,
    AnyNumber,
}

fn element(name: &str, type_name: &str, occurs: Occurs, doc: &str) -> Value {
    context! {
        name,
        type => type_name,
        required => occurs == Occurs::Once,
        repeated => occurs == Occurs::AnyNumber,
        doc => doc.trim(),
    }
}

fn complex_type(name: &str, doc: &str, fields: Vec<Value>) -> Value {
    context! { name, doc => doc.trim(), fields }
}

/// The type of a list with a wrapper: `Roles_V1` for `roles`.
fn list_name(field: &str) -> String {
    let (first, rest) = field.split_at(1);
    format!("{}{rest}_V1", first.to_ascii_uppercase())
}

/// The schema type of a kind; `max` is the longest text, if the type restricts it.
fn type_of(kind: Kind, max: Option<u32>) -> String {
    match (kind, max) {
        (Kind::Text, Some(max)) => format!("tns:Text{max}"),
        (Kind::Text | Kind::List(_), _) => "xs:string".to_owned(),
        (Kind::Number | Kind::Status, _) => "xs:int".to_owned(),
        (Kind::Boolean, _) => "xs:boolean".to_owned(),
        (Kind::Shape(shape), _) => format!("tns:{}", shape.name),
    }
}
