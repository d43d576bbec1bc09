//! Checks the sources against the invariants of `src/lib.rs`: only the listed modules import a package, and no module
//! imports a module above.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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
fn imports_each_package_in_one_module_only() {
    let importers: [(&str, &[&str]); 22] = [
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
        (
            "minijinja",
            &[
                "contract/",
                "docs/",
                "web/",
                "loginbar/",
                "sso/",
                "delivery/",
            ],
        ),
        ("clap", &["main.rs", "cli/"]),
        ("rlimit", &["server/"]),
        ("toml", &["config/", "registry/"]),
        ("idna", &["domain/"]),
        (
            "percent_encoding",
            &["http/", "jsonapi/", "loginbar/", "web/", "delivery/"],
        ),
        ("flate2", &["http/"]),
        ("icu_properties", &["domain/"]),
        ("unicode_security", &["domain/"]),
    ];
    for (file, text) in sources() {
        for line in code(&text) {
            for (package, folders) in &importers {
                let used = line.contains(&format!("{package}::"))
                    || line.starts_with(&format!("use {package}"));
                let allowed = folders.iter().any(|folder| file.starts_with(folder));
                assert!(!used || allowed, "{package} in src/{file}: {line}");
            }
        }
    }
}

#[test]
fn imports_only_from_modules_below() {
    // The modules that each top-level module may import. Modules that assemble the program may import all modules.
    let below: [(&str, &[&str]); 20] = [
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
                "app_context",
                "registry",
                "secrets",
                "store",
            ],
        ),
        ("http/", &["http", "contract", "domain", "operations"]),
        ("docs/", &["docs", "contract", "operations"]),
        (
            "soap/",
            &["soap", "contract", "domain", "http", "operations"],
        ),
        ("jsonrpc/", &["jsonrpc", "contract", "http", "operations"]),
        (
            "web/",
            &[
                "web",
                "contract",
                "domain",
                "entropy",
                "http",
                "app_context",
                "registry",
                "secrets",
            ],
        ),
        (
            "loginbar/",
            &[
                "loginbar",
                "contract",
                "domain",
                "http",
                "operations",
                "app_context",
                "secrets",
                "web",
                // Only the tests of loginbar import it, to make keys.
                "entropy",
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
                "http",
                "operations",
                "app_context",
                "web",
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
                "app_context",
                "soap",
                "sso",
                "web",
            ],
        ),
        (
            "delivery/",
            &[
                "delivery",
                "domain",
                "metrics",
                "app_context",
                "secrets",
                "store",
                "threads",
            ],
        ),
        (
            "background/",
            &[
                "background",
                "delivery",
                "domain",
                "app_context",
                "registry",
                "secrets",
                "store",
                "threads",
            ],
        ),
        ("registry.rs", &["domain", "store"]),
        ("registry/", &["registry", "domain", "secrets", "store"]),
        (
            "app_context.rs",
            &[
                "clock", "domain", "entropy", "metrics", "registry", "secrets", "store",
            ],
        ),
    ];
    for (file, text) in sources() {
        let Some((_, allowed)) = below.iter().find(|(folder, _)| file.starts_with(folder)) else {
            continue;
        };
        for line in code(&text) {
            for named in line.split("crate::").skip(1) {
                let folder: String = named
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let fine = folder.is_empty() || allowed.contains(&folder.as_str());
                assert!(
                    fine,
                    "src/{file} imports {folder}, which is not below: {line}"
                );
            }
        }
    }
}

/// The first name of each path below `prefix` in this code, also inside of braces: `a` and `b` of `crate::{a::X, b}`.
fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut names = Vec::new();
    for rest in code.split(prefix).skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let (mut depth, mut at_start) = (0, true);
        for (at, c) in list.char_indices() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => at_start = true,
                c if at_start && !c.is_whitespace() => {
                    names.push(word(&list[at..]));
                    at_start = false;
                }
                _ => {}
            }
        }
    }
    names.retain(|name| !name.is_empty() && name != "self" && name != "super");
    names
}

/// The import cycles, and the modules on a path between two cycles. The function removes modules that import no module
/// or that no module imports, until none is left to remove.
fn cycles(mut imports: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let before = imports.clone();
        let imported: BTreeSet<String> = imports.values().flatten().cloned().collect();
        imports.retain(|module, of| !of.is_empty() && imported.contains(module));
        let left: BTreeSet<String> = imports.keys().cloned().collect();
        for of in imports.values_mut() {
            of.retain(|module| left.contains(module));
        }
        if imports == before {
            return imports;
        }
    }
}

/// The code of each Rust file of `src`, by its path.
fn rust_code() -> BTreeMap<String, String> {
    let rust = sources()
        .into_iter()
        .filter(|(file, _)| file.ends_with(".rs"));
    rust.map(|(file, text)| {
        let code: Vec<&str> = code(&text).collect();
        (file, code.join("\n"))
    })
    .collect()
}

#[test]
fn no_top_level_module_imports_a_module_that_imports_it() {
    let mut imports = BTreeMap::<String, BTreeSet<String>>::new();
    for (file, code) in rust_code() {
        let folder = file.split('/').next().unwrap().trim_end_matches(".rs");
        if !["main", "lib", "cli"].contains(&folder) {
            let of = imports.entry(folder.to_owned()).or_default();
            of.extend(names_after(&code, "crate::"));
            of.remove(folder);
        }
    }
    let found = cycles(imports);
    assert!(
        found.is_empty(),
        "top-level modules that import each other: {found:#?}"
    );
}

#[test]
fn no_module_imports_a_sibling_that_imports_it() {
    let code = rust_code();
    let folders: BTreeSet<&str> = code
        .keys()
        .filter_map(|file| Some(file.split_once('/')?.0))
        .filter(|folder| *folder != "cli")
        .collect();
    for folder in folders {
        let own: Vec<(&str, &str)> = code
            .iter()
            .filter_map(|(file, code)| match file.strip_prefix(folder)? {
                ".rs" => Some(("mod.rs", code.as_str())),
                file => Some((file.strip_prefix('/')?, code.as_str())),
            })
            .collect();
        let module = |file: &str| {
            let first = file.split('/').next().unwrap();
            first.trim_end_matches(".rs").to_owned()
        };
        let modules: BTreeSet<String> = own.iter().map(|(file, _)| module(file)).collect();
        // The module of each name that mod.rs re-exports.
        let mut reexports = BTreeMap::new();
        let (_, top) = own.iter().find(|(file, _)| *file == "mod.rs").unwrap();
        for statement in top.split(';').map(str::trim) {
            let Some((_, path)) = statement
                .split_once("pub use ")
                .or(statement.split_once(") use "))
            else {
                continue;
            };
            let (from, _) = path
                .trim_start_matches("self::")
                .split_once("::")
                .unwrap_or((path, ""));
            for name in names_after(path, &format!("{from}::")) {
                reexports.insert(name, from.to_owned());
            }
        }
        let mut imports = BTreeMap::<String, BTreeSet<String>>::new();
        for (file, code) in &own {
            let module = module(file);
            let of = imports.entry(module.clone()).or_default();
            let names = if module == "mod" {
                let used: Vec<&str> = code
                    .split(';')
                    .filter(|s| !s.contains("pub use "))
                    .collect();
                let used = used.join(";");
                let is_used = |name: &&String| used.contains(&format!("{name}::"));
                modules.iter().filter(is_used).cloned().collect()
            } else {
                let depth = file.matches('/').count() - usize::from(file.ends_with("/mod.rs"));
                let up = "super::".repeat(depth + 1);
                let mut names = names_after(code, &format!("crate::{folder}::"));
                names.extend(names_after(&code.replace(&format!("{up}super::"), ""), &up));
                names
            };
            for name in names {
                let at = match modules.contains(&name) {
                    true => name,
                    false => reexports.get(&name).cloned().unwrap_or("mod".to_owned()),
                };
                if at != module {
                    of.insert(at);
                }
            }
        }
        let found = cycles(imports);
        assert!(
            found.is_empty(),
            "modules of {folder} that import each other: {found:#?}"
        );
    }
}

#[test]
fn opens_every_file_with_its_purpose_and_keeps_it_short() {
    for (file, text) in sources() {
        let opening = match file.rsplit_once('.').unwrap().1 {
            "css" => "/* ",
            "js" => "// ",
            "html" | "txt" | "wsdl" | "xsd" => "{#- ",
            "svg" | "md" => "<!-- ",
            _ => "//! ",
        };
        assert!(
            text.starts_with(opening),
            "src/{file} does not open with its purpose"
        );
        let lines = text.lines().count();
        assert!(
            lines <= 500 || file == "contract/messages.rs",
            "src/{file} has {lines} lines; split it by topic"
        );
    }
}

#[test]
fn keeps_functions_within_80_lines() {
    for (file, text) in sources().iter().filter(|(file, _)| file.ends_with(".rs")) {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let start = line.trim_start();
            let indent = &line[..line.len() - start.len()];
            let Some((before, rest)) = start.split_once("fn ") else {
                continue;
            };
            let first = before.split_whitespace().next().unwrap_or("fn");
            let starts = ["fn", "pub", "const", "async"];
            if !starts.iter().any(|start| first.starts_with(start)) {
                continue;
            }
            let name = rest.split(['(', '<']).next().unwrap();
            // The end of the body, or of a declaration without a body.
            let ends = |line: &&str| {
                let rest = line.strip_prefix(indent).unwrap_or(" ");
                rest == "}" || (!rest.starts_with(' ') && rest.ends_with([';', '}']))
            };
            let length = lines[at..].iter().position(ends).unwrap() + 1;
            assert!(length <= 80, "src/{file}: {name} has {length} lines");
        }
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

#[test]
fn keeps_only_the_agreed_names_at_the_top_level() {
    let agreed = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "examples",
        "schema",
        "src",
        "tests",
        "wsdl",
        // The next two are not committed.
        "data",
        "target",
    ];
    for entry in std::fs::read_dir(".").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || agreed.contains(&name.as_str()),
            "{name} at the top level"
        );
    }
}
