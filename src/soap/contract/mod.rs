//! Contracts of installations: the gateway serves the WSDL of an older server at a path of its own, and translates its
//! messages, so that clients of that WSDL run unchanged.
//!
//! The WSDL decides everything: names, namespaces, order, the forms of lists, and how absent values look. Only names that
//! differ from ours are settings. Paths with our own contract do not pass through this module.

mod documents;
mod matching;
mod schema;
mod translate;

use std::collections::BTreeSet;

use crate::contract::rejection::Rejection;
use crate::contract::shape::Shaped;
use crate::contract::xml::{Node, Tag, XmlLimits, XmlReader, XmlWriter, parse_tree};
use crate::operations::Operation;

use documents::{Documents, read_file};
use matching::{Content, Matched, Message, Slot, matches};
pub use matching::{Difference, Names};
use schema::{Particle, Service, Type};

/// The limits of our own answers, which are read again for the translation.
const ANSWER_LIMITS: XmlLimits = XmlLimits {
    depth: 100,
    elements: usize::MAX,
    attributes: 250,
    text_bytes: usize::MAX,
};

/// The contract of an installation, at one path.
#[derive(Debug)]
pub struct Contract {
    /// The path of the endpoint.
    pub path: String,
    documents: Documents,
    service: Service,
    operations: Vec<Matched>,
    namespaces: Vec<String>,
    /// The differences from our contract.
    pub differences: Vec<Difference>,
}

impl Contract {
    /// Reads the WSDL in `file`. `names` are the names that differ from ours.
    ///
    /// # Errors
    /// The file, or a document that it imports, cannot be read, or has no document/literal SOAP service.
    pub fn read(path: &str, file: &str, names: &Names) -> Result<Self, String> {
        Self::load(path, file, names, &read_file)
    }

    /// As [`Contract::read`], with documents from `load`, which gets their files or URLs.
    ///
    /// # Errors
    /// As [`Contract::read`].
    pub fn load(
        path: &str,
        first: &str,
        names: &Names,
        load: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, String> {
        let documents = Documents::load(first, load)?;
        let service = Service::read(&documents).map_err(|why| format!("{first}: {why}"))?;
        let matching = matches(&service, names);
        Ok(Self {
            path: path.to_owned(),
            documents,
            service,
            operations: matching.operations,
            namespaces: matching.namespaces,
            differences: matching.differences,
        })
    }

    /// A document of the contract for clients that use this address: `wsdl`, or `xsd=N` and `wsdl=N` of the imports.
    /// `None` if the query names none.
    #[must_use]
    pub fn document(&self, query: &str, address: &str) -> Option<String> {
        let at = query.split('&').find_map(|part| match part {
            "wsdl" | "wsdl=" => Some(0),
            _ => {
                let number = part
                    .strip_prefix("xsd=")
                    .or_else(|| part.strip_prefix("wsdl="));
                number?.parse().ok()
            }
        })?;
        self.documents.served(at, address)
    }

    /// Our operation and the name of its message, if the element is the request of an operation.
    #[must_use]
    pub(super) fn request(&self, namespace: &str, local: &str) -> Option<&'static Operation> {
        self.matched(namespace, local).map(|m| m.operation)
    }

    fn matched(&self, namespace: &str, local: &str) -> Option<&Matched> {
        let mut operations = self.operations.iter();
        operations.find(|m| m.request.local == local && m.request.namespace == namespace)
    }

    /// Reads the request whose start tag has just been read. Returns the document of our operation.
    pub(super) fn translate_request<'a>(
        &self,
        reader: &mut XmlReader<'a>,
        tag: &Tag<'a>,
    ) -> Result<String, Rejection> {
        let root = reader.tree(tag)?;
        let matched = self.matched(&root.namespace, &root.local);
        Ok(matched.map_or_else(String::new, |m| {
            translate::request(m.operation.name, &m.request, &root)
        }))
    }

    /// Writes an answer under the names of the installation. Returns `false` if the WSDL does not have the operation.
    pub(super) fn write_answer(
        &self,
        operation: &Operation,
        answer: &dyn Shaped,
        out: &mut XmlWriter,
    ) -> bool {
        let Some(matched) = self
            .operations
            .iter()
            .find(|m| m.operation.name == operation.name)
        else {
            return false;
        };
        let mut ours = XmlWriter::omitting(operation.soap_omits);
        answer.write_element(&mut ours, "response");
        let text = String::from_utf8(ours.finish()).unwrap_or_default();
        let ours = parse_tree(&text, ANSWER_LIMITS).unwrap_or_else(|_| Node::default());
        translate::answer(&matched.answer, &self.namespaces, &ours, out);
        true
    }

    /// The names and forms of the contract, for people: each line is a name and its value.
    #[must_use]
    pub fn described(&self) -> Vec<(String, String)> {
        let service = &self.service;
        let mut lines = vec![
            ("namespace".to_owned(), service.namespace.clone()),
            ("service".to_owned(), service.service.clone()),
            ("port".to_owned(), service.port.clone()),
            ("portType".to_owned(), service.port_type.clone()),
            ("binding".to_owned(), service.binding.clone()),
        ];
        for matched in &self.operations {
            let named = format!("{}, {}", matched.request.local, matched.answer.local);
            lines.push((matched.operation.name.to_owned(), named));
            let mut lists = Vec::new();
            list_forms(&matched.request, &mut lists);
            list_forms(&matched.answer, &mut lists);
            lines.extend(lists);
        }
        lines
    }

    /// A sentence for the operator, if clients of the WSDL may fail.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let serious = self.differences.iter().filter(|d| d.is_serious).count();
        (serious > 0).then(|| {
            format!(
                "soap.contracts: {serious} parts of the WSDL at {} are not matched; `contract adopt` lists them",
                self.path
            )
        })
    }

    /// The path in the address of the WSDL's port; `None` if the WSDL has no address.
    #[must_use]
    pub fn original_path(&self) -> Option<String> {
        let (_, rest) = self.service.address.split_once("://")?;
        let (_, path) = rest.split_once('/')?;
        Some(format!("/{}", path.trim_end_matches('/')))
    }

    /// The differences from another contract, as a client sees them; one line for each element of a message.
    #[must_use]
    pub fn compare(&self, other: &Contract) -> Vec<String> {
        let (ours, theirs) = (lines_of(&self.service), lines_of(&other.service));
        let only = |sign: &str, a: &BTreeSet<String>, b: &BTreeSet<String>| -> Vec<String> {
            a.difference(b)
                .map(|line| format!("{sign} {line}"))
                .collect()
        };
        [only("-", &ours, &theirs), only("+", &theirs, &ours)].concat()
    }
}

/// The forms of the lists of a message.
fn list_forms(message: &Message, into: &mut Vec<(String, String)>) {
    fn of(slots: &[Slot], place: &str, into: &mut Vec<(String, String)>) {
        for slot in slots {
            let place = format!("{place}/{}", slot.local);
            let (form, inside) = match &slot.content {
                Content::Flat(entry) => (Some("flat".to_owned()), entry.as_ref()),
                Content::Wrapped(item, entry) => {
                    (Some(format!("wrapped, entries {item}")), entry.as_ref())
                }
                single => (None, single),
            };
            into.extend(form.map(|form| (place.clone(), form)));
            if let Content::Struct(slots) = inside {
                of(slots, &place, into);
            }
        }
    }
    of(&message.slots, &message.local, into);
}

/// A service as lines that can be compared.
fn lines_of(service: &Service) -> BTreeSet<String> {
    fn of(particle: &Particle, place: &str, at: usize, into: &mut BTreeSet<String>) {
        let place = format!("{place}/{}", particle.local);
        let occurs = match (particle.optional, particle.many) {
            (false, false) => "once",
            (true, false) => "optional",
            (false, true) => "one or more",
            (true, true) => "any number",
        };
        let nillable = if particle.nillable { ", nillable" } else { "" };
        let kind = match &particle.content {
            Type::Text => "text",
            Type::Number => "number",
            Type::Boolean => "Boolean",
            Type::Special(name) => name,
            Type::Struct(_) => "structure",
        };
        let namespace = &particle.namespace;
        into.insert(format!(
            "{place}: position {at}, {kind}, {occurs}{nillable}, namespace {namespace:?}"
        ));
        if let Type::Struct(particles) = &particle.content {
            for (at, particle) in particles.iter().enumerate() {
                of(particle, &place, at, into);
            }
        }
    }
    let mut lines = BTreeSet::from([
        format!("namespace {}", service.namespace),
        format!("service {}", service.service),
        format!("port {}", service.port),
        format!("portType {}", service.port_type),
        format!("binding {}", service.binding),
    ]);
    for operation in &service.operations {
        of(&operation.input, &operation.name, 0, &mut lines);
        of(&operation.output, &operation.name, 1, &mut lines);
    }
    lines
}
