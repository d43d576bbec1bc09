//! The WSDL of an installation and the documents that it imports.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::contract::xml::{Node, XmlLimits, parse_tree};

pub(super) const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
pub(super) const XSD: &str = "http://www.w3.org/2001/XMLSchema";

/// The most documents of a contract, and the most bytes of one of them.
const MAX_DOCUMENTS: usize = 50;
const MAX_BYTES: usize = 4_194_304;
const LIMITS: XmlLimits = XmlLimits {
    depth: 100,
    elements: 100_000,
    attributes: 250,
    text_bytes: 1_048_576,
};

/// A WSDL or schema document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) text: String,
    pub(super) root: Node,
    /// The locations in its imports, as they are written, and the positions of the imported documents.
    imports: Vec<(String, usize)>,
}

/// The documents of a contract, the WSDL first.
#[derive(Debug)]
pub(super) struct Documents(pub(super) Vec<Document>);

/// Loads a document by its location, and says what is wrong with it.
pub(super) type Load<'l> = &'l dyn Fn(&str) -> Result<String, String>;

impl Documents {
    /// Loads a WSDL and everything that it imports.
    pub(super) fn load(first: &str, load: Load<'_>) -> Result<Self, String> {
        let mut loaded: Vec<Document> = Vec::new();
        let mut known = vec![first.to_owned()];
        let mut waiting = VecDeque::from([first.to_owned()]);
        while let Some(location) = waiting.pop_front() {
            let text = load(&location)?;
            let fails = |what: &str| format!("{location}: {what}");
            if text.len() > MAX_BYTES {
                return Err(fails(&format!("larger than {MAX_BYTES} bytes")));
            }
            let text = text.trim_start_matches('\u{FEFF}').to_owned();
            let root = parse_tree(&text, LIMITS)
                .map_err(|e| fails(&format!("not a readable XML document: {e:?}")))?;
            let mut imports = Vec::new();
            for written in import_locations(&root) {
                let target = relative(&location, &written);
                let at = known.iter().position(|k| *k == target).unwrap_or_else(|| {
                    known.push(target.clone());
                    waiting.push_back(target);
                    known.len() - 1
                });
                imports.push((written, at));
            }
            if known.len() > MAX_DOCUMENTS {
                return Err(fails(&format!("more than {MAX_DOCUMENTS} documents")));
            }
            loaded.push(Document {
                text,
                root,
                imports,
            });
        }
        Ok(Self(loaded))
    }

    /// The text of a document for clients that use this address: the address of the service and the locations of the
    /// imports are replaced, everything else is as in the file. `None` if there is no such document.
    pub(super) fn served(&self, at: usize, address: &str) -> Option<String> {
        let document = self.0.get(at)?;
        let mut text = document.text.clone();
        // The whole text is UTF-8 now, whatever the encoding of the file was.
        if let Some(end) = text.starts_with("<?xml").then(|| text.find("?>")).flatten() {
            text.replace_range(..end + 2, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        }
        for (written, target) in &document.imports {
            let url = format!("{address}?{}={target}", self.kind(*target));
            for attribute in ["schemaLocation", "location"] {
                replace_value(&mut text, attribute, written, &url);
            }
        }
        for written in addresses(&document.root) {
            replace_value(&mut text, "location", &written, address);
        }
        Some(text)
    }

    /// The parameter of the query under which a document is served.
    fn kind(&self, at: usize) -> &'static str {
        let is_wsdl = self.0.get(at).is_some_and(|d| d.root.namespace == WSDL);
        if is_wsdl { "wsdl" } else { "xsd" }
    }
}

/// Reads a document from a file.
pub(super) fn read_file(location: &str) -> Result<String, String> {
    let fails = |what: String| format!("{location}: {what}");
    if location.contains("://") {
        return Err(fails(
            "only files can be read; save the document beside the WSDL and correct its location"
                .into(),
        ));
    }
    let bytes = std::fs::read(location).map_err(|e| fails(e.to_string()))?;
    if bytes.len() > MAX_BYTES {
        return Err(fails(format!("larger than {MAX_BYTES} bytes")));
    }
    crate::soap::encoding::decode_document(&bytes)
        .ok_or_else(|| fails("its character encoding is wrong or unknown".into()))
}

/// The location of a document that another document imports.
fn relative(base: &str, written: &str) -> String {
    if written.contains("://") {
        return written.to_owned();
    }
    if base.contains("://") {
        let folder = base.split('?').next().unwrap_or(base);
        let folder = folder.rsplit_once('/').map_or(folder, |(folder, _)| folder);
        return format!("{folder}/{written}");
    }
    let folder = Path::new(base)
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf);
    folder.join(written).to_string_lossy().into_owned()
}

fn walk(node: &Node, visit: &mut dyn FnMut(&Node)) {
    visit(node);
    for child in &node.children {
        walk(child, visit);
    }
}

fn import_locations(root: &Node) -> Vec<String> {
    let mut found = Vec::new();
    walk(root, &mut |node| {
        let attribute = match (node.namespace.as_str(), node.local.as_str()) {
            (WSDL, "import") => "location",
            (XSD, "import" | "include" | "redefine") => "schemaLocation",
            _ => return,
        };
        found.extend(node.attribute(attribute).map(str::to_owned));
    });
    found
}

/// The addresses of the ports.
fn addresses(root: &Node) -> Vec<String> {
    let mut found = Vec::new();
    walk(root, &mut |node| {
        if node.local == "address" {
            found.extend(node.attribute("location").map(str::to_owned));
        }
    });
    found
}

/// Replaces the value of an attribute wherever it is `old`.
fn replace_value(text: &mut String, attribute: &str, old: &str, new: &str) {
    let (old, new) = (old.replace('&', "&amp;"), new.replace('&', "&amp;"));
    for quote in ['"', '\''] {
        let from = format!("{attribute}={quote}{old}{quote}");
        let to = format!("{attribute}={quote}{new}{quote}");
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|rest| rest.find(&from)) {
            let start = at + found;
            // `location` is the end of `schemaLocation`, too.
            let is_whole = text
                .get(..start)
                .is_some_and(|t| t.ends_with(char::is_whitespace));
            at = start + if is_whole { to.len() } else { from.len() };
            if is_whole {
                text.replace_range(start..start + from.len(), &to);
            }
        }
    }
}
