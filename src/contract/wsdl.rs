//! The printed contract: WSDL 1.1 with its XSD, from the shapes and a list of operations.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::field::{Field, Kind, Order, Shape};
use super::{NAMESPACE, SERVICE};

/// An operation, as the printers need it.
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
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:tns=\"{NAMESPACE}\" \
         targetNamespace=\"{NAMESPACE}\" elementFormDefault=\"unqualified\" version=\"1.0\">\n"
    );
    for entry in entries {
        element(&mut out, entry.name, "request", entry.request, entry.doc);
        element(
            &mut out,
            &format!("{}Response", entry.name),
            "response",
            entry.response,
            "",
        );
    }
    out.push_str(FAULT);
    let mut types = Types::default();
    for entry in entries {
        types.add(entry.request);
        types.add(entry.response);
    }
    for shape in &types.shapes {
        complex_type(&mut out, shape, &mut types.lengths);
    }
    for length in &types.lengths {
        let _ = write!(
            out,
            "  <xs:simpleType name=\"Text{length}\">\n    <xs:restriction base=\"xs:string\">\n      \
             <xs:maxLength value=\"{length}\"/>\n    </xs:restriction>\n  </xs:simpleType>\n"
        );
    }
    out.push_str("</xs:schema>\n");
    out
}

/// The detail of a fault: the message code and the id under which the log knows the request.
const FAULT: &str = "  <xs:element name=\"fault\">\n    <xs:complexType>\n      <xs:sequence>\n        \
     <xs:element name=\"code\" type=\"xs:string\"/>\n        \
     <xs:element name=\"requestId\" type=\"xs:string\"/>\n      \
     </xs:sequence>\n    </xs:complexType>\n  </xs:element>\n";

fn element(out: &mut String, name: &str, part: &str, shape: &Shape, doc: &str) {
    let _ = writeln!(out, "  <xs:element name=\"{name}\">");
    if !doc.is_empty() {
        documentation(out, "    ", doc);
    }
    let _ = write!(
        out,
        "    <xs:complexType>\n      <xs:sequence>\n        \
         <xs:element name=\"{part}\" type=\"tns:{}\"/>\n      \
         </xs:sequence>\n    </xs:complexType>\n  </xs:element>\n",
        shape.name
    );
}

fn documentation(out: &mut String, indent: &str, doc: &str) {
    let text = doc.trim().replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        out,
        "{indent}<xs:annotation><xs:documentation>{text}</xs:documentation></xs:annotation>"
    );
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

fn complex_type(out: &mut String, shape: &Shape, lengths: &mut BTreeSet<u32>) {
    let group = match shape.order {
        Order::Sequence => "sequence",
        Order::All => "all",
    };
    let _ = writeln!(out, "  <xs:complexType name=\"{}\">", shape.name);
    documentation(out, "    ", shape.doc);
    let _ = writeln!(out, "    <xs:{group}>");
    for field in shape.fields {
        particle(out, field, lengths);
    }
    let _ = write!(out, "    </xs:{group}>\n  </xs:complexType>\n");
}

fn particle(out: &mut String, field: &Field, lengths: &mut BTreeSet<u32>) {
    let optional = if field.required {
        ""
    } else {
        " minOccurs=\"0\""
    };
    let name = field.name;
    let _ = match (field.kind)() {
        Kind::Wrapped(entry) => {
            let entry = type_name(entry(), field, lengths);
            write!(
                out,
                "      <xs:element name=\"{name}\"{optional}>\n        <xs:complexType>\n          \
                 <xs:sequence>\n            <xs:element name=\"{}\" type=\"{entry}\" minOccurs=\"0\" \
                 maxOccurs=\"unbounded\"/>\n          </xs:sequence>\n        </xs:complexType>\n      \
                 </xs:element>\n",
                field.item
            )
        }
        Kind::Flat => {
            let entry = type_name(Kind::Text, field, lengths);
            writeln!(
                out,
                "      <xs:element name=\"{name}\" type=\"{entry}\" minOccurs=\"0\" maxOccurs=\"unbounded\"/>"
            )
        }
        kind => {
            let of = type_name(kind, field, lengths);
            let documented = field.doc.trim();
            let _ = write!(
                out,
                "      <xs:element name=\"{name}\" type=\"{of}\"{optional}>"
            );
            writeln!(
                out,
                "<xs:annotation><xs:documentation>{documented}</xs:documentation></xs:annotation></xs:element>"
            )
        }
    };
}

fn type_name(kind: Kind, field: &Field, lengths: &mut BTreeSet<u32>) -> String {
    match kind {
        Kind::Text | Kind::Flat | Kind::Wrapped(_) => {
            lengths.insert(field.max);
            format!("tns:Text{}", field.max)
        }
        Kind::Number | Kind::Status => "xs:int".to_owned(),
        Kind::Boolean => "xs:boolean".to_owned(),
        Kind::Shape(shape) => format!("tns:{}", shape.name),
    }
}

/// The WSDL, for a service at `address`; the schema is imported from `schema`.
#[must_use]
pub fn wsdl(entries: &[Entry], address: &str, schema: &str) -> String {
    let address = attribute(address);
    let schema = attribute(schema);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <wsdl:definitions xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" \
         xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" \
         xmlns:soap12=\"http://schemas.xmlsoap.org/wsdl/soap12/\" \
         xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:tns=\"{NAMESPACE}\" \
         name=\"{SERVICE}\" targetNamespace=\"{NAMESPACE}\">\n  \
         <wsdl:types>\n    <xs:schema>\n      \
         <xs:import namespace=\"{NAMESPACE}\" schemaLocation=\"{schema}\"/>\n    \
         </xs:schema>\n  </wsdl:types>\n"
    );
    for entry in entries {
        for suffix in ["", "Response"] {
            let name = format!("{}{suffix}", entry.name);
            let _ = write!(
                out,
                "  <wsdl:message name=\"{name}\">\n    \
                 <wsdl:part name=\"parameters\" element=\"tns:{name}\"/>\n  </wsdl:message>\n"
            );
        }
    }
    let _ = writeln!(out, "  <wsdl:portType name=\"{SERVICE}\">");
    for entry in entries {
        let name = entry.name;
        let doc = entry.doc.replace('&', "&amp;").replace('<', "&lt;");
        let _ = write!(
            out,
            "    <wsdl:operation name=\"{name}\">\n      \
             <wsdl:documentation>{doc}</wsdl:documentation>\n      \
             <wsdl:input message=\"tns:{name}\"/>\n      \
             <wsdl:output message=\"tns:{name}Response\"/>\n    </wsdl:operation>\n"
        );
    }
    out.push_str("  </wsdl:portType>\n");
    for (suffix, prefix) in VERSIONS {
        binding(&mut out, entries, suffix, prefix);
    }
    let _ = writeln!(out, "  <wsdl:service name=\"{SERVICE}\">");
    for (suffix, prefix) in VERSIONS {
        let _ = write!(
            out,
            "    <wsdl:port name=\"{SERVICE}{suffix}\" binding=\"tns:{SERVICE}{suffix}Binding\">\n      \
             <{prefix}:address location=\"{address}\"/>\n    </wsdl:port>\n"
        );
    }
    out.push_str("  </wsdl:service>\n</wsdl:definitions>\n");
    out
}

/// The binding and port of one SOAP version: the suffix of their names and the prefix of their elements.
const VERSIONS: [(&str, &str); 2] = [("", "soap"), ("Soap12", "soap12")];

fn binding(out: &mut String, entries: &[Entry], suffix: &str, prefix: &str) {
    let _ = write!(
        out,
        "  <wsdl:binding name=\"{SERVICE}{suffix}Binding\" type=\"tns:{SERVICE}\">\n    \
         <{prefix}:binding style=\"document\" transport=\"http://schemas.xmlsoap.org/soap/http\"/>\n"
    );
    for entry in entries {
        let name = entry.name;
        let _ = write!(
            out,
            "    <wsdl:operation name=\"{name}\">\n      \
             <{prefix}:operation soapAction=\"\"/>\n      \
             <wsdl:input><{prefix}:body use=\"literal\"/></wsdl:input>\n      \
             <wsdl:output><{prefix}:body use=\"literal\"/></wsdl:output>\n    </wsdl:operation>\n"
        );
    }
    out.push_str("  </wsdl:binding>\n");
}

/// Escape characters of a URL that are not allowed in an attribute.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
