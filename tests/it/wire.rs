//! The conversations in `examples/wire/` are documentation and tests: each is replayed and must be answered as written.
//!
//! A line `> POST …` begins a request, `< 200` its answer, `< MAIL` lines of the newest mail. Header lines follow with
//! the same mark, then an empty line and the body. `{{name}}` stands for a value that differs in each run: its
//! first occurrence sets the value, and later occurrences must be equal. `{{_}}` stands for any text.
//!
//! `BLESS=1 cargo test --test it wire` writes the current answers into the files; read the diff before you keep it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Gateway, Reply};

/// One message of a file.
#[derive(Debug, Clone)]
pub struct Written {
    /// The comments before the message.
    remark: String,
    /// `POST /path`, `200` or `MAIL`, then the headers.
    pub head: Vec<String>,
    pub body: String,
    pub is_request: bool,
}

pub fn read(text: &str) -> Vec<Written> {
    let mut messages: Vec<Written> = Vec::new();
    let mut remark = String::new();
    let mut in_head = false;
    for line in text.lines() {
        let mark = ["> ", "< "].into_iter().find(|m| line.starts_with(m));
        match mark {
            Some(mark)
                if in_head
                    && messages
                        .last()
                        .is_some_and(|m| m.is_request == (mark == "> ")) =>
            {
                messages.last_mut().unwrap().head.push(line[2..].to_owned());
            }
            Some(mark) => {
                in_head = true;
                messages.push(Written {
                    remark: std::mem::take(&mut remark),
                    head: vec![line[2..].to_owned()],
                    body: String::new(),
                    is_request: mark == "> ",
                });
            }
            None if line.starts_with("# ") => remark.push_str(&format!("{line}\n")),
            None => {
                let is_first = std::mem::take(&mut in_head) && line.is_empty();
                if let Some(message) = messages.last_mut().filter(|_| !is_first) {
                    message.body.push_str(&format!("{line}\n"));
                }
            }
        }
    }
    for message in &mut messages {
        message.body = message.body.trim_end().to_owned();
    }
    messages
}

fn write(messages: &[Written]) -> String {
    let mut text = String::new();
    for message in messages {
        text.push_str(&message.remark);
        let mark = if message.is_request { '>' } else { '<' };
        for line in &message.head {
            text.push_str(&format!("{mark} {line}\n"));
        }
        if !message.body.is_empty() {
            text.push_str(&format!("\n{}\n", message.body));
        }
        text.push('\n');
    }
    format!("{}\n", text.trim_end())
}

type Names = BTreeMap<String, String>;

fn fill(text: &str, names: &Names) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    })
}

/// Whether the text matches the template; remembers the values of the template's names.
fn matches(template: &str, mut text: &str, names: &mut Names) -> bool {
    let template = fill(template, names);
    let mut pieces = template.split("{{");
    let Some(rest) = text.strip_prefix(pieces.next().unwrap()) else {
        return false;
    };
    text = rest;
    for piece in pieces {
        let (name, literal) = piece.split_once("}}").unwrap();
        let end = if literal.is_empty() {
            Some(text.len())
        } else {
            text.find(literal)
        };
        let Some(end) = end else { return false };
        if name != "_" {
            names.insert(name.to_owned(), text[..end].to_owned());
        }
        text = &text[end + literal.len()..];
    }
    text.is_empty()
}

fn send(gateway: &Gateway, request: &Written, names: &Names) -> Reply {
    let body = fill(&request.body, names);
    let mut head = format!(
        "{} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n",
        request.head[0]
    );
    for header in &request.head[1..] {
        head.push_str(&format!("{}\r\n", fill(header, names)));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    gateway.raw(&[head.as_bytes(), body.as_bytes()].concat())
}

/// The headers that a conversation shows.
const SHOWN: [&str; 4] = ["Content-Type", "Authorization", "Retry-After", "Allow"];

/// A reply as a message of a file, with names for values that differ in each run.
fn noted(reply: &Reply, remark: &str, names: &Names) -> Written {
    let mut head = vec![reply.status.to_string()];
    for name in SHOWN {
        head.extend(
            reply
                .header(name)
                .map(|value| mask(&format!("{name}: {value}"), names)),
        );
    }
    Written {
        remark: remark.to_owned(),
        head,
        body: mask(reply.body.trim_end(), names),
        is_request: false,
    }
}

fn mask(text: &str, names: &Names) -> String {
    let mut masked = text.to_owned();
    for (before, name) in [
        ("<requestId>", "_"),
        ("\"msgid\":\"", "_"),
        ("\"requestId\":\"", "_"),
        ("\"userId\":\"", "userId"),
        ("\"emptyResponse\",\"id\":\"", "_"),
        ("\"errors\":[{\"id\":\"", "_"),
        ("JWT ey", "token"),
        ("PASSWORD_RESET_GUID</key><value>", "guid"),
    ] {
        let keep = before.trim_end_matches("ey").len();
        if let Some(at) = masked.find(before) {
            let from = at + keep;
            let to = masked[from..]
                .find(['<', '"'])
                .map_or(masked.len(), |end| from + end);
            let taken = (0..).find(|n| !names.contains_key(&numbered(name, *n)));
            let name = numbered(name, taken.unwrap_or(0));
            masked.replace_range(from..to, &format!("{{{{{name}}}}}"));
        }
    }
    masked
}

fn numbered(name: &str, n: usize) -> String {
    match n {
        0 => name.to_owned(),
        n => format!("{name}{}", n + 1),
    }
}

/// Replays one conversation and returns the bodies of the answers.
fn replay(path: &Path) -> Vec<String> {
    let bless = std::env::var_os("BLESS").is_some();
    let gateway = Gateway::demo();
    let mut names = Names::new();
    let mut bodies = Vec::new();
    let mut last: Option<Reply> = None;
    let mut held = Vec::new();
    let messages = read(&std::fs::read_to_string(path).unwrap());
    for (at, message) in messages.iter().enumerate() {
        let place = format!("{}, message {}", path.display(), at + 1);
        if message.is_request {
            let reply = send(&gateway, message, &names);
            bodies.push(reply.body.clone());
            held.push(message.clone());
            let answered = messages
                .get(at + 1)
                .is_some_and(|m| !m.is_request && m.head[0] != "MAIL");
            if bless && !answered {
                let note = noted(&reply, "", &names);
                assert!(matches(&note.body, reply.body.trim_end(), &mut names));
                held.push(note);
            } else {
                assert!(answered, "{place} has no answer");
            }
            last = Some(reply);
        } else if message.head[0] == "MAIL" {
            let mail = gateway.mails().pop().unwrap();
            for line in message.body.lines() {
                let found = mail
                    .lines()
                    .any(|m| matches(line, m.trim_end(), &mut names));
                assert!(found, "{place}: {line}\n{mail}");
            }
            held.push(message.clone());
        } else {
            let reply = last.take().unwrap();
            let mut trial = names.clone();
            let agrees = message.head[0] == reply.status.to_string()
                && message.head[1..].iter().all(|line| {
                    let (name, value) = line.split_once(": ").unwrap();
                    reply
                        .header(name)
                        .is_some_and(|v| matches(value, v, &mut trial))
                })
                && matches(&message.body, reply.body.trim_end(), &mut trial);
            if bless && !agrees {
                let note = noted(&reply, &message.remark, &names);
                assert!(
                    matches(&note.body, reply.body.trim_end(), &mut names),
                    "{place}"
                );
                held.push(note);
            } else {
                assert!(
                    agrees,
                    "{place}:\n{message:#?}\nbut the answer is\n{reply:#?}"
                );
                names = trial;
                held.push(message.clone());
            }
        }
    }
    if bless {
        std::fs::write(path, write(&held)).unwrap();
    }
    bodies
}

pub fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|f| f.extension().is_some_and(|e| e == extension))
        .collect();
    files.sort();
    files
}

#[test]
fn answers_every_conversation_as_written_and_validly() {
    let bodies: Vec<String> = std::thread::scope(|scope| {
        let held: Vec<_> = files("examples/wire", "wire")
            .into_iter()
            .map(|path| scope.spawn(move || replay(&path)))
            .collect();
        held.into_iter().flat_map(|h| h.join().unwrap()).collect()
    });
    assert!(bodies.len() > 50, "{}", bodies.len());
    validate(bodies.iter().filter_map(|b| payload(b)));
}

#[test]
fn writes_an_unchanged_conversation_back_byte_for_byte() {
    for path in files("examples/wire", "wire") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(write(&read(&text)), text, "{}", path.display());
    }
}

#[test]
fn validates_the_original_samples() {
    let samples: Vec<String> = files("examples/wire/seed", "xml")
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(samples.len(), 14);
    validate(samples.iter().map(|sample| {
        // The samples declare their prefixes outside the Body.
        let prefixed = payload(sample).unwrap();
        let declared = " xmlns:ws=\"http://ws.service.user.api.chaingun.dbx.hu/\"";
        let end = prefixed.find('>').unwrap();
        if prefixed[..end].contains("xmlns:ns2") {
            prefixed
        } else {
            let prefix = prefixed[1..].split(':').next().unwrap();
            let declared = declared.replace(":ws", &format!(":{prefix}"));
            format!("{}{declared}{}", &prefixed[..end], &prefixed[end..])
        }
    }));
}

/// The part of an envelope that the schema describes: the operation's element, or the element in a fault's detail.
fn payload(envelope: &str) -> Option<String> {
    let between = |from: &str, to: &str| {
        let start = envelope.find(from)? + from.len();
        let end = envelope[start..].find(to)? + start;
        Some(envelope[start..end].trim().to_owned())
    };
    if envelope.contains(":Fault>") {
        let inner = between("<ns2:fault ", "</ns2:fault>")?;
        return Some(format!("<ns2:fault {inner}</ns2:fault>"));
    }
    let prefix = envelope.split(":Body>").next()?.rsplit('<').next()?;
    between(&format!("<{prefix}:Body>"), &format!("</{prefix}:Body>"))
}

/// Validates documents against the published schema with xmllint. Without xmllint the function checks
/// nothing, or panics if `REQUIRE_XMLLINT` is set.
fn validate(documents: impl Iterator<Item = String>) {
    let found = Command::new("xmllint").arg("--version").output().is_ok();
    if !found {
        assert!(
            std::env::var_os("REQUIRE_XMLLINT").is_none(),
            "xmllint is not installed"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("xmllint");
    command.args(["--noout", "--schema", "schema/xsd/ChaingunUserAPI.xsd"]);
    for (at, document) in documents.enumerate() {
        let path = folder.path().join(format!("{at}.xml"));
        std::fs::write(&path, document).unwrap();
        command.arg(path);
    }
    let done = command.output().unwrap();
    let complaints = String::from_utf8_lossy(&done.stderr);
    let complaints: Vec<_> = complaints
        .lines()
        .filter(|l| !l.ends_with(" validates"))
        .collect();
    assert!(done.status.success(), "{}", complaints.join("\n"));
}
