//! The registry file: apply, change, prune, export, refusals, and reloads by running nodes.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use chaingun_gateway::store::{Opening, Store};
use serde_json::{Value, json};

use crate::cli::{Ended, Shell};
use crate::harness::process::Process;
use crate::harness::rest::{KEY, ask};
use crate::harness::{Database, Gateway};

const EXAMPLE: &str = include_str!("../../examples/registry.toml");

/// A data folder and a database for one test.
struct Installation {
    data: tempfile::TempDir,
    database: Database,
}

impl Installation {
    fn new() -> Self {
        Self {
            data: tempfile::tempdir().unwrap(),
            database: Database::fresh(),
        }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let shell = Shell {
            data: self.data.path(),
            database: &self.database,
        };
        shell.run(arguments)
    }

    /// Applies a registry file with this text.
    fn apply(&self, text: &str, flags: &[&str]) -> Ended {
        write(self.data.path(), text);
        self.run(&[&["apply", "registry.toml"], flags].concat())
    }

    /// Applies the file, which must succeed; returns the output.
    fn applied(&self, text: &str, flags: &[&str]) -> String {
        let ended = self.apply(text, flags);
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.out
    }

    fn export(&self) -> String {
        self.run(&["registry", "export"]).out
    }

    fn events(&self) -> usize {
        let log = self.run(&["audit", "list", "--json"]).records();
        log.iter()
            .filter(|e| e["event"] == "registry_applied")
            .count()
    }
}

fn write(folder: &Path, text: &str) {
    std::fs::write(folder.join("registry.toml"), text).unwrap();
}

#[test]
fn applies_the_example_once_and_exports_it_unchanged() {
    let installation = Installation::new();
    let first = installation.applied(EXAMPLE, &[]);
    let wanted = "+ client Portal\n+ client Back office\n+ organisation hammy\n+ organisation dbx-2020-0403\n\
                  + portal 1\n+ agreement 1\n+ agreement 2\n+ service 1\n+ service 2\n+ application example.front\n\
                  + partner apekx\n= 0 unchanged\n";
    assert_eq!(first, wanted);
    assert_eq!(installation.applied(EXAMPLE, &[]), "= 11 unchanged\n");
    assert_eq!(
        installation.events(),
        1,
        "an apply without changes is not audited"
    );

    let exported = installation.export();
    for secret in ["replace-this", "gateway\""] {
        assert!(!exported.contains(secret), "{exported}");
    }
    assert!(exported.contains("Secrets") && exported.contains("key_sha256"));
    // The export also holds the client `Default`.
    assert_eq!(
        installation.applied(&exported, &["--prune"]),
        "= 12 unchanged\n"
    );
    assert_eq!(
        installation.applied(EXAMPLE, &["--prune"]),
        "= 11 unchanged\n"
    );
    assert_eq!(installation.export(), exported);
}

#[test]
fn applies_the_export_of_the_demo_without_changes() {
    let installation = Installation::new();
    let folder = installation.data.path().join("data");
    Process::start(&folder, installation.database.url(), &[], &["--demo"]).stop();
    let exported = installation.export();
    let again = installation.applied(&exported, &["--prune"]);
    assert!(again.starts_with("= "), "{again}");
    // An organisation with members is removed only with --force.
    let refused = installation.apply("", &["--prune"]);
    assert_eq!(refused.code, 64);
    assert!(
        refused.err.contains("organisation moby is not named") && refused.err.contains("--force"),
        "{}",
        refused.err
    );
    assert_eq!(installation.export(), exported);
    let forced = installation.applied("", &["--prune", "--force"]);
    assert!(forced.contains("- organisation moby\n"), "{forced}");
    let clients = installation.run(&["client", "list"]).out;
    assert!(
        clients.contains("Default") && !clients.contains("Portal"),
        "{clients}"
    );
}

#[test]
fn prints_changes_by_field_and_changes_nothing_in_a_dry_run() {
    let installation = Installation::new();
    installation.applied(EXAMPLE, &[]);
    let before = installation.export();
    let changed = EXAMPLE
        .replace("replace-this-portal-key", "another-key-of-the-portal")
        .replace(
            "https://service.example.org/users",
            "https://b.example.org/u",
        )
        .replace("replace-this-secret-key", "another-secret-key-it-is")
        .replace("requires = [1, 2]", "requires = [2]")
        .replace(
            "id = 1\nname = \"Terms of use\"",
            "id = 3\nname = \"Terms\"",
        );
    let wanted = "~ client Portal key\n+ agreement 3\n~ service 1 callback_url secret_key requires\n\
                  - agreement 1\n= 8 unchanged\n";
    assert_eq!(
        installation.applied(&changed, &["--prune", "--dry-run"]),
        wanted
    );
    assert_eq!((installation.export(), installation.events()), (before, 1));
    assert_eq!(installation.applied(&changed, &["--prune"]), wanted);
    assert_eq!(
        installation.applied(&changed, &["--prune"]),
        "= 11 unchanged\n"
    );

    let fewer = "[[portals]]\nid = 1\nname = \"Renamed\"\n";
    let ended = installation.apply(fewer, &["--json"]);
    let wanted = [
        json!({"change": "changed", "kind": "portal", "name": "1", "fields": ["name"]}),
        json!({"change": "left", "count": 0}),
    ];
    assert_eq!(ended.records(), wanted);
    // A file may refer to a stored portal, unless the same apply removes the portal.
    let service = "[[services]]\nid = 9\nportal = 1\nname = \"S\"\n";
    assert_eq!(
        installation.applied(service, &[]),
        "+ service 9\n= 0 unchanged\n"
    );
    let dangling = installation.apply(service, &["--prune"]);
    assert_eq!(dangling.code, 64);
    assert!(
        dangling
            .err
            .contains("services[0].portal: there is no portal 1"),
        "{}",
        dangling.err
    );
}

#[test]
fn accepts_the_registry_file_of_the_readme() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (_, rest) = readme.split_once("<!-- registry -->\n```toml\n").unwrap();
    let (text, _) = rest.split_once("```\n<!-- /registry -->").unwrap();
    let installation = Installation::new();
    for file in ["portal.key", "orders.key"] {
        std::fs::write(installation.data.path().join(file), "replace-this-secret\n").unwrap();
    }
    assert_eq!(
        installation.applied(text, &["--dry-run"]).lines().count(),
        6
    );
}

#[test]
fn lets_two_clients_exchange_their_keys() {
    let installation = Installation::new();
    let clients = |a: &str, b: &str| {
        format!(
            "[[clients]]\nname = \"A\"\nkey = \"{a}\"\ntrust = \"public\"\n\
             [[clients]]\nname = \"B\"\nkey = \"{b}\"\ntrust = \"public\"\n"
        )
    };
    let (one, two) = ("the-first-key-of-all", "the-second-key-of-all");
    installation.applied(&clients(one, two), &[]);
    assert_eq!(
        installation.applied(&clients(two, one), &[]),
        "~ client A key\n~ client B key\n= 0 unchanged\n"
    );
    let taken = format!("[[clients]]\nname = \"C\"\nkey = \"{one}\"\ntrust = \"public\"\n");
    let refused = installation.apply(&taken, &[]);
    assert!(
        refused.code == 64
            && refused
                .err
                .contains("clients[0].key: client B has this key"),
        "{}",
        refused.err
    );
    assert!(!refused.err.contains(one));
    installation.applied(&taken, &["--prune"]);
}

const WRONG: &str = r#"
colour = 1
[[clients]]
name = "A"
key = "short"
trust = "some"
colour = "red"
[[clients]]
name = "A"
key_sha256 = "ABC"
trust = "public"
[[clients]]
name = "New"
trust = "public"
[[organisations]]
uuid = " x"
name = "X"
join = "perhaps"
[[portals]]
id = 0
name = "P"
[[services]]
id = 1
portal = 1
name = "S"
requires = [7, 7]
[[services]]
id = 2
portal = 7
name = "T"
callback_url = "https://U:p@host/{id}"
access_key = "a:b"
secret_key_file = "nowhere.txt"
requires = [4]
[[services]]
id = 3
portal = 7
name = "U"
callback_url = "https://host/users"
[[applications]]
client_id = "front.onetapi.pl"
origins = ["https://A.example.org/", 5]
redirect_uris = []
[[partners]]
iss = "p"
public_keys = ["""
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCkhWP4Zk8SWTngEPW1o87JTdH6
uhItf6utRrZLjK0NHM3HF2HoSrsp80wX8Wi0kKcSPwuFLs7R6ibuBEe2xlPoeWTh
+l2MW0w5+FsqCyq05zvpGvSYXZqs412plHQb5l11fnXS8yr9Y6GqwZR7OJBq8Kip
1dJGQkTKGPhPg2WYAQIDAQAB
-----END PUBLIC KEY-----
"""]
state_ids = ["s"]
max_life_s = 315360001
"#;

#[test]
fn reports_every_mistake_at_once_with_its_place() {
    let installation = Installation::new();
    let refused = installation.apply(WRONG, &[]);
    assert_eq!((refused.code, refused.out.as_str()), (64, ""));
    let told: Vec<_> = refused
        .err
        .lines()
        .map(|l| l.split("registry.toml: ").nth(1).unwrap())
        .collect();
    let places: Vec<_> = told.iter().map(|l| l.split(": ").next().unwrap()).collect();
    let mut wanted = vec![
        "colour",
        "clients[0].colour",
        "clients[0].key",
        "clients[0].trust",
        "clients[1].key_sha256",
        "clients[1].name",
        "clients[2].key",
        "organisations[0].uuid",
        "organisations[0].join",
        "portals[0].id",
        "services[0].portal",
        "services[0].requires[1]",
        "services[0].requires",
        "services[1].callback_url",
        "services[1].secret_key_file",
        "services[1].access_key",
        "services[1].portal",
        "services[1].requires",
        "services[2].portal",
        "services[2].secret_key",
        "applications[0].client_id",
        "applications[0].origins[0]",
        "applications[0].origins[1]",
        "applications[0].redirect_uris",
        "applications[0].secret",
        "partners[0].public_keys[0]",
        "partners[0].max_life_s",
    ];
    let mut found_sorted = places.clone();
    found_sorted.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found_sorted, wanted, "{}", refused.err);
    assert!(told.contains(&"services[2].portal: there is no portal 7"));
    assert!(!refused.err.contains("short"), "no secret is printed");

    // A file with mistakes changes nothing, and neither does a file that is not TOML.
    assert_eq!(installation.export().matches("[[").count(), 1);
    let broken = "[[clients]]\nkey = \"a-secret-key-that-is\" x\n";
    let broken = installation.apply(broken, &["--prune"]);
    assert_eq!((broken.code, broken.err.lines().count()), (64, 1));
    assert!(
        broken.err.contains("line 2") && !broken.err.contains("a-secret-key"),
        "{}",
        broken.err
    );
    assert_eq!(installation.run(&["apply", "nowhere.toml"]).code, 1);
    assert_eq!(
        installation
            .run(&["apply", "registry.toml", "--force"])
            .code,
        2
    );
}

#[test]
fn reads_secrets_from_files_and_stores_them_sealed() {
    let installation = Installation::new();
    let secret = "titkos-kulcs-a-fajlbol";
    std::fs::write(
        installation.data.path().join("secret.txt"),
        format!("{secret}\n"),
    )
    .unwrap();
    let text = EXAMPLE.replace(
        "secret_key = \"replace-this-secret-key\"",
        "secret_key_file = \"secret.txt\"",
    );
    installation.applied(&text, &[]);
    let given = EXAMPLE.replace("replace-this-secret-key", secret);
    assert_eq!(installation.applied(&given, &[]), "= 11 unchanged\n");
    if installation.database.url().is_some() {
        // The test cannot read the files of the PostgreSQL server. The gateway writes the same values to both.
        return;
    }
    for file in std::fs::read_dir(installation.data.path().join("data"))
        .unwrap()
        .flatten()
    {
        if file.path().is_dir() {
            continue;
        }
        let bytes = std::fs::read(file.path()).unwrap();
        for secret in [
            secret,
            "replace-this-application-secret",
            "replace-this-portal-key",
        ] {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{secret} in {:?}", file.path());
        }
    }
}

/// Whether the gateway knows a client with this key.
fn is_known(process: &Process, key: &str) -> bool {
    let header = format!("X-Client-Hash-Key: {key}\r\n");
    let reply = ask(&process.speaker, "GET", "/users/nobody", &header, "");
    !reply.body.contains("UNKNOWN_CLIENT")
}

#[test]
fn applies_changes_in_a_running_node_and_rereads_the_file_at_sighup() {
    let installation = Installation::new();
    let file = installation.data.path().join("registry.toml");
    let client = |key: &str| {
        format!("[[clients]]\nname = \"Portal\"\nkey = \"{key}\"\ntrust = \"trusted\"\n")
    };
    let (one, two, three) = (
        "the-first-key-of-all",
        "the-second-key-of-all",
        "the-third-key-of-all",
    );
    write(installation.data.path(), &client(one));
    let process = Process::start(
        &installation.data.path().join("data"),
        installation.database.url(),
        &[],
        &["--registry", file.to_str().unwrap()],
    );
    assert!(is_known(&process, one));
    installation.applied(&client(two), &[]);
    while !is_known(&process, two) {
        std::thread::yield_now();
    }
    assert!(!is_known(&process, one));

    let hang_up = || {
        let id = process.id().to_string();
        let sent = Command::new("kill").args(["-HUP", &id]).status().unwrap();
        assert!(sent.success());
    };
    write(installation.data.path(), "[[clients]]\nname = \"Portal\"\n");
    hang_up();
    write(installation.data.path(), &client("weak"));
    hang_up();
    write(installation.data.path(), &client(three));
    hang_up();
    while !is_known(&process, three) {
        std::thread::yield_now();
    }
    assert!(!is_known(&process, two));
    let log = process.stop();
    assert!(log.contains("the registry file is applied"), "{log}");

    write(installation.data.path(), &client("weak"));
    let refused = installation.run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--registry",
        "registry.toml",
    ]);
    assert!(
        refused.code == 1 && refused.err.contains("clients[0].key"),
        "{}",
        refused.err
    );
}

/// PostgreSQL notifies the nodes of a change. On SQLite the nodes poll.
#[test]
fn notifies_listening_nodes_of_a_change() {
    let installation = Installation::new();
    let Some(url) = installation.database.url() else {
        return;
    };
    let store = Store::open(Opening::parse(&url, 1, 1000).unwrap()).unwrap();
    let mut changes = store.changes();
    assert!(
        changes.may_have_changed(),
        "the start of listening counts as a change"
    );
    let opened = Instant::now();
    let client =
        "[[clients]]\nname = \"Portal\"\nkey = \"the-first-key-of-all\"\ntrust = \"trusted\"\n";
    installation.applied(client, &[]);
    while !changes.may_have_changed() {
        std::thread::yield_now();
    }
    let after = opened.elapsed();
    assert!(
        after < Duration::from_secs(9),
        "the change was found by polling: {after:?}"
    );
}

#[test]
fn logs_a_wrong_file_at_sighup_and_changes_nothing() {
    let installation = Installation::new();
    let file = installation.data.path().join("registry.toml");
    write(installation.data.path(), EXAMPLE);
    let process = Process::start(
        &installation.data.path().join("data"),
        installation.database.url(),
        &[("registry", file.to_str().unwrap())],
        &[],
    );
    let before = installation.export();
    let pipe = installation.data.path().join("nowhere.txt");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    write(installation.data.path(), WRONG);
    let id = process.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-HUP", &id])
            .status()
            .unwrap()
            .success()
    );
    // This write returns when the gateway reads the pipe. The gateway logs the mistakes before it stops.
    std::fs::write(&pipe, "short\n").unwrap();
    assert!(is_known(&process, "replace-this-portal-key"));
    let log = process.stop();
    assert!(
        log.contains("services[2].portal: there is no portal 7"),
        "{log}"
    );
    assert_eq!(installation.export(), before);
}

#[test]
fn removes_an_organisation_with_members_only_by_force() {
    let gateway = Gateway::demo();
    let file = gateway.data.path().join("registry.toml");
    let applier = chaingun_gateway::registry::apply::Applier {
        store: &gateway.app.store,
        sealer: &gateway.app.sealer,
        by: "test",
        now: crate::harness::NOW,
    };
    let wishes = |force| chaingun_gateway::registry::kind::ApplyOptions { prune: true, force };
    write(
        gateway.data.path(),
        "[[organisations]]\nuuid = \"default\"\nname = \"Default Org\"\njoin = \"open\"\n",
    );
    let refused = applier.apply(&file, wishes(false)).unwrap_err().to_string();
    assert!(refused.contains("organisation hammy"), "{refused}");
    applier.apply(&file, wishes(true)).unwrap();
    let shown: Value =
        serde_json::from_str(&ask(&gateway, "GET", "/users/hakapeszimaki", KEY, "").body).unwrap();
    assert!(shown["errors"].is_null(), "{shown}");
    let members = gateway
        .app
        .store
        .read(|c| chaingun_gateway::store::organisations::members(c, "hammy"))
        .unwrap();
    assert_eq!(members, 0);
}
