//! Finds the fields of our messages that the elements of an installation's WSDL stand for.

use super::schema::{Particle, Service, Type, WsdlOperation};
use crate::contract::field::{Field, Kind, Shape};
use crate::operations::{CATALOG, Operation};

/// Names of an installation that differ from ours: ours and theirs.
pub type Names = Vec<(String, String)>;

/// An element of theirs.
#[derive(Debug)]
pub(super) struct Slot {
    /// The name in a request.
    pub(super) local: String,
    /// The name in an answer, with the prefix of its namespace.
    pub(super) tag: String,
    /// Whether the element may be left out.
    pub(super) optional: bool,
    pub(super) nillable: bool,
    /// Our field; `None` if we have none.
    pub(super) field: Option<&'static Field>,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Text,
    Number,
    Boolean,
    Struct(Vec<Slot>),
    /// The element is repeated for each entry.
    Flat(Box<Content>),
    /// An element with an element for each entry. In answers, entries have this name.
    Wrapped(String, Box<Content>),
}

/// A message of theirs.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) namespace: String,
    pub(super) local: String,
    /// The name of the root element in an answer.
    pub(super) tag: String,
    /// The element between the root and the fields, like our `request` and `response`; `None` if the fields are in the
    /// root.
    pub(super) inner: Option<(String, String)>,
    pub(super) slots: Vec<Slot>,
}

/// One of our operations under their names.
#[derive(Debug)]
pub(super) struct Matched {
    pub(super) operation: &'static Operation,
    pub(super) request: Message,
    pub(super) answer: Message,
}

/// A difference between a WSDL and our contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Whether clients of the WSDL may fail because of it.
    pub is_serious: bool,
    pub place: String,
    pub text: String,
}

/// The result of matching a WSDL.
#[derive(Debug, Default)]
pub(super) struct Matching {
    pub(super) operations: Vec<Matched>,
    /// The namespaces of answers. The prefix of the one at position 0 is `ns2`.
    pub(super) namespaces: Vec<String>,
    pub(super) differences: Vec<Difference>,
}

/// Matches the operations of a service with ours.
pub(super) fn matches(service: &Service, names: &Names) -> Matching {
    let mut matcher = Matcher {
        names,
        found: Matching::default(),
        is_answer: false,
    };
    for problem in &service.problems {
        matcher.note(true, &service.port_type, problem);
    }
    let ours = CATALOG.iter().copied().filter(|o| o.soap);
    for operation in ours {
        let theirs = service
            .operations
            .iter()
            .find(|o| matcher.is_same(operation.name, &o.name));
        match theirs {
            Some(theirs) => matcher.operation(operation, theirs),
            None => matcher.note(false, operation.name, "the WSDL has no such operation"),
        }
    }
    for theirs in &service.operations {
        let is_known = CATALOG
            .iter()
            .any(|o| o.soap && matcher.is_same(o.name, &theirs.name));
        if !is_known {
            matcher.note(
                true,
                &theirs.name,
                "the gateway has no such operation; if it has another name here, add OURS=THEIRS to soap.names",
            );
        }
    }
    matcher.found
}

struct Matcher<'n> {
    names: &'n Names,
    found: Matching,
    is_answer: bool,
}

impl Matcher<'_> {
    fn note(&mut self, is_serious: bool, place: &str, text: &str) {
        self.found.differences.push(Difference {
            is_serious,
            place: place.to_owned(),
            text: text.to_owned(),
        });
    }

    /// Whether a name of ours and a name of theirs mean the same.
    fn is_same(&self, ours: &str, theirs: &str) -> bool {
        let mut names = self.names.iter();
        ours.eq_ignore_ascii_case(theirs) || names.any(|(o, t)| o == ours && t == theirs)
    }

    fn is_field(&self, field: &Field, theirs: &str) -> bool {
        self.is_same(field.name, theirs) || field.alias.is_some_and(|a| self.is_same(a, theirs))
    }

    fn operation(&mut self, operation: &'static Operation, theirs: &WsdlOperation) {
        self.is_answer = false;
        let place = format!("{} request", theirs.name);
        let request = self.message(operation.request, &theirs.input, &place);
        self.is_answer = true;
        let place = format!("{} answer", theirs.name);
        let answer = self.message(operation.response, &theirs.output, &place);
        for fault in &theirs.faults {
            let text =
                format!("the fault {fault} is never sent; refusals are answers with a status");
            self.note(false, &theirs.name, &text);
        }
        self.found.operations.push(Matched {
            operation,
            request,
            answer,
        });
    }

    fn message(&mut self, shape: &'static Shape, root: &Particle, place: &str) -> Message {
        let none = Vec::new();
        let particles = match &root.content {
            Type::Struct(particles) => particles,
            _ => &none,
        };
        let (inner, particles) = match particles.as_slice() {
            [only] if !shape.fields.iter().any(|f| self.is_field(f, &only.local)) => {
                match &only.content {
                    Type::Struct(inside) => (Some((only.local.clone(), self.tag(only))), inside),
                    _ => (None, particles),
                }
            }
            _ => (None, particles),
        };
        Message {
            namespace: root.namespace.clone(),
            local: root.local.clone(),
            tag: self.tag(root),
            inner,
            slots: self.fields(shape, particles, place),
        }
    }

    /// The name of an element in an answer.
    fn tag(&mut self, particle: &Particle) -> String {
        if particle.namespace.is_empty() {
            return particle.local.clone();
        }
        let namespaces = &mut self.found.namespaces;
        let known = namespaces.iter().position(|n| *n == particle.namespace);
        let at = known.unwrap_or_else(|| {
            namespaces.push(particle.namespace.clone());
            namespaces.len() - 1
        });
        format!("ns{}:{}", at + 2, particle.local)
    }

    fn fields(&mut self, shape: &'static Shape, particles: &[Particle], place: &str) -> Vec<Slot> {
        let mut slots = Vec::new();
        for particle in particles {
            let place = format!("{place}/{}", particle.local);
            let field = shape
                .fields
                .iter()
                .find(|f| self.is_field(f, &particle.local));
            let content = match field {
                Some(field) => self.content((field.kind)(), particle, &place),
                None => {
                    self.note_unknown(particle, &place);
                    leaf(&particle.content)
                }
            };
            slots.push(Slot {
                local: particle.local.clone(),
                tag: self.tag(particle),
                optional: particle.optional,
                nillable: particle.nillable,
                field,
                content,
            });
        }
        for field in shape.fields {
            if !particles.iter().any(|p| self.is_field(field, &p.local)) {
                let place = format!("{place}/{}", field.name);
                match self.is_answer {
                    true => self.note(
                        false,
                        &place,
                        "the WSDL has no such element; answers leave it out",
                    ),
                    false if field.required => {
                        self.note(
                            true,
                            &place,
                            "the WSDL has no such element, but the gateway requires it",
                        );
                    }
                    false => self.note(
                        false,
                        &place,
                        "the WSDL has no such element; clients cannot send it",
                    ),
                }
            }
        }
        slots
    }

    fn note_unknown(&mut self, particle: &Particle, place: &str) {
        let may_be_absent = particle.optional || particle.nillable;
        match self.is_answer {
            true if may_be_absent => self.note(
                false,
                place,
                "the gateway has no such field; answers never have it",
            ),
            true => self.note(
                true,
                place,
                "the gateway has no such field; answers have an empty element",
            ),
            false => self.note(
                !may_be_absent,
                place,
                "the gateway has no such field; soap.unknown_elements says whether it is skipped or refused",
            ),
        }
    }

    /// The content of an element whose field has this kind.
    fn content(&mut self, kind: Kind, particle: &Particle, place: &str) -> Content {
        let Kind::List(entry) = kind else {
            if particle.many {
                self.note(
                    true,
                    place,
                    "is repeated in the WSDL, but the gateway has one value",
                );
            }
            return self.value(kind, &particle.content, place);
        };
        if particle.many {
            let entry = self.value(entry(), &particle.content, place);
            return Content::Flat(Box::new(entry));
        }
        let only = match &particle.content {
            Type::Struct(inside) => match inside.as_slice() {
                [only] => Some(only),
                _ => None,
            },
            _ => None,
        };
        let Some(item) = only else {
            self.note(
                true,
                place,
                "is one value in the WSDL, but the gateway has a list; only one entry is sent",
            );
            let entry = self.value(entry(), &particle.content, place);
            return Content::Flat(Box::new(entry));
        };
        let place = format!("{place}/{}", item.local);
        let entry = self.value(entry(), &item.content, &place);
        Content::Wrapped(self.tag(item), Box::new(entry))
    }

    fn value(&mut self, kind: Kind, theirs: &Type, place: &str) -> Content {
        match (kind, theirs) {
            (Kind::Shape(shape), Type::Struct(particles)) => {
                return Content::Struct(self.fields(shape, particles, place));
            }
            (Kind::Shape(_), _) => self.note(
                true,
                place,
                "is a text in the WSDL, but the gateway has a structure",
            ),
            (_, Type::Struct(_)) => self.note(
                true,
                place,
                "is a structure in the WSDL, but the gateway has a text",
            ),
            (_, Type::Special(name)) => {
                let text = format!(
                    "is {name} in the WSDL; the gateway sends and accepts a text without this form"
                );
                self.note(true, place, &text);
            }
            (Kind::Text, Type::Number | Type::Boolean) => {
                self.note(
                    true,
                    place,
                    "is a number or Boolean in the WSDL, but the gateway has a text",
                );
            }
            _ => {}
        }
        leaf(theirs)
    }
}

fn leaf(theirs: &Type) -> Content {
    match theirs {
        Type::Number => Content::Number,
        Type::Boolean => Content::Boolean,
        Type::Struct(_) => Content::Struct(Vec::new()),
        Type::Text | Type::Special(_) => Content::Text,
    }
}
