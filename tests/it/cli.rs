//! The command line as an operator uses it: output for people, JSON output and exit codes.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use chaingun_gateway::secrets::sealing::Binding;
use chaingun_gateway::store::{AnyConnection, outbox};
use serde_json::{Value, json};

use crate::harness::process::Process;
use crate::harness::{Database, DeliverDue as _, Gateway, NOW, element, envelope};

/// Runs commands in a folder, as an operator's shell does.
pub struct Shell<'a> {
    pub data: &'a Path,
    pub database: &'a Database,
}

/// The exit code of a command, and its output.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The output as JSON records, one per line.
    pub fn records(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect()
    }
}

impl Shell<'_> {
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "", &[])
    }

    pub fn run_with(&self, arguments: &[&str], input: &str, environment: &[(&str, &str)]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaingun-gateway"));
        command
            .args(arguments)
            .current_dir(self.data)
            .env("GATEWAY_PASSWORD_COST", "4")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(url) = self.database.url() {
            command.env("GATEWAY_DATABASE_URL", url);
        }
        let mut child = command.spawn().unwrap();
        // A command that reads no input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

#[test]
fn sets_up_an_installation_with_commands_only() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let migrated = shell.run(&["migrate"]);
    assert_eq!(migrated.code, 0, "{}", migrated.err);
    let numbers: std::collections::BTreeSet<String> = std::fs::read_dir("schema/sql/sqlite")
        .unwrap()
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .map(|name| name.split('_').next().unwrap().to_owned())
        .collect();
    let numbers: Vec<_> = numbers.into_iter().collect();
    assert_eq!(migrated.out, format!("Applied {}.\n", numbers.join(", ")));
    assert_eq!(shell.run(&["migrate"]).out, "The database is up to date.\n");

    let added = shell.run(&["client", "add", "Hivatal", "--trust", "trusted", "--json"]);
    let key = added.records()[0]["key"].as_str().unwrap().to_owned();
    assert_eq!(key.len(), 32);
    let again = shell.run(&["client", "add", "Hivatal"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("Hivatal"), "{}", again.err);
    let org = shell.run(&["org", "add", "dbx-2020-0403", "Dbx", "--open"]);
    assert_eq!(org.code, 0, "{}", org.err);
    assert_eq!(shell.run(&["org", "list", "--json"]).records().len(), 1);

    let user = [
        "user",
        "add",
        "jani",
        "--name",
        "Jani",
        "--email",
        "jani@dbx.hu",
        "--role",
        "USER_ADMIN",
        "--password-stdin",
    ];
    let made = shell.run_with(&user, "Jani-Jelszo-1\n", &[]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(!made.out.contains("Jani-Jelszo-1"));
    let shown = &shell.run(&["user", "show", "JANI", "--json"]).records()[0];
    assert_eq!(
        (&shown["user_name"], &shown["status"]),
        (&json!("jani"), &json!("ACTIVE"))
    );
    let weak = [
        "user",
        "add",
        "pali",
        "--name",
        "P",
        "--email",
        "p@dbx.hu",
        "--password-stdin",
    ];
    let refused = shell.run_with(&weak, "abc\n", &[]);
    assert!(
        refused.code == 1 && refused.err.contains("at least 8"),
        "{}",
        refused.err
    );
    assert_eq!(
        shell.run(&["user", "show", "pali"]).code,
        1,
        "a refused user is not stored"
    );
    for wrong in [
        &["user", "add", "", "--name", "P", "--email", "p@dbx.hu"][..],
        &[
            "user",
            "add",
            &"p".repeat(129),
            "--name",
            "P",
            "--email",
            "p@dbx.hu",
        ],
        &["client", "add", ""],
        &["client", "add", "A", "--key", " k "],
        &["client", "add", "A", "--key", &key],
        &["org", "add", "", "A"],
        &["client", "disable", "nobody"],
    ] {
        let refused = shell.run(wrong);
        assert_eq!(refused.code, 1, "{wrong:?}");
        assert!(!refused.err.contains("constraint"), "{}", refused.err);
    }
    let weak = shell.run_with(&["user", "set-password", "jani"], "jani\n", &[]);
    assert_eq!(weak.code, 1);
    assert!(weak.err.contains("at least 8 characters"), "{}", weak.err);
    assert_eq!(
        shell
            .run_with(&["user", "set-password", "jani"], "Jani-Jelszo-2\n", &[])
            .code,
        0
    );
    let found = shell.run(&["user", "find", "--email", "DBX"]);
    assert!(
        found.out.contains("jani") && found.out.contains("jani@dbx.hu"),
        "{}",
        found.out
    );
    assert_eq!(shell.run(&["user", "show", "nobody"]).code, 1);

    let process = Process::start(&data.path().join("data"), database.url(), &[], &[]);
    let call = |key: &str, operation: &str, request: &str| {
        let body = envelope(operation, request).replace("demo-hash-key", key);
        let body = process.speaker.soap(&body).body;
        let message = body.split("<message>").nth(1);
        element(message.unwrap_or(&body), "code")
            .unwrap()
            .to_owned()
    };
    let show = "<userName>jani</userName>";
    assert_eq!(call(&key, "showUser", show), "0");
    let sign_in = "<userNameOrEmail>jani</userNameOrEmail><password>Jani-Jelszo-2</password>";
    assert_eq!(call("", "authenticate", sign_in), "0");

    // The running server applies the changes that commands write to the database.
    let rotated = shell.run(&["client", "rotate-key", "Hivatal", "--json"]);
    let newer = rotated.records()[0]["key"].as_str().unwrap().to_owned();
    while call(&newer, "showUser", show) != "0" {
        std::thread::yield_now();
    }
    assert_eq!(call(&key, "showUser", show), "UNKNOWN_CLIENT");
    assert_eq!(shell.run(&["client", "disable", "Hivatal"]).code, 0);
    while call(&newer, "showUser", show) == "0" {
        std::thread::yield_now();
    }
    let listed = shell.run(&["client", "list", "--json"]).records();
    let hivatal = listed.iter().find(|c| c["name"] == "Hivatal").unwrap();
    assert_eq!(
        (&hivatal["trust"], &hivatal["active"]),
        (&json!("trusted"), &json!(false))
    );
    // Text of a caller with a line break must not look like another audit entry.
    call(
        "",
        "resetPassword",
        "<userNameOrEmail>x&#10;2026 user_updated ok&#x9b;31m</userNameOrEmail>",
    );
    process.stop();
    let told = shell.run(&["audit", "list"]).out;
    assert!(
        told.contains("x\\u{a}2026 user_updated ok\\u{9b}31m"),
        "{told}"
    );

    // The limit is high, because the loops above, which wait for the keys, caused many refusals.
    let log = shell
        .run(&["audit", "list", "--json", "--limit", "100000"])
        .records();
    let events: Vec<_> = log
        .iter()
        .rev()
        .map(|e| e["event"].as_str().unwrap())
        .collect();
    for event in [
        "client_added",
        "organisation_added",
        "user_created",
        "authn_password_change",
        "authn_login",
        "client_key_rotated",
    ] {
        assert!(events.contains(&event), "{event} in {events:?}");
    }
}

#[test]
fn reports_all_wrong_settings_at_once_and_exits_with_64() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    assert_eq!(shell.run(&["check-config"]).code, 0);
    std::fs::write(
        data.path().join("gateway.toml"),
        "lsten = 1\n[limits]\npage = 0\n[mail]\nfrom = \"x\"\n",
    )
    .unwrap();
    let unknown = shell.run(&["check-config"]);
    assert_eq!(unknown.code, 64);
    assert_eq!(unknown.err.lines().count(), 3, "{}", unknown.err);
    assert!(
        unknown.err.contains("lsten is not a setting"),
        "{}",
        unknown.err
    );
    std::fs::write(
        data.path().join("gateway.toml"),
        "listen = \"here\"\n[limits]\npage = 0\n",
    )
    .unwrap();
    let wrong = shell.run_with(
        &["check-config"],
        "",
        &[("GATEWAY_TOKEN_ALGORITHM", "none")],
    );
    assert_eq!(
        (wrong.code, wrong.err.lines().count()),
        (64, 3),
        "{}",
        wrong.err
    );
    for told in [
        "listen = \"here\" must be an address",
        "limits.page = \"0\" must be a whole number from 1",
        "token.algorithm",
    ] {
        assert!(wrong.err.contains(told), "{told}: {}", wrong.err);
    }
    assert_eq!(shell.run(&["nonsense"]).code, 2);
}

#[test]
fn checks_the_registry_file_in_check_config() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let file = data.path().join("registry.toml");
    let registry = file.to_str().unwrap().to_owned();
    let check = || shell.run_with(&["check-config"], "", &[("GATEWAY_REGISTRY", &registry)]);
    let missing = check();
    assert_eq!(
        (missing.code, missing.err.lines().count()),
        (64, 1),
        "{}",
        missing.err
    );
    std::fs::write(&file, "[[portals]]\nid = 0\n[[clents]]\nname = \"a\"\n").unwrap();
    let wrong = check();
    assert_eq!((wrong.code, wrong.out.as_str()), (64, ""));
    assert!(wrong.err.lines().count() >= 2, "{}", wrong.err);
    assert!(wrong.err.lines().all(|l| l.contains("registry.toml: ")));
    std::fs::write(&file, "[[portals]]\nid = 1\nname = \"One\"\n").unwrap();
    assert_eq!(check().code, 0);
}

#[test]
fn refuses_to_serve_the_demo_on_a_public_address() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let refused = shell.run(&["serve", "--demo", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("loopback"), "{}", refused.err);
}

#[test]
fn refuses_to_mix_demo_data_and_real_data() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    assert_eq!(shell.run(&["client", "rotate-key", "Default"]).code, 0);
    let refused = shell.run(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
    assert!(
        refused.code == 1 && refused.err.contains("--data-dir"),
        "{}",
        refused.err
    );

    let folder = data.path().join("demo");
    let demo = Database::fresh();
    Process::start(&folder, demo.url(), &[], &["--demo"]).stop();
    let open = [
        "serve",
        "--listen",
        "0.0.0.0:0",
        "--data-dir",
        folder.to_str().unwrap(),
    ];
    let shell = Shell {
        data: data.path(),
        database: &demo,
    };
    let refused = shell.run(&open);
    assert!(
        refused.code == 1 && refused.err.contains("loopback"),
        "{}",
        refused.err
    );
}

#[test]
fn reports_an_unreachable_database_without_its_password() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let url = "postgres://gateway:Titkos-Jelszo@127.0.0.1:1/none";
    let failed = shell.run(&["migrate", "--database-url", url]);
    assert_eq!(failed.code, 1);
    assert!(
        failed.err.contains("127.0.0.1") && !failed.err.contains("Titkos"),
        "{}",
        failed.err
    );
    let wrong = shell.run(&[
        "migrate",
        "--database-url",
        "mysql://gateway:Titkos-Jelszo@db/none",
    ]);
    assert_eq!(wrong.code, 64);
    assert!(!wrong.err.contains("Titkos"), "{}", wrong.err);
}

#[test]
fn replaces_keys_and_erases_users_while_the_gateway_runs() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let folder = data.path().join("data");
    let process = Process::start(&folder, database.url(), &[], &["--demo"]);
    let keys = |command: &[&str]| {
        let all = [&["keys", "--json"], command].concat();
        let ended = shell.run(&all);
        assert_eq!(ended.code, 0, "{}", ended.err);
        let records = ended.records();
        records
            .iter()
            .map(|k| (k["kid"].as_str().unwrap().to_owned(), k["signs"] == true))
            .collect::<Vec<_>>()
    };
    let first = keys(&["list"])[0].0.clone();
    let both = keys(&["rotate"]);
    assert_eq!(both.len(), 2);
    assert!(both[0].1 && !both[1].1);
    assert_eq!(both[1].0, first);
    let published = || process.speaker.get("/.well-known/jwks.json").body;
    while !published().contains(&both[0].0) {
        std::thread::yield_now();
    }
    assert!(published().contains(&first));
    let third = keys(&["rotate", "--revoke"]);
    assert!(!third.iter().any(|(kid, _)| *kid == both[0].0), "{third:?}");

    let refused = shell.run(&["user", "erase", "mokamiki"]);
    assert_eq!((refused.code, refused.err.contains("--yes")), (1, true));
    let erased = shell.run(&["user", "erase", "MokaMiki", "--yes"]);
    assert_eq!(
        (erased.code, erased.out.as_str()),
        (0, "MokaMiki is erased.\n"),
        "{}",
        erased.err
    );
    assert_eq!(shell.run(&["user", "show", "mokamiki"]).code, 1);
    assert_eq!(shell.run(&["user", "erase", "mokamiki", "--yes"]).code, 1);
    let log = shell.run(&["audit", "list", "--json"]).records();
    let entry = log.iter().find(|e| e["event"] == "user_deleted").unwrap();
    assert!(
        entry["subject"].as_str().unwrap().starts_with("erased:"),
        "{entry}"
    );
    process.stop();
}

#[test]
fn lists_retries_and_purges_outbox_rows() {
    let gateway = Gateway::with(&[("outbox.give_up_hours", "1")]);
    let app = &gateway.app;
    let sealed = app.sealer.seal(Binding::Callback(1), "Kanari-42").unwrap();
    // The delivery fails: the demo's service has a loopback address, which the settings do not allow here.
    let queue = |c: &mut AnyConnection| outbox::enqueue_callback(c, 1, "42", &sealed, NOW);
    app.store.write(queue).unwrap();
    gateway.delivery.deliver_due().unwrap();
    let folder = gateway.data.path().to_string_lossy().into_owned();
    let environment = [("GATEWAY_DATA_DIR", folder.as_str())];
    let shell = Shell {
        data: gateway.data.path(),
        database: &gateway.database,
    };
    let run = |words: &str| {
        let words: Vec<_> = words.split(' ').collect();
        let ended = shell.run_with(&words, "", &environment);
        assert!(!format!("{}{}", ended.out, ended.err).contains("Kanari"));
        ended
    };
    let listed = run("outbox list --json").records();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (
            &listed[0]["kind"],
            &listed[0]["state"],
            &listed[0]["service"]
        ),
        (&json!("callback"), &json!("pending"), &json!(1))
    );
    assert_eq!(
        listed[0]["last_error"],
        "refused: 127.0.0.1 is a loopback address"
    );
    let id = listed[0]["id"].to_string();
    app.clock.advance(3_600_000);
    gateway.delivery.deliver_due().unwrap();
    assert!(run("outbox list --state dead").out.contains("callback"));
    assert_eq!(run("outbox list --state pending --json").out, "");
    let shown = run(&format!("outbox show {id} --json")).records();
    assert_eq!(
        (&shown[0]["state"], &shown[0]["attempts"]),
        (&json!("dead"), &json!(2))
    );
    assert_eq!(run("outbox show 999").code, 1);

    assert_eq!(run("outbox retry").code, 2);
    assert_eq!(run("outbox retry 999").code, 1);
    assert_eq!(
        run(&format!("outbox retry {id}")).out,
        "Rows to send again: 1.\n"
    );
    let shown = run(&format!("outbox show {id} --json")).records();
    assert_eq!(
        (&shown[0]["state"], &shown[0]["attempts"]),
        (&json!("pending"), &json!(0))
    );
    assert_eq!(run("outbox retry --dead --json").records()[0]["retried"], 0);

    assert_eq!(
        run(&format!("outbox give-up {id}")).out,
        "Rows given up: 1.\n"
    );
    assert_eq!(run(&format!("outbox give-up {id}")).code, 1);
    let shown = run(&format!("outbox show {id} --json")).records();
    assert_eq!(
        (&shown[0]["state"], &shown[0]["last_error"]),
        (&json!("dead"), &json!("given up by the operator"))
    );
    assert_eq!(run("outbox purge --state dead").code, 1);
    assert_eq!(run("outbox purge --state pending --yes").code, 2);
    assert_eq!(
        run("outbox purge --state delivered").out,
        "Rows deleted: 0.\n"
    );
    assert_eq!(
        run("outbox purge --state dead --yes").out,
        "Rows deleted: 1.\n"
    );
    assert_eq!(run("outbox list --json").out, "");
    let log = run("audit list --json").records();
    assert_eq!(log[0]["event"], "outbox_purged");
}

#[test]
fn sets_shows_and_clears_each_field_of_a_profile() {
    let (data, database) = (tempfile::tempdir().unwrap(), Database::fresh());
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let added = shell.run(&[
        "user",
        "add",
        "ubul",
        "--email",
        "ubul@valami.hu",
        "--name",
        "Ubul",
    ]);
    assert_eq!(added.code, 0, "{}", added.err);
    let profile =
        |flags: &[&str]| shell.run(&[&["user", "profile", "UBUL", "--json"], flags].concat());
    let empty = json!({"user_name": "ubul", "external": null, "channel": null, "counter": null,
        "last_visit_counter": null, "avatar": null, "signature_number": null, "signature_name": null,
        "secondary_id": null, "phone": null, "phone_verified": false});
    assert_eq!(profile(&[]).records(), std::slice::from_ref(&empty));
    let set = profile(&[
        "--counter",
        "7",
        "--avatar",
        "https://a.example/u.png",
        "--signature-name",
        "Ubul úr",
    ]);
    let mut wanted = empty;
    wanted["counter"] = json!(7);
    wanted["avatar"] = json!("https://a.example/u.png");
    wanted["signature_name"] = json!("Ubul úr");
    assert_eq!(set.records(), [wanted.clone()]);
    wanted["avatar"] = Value::Null;
    wanted["counter"] = json!(8);
    let changed = profile(&["--clear", "avatar", "--counter", "8"]);
    assert_eq!(changed.records(), [wanted.clone()]);
    assert_eq!(profile(&[]).records(), [wanted]);
    let long = "a".repeat(257);
    for wrong in [
        ["--avatar", "javascript:alert(1)"],
        ["--phone", " "],
        ["--channel", "a\nb"],
        ["--external", &long],
        ["--counter", "-1"],
    ] {
        let ended = profile(&wrong);
        assert!(
            ended.code != 0 && ended.err.contains(wrong[0]),
            "{wrong:?} {}",
            ended.err
        );
    }
    let nobody = shell.run(&["user", "profile", "nobody"]);
    assert!(nobody.code == 1 && nobody.err.contains("there is no user \"nobody\""));
}
