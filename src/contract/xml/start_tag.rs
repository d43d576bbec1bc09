//! Parses start tags strictly (XML 1.0 §3.1, Namespaces in XML §4).

use super::chars::{BLANKS, qualified, split_at, value_error};
use super::namespaces::{Bound, Namespaces, Ns};
use crate::contract::problem::Why;

/// The start of an element.
#[derive(Debug, Clone, Copy)]
pub struct Tag<'a> {
    /// The name without its prefix.
    pub local: &'a str,
    pub ns: Ns,
    pub(super) bound: Option<Bound>,
}

/// An attribute as it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
    pub(super) raw: &'a str,
    pub(super) bound: Option<Bound>,
}

/// The limits that concern one tag.
#[derive(Debug, Clone, Copy)]
pub(super) struct TagLimits {
    pub(super) attributes: usize,
    pub(super) value_bytes: usize,
}

/// Parses a tag from `<` to `>`: adds its attributes to `attributes` and its declarations to `namespaces`.
pub(super) fn read<'a>(
    markup: &'a str,
    depth: usize,
    limits: TagLimits,
    namespaces: &mut Namespaces<'a>,
    attributes: &mut Vec<Attribute<'a>>,
) -> Result<Tag<'a>, Why> {
    attributes.clear();
    let inside = markup.strip_prefix('<').unwrap_or(markup);
    let inside = inside
        .strip_suffix("/>")
        .or_else(|| inside.strip_suffix('>'))
        .unwrap_or(inside);
    let (name, mut rest) = inside.split_at(inside.find(BLANKS).unwrap_or(inside.len()));
    let (prefix, local) = qualified(name).ok_or(Why::NotWellFormed)?;
    while let Some((name, raw)) = next_attribute(&mut rest)? {
        let (prefix, local) = qualified(name).ok_or(Why::NotWellFormed)?;
        if let Some(why) = value_error(raw) {
            return Err(why);
        }
        if raw.len() > limits.value_bytes {
            return Err(Why::TooMuchText(limits.value_bytes));
        }
        let declared = match (prefix, local) {
            ("", "xmlns") => Some(""),
            ("xmlns", prefix) => Some(prefix),
            _ => None,
        };
        if let Some(prefix) = declared {
            if namespaces.declared() >= limits.attributes {
                return Err(Why::TooManyNamespaces(limits.attributes));
            }
            if !namespaces.declare(prefix, raw, depth) {
                return Err(Why::NotWellFormed);
            }
        }
        if attributes.len() >= limits.attributes {
            return Err(Why::TooManyAttributes(limits.attributes));
        }
        let twice = |a: &Attribute<'_>| a.local == local && a.prefix == prefix;
        if attributes.iter().any(twice) {
            return Err(Why::NotWellFormed);
        }
        attributes.push(Attribute {
            prefix,
            local,
            raw,
            bound: None,
        });
    }
    let bound = namespaces.find(prefix);
    if bound.is_none() && !prefix.is_empty() {
        return Err(Why::NotWellFormed);
    }
    bind(namespaces, attributes)?;
    Ok(Tag {
        local,
        ns: namespaces.ns(bound),
        bound,
    })
}

/// Finds the namespaces of prefixed attributes. Two attributes must not have the same expanded name.
fn bind(namespaces: &Namespaces<'_>, attributes: &mut [Attribute<'_>]) -> Result<(), Why> {
    let mut prefixed = 0;
    for attribute in attributes.iter_mut() {
        if !matches!(attribute.prefix, "" | "xmlns") {
            attribute.bound = namespaces.find(attribute.prefix);
            if attribute.bound.is_none() {
                return Err(Why::NotWellFormed);
            }
            prefixed += 1;
        }
    }
    if prefixed < 2 {
        return Ok(());
    }
    let mut rest = &*attributes;
    while let [attribute, others @ ..] = rest {
        let name = namespaces.name(attribute.bound);
        let same = |other: &Attribute<'_>| {
            other.local == attribute.local
                && other.bound.is_some()
                && namespaces.name(other.bound) == name
        };
        if attribute.bound.is_some() && others.iter().any(same) {
            return Err(Why::NotWellFormed);
        }
        rest = others;
    }
    Ok(())
}

/// The name and value of the next attribute, after white space; `None` at the end of the tag.
fn next_attribute<'a>(rest: &mut &'a str) -> Result<Option<(&'a str, &'a str)>, Why> {
    let text = rest.trim_start_matches(BLANKS);
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() == rest.len() {
        return Err(Why::NotWellFormed);
    }
    let parts = split_at(text, b'=').and_then(|(name, value)| {
        let value = value.trim_start_matches(BLANKS);
        let quote = value.bytes().next();
        let quote = quote.filter(|byte| matches!(byte, b'"' | b'\''))?;
        let (raw, after) = split_at(value.get(1..)?, quote)?;
        Some((name.trim_end_matches(BLANKS), raw, after))
    });
    let (name, raw, after) = parts.ok_or(Why::NotWellFormed)?;
    *rest = after;
    Ok(Some((name, raw)))
}
