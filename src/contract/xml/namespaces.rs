//! The namespaces in scope (Namespaces in XML 1.0, third edition).

use std::borrow::Cow;

use super::chars::normalized;
use crate::contract::NAMESPACE;

/// SOAP 1.1's envelope namespace.
pub const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// SOAP 1.2's envelope namespace.
pub const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
/// The namespace of `xsi:nil`.
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// WS-Security's extension namespace: Security, UsernameToken and their children.
const WSSE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
/// WS-Security's utility namespace: Timestamp, Created and Expires.
const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
/// The namespace of the prefix `xml`.
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of the prefix `xmlns`.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The namespaces that the reader distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ns {
    None,
    /// [`NAMESPACE`].
    Ours,
    Soap11,
    Soap12,
    Wsse,
    Wsu,
    Xsi,
    Other,
}

impl Ns {
    fn of(name: &str) -> Ns {
        match name {
            "" => Ns::None,
            NAMESPACE => Ns::Ours,
            SOAP11 => Ns::Soap11,
            SOAP12 => Ns::Soap12,
            WSSE => Ns::Wsse,
            WSU => Ns::Wsu,
            XSI => Ns::Xsi,
            _ => Ns::Other,
        }
    }
}

/// A prefix, or the default namespace, and the name it is bound to.
#[derive(Debug)]
struct Binding<'a> {
    /// Empty for the default namespace.
    prefix: &'a str,
    name: Cow<'a, str>,
    ns: Ns,
    /// The level of the element that declares it.
    depth: usize,
}

/// A binding in scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bound(usize);

/// The bindings in scope, the innermost last.
#[derive(Debug)]
pub(super) struct Namespaces<'a>(Vec<Binding<'a>>);

impl<'a> Namespaces<'a> {
    pub(super) fn new() -> Self {
        Self(vec![Binding {
            prefix: "xml",
            name: Cow::Borrowed(XML),
            ns: Ns::Other,
            depth: 0,
        }])
    }

    /// The number of declarations in scope.
    pub(super) fn declared(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// Binds a prefix for the element at `depth`; `false` if the declaration violates a constraint of §3 or §5.
    #[must_use]
    pub(super) fn declare(&mut self, prefix: &'a str, raw: &'a str, depth: usize) -> bool {
        let name = normalized(raw);
        let allowed = match prefix {
            "xmlns" => false,
            "xml" => name == XML,
            // A default namespace may be undeclared, a prefix may not.
            "" => name != XML && name != XMLNS,
            _ => !name.is_empty() && name != XML && name != XMLNS,
        };
        self.0.push(Binding {
            prefix,
            ns: Ns::of(&name),
            name,
            depth,
        });
        allowed
    }

    /// Removes the declarations of the element at `depth`.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.0.last().is_some_and(|b| b.depth >= depth && depth > 0) {
            self.0.pop();
        }
    }

    /// The binding of a prefix. The empty prefix stands for the default namespace.
    pub(super) fn find(&self, prefix: &str) -> Option<Bound> {
        self.0
            .iter()
            .rposition(|binding| binding.prefix == prefix)
            .map(Bound)
    }

    /// The namespace of a binding.
    pub(super) fn ns(&self, bound: Option<Bound>) -> Ns {
        bound
            .and_then(|Bound(at)| self.0.get(at))
            .map_or(Ns::None, |binding| binding.ns)
    }

    /// The name of a binding's namespace; empty if it has no namespace.
    pub(super) fn name(&self, bound: Option<Bound>) -> &str {
        bound
            .and_then(|Bound(at)| self.0.get(at))
            .map_or("", |binding| &binding.name)
    }
}
