//! Deletion of accounts: erased data, callbacks to services, and the audit entry that stays as a proof.

use chaingun_gateway::store::{audit, services, users};

use crate::harness::rest::{
    FLAT, KEY, PORTAL, ask, json, sign_in, status_and_code, try_to_sign_in,
};
use crate::harness::{Gateway, outbox_rows};

fn ok() -> (u16, String) {
    (200, "ok".to_owned())
}

#[test]
fn erases_personal_data_everywhere_and_queues_callbacks() {
    let gateway = Gateway::demo();
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    try_to_sign_in(&gateway, "MOKA.miklos@dbx.hu", "wrong", None);
    // The former address must be erased, too.
    let renamed = r#"{"email":"miki@dbx.hu"}"#;
    let headers = format!("{KEY}{FLAT}X-User-Name: MokaMiki\r\n");
    assert_eq!(
        status_and_code(&ask(
            &gateway,
            "PATCH",
            "/users/mokamiki",
            &headers,
            renamed
        )),
        ok()
    );
    let reset = r#"{"userNameOrEmail":"miki@dbx.hu"}"#;
    assert_eq!(
        status_and_code(&ask(&gateway, "POST", "/password/reset", FLAT, reset)),
        ok()
    );
    let user = gateway
        .app
        .store
        .read(|c| users::by_name(c, "mokamiki"))
        .unwrap()
        .unwrap();
    let now = gateway.app.clock.now();
    gateway
        .app
        .store
        .write(|c| {
            services::assign(c, user.id, 1, "abc/../1", now)?;
            services::assign(c, user.id, 2, "quiet", now)
        })
        .unwrap();

    // DELETE ignores a body.
    let reply = ask(
        &gateway,
        "DELETE",
        "/users/MOKAMIKI",
        KEY,
        "{\"data\":null}",
    );
    assert_eq!(status_and_code(&reply), ok());
    let document = json(&reply);
    assert_eq!(document["data"]["type"], "emptyResponse");
    assert_eq!(document["data"]["id"].as_str().unwrap().len(), 36);

    let rows = gateway
        .app
        .store
        .read(|c| {
            assert!(users::by_name(c, "mokamiki")?.is_none());
            assert!(users::by_login(c, "miki@dbx.hu")?.is_none());
            outbox_rows(c)
        })
        .unwrap();
    let log = gateway.log(None, 100);
    // The reset mail is dropped; only one of the two services has a callback URL.
    let left: Vec<_> = rows
        .iter()
        .map(|r| (r.kind.as_str(), r.state.as_str(), r.service_id))
        .collect();
    assert_eq!(left, [("callback", "pending", Some(1))]);
    assert!(gateway.mails().is_empty());
    let told_of: Vec<_> = log.iter().map(|e| format!("{e:?}")).collect();
    for word in ["mokamiki", "miki@dbx.hu", "moka.miklos", "Móka"] {
        assert!(
            !told_of
                .iter()
                .any(|e| e.to_lowercase().contains(&word.to_lowercase())),
            "{told_of:#?}"
        );
    }
    let pseudonym = format!("erased:{}", user.uuid);
    let proof = log.iter().find(|e| e.event == "user_deleted").unwrap();
    assert_eq!(proof.subject.as_deref(), Some(pseudonym.as_str()));
    let about = log
        .iter()
        .filter(|e| e.subject.as_deref() == Some(&pseudonym))
        .count();
    assert_eq!(about, 5, "sign-in, failed sign-in, change, reset, deletion");

    // SQLite's files do not contain the erased data after a checkpoint, which the gateway makes every minute.
    gateway.app.store.checkpoint().unwrap();
    for file in std::fs::read_dir(gateway.data.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = match path.is_file() {
            true => std::fs::read(&path).unwrap(),
            false => Vec::new(),
        };
        for word in ["mokamiki", "miki@dbx.hu", "moka.miklos", "móka", "abc/../1"] {
            let held = bytes.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(!held, "{word} in {}", path.display());
        }
    }

    let shown =
        |headers: &str| status_and_code(&ask(&gateway, "GET", "/users/mokamiki", headers, ""));
    assert_eq!(shown(KEY), (404, "USER_NOT_FOUND".to_owned()));
    let with_token = format!("{PORTAL}Authorization: {token}\r\n");
    assert_eq!(shown(&with_token), (401, "TOKEN_EXPIRED".to_owned()));
    assert_eq!(
        status_and_code(&ask(&gateway, "DELETE", "/users/mokamiki", KEY, "")),
        (404, "USER_NOT_FOUND".to_owned())
    );

    // A new user can take the name and the address; the old token stays invalid.
    let again = r#"{"userName":"mokamiki","name":"Más Valaki","email":"moka.miklos@dbx.hu"}"#;
    assert_eq!(
        status_and_code(&ask(
            &gateway,
            "POST",
            "/users",
            &format!("{KEY}{FLAT}"),
            again
        )),
        ok()
    );
    assert_eq!(shown(&with_token), (401, "TOKEN_EXPIRED".to_owned()));
    assert_eq!(shown(KEY), ok());
}

#[test]
fn lets_only_administrators_and_trusted_clients_delete_users() {
    let gateway = Gateway::demo();
    let with = |token: &str| format!("{PORTAL}Authorization: {token}\r\n");
    let moka = with(&sign_in(&gateway, "mokamiki", "MokaMiki-1234", None));
    let admin = with(&sign_in(&gateway, "admin", "Admin-Demo-2026", None));
    let delete = |who: &str, headers: &str| {
        status_and_code(&ask(
            &gateway,
            "DELETE",
            &format!("/users/{who}"),
            headers,
            "",
        ))
    };
    for (who, headers, status, code) in [
        ("mokamiki", "", 403, "UNKNOWN_CLIENT"),
        ("mokamiki", PORTAL, 401, "AUTHENTICATION_REQUIRED"),
        ("mokamiki", moka.as_str(), 403, "ACCESS_DENIED"),
        ("hakapeszimaki", &moka, 404, "USER_NOT_FOUND"),
        ("nobody", &moka, 404, "USER_NOT_FOUND"),
        ("nobody", &admin, 404, "USER_NOT_FOUND"),
        ("hakapeszimaki", &admin, 200, "ok"),
        ("mokamiki", KEY, 200, "ok"),
    ] {
        assert_eq!(
            delete(who, headers),
            (status, code.to_owned()),
            "{who} {headers}"
        );
    }
}

#[test]
fn refuses_to_replace_a_name_in_the_audit_log_by_anything_but_a_pseudonym() {
    let gateway = Gateway::demo();
    sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let kept = gateway.app.store.write(|c| {
        audit::begin_erasure(c, &["mokamiki".to_owned()], "somebody else")?;
        audit::erase_names(c)
    });
    assert!(kept.is_err(), "the database accepts pseudonyms only");
    let log = gateway.log(None, 10);
    assert_eq!(log[0].subject.as_deref(), Some("mokamiki"));
}

#[test]
fn replaces_names_in_6000_audit_entries_after_the_answer() {
    let gateway = Gateway::demo();
    let now = gateway.app.clock.now();
    let entry = |n: usize| audit::Entry {
        at: now,
        event: "user_shown".to_owned(),
        outcome: "ok".to_owned(),
        client_name: None,
        actor: (n.is_multiple_of(2)).then(|| "mokamiki".to_owned()),
        on_behalf_of: (n.is_multiple_of(3)).then(|| "moka.miklos@dbx.hu".to_owned()),
        subject: Some(
            if n.is_multiple_of(5) {
                "mokamiki"
            } else {
                "admin"
            }
            .to_owned(),
        ),
        request_id: n.to_string(),
    };
    gateway
        .app
        .store
        .write(|c| (0..6_000).try_for_each(|n| audit::record(c, &entry(n))))
        .unwrap();
    assert_eq!(
        status_and_code(&ask(&gateway, "DELETE", "/users/mokamiki", KEY, "")),
        ok()
    );
    let mut turns = 0;
    while gateway.background.housekeeping.erase_names().unwrap() {
        turns += 1;
    }
    assert!(
        turns > 1,
        "the answer to the deletion did not wait for the pseudonyms"
    );
    let log = gateway.log(None, 10_000);
    let erased = |name: &Option<String>| name.as_ref().is_some_and(|n| n.starts_with("erased:"));
    let count =
        |of: fn(&audit::Entry) -> &Option<String>| log.iter().filter(|e| erased(of(e))).count();
    assert_eq!(count(|e| &e.actor), 3_000);
    assert_eq!(count(|e| &e.on_behalf_of), 2_000);
    assert_eq!(
        count(|e| &e.subject),
        1_201,
        "this includes the entry of the deletion"
    );
    assert!(!format!("{log:?}").contains("moka"));
}

#[test]
fn answers_changes_and_resets_that_race_with_a_deletion() {
    let gateway = Gateway::demo();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let gateway = &gateway;
            scope.spawn(move || {
                for turn in 0..10 {
                    let made = format!(
                        r#"{{"userName":"t{n}-{turn}","name":"T","email":"t{n}-{turn}@dbx.hu"}}"#
                    );
                    let path = format!("/users/t{n}-{turn}");
                    let headers = format!("{KEY}{FLAT}");
                    assert_eq!(ask(gateway, "POST", "/users", &headers, &made).status, 200);
                    std::thread::scope(|scope| {
                        let modified = scope.spawn(|| {
                            ask(gateway, "PATCH", &path, &headers, r#"{"email":"x@dbx.hu"}"#)
                        });
                        let login = format!(r#"{{"userNameOrEmail":"t{n}-{turn}"}}"#);
                        let reset = scope
                            .spawn(move || ask(gateway, "POST", "/password/reset", FLAT, &login));
                        assert_eq!(
                            status_and_code(&ask(gateway, "DELETE", &path, KEY, "")),
                            ok()
                        );
                        let status = modified.join().unwrap().status;
                        assert!([200, 404, 422].contains(&status), "{status}");
                        assert_eq!(reset.join().unwrap().status, 200);
                    });
                }
            });
        }
    });
}
