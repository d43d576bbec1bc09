//! The service of a WSDL: its operations, and the elements of their messages.

use std::cell::Cell;
use std::collections::HashMap;

use super::documents::{Documents, WSDL, XSD};
use crate::contract::xml::Node;

/// The deepest nesting of elements that is read; deeper or recursive types are treated as texts.
const MAX_DEPTH: usize = 24;

/// The most elements that are read of all messages, so that recursive types end.
const MAX_PARTICLES: usize = 20_000;

/// A namespace and a local name.
type Name = (String, String);

/// An element of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Particle {
    /// Empty if the element is unqualified.
    pub(super) namespace: String,
    pub(super) local: String,
    pub(super) optional: bool,
    /// Whether the element may be repeated.
    pub(super) many: bool,
    pub(super) nillable: bool,
    pub(super) content: Type,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Number,
    Boolean,
    /// A text with a form of its own, such as `xs:dateTime`.
    Special(String),
    Struct(Vec<Particle>),
}

/// An operation of the WSDL.
#[derive(Debug, Clone)]
pub(super) struct WsdlOperation {
    pub(super) name: String,
    pub(super) input: Particle,
    pub(super) output: Particle,
    /// The names of the declared faults.
    pub(super) faults: Vec<String>,
}

/// The service of a WSDL.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) namespace: String,
    pub(super) service: String,
    pub(super) port: String,
    pub(super) binding: String,
    pub(super) port_type: String,
    /// The address of the port; empty if the WSDL has none.
    pub(super) address: String,
    pub(super) operations: Vec<WsdlOperation>,
    /// The parts that cannot be read, each with the reason.
    pub(super) problems: Vec<String>,
}

impl Service {
    /// Reads the first service with a document/literal SOAP binding.
    pub(super) fn read(documents: &Documents) -> Result<Self, String> {
        let wsdl = Wsdl::new(documents);
        let ports = wsdl.all("service").flat_map(|(_, service)| {
            let ports = service.named(WSDL, "port");
            ports.map(move |port| (service, port))
        });
        let mut reason = "the WSDL has no service".to_owned();
        for (service, port) in ports {
            let Some((namespace, binding)) = wsdl.referred("binding", port, "binding") else {
                reason = "the port has no binding".to_owned();
                continue;
            };
            if let Some(why) = unsupported(binding) {
                reason = why;
                continue;
            }
            let Some((_, port_type)) = wsdl.referred("portType", binding, "type") else {
                reason = "the binding has no port type".to_owned();
                continue;
            };
            let address = port.children.iter().find(|c| c.local == "address");
            let mut read = Self {
                namespace: namespace.to_owned(),
                service: name_of(service),
                port: name_of(port),
                binding: name_of(binding),
                port_type: name_of(port_type),
                address: address
                    .and_then(|a| a.attribute("location"))
                    .unwrap_or_default()
                    .to_owned(),
                operations: Vec::new(),
                problems: Vec::new(),
            };
            for operation in port_type.named(WSDL, "operation") {
                match wsdl.operation(operation) {
                    Ok(operation) => read.operations.push(operation),
                    Err(why) => read
                        .problems
                        .push(format!("operation {}: {why}", name_of(operation))),
                }
            }
            return Ok(read);
        }
        Err(reason)
    }
}

/// The reason why a binding is not supported; `None` if it is document/literal over SOAP.
fn unsupported(binding: &Node) -> Option<String> {
    let name = name_of(binding);
    let is_soap = |node: &&Node| {
        node.namespace
            .starts_with("http://schemas.xmlsoap.org/wsdl/soap")
    };
    let Some(soap) = binding
        .children
        .iter()
        .filter(is_soap)
        .find(|c| c.local == "binding")
    else {
        return Some(format!("the binding {name} is not a SOAP binding"));
    };
    let mut styles = binding
        .named(WSDL, "operation")
        .flat_map(|operation| &operation.children);
    let is_rpc = soap.attribute("style") == Some("rpc")
        || styles.any(|s| s.attribute("style") == Some("rpc"));
    let mut bodies = Vec::new();
    for operation in binding.named(WSDL, "operation") {
        for message in &operation.children {
            bodies.extend(message.children.iter().filter(|c| c.local == "body"));
        }
    }
    let is_encoded = bodies
        .iter()
        .any(|body| body.attribute("use") == Some("encoded"));
    match (is_rpc, is_encoded) {
        (false, false) => None,
        (true, _) => Some(format!(
            "the binding {name} has the style rpc; only document/literal is supported"
        )),
        (_, true) => Some(format!(
            "the binding {name} is encoded; only document/literal is supported"
        )),
    }
}

fn name_of(node: &Node) -> String {
    node.attribute("name").unwrap_or_default().to_owned()
}

/// A declaration of a schema, with what it inherits from its schema.
struct Declared<'d> {
    node: &'d Node,
    target: &'d str,
    qualified: bool,
}

struct Wsdl<'d> {
    /// The children of each `definitions`, with its target namespace.
    parts: Vec<(&'d str, &'d Node)>,
    elements: HashMap<Name, Declared<'d>>,
    types: HashMap<Name, Declared<'d>>,
    particles: Cell<usize>,
}

impl<'d> Wsdl<'d> {
    fn new(documents: &'d Documents) -> Self {
        let mut wsdl = Self {
            parts: Vec::new(),
            elements: HashMap::new(),
            types: HashMap::new(),
            particles: Cell::new(0),
        };
        for document in &documents.0 {
            let root = &document.root;
            if root.namespace == XSD {
                wsdl.add_schema(root);
            }
            let target = root.attribute("targetNamespace").unwrap_or_default();
            for child in &root.children {
                wsdl.parts.push((target, child));
                if child.local == "types" {
                    for schema in child.named(XSD, "schema") {
                        wsdl.add_schema(schema);
                    }
                }
            }
        }
        wsdl
    }

    fn add_schema(&mut self, schema: &'d Node) {
        let target = schema.attribute("targetNamespace").unwrap_or_default();
        let qualified = schema.attribute("elementFormDefault") == Some("qualified");
        for node in &schema.children {
            let declarations = match node.local.as_str() {
                "element" => &mut self.elements,
                "complexType" | "simpleType" => &mut self.types,
                _ => continue,
            };
            let name = (target.to_owned(), name_of(node));
            declarations.insert(
                name,
                Declared {
                    node,
                    target,
                    qualified,
                },
            );
        }
    }

    fn all(&self, local: &str) -> impl Iterator<Item = (&'d str, &'d Node)> {
        let parts = self.parts.iter().copied();
        parts.filter(move |(_, node)| node.namespace == WSDL && node.local == local)
    }

    /// The part that an attribute of `from` names.
    fn referred(&self, local: &str, from: &Node, attribute: &str) -> Option<(&'d str, &'d Node)> {
        let (namespace, name) = from.qualified(attribute)?;
        let mut parts = self.all(local);
        parts.find(|(target, node)| *target == namespace && node.attribute("name") == Some(name))
    }

    fn operation(&self, operation: &Node) -> Result<WsdlOperation, String> {
        let message = |local| {
            let part = operation.named(WSDL, local).next();
            let part = part.ok_or_else(|| format!("it has no {local}"))?;
            self.message(part)
        };
        let faults = operation.named(WSDL, "fault");
        Ok(WsdlOperation {
            name: name_of(operation),
            input: message("input")?,
            output: message("output")?,
            faults: faults.map(name_of).collect(),
        })
    }

    /// The element of a message.
    fn message(&self, part: &Node) -> Result<Particle, String> {
        let (_, message) = self
            .referred("message", part, "message")
            .ok_or("its message is missing")?;
        let mut parts = message.named(WSDL, "part");
        let (Some(part), None) = (parts.next(), parts.next()) else {
            return Err("its message does not have exactly one part".to_owned());
        };
        let (namespace, local) = part
            .qualified("element")
            .ok_or("its message has a type and not an element")?;
        let name = (namespace.to_owned(), local.to_owned());
        let declared = self
            .elements
            .get(&name)
            .ok_or_else(|| format!("the element {local} is not declared"))?;
        Ok(self.global(declared, 0))
    }

    fn global(&self, declared: &Declared<'_>, depth: usize) -> Particle {
        Particle {
            namespace: declared.target.to_owned(),
            local: name_of(declared.node),
            optional: false,
            many: false,
            nillable: declared.node.attribute("nillable") == Some("true"),
            content: self.content(declared.node, declared, depth),
        }
    }

    /// The type of an element that stands in the schema of `inside`.
    fn content(&self, element: &Node, inside: &Declared<'_>, depth: usize) -> Type {
        self.particles.set(self.particles.get() + 1);
        if depth > MAX_DEPTH || self.particles.get() > MAX_PARTICLES {
            return Type::Text;
        }
        if let Some((namespace, local)) = element.qualified("type") {
            return self.named_type(namespace, local, depth);
        }
        if let Some(inner) = element.named(XSD, "complexType").next() {
            return self.complex(inner, inside, depth);
        }
        if let Some(inner) = element.named(XSD, "simpleType").next() {
            return self.simple(inner, depth);
        }
        Type::Text
    }

    fn named_type(&self, namespace: &str, local: &str, depth: usize) -> Type {
        if namespace == XSD {
            return built_in(local);
        }
        let name = (namespace.to_owned(), local.to_owned());
        match self.types.get(&name) {
            Some(declared) if declared.node.local == "simpleType" => {
                self.simple(declared.node, depth)
            }
            Some(declared) => self.complex(declared.node, declared, depth),
            None => Type::Text,
        }
    }

    fn simple(&self, node: &Node, depth: usize) -> Type {
        let base = node
            .named(XSD, "restriction")
            .next()
            .and_then(|r| r.qualified("base"));
        match base {
            Some((namespace, local)) if depth <= MAX_DEPTH => {
                self.named_type(namespace, local, depth + 1)
            }
            _ => Type::Text,
        }
    }

    fn complex(&self, node: &Node, inside: &Declared<'_>, depth: usize) -> Type {
        if let Some(simple) = node.named(XSD, "simpleContent").next() {
            let base = simple.children.iter().find_map(|c| c.qualified("base"));
            return base.map_or(Type::Text, |(n, l)| self.named_type(n, l, depth + 1));
        }
        let mut particles = Vec::new();
        if let Some(content) = node.named(XSD, "complexContent").next() {
            for derived in &content.children {
                let base = derived
                    .qualified("base")
                    .filter(|_| derived.local == "extension");
                if let Some((namespace, local)) = base
                    && depth <= MAX_DEPTH
                    && let Type::Struct(inherited) = self.named_type(namespace, local, depth + 1)
                {
                    particles.extend(inherited);
                }
                self.group(derived, inside, false, depth, &mut particles);
            }
        }
        self.group(node, inside, false, depth, &mut particles);
        Type::Struct(particles)
    }

    /// Adds the elements of the groups in a node.
    fn group(
        &self,
        node: &Node,
        inside: &Declared<'_>,
        optional: bool,
        depth: usize,
        into: &mut Vec<Particle>,
    ) {
        if depth > MAX_DEPTH {
            return;
        }
        for child in node.children.iter().filter(|c| c.namespace == XSD) {
            match child.local.as_str() {
                "sequence" | "all" | "choice" => {
                    let optional = optional
                        || child.local == "choice"
                        || child.attribute("minOccurs") == Some("0");
                    self.group(child, inside, optional, depth, into);
                }
                "element" => into.push(self.particle(child, inside, optional, depth + 1)),
                _ => {}
            }
        }
    }

    fn particle(
        &self,
        node: &Node,
        inside: &Declared<'_>,
        optional: bool,
        depth: usize,
    ) -> Particle {
        let referred = node.qualified("ref").and_then(|(namespace, local)| {
            self.elements.get(&(namespace.to_owned(), local.to_owned()))
        });
        let mut particle = match referred {
            Some(declared) if depth <= MAX_DEPTH => self.global(declared, depth),
            _ => {
                let qualified = node
                    .attribute("form")
                    .map_or(inside.qualified, |form| form == "qualified");
                Particle {
                    namespace: if qualified {
                        inside.target.to_owned()
                    } else {
                        String::new()
                    },
                    local: name_of(node),
                    optional: false,
                    many: false,
                    nillable: node.attribute("nillable") == Some("true"),
                    content: self.content(node, inside, depth),
                }
            }
        };
        particle.optional = optional || node.attribute("minOccurs") == Some("0");
        particle.many = !matches!(node.attribute("maxOccurs"), None | Some("0" | "1"));
        particle
    }
}

fn built_in(local: &str) -> Type {
    match local {
        "int" | "integer" | "long" | "short" | "byte" | "decimal" | "double" | "float"
        | "unsignedInt" | "unsignedLong" | "unsignedShort" | "unsignedByte"
        | "nonNegativeInteger" | "positiveInteger" => Type::Number,
        "boolean" => Type::Boolean,
        "dateTime" | "date" | "time" | "duration" | "base64Binary" | "hexBinary" | "QName" => {
            Type::Special(format!("xs:{local}"))
        }
        _ => Type::Text,
    }
}
