//! The invariants of `src/lib.rs`, checked on the sources: one room for each package, and no import upwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chaingun_gateway::domain::audit_event::AuditEvent;

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new("src"), &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (
                path.strip_prefix("src")
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
                text,
            )
        })
        .collect()
}

/// The lines of code without comments and without the unit tests at the end.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.lines().map(str::trim).filter(|l| !l.starts_with("//"))
}

#[test]
fn imports_each_package_in_one_room_only() {
    let doors: [(&str, &[&str]); 22] = [
        ("diesel", &["store/"]),
        ("diesel_migrations", &["store/"]),
        ("hyper", &["server/", "http/"]),
        ("hyper_util", &["server/"]),
        ("http_body_util", &["server/"]),
        ("jsonwebtoken", &["secrets/"]),
        ("bcrypt", &["secrets/"]),
        ("aws_lc_rs", &["secrets/"]),
        ("getrandom", &["entropy.rs"]),
        ("lettre", &["delivery/"]),
        ("reqwest", &["delivery/"]),
        ("httpdate", &["delivery/"]),
        ("quick_xml", &["contract/"]),
        ("minijinja", &["loginbar/", "delivery/"]),
        ("clap", &["main.rs", "cli/"]),
        ("rlimit", &["server/"]),
        ("toml", &["config.rs", "registry/"]),
        ("idna", &["domain/"]),
        (
            "percent_encoding",
            &["http/", "jsonapi/", "loginbar/", "delivery/"],
        ),
        ("flate2", &["http/"]),
        ("icu_properties", &["domain/"]),
        ("unicode_security", &["domain/"]),
    ];
    for (file, text) in sources() {
        for line in code(&text) {
            for (package, rooms) in &doors {
                let used = line.contains(&format!("{package}::"))
                    || line.starts_with(&format!("use {package}"));
                let allowed = rooms.iter().any(|room| file.starts_with(room));
                assert!(!used || allowed, "{package} in src/{file}: {line}");
            }
        }
    }
}

#[test]
fn imports_only_from_rooms_below() {
    // The rooms that each room may import. Rooms that assemble the program may import all.
    let below: [(&str, &[&str]); 18] = [
        ("domain/", &["domain"]),
        ("contract/", &["contract", "domain"]),
        ("secrets/", &["secrets", "domain"]),
        ("store/", &["store", "domain"]),
        (
            "operations/",
            &[
                "operations",
                "contract",
                "domain",
                "metrics",
                "parts",
                "registry",
                "secrets",
                "store",
            ],
        ),
        ("http/", &["http", "contract", "operations"]),
        ("docs/", &["docs", "contract", "operations"]),
        (
            "soap/",
            &["soap", "contract", "domain", "http", "operations"],
        ),
        ("jsonrpc/", &["jsonrpc", "contract", "http", "operations"]),
        (
            "loginbar/",
            &[
                "loginbar",
                "contract",
                "domain",
                "entropy",
                "http",
                "operations",
                "registry",
                "secrets",
            ],
        ),
        (
            "directory/",
            &["directory", "contract", "domain", "http", "operations"],
        ),
        (
            "sso/",
            &[
                "sso",
                "contract",
                "directory",
                "http",
                "loginbar",
                "operations",
            ],
        ),
        (
            "jsonapi/",
            &["jsonapi", "contract", "domain", "http", "operations"],
        ),
        (
            "server/",
            &[
                "server",
                "contract",
                "directory",
                "docs",
                "http",
                "jsonapi",
                "jsonrpc",
                "loginbar",
                "metrics",
                "operations",
                "parts",
                "soap",
                "sso",
            ],
        ),
        (
            "delivery/",
            &[
                "delivery", "domain", "metrics", "parts", "registry", "secrets", "store",
            ],
        ),
        ("registry.rs", &["domain", "store"]),
        ("registry/", &["registry", "domain", "secrets", "store"]),
        (
            "parts.rs",
            &[
                "clock", "domain", "entropy", "metrics", "registry", "secrets", "store",
            ],
        ),
    ];
    for (file, text) in sources() {
        let Some((_, allowed)) = below.iter().find(|(room, _)| file.starts_with(room)) else {
            continue;
        };
        for line in code(&text) {
            for named in line.split("crate::").skip(1) {
                let room: String = named
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let fine = room.is_empty() || allowed.contains(&room.as_str());
                assert!(fine, "src/{file} knows {room}: {line}");
            }
        }
    }
}

/// The modules of `src/contract/` that each of them names, without its tests.
fn named_in_contract() -> BTreeMap<String, BTreeSet<String>> {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in sources() {
        let Some(path) = file.strip_prefix("contract/") else {
            continue;
        };
        let of = path.split(['/', '.']).next().unwrap().to_owned();
        let is_top = !path.contains('/') || path.ends_with("/mod.rs");
        for line in code(&text) {
            let siblings = if is_top {
                "super::"
            } else {
                "crate::contract::"
            };
            let from = ["crate::contract::", siblings].map(|from| line.split(from).skip(1));
            for name in from.into_iter().flatten() {
                let name = name
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next();
                let name = name.unwrap().to_owned();
                if name.starts_with(char::is_lowercase) && name != of {
                    named.entry(of.clone()).or_default().insert(name);
                }
            }
        }
    }
    named
}

#[test]
fn modules_of_the_contract_import_each_other_in_no_circle() {
    let mut named = named_in_contract();
    assert!(named["shape"].contains("xml") && named["xml"].contains("problem"));
    // Modules that name no module that is left are below all others.
    while !named.is_empty() {
        let left: BTreeSet<_> = named.keys().cloned().collect();
        let before = named.len();
        named.retain(|_, names| names.iter().any(|name| left.contains(name)));
        assert!(named.len() < before, "a circle among {named:?}");
    }
}

#[test]
fn records_only_events_of_the_audit_event_enum_in_operations() {
    for (file, text) in sources() {
        if !file.starts_with("operations/") {
            continue;
        }
        for line in code(&text) {
            for opening in ["event: \"", "audit(c, \"", "event = \""] {
                let Some((_, rest)) = line.split_once(opening) else {
                    continue;
                };
                let word = rest.split('"').next().unwrap();
                assert!(
                    AuditEvent::parse(word).is_some(),
                    "src/{file}: {word:?} is no event of src/domain/audit_event.rs"
                );
            }
        }
    }
}

#[test]
fn opens_every_file_with_its_purpose_and_keeps_it_short() {
    for (file, text) in sources() {
        let opening = match file.rsplit_once('.').unwrap().1 {
            "css" => "/* ",
            "js" => "// ",
            "html" | "txt" => "{#- ",
            "svg" => "<!-- ",
            _ => "//! ",
        };
        assert!(
            text.starts_with(opening),
            "src/{file} does not open with its purpose"
        );
        let lines = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap()
            .lines()
            .count();
        assert!(
            lines <= 640,
            "src/{file} has {lines} lines; it holds more than one thing"
        );
    }
}

#[test]
fn names_only_existing_tests_in_the_security_table() {
    let table = std::fs::read_to_string(".github/SECURITY.md").unwrap();
    let mut code = sources()
        .into_iter()
        .map(|(_, text)| text)
        .collect::<String>();
    for entry in std::fs::read_dir("tests/it").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "rs") {
            code.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    let mut rules = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').collect();
        let [_, rule, _, held_by, _] = cells[..] else {
            panic!("a row needs three cells: {row}");
        };
        if !rule
            .trim_start()
            .starts_with(|c: char| c.is_ascii_uppercase())
        {
            continue;
        }
        rules += 1;
        let names = held_by.split('`').skip(1).step_by(2);
        for name in names.filter(|name| name.contains('_') && !name.contains('/')) {
            assert!(code.contains(&format!("fn {name}(")), "{rule}: {name}");
        }
    }
    assert!(rules >= 64, "{rules} rules");
}
