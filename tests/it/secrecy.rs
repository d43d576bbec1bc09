//! Secrets with a marker must not appear in logs at trace level, in answers or in the database.

use std::path::Path;

use crate::harness::process::Process;
use crate::harness::{Database, element, envelope};

/// The name of the first file below `folder` that contains `needle`. Files with a name in `but` are skipped.
fn file_with(folder: &Path, needle: &str, but: &[&str]) -> Option<String> {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if but.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            if let Some(found) = file_with(&path, needle, but) {
                return Some(found);
            }
        } else if std::fs::read(&path)
            .unwrap()
            .windows(needle.len())
            .any(|w| w == needle.as_bytes())
        {
            return Some(name);
        }
    }
    None
}

#[test]
fn writes_no_password_or_token_into_logs_answers_or_the_database() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let process = Process::start(data.path(), database.url(), &[("log", "trace")], &[]);
    let gateway = &process.speaker;
    let mut answers = String::new();
    let mut call = |operation: &str, request: &str| {
        let body = gateway
            .soap(&envelope(operation, request).replace("demo-hash-key", ""))
            .body;
        answers.push_str(&body);
        body
    };
    call(
        "registerUser",
        "<username>titok</username><password>Kanari-Jelszo-1</password><name>Titok</name>\
         <email>titok@valami.hu</email>",
    );
    for (login, password) in [
        ("titok", "Kanari-Jelszo-1"),
        ("titok", "Kanari-Jelszo-2"),
        ("senki", "Kanari-Jelszo-3"),
        ("titok\u{1}", "Kanari-Jelszo-4"),
    ] {
        let request =
            format!("<userNameOrEmail>{login}</userNameOrEmail><password>{password}</password>");
        call("authenticate", &request);
    }
    call(
        "changePassword",
        "<password>Kanari-Jelszo-5</password><passwordResetGuid>0123456789abcdef0123456789abcdef</passwordResetGuid>",
    );
    call(
        "changePassword",
        "<oldPassword>Kanari-Jelszo-6</oldPassword><password>rövid</password><userName>titok</userName>",
    );
    call("resetPassword", "<userNameOrEmail>titok</userNameOrEmail>");
    call("showUser", "<userName>titok</userName>");
    let unknown =
        envelope("showUser", "<userName>titok</userName>").replace("demo-hash-key", "Kanari-Kulcs");
    answers.push_str(&gateway.soap(&unknown).body);

    let outbox = data.path().join("outbox");
    let mails = || -> Vec<String> {
        std::fs::read_dir(&outbox)
            .map(|files| {
                files
                    .flatten()
                    .filter(|f| !f.file_name().to_string_lossy().starts_with('.'))
                    .map(|f| std::fs::read_to_string(f.path()).unwrap())
                    .collect()
            })
            .unwrap_or_default()
    };
    while mails().len() < 2 {
        std::thread::yield_now();
    }
    let tokens: Vec<String> = mails()
        .iter()
        .map(|mail| mail.split("Token: ").nth(1).unwrap()[..32].to_owned())
        .collect();
    let confirmed = element(&answers, "code").map(str::to_owned);
    assert_eq!(
        confirmed.as_deref(),
        Some("0"),
        "the registration succeeded"
    );
    // Search before the process stops, because the write-ahead log still exists then.
    for secret in tokens
        .iter()
        .map(String::as_str)
        .chain(["Kanari-Jelszo", "Kanari-Kulcs"])
    {
        assert_eq!(
            file_with(data.path(), secret, &["outbox"]),
            None,
            "{secret} is in the data folder"
        );
        assert!(!answers.contains(secret), "{secret} is in an answer");
    }
    let log = process.stop();
    assert!(log.contains("\"refused\""), "the log was captured");
    for secret in tokens
        .iter()
        .map(String::as_str)
        .chain(["Kanari-", "0123456789abcdef0123"])
    {
        assert!(!log.contains(secret), "{secret} was logged");
    }
}
