//! Mail templates: exported, edited, checked and reloaded by an operator.

use std::process::Command;

use crate::cli::Shell;
use crate::harness::Database;
use crate::harness::process::Process;
use crate::harness::rest::{FLAT, ask, status_and_code};

#[test]
fn exports_edited_templates_and_refuses_broken_ones() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let written = shell.run(&["mail", "templates", "--write", "mails"]);
    assert_eq!(
        written.out, "24 templates written to mails.\n",
        "{}",
        written.err
    );
    let edited = data.path().join("mails/activation.en.txt");
    std::fs::write(&edited, "Subject: Hello\r\n\r\n{{ name }}: {{ link }}\n").unwrap();
    let again = shell.run(&["mail", "templates", "--write", "mails"]);
    assert_eq!(again.out, "0 templates written to mails.\n");
    let settings = "public_url = \"https://id.example.org\"\n[mail]\ntemplates = \"mails\"\n";
    std::fs::write(data.path().join("gateway.toml"), settings).unwrap();
    assert_eq!(shell.run(&["check-config"]).code, 0);
    let listed = shell.run(&["mail", "templates", "--json"]).records();
    assert_eq!(listed.len(), 24);
    assert_eq!(listed[2]["replaced_by"], "mails/activation.en.txt");

    let to = "somebody@example.org";
    let print = ["mail", "test", "--to", to, "--language", "en", "--print"];
    let mail = shell.run(&print).out;
    assert!(mail.contains("Subject: Hello\r\n"), "{mail}");
    assert!(
        mail.contains("https://id.example.org/checkSSO/confirm.html?token="),
        "{mail}"
    );
    let sent = shell.run(&["mail", "test", "--to", to, "--topic", "password-changed"]);
    assert_eq!(sent.out, format!("Sent to {to}.\n"), "{}", sent.err);
    let file = data
        .path()
        .join("data/outbox/0000000000-password-changed.eml");
    assert!(
        std::fs::read_to_string(file)
            .unwrap()
            .contains(&format!("<{to}>"))
    );
    assert_eq!(
        shell.run(&["mail", "test", "--to", "nobody\n@x.hu"]).code,
        1
    );

    std::fs::write(&edited, "Subject: Hello {{ nmae }}\n").unwrap();
    std::fs::write(data.path().join("mails/activation.hu.html"), "{% if %}").unwrap();
    for command in [&["check-config"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let wrong = shell.run(command);
        assert_eq!(
            (wrong.code, wrong.err.lines().count()),
            (64, 1),
            "{}",
            wrong.err
        );
        assert!(wrong.err.contains("activation.hu.html"), "{}", wrong.err);
    }
    std::fs::remove_file(data.path().join("mails/activation.hu.html")).unwrap();
    let wrong = shell.run(&["check-config"]);
    assert_eq!(wrong.code, 64);
    assert!(
        wrong.err.contains("activation.en.txt: there is no nmae"),
        "{}",
        wrong.err
    );
}

#[test]
fn reloads_templates_at_sighup() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let mails = data.path().join("mails");
    std::fs::create_dir(&mails).unwrap();
    let template = mails.join("password-reset.hu.txt");
    std::fs::write(&template, "Subject: First\n\n{{ link }}\n").unwrap();
    let settings = [("mail.templates", mails.to_str().unwrap())];
    let process = Process::start(data.path(), database.url(), &settings, &["--demo"]);
    let outbox = data.path().join("outbox");
    let sent = || -> Vec<_> {
        let files = std::fs::read_dir(&outbox).map(|d| d.flatten().map(|f| f.path()).collect());
        let mut files: Vec<_> = files.unwrap_or_default();
        files.retain(|f| f.extension().is_some_and(|e| e == "eml"));
        files.sort();
        files
    };
    // Requests a mail and returns it when it has arrived.
    let next = || {
        let before = sent().len();
        let reset = r#"{"userNameOrEmail":"mokamiki"}"#;
        let reply = ask(&process.speaker, "POST", "/password/reset", FLAT, reset);
        assert_eq!(status_and_code(&reply).0, 200);
        while sent().len() == before {
            std::thread::yield_now();
        }
        std::fs::read_to_string(sent().pop().unwrap()).unwrap()
    };
    assert!(next().contains("Subject: First\r\n"));
    std::fs::write(&template, "Subject: Second\n\n{{ link }}\n").unwrap();
    assert!(
        next().contains("Subject: First\r\n"),
        "no reload before the signal"
    );
    let id = process.id().to_string();
    let signal = Command::new("kill").args(["-HUP", &id]).status().unwrap();
    assert!(signal.success());
    while !next().contains("Subject: Second\r\n") {}
    let log = process.stop();
    assert!(log.contains("the mail templates were read again"), "{log}");
}
