//! Records for many documents whether the gateway accepts them as XML; `differential.py` compares the records with
//! other parsers.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use chaingun_gateway::contract::problem::Why;
use chaingun_gateway::contract::xml::XmlLimits;
use chaingun_gateway::http::HttpRequest;
use chaingun_gateway::soap::{self, SoapLimits};

use crate::mutate::{Random, mutated};
use crate::{inputs, seeds, target};

/// Limits that no document of the W3C test suite exceeds.
const LIMITS: SoapLimits = SoapLimits {
    xml: XmlLimits {
        depth: 1_000,
        elements: 1_000_000,
        attributes: 250,
        text_bytes: 16_777_216,
    },
    body_bytes: 16_777_216,
    refuse_unknown: false,
};

/// `a` accepted, `d` DOCTYPE, `p` processing instruction, `l` limit, `c` bytes that contradict the declared encoding,
/// `e` unknown encoding, `r` refused for another reason.
fn verdict(document: &[u8]) -> u8 {
    let request = HttpRequest {
        headers: crate::targets::content_type("text/xml"),
        body: document.to_vec(),
        ..HttpRequest::default()
    };
    let Err(rejection) = soap::check(&request, &LIMITS) else {
        return b'a';
    };
    match rejection.problems[0].why {
        Some(Why::Doctype) => b'd',
        Some(Why::ProcessingInstruction) => b'p',
        Some(
            Why::TooDeep(_)
            | Why::TooManyElements(_)
            | Why::TooManyAttributes(_)
            | Why::TooManyNamespaces(_)
            | Why::TooMuchText(_),
        ) => b'l',
        Some(Why::Encoding) => b'c',
        None => b'e',
        Some(_) => b'r',
    }
}

/// The document's element as an ignored header entry of an envelope.
fn wrapped(document: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(document).ok()?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let text = match text.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>")?.1,
        None => text,
    };
    let envelope = format!(
        "<S:Envelope xmlns:S='http://schemas.xmlsoap.org/soap/envelope/'><S:Header><h>{text}</h></S:Header><S:Body/></S:Envelope>"
    );
    Some(envelope.into_bytes())
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "xml") {
            found.push(path);
        }
    }
}

/// Writes a record for each document to the file `FUZZ_VERDICTS`: the verdict, the lengths of name and
/// document (32 bits, little endian), name and document. `FUZZ_XML` is a folder of further documents.
#[test]
fn writes_verdicts_into_the_file_fuzz_verdicts() {
    let Some(path) = std::env::var_os("FUZZ_VERDICTS") else {
        return;
    };
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let mut record = |name: &str, document: &[u8]| {
        let lengths = [name.len(), document.len()].map(|n| u32::try_from(n).unwrap().to_le_bytes());
        out.write_all(&[verdict(document)]).unwrap();
        out.write_all(&lengths.concat()).unwrap();
        out.write_all(name.as_bytes()).unwrap();
        out.write_all(document).unwrap();
    };
    let target = target("envelope");
    let mut seeds = seeds::of(target);
    let mut found = Vec::new();
    if let Some(folder) = std::env::var_os("FUZZ_XML") {
        files(Path::new(&folder), &mut found);
    }
    for file in found {
        let document = std::fs::read(&file).unwrap();
        let name = file.to_string_lossy();
        record(&name, &document);
        if let Some(envelope) = wrapped(&document) {
            record(&format!("{name} as a header"), &envelope);
        }
        // Only small documents are worth mutating.
        if document.len() < 1024 {
            seeds.push(document);
        }
    }
    let mut random = Random::named("verdicts");
    for at in 0..inputs() {
        let document = mutated(&mut random, &seeds, target.words);
        record(&format!("mutated {at}"), &document);
    }
}
