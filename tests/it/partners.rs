//! Partners: how they are added, and how they sign their users in.

use chaingun_gateway::secrets::rsa_keys;
use serde_json::json;

use crate::cli::Shell;
use crate::harness::Database;

#[test]
fn a_partner_is_added_listed_and_given_another_key() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let private = [1, 2].map(|_| rsa_keys::generate().unwrap());
    for (at, key) in private.iter().enumerate() {
        let public = rsa_keys::public_half(key).unwrap();
        std::fs::write(data.path().join(format!("{at}.pub")), public).unwrap();
    }
    std::fs::write(data.path().join("private.pem"), &private[0]).unwrap();

    let add = ["partner", "add", "gj", "--key", "0.pub", "--json"];
    let added = &shell.run(&add).records()[0];
    assert_eq!(added["state_ids"], json!(["gj"]));
    assert_eq!(added["max_life_s"], 3600);
    let again = shell.run(&add);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("already"), "{}", again.err);

    let rotate = ["partner", "rotate-key", "gj", "--key", "1.pub", "--json"];
    let rotated = &shell.run(&rotate).records()[0];
    assert_eq!(rotated["keys"][1], added["keys"][0]);
    // The same once more changes nothing.
    assert_eq!(&shell.run(&rotate).records()[0], rotated);
    let listed = &shell.run(&["partner", "list", "--json"]).records()[0];
    assert_eq!(listed["keys"], rotated["keys"]);
    let only = shell.run(&[&rotate[..], &["--only"]].concat());
    assert_eq!(only.records()[0]["keys"], json!([rotated["keys"][0]]));

    for (arguments, told) in [
        (
            &["add", "b", "--key", "private.pem"][..],
            "private.pem: must be an RSA key",
        ),
        (&["add", "b", "--key", "none.pem"], "none.pem"),
        (
            &[
                "add",
                "b",
                "--key",
                "0.pub",
                "--redirect-origin",
                "https://a/",
            ],
            "without a path",
        ),
        (
            &["add", "b", "--key", "0.pub", "--state-id", " a"],
            "a state_id",
        ),
        (
            &["rotate-key", "b", "--key", "0.pub"],
            "there is no partner",
        ),
    ] {
        let ended = shell.run(&[&["partner"], arguments].concat());
        assert_eq!(ended.code, 1, "{arguments:?}");
        assert!(ended.err.contains(told), "{}", ended.err);
        assert!(!ended.err.contains("BEGIN PRIVATE"), "{}", ended.err);
    }
    let too_long = [
        "partner",
        "add",
        "b",
        "--key",
        "0.pub",
        "--max-life",
        "86401",
    ];
    assert_eq!(shell.run(&too_long).code, 2);
    let exported = shell.run(&["registry", "export"]).out;
    assert!(exported.contains("iss = \"gj\""), "{exported}");
    let log = shell.run(&["audit", "list", "--json"]).records();
    let events = ["partner_added", "partner_key_rotated"];
    for event in events {
        assert!(
            log.iter()
                .any(|e| e["event"] == event && e["subject"] == "gj")
        );
    }
}

#[test]
fn a_school_is_known_by_its_channel_and_id() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let add = |uuid: &str, id: &str| {
        let known_as = ["--channel", "GJ", "--external-id", id];
        shell.run(&[&["org", "add", uuid, "A school"], &known_as[..]].concat())
    };
    assert_eq!(add("one", "S-1").code, 0);
    let taken = add("two", "s-1");
    assert!(
        taken.code == 1 && taken.err.contains("\"one\""),
        "{}",
        taken.err
    );
    assert_eq!(add("two", "S-2").code, 0);
    assert_eq!(
        shell.run(&["org", "add", "x", "X", "--channel", "a"]).code,
        2
    );
    let listed = shell.run(&["org", "list", "--json"]).records();
    assert_eq!(listed[1]["external_id"], "S-2");

    // A file lets the two exchange theirs, and tells what cannot be.
    let file = |first: &str, second: &str| {
        let school = |uuid, id: &str| {
            format!(
                "[[organisations]]\nuuid = \"{uuid}\"\nname = \"A school\"\nchannel = \"GJ\"\nexternal_id = \"{id}\"\n"
            )
        };
        school("one", first) + &school("two", second)
    };
    let apply = |text: &str| {
        std::fs::write(data.path().join("registry.toml"), text).unwrap();
        shell.run(&["apply", "registry.toml"])
    };
    let swapped = apply(&file("S-2", "S-1"));
    assert_eq!(
        swapped.out,
        "~ organisation one external_id\n~ organisation two external_id\n= 0 unchanged\n",
        "{}",
        swapped.err
    );
    let exported = shell.run(&["registry", "export"]).out;
    assert!(exported.contains("channel = \"GJ\"\nexternal_id = \"S-2\""));
    for (text, told) in [
        (
            file("S", "s"),
            "organisations[1].external_id: organisations[0] has the same",
        ),
        (
            file("S-2", "S-1")
                .replace("\"one\"", "\"three\"")
                .replace("two", "four"),
            "organisations[0].external_id: organisation one has it in this channel",
        ),
        (
            "[[organisations]]\nuuid = \"x\"\nname = \"X\"\nchannel = \"a\"\n".to_owned(),
            "organisations[0].external_id: channel and external_id go together",
        ),
    ] {
        let ended = apply(&text);
        assert_eq!(ended.code, 64, "{text}");
        assert!(ended.err.contains(told), "{}", ended.err);
    }
}

#[test]
fn the_demos_partner_keeps_its_key() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let start = || {
        crate::harness::process::Process::start(data.path(), database.url(), &[], &["--demo"])
            .stop();
        let file = data.path().join("demo/apekx.pem");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::read_to_string(file).unwrap()
    };
    let first = start();
    assert!(rsa_keys::public_half(&first).is_some());
    assert_eq!(start(), first);
}
