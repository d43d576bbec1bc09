//! Seeds: the requests of `examples/wire`, and the further inputs of each target.

use std::path::Path;

use crate::targets::{self, Target};

/// One request of a conversation.
struct Request {
    method: String,
    target: String,
    content_type: String,
    accept: String,
    body: String,
}

/// The requests of every conversation; `tests/it/wire.rs` describes the format.
fn requests() -> Vec<Request> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/wire");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "wire"))
        .collect();
    files.sort();
    let mut requests = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        requests.extend(of_conversation(&text));
    }
    requests
}

fn of_conversation(text: &str) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    let mut in_request = false;
    let mut in_head = false;
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("> ") {
            if in_request && in_head {
                let request = requests.last_mut().unwrap();
                match head.split_once(": ") {
                    Some(("Content-Type", value)) => request.content_type = value.to_owned(),
                    Some(("Accept", value)) => request.accept = value.to_owned(),
                    _ => {}
                }
            } else {
                let (method, target) = head.split_once(' ').unwrap();
                requests.push(Request {
                    method: method.to_owned(),
                    target: target.to_owned(),
                    content_type: String::new(),
                    accept: String::new(),
                    body: String::new(),
                });
                (in_request, in_head) = (true, true);
            }
        } else if line.starts_with("< ") || line.starts_with("# ") {
            in_request = false;
        } else if in_request && !std::mem::take(&mut in_head) {
            let request = requests.last_mut().unwrap();
            request.body.push_str(&format!("{line}\n"));
        }
    }
    requests
}

/// The seeds of a target.
pub fn of(target: &Target) -> Vec<Vec<u8>> {
    let wire = requests();
    let bodies = |wanted: fn(&Request) -> bool| -> Vec<String> {
        let with = wire.iter().filter(|r| wanted(r) && !r.body.is_empty());
        with.map(|r| r.body.trim_end().to_owned()).collect()
    };
    let is_soap = |r: &Request| r.target.starts_with("/hammy/ws/");
    let is_rpc = |r: &Request| r.target == "/user-multi-services";
    let mut seeds = match target.name {
        "envelope" => bodies(is_soap),
        "jsonrpc" => bodies(is_rpc),
        "json" => bodies(|r| r.content_type.contains("json")),
        "query" => {
            let with = wire.iter().filter_map(|r| r.target.split_once('?'));
            with.map(|(_, query)| query.to_owned()).collect()
        }
        "media_type" => {
            let all = wire
                .iter()
                .flat_map(|r| [&r.content_type, &r.accept, &r.method]);
            all.filter(|text| !text.is_empty()).cloned().collect()
        }
        "registry_file" => {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/registry.toml");
            vec![std::fs::read_to_string(file).unwrap()]
        }
        "jwt" => targets::signed_tokens(),
        _ => Vec::new(),
    };
    seeds.extend(target.seeds.iter().map(|&seed| seed.to_owned()));
    seeds.sort();
    seeds.dedup();
    seeds.into_iter().map(String::into_bytes).collect()
}
