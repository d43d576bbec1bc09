//! Translates messages between an installation's contract and ours.

use super::matching::{Content, Message, Slot};
use crate::contract::NAMESPACE;
use crate::contract::field::{Field, ListForm};
use crate::contract::xml::{Node, XmlWriter};

/// The document of our operation for a request under their names.
pub(super) fn request(operation: &str, message: &Message, root: &Node) -> String {
    let mut out = XmlWriter::new();
    out.raw("<o:");
    out.raw(operation);
    out.raw(" xmlns:o=\"");
    out.raw(NAMESPACE);
    out.raw("\"><request>");
    let inside = match &message.inner {
        Some((local, _)) => root.children.iter().find(|child| child.local == *local),
        None => Some(root),
    };
    if let Some(inside) = inside {
        to_ours(&message.slots, inside, &mut out);
    }
    out.raw("</request></o:");
    out.raw(operation);
    out.raw(">");
    String::from_utf8(out.finish()).unwrap_or_default()
}

/// Writes the children of an element under our names. Unknown elements stay, so that the reader of our own messages
/// treats them as the settings say.
fn to_ours(slots: &[Slot], theirs: &Node, out: &mut XmlWriter) {
    for child in theirs.children.iter().filter(|child| !child.is_nil) {
        let slot = slots.iter().find(|slot| slot.local == child.local);
        match slot.and_then(|slot| slot.field.map(|field| (slot, field))) {
            Some((slot, field)) => value_to_ours(field, &slot.content, child, out),
            None => out.empty(&child.local),
        }
    }
}

fn value_to_ours(field: &Field, content: &Content, theirs: &Node, out: &mut XmlWriter) {
    match content {
        Content::Wrapped(_, entry) => {
            let entries = theirs.children.iter().filter(|entry| !entry.is_nil);
            let is_flat = field.item.is_empty();
            if !is_flat {
                out.open(field.name);
            }
            for node in entries {
                let name = if is_flat { field.name } else { field.item };
                element_to_ours(name, entry, node, out);
            }
            if !is_flat {
                out.close(field.name);
            }
        }
        Content::Flat(entry) => element_to_ours(field.name, entry, theirs, out),
        single => element_to_ours(field.name, single, theirs, out),
    }
}

fn element_to_ours(name: &str, content: &Content, theirs: &Node, out: &mut XmlWriter) {
    out.open(name);
    match content {
        Content::Struct(slots) => {
            if !theirs.text.trim().is_empty() {
                out.escaped(&theirs.text);
            }
            to_ours(slots, theirs, out);
        }
        _ => {
            out.escaped(&theirs.text);
            for child in &theirs.children {
                out.empty(&child.local);
            }
        }
    }
    out.close(name);
}

/// Writes an answer under their names; `ours` is our element `response`.
pub(super) fn answer(message: &Message, namespaces: &[String], ours: &Node, out: &mut XmlWriter) {
    out.raw("<");
    out.raw(&message.tag);
    for (at, namespace) in namespaces.iter().enumerate() {
        out.raw(&format!(" xmlns:ns{}=\"", at + 2));
        out.escaped(namespace);
        out.raw("\"");
    }
    out.raw(">");
    if let Some((_, tag)) = &message.inner {
        out.open(tag);
    }
    to_theirs(&message.slots, ours, out);
    if let Some((_, tag)) = &message.inner {
        out.close(tag);
    }
    out.close(&message.tag);
}

fn to_theirs(slots: &[Slot], ours: &Node, out: &mut XmlWriter) {
    for slot in slots {
        let Some(field) = slot.field else {
            absent(slot, out);
            continue;
        };
        let mut values = ours
            .children
            .iter()
            .filter(|child| child.local == field.name);
        match &slot.content {
            Content::Flat(entry) => {
                for value in entries(field, values) {
                    element_to_theirs(&slot.tag, entry, value, out);
                }
            }
            Content::Wrapped(item, entry) => {
                let mut present = values.clone().peekable();
                if present.peek().is_none() {
                    absent(slot, out);
                    continue;
                }
                out.open(&slot.tag);
                for value in entries(field, values) {
                    element_to_theirs(item, entry, value, out);
                }
                out.close(&slot.tag);
            }
            single => match values.next() {
                Some(value) => element_to_theirs(&slot.tag, single, value, out),
                None => absent(slot, out),
            },
        }
    }
}

/// The entries of our list.
fn entries<'n>(
    field: &Field,
    values: impl Iterator<Item = &'n Node>,
) -> impl Iterator<Item = &'n Node> {
    let is_flat = field.form == ListForm::Flat;
    values.flat_map(move |value| {
        let (itself, inside) = match is_flat {
            true => (Some(value), &[][..]),
            false => (None, value.children.as_slice()),
        };
        itself.into_iter().chain(inside)
    })
}

fn element_to_theirs(tag: &str, content: &Content, ours: &Node, out: &mut XmlWriter) {
    match content {
        Content::Struct(slots) => {
            out.open(tag);
            to_theirs(slots, ours, out);
            out.close(tag);
        }
        _ => out.text(tag, &ours.text),
    }
}

/// Writes an element for which there is no value.
fn absent(slot: &Slot, out: &mut XmlWriter) {
    match &slot.content {
        _ if slot.optional => {}
        Content::Flat(_) => {}
        _ if slot.nillable => {
            out.raw("<");
            out.raw(&slot.tag);
            out.raw(" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>");
        }
        Content::Number => out.text(&slot.tag, "0"),
        Content::Boolean => out.text(&slot.tag, "false"),
        Content::Struct(slots) => {
            out.open(&slot.tag);
            for slot in slots {
                absent(slot, out);
            }
            out.close(&slot.tag);
        }
        Content::Text | Content::Wrapped(..) => out.empty(&slot.tag),
    }
}
