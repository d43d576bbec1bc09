//! The README's tables and `examples/gateway.toml` must equal the text that the code prints; `BLESS=1` rewrites the
//! files.

use std::fmt::Write as _;

use chaingun_gateway::config::{self, Config, TABLE, Values};
use chaingun_gateway::docs::CLIENTS;
use chaingun_gateway::operations::{CATALOG, Cost, Operation};

fn assert_file_equals(path: &str, printed: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, printed).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap();
    assert!(
        found == printed,
        "{path} is stale: run `BLESS=1 cargo test documents`"
    );
}

/// The README with the text between the two marks of this name replaced.
fn with_section(readme: &str, name: &str, printed: &str) -> String {
    let (before, rest) = readme.split_once(&format!("<!-- {name} -->\n")).unwrap();
    let (_, after) = rest.split_once(&format!("<!-- /{name} -->\n")).unwrap();
    format!("{before}<!-- {name} -->\n{printed}<!-- /{name} -->\n{after}")
}

fn settings() -> String {
    let mut table = "| setting | default | meaning |\n|---|---|---|\n".to_owned();
    for setting in TABLE {
        let default = if setting.default.is_empty() {
            "–"
        } else {
            setting.default
        };
        writeln!(
            table,
            "| `{}` | {default} | {} |",
            setting.name, setting.doc
        )
        .unwrap();
    }
    table
}

fn directory() -> String {
    let mut table = "| call | paths | description |\n|---|---|---|\n".to_owned();
    for operation in CATALOG.iter().filter(|o| !o.directory.is_empty()) {
        let routes = operation.directory.iter();
        let paths: Vec<_> = routes.map(|route| format!("`{}`", route.line())).collect();
        let (name, doc) = (operation.name, operation.doc);
        writeln!(table, "| `{name}` | {} | {doc} |", paths.join("<br>")).unwrap();
    }
    table
}

fn operations() -> String {
    let mut table = "| operation | SOAP | JSON-RPC | REST, below `/hammy/json/user/v1` | allowed callers | queue | description |\n\
                     |---|---|---|---|---|---|---|\n"
        .to_owned();
    let called = |o: &&&Operation| o.soap || o.rpc || !o.routes.is_empty();
    for operation in CATALOG.iter().filter(called) {
        let yes = |has: bool| if has { "yes" } else { "–" };
        let (soap, rpc) = (yes(operation.soap), yes(operation.rpc));
        let routes: Vec<_> = operation
            .routes
            .iter()
            .map(|r| format!("{} {}", r.method, r.path))
            .collect();
        let access = operation.access.who();
        let queue = match operation.cost {
            Cost::Read => "read",
            Cost::Search => "search",
            Cost::Write => "write",
            Cost::Hash => "hash",
        };
        let (name, doc) = (operation.name, operation.doc);
        writeln!(
            table,
            "| `{name}` | {soap} | {rpc} | {} | {access} | {queue} | {doc} |",
            routes.join(", ")
        )
        .unwrap();
    }
    table
}

#[test]
fn prints_the_settings_operations_and_clients_of_the_readme() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let readme = with_section(&readme, "settings", &settings());
    let readme = with_section(&readme, "operations", &operations());
    let readme = with_section(&readme, "directory", &directory());
    let readme = with_section(&readme, "clients", CLIENTS);
    assert_file_equals("README.md", &readme);
}

#[test]
fn prints_the_example_settings_file_with_every_default() {
    let mut text = "# Every setting with its default. In the environment `limits.page` is GATEWAY_LIMITS_PAGE, and\n\
                    # GATEWAY_LIMITS_PAGE_FILE names a file to read it from.\n"
        .to_owned();
    let mut section = "";
    for setting in TABLE {
        let (group, name) = setting.name.split_once('.').unwrap_or(("", setting.name));
        if group != section {
            section = group;
            writeln!(text, "\n[{group}]").unwrap();
        }
        let value = match setting.default.parse::<u64>() {
            Ok(number) => number.to_string(),
            Err(_) => format!("{:?}", setting.default),
        };
        writeln!(text, "\n# {}\n{name} = {value}", setting.doc).unwrap();
    }
    assert_file_equals("examples/gateway.toml", &text);
    let path = std::path::Path::new("examples/gateway.toml");
    let (values, mistakes) = config::gather(Some(path), &|_| None, Values::new());
    assert_eq!(values.len(), TABLE.len());
    Config::read(&values, mistakes).unwrap();
}
