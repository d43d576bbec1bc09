//! Bounds of stored data: the number of rows that callers can cause, their size, and how long they are kept.

use chaingun_gateway::domain::external_identity::ExternalIdentity;
use chaingun_gateway::secrets::assertions::sign;
use chaingun_gateway::store::{
    StoreError, attempts, audit, external_identities, organisations, outbox, sessions, users,
};
use serde_json::json;

use crate::harness::browser::signed_in;
use crate::harness::process::Process;
use crate::harness::rest::{FLAT, KEY, PORTAL, ask, mailed_token, sign_in, status_and_code};
use crate::harness::sql::counted_attempts;
use crate::harness::{Database, Gateway, NOW, PARTNER_KEY, Reply, outbox_rows};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The number of rows of this event in the audit log itself.
fn rows(gateway: &Gateway, event: &str) -> usize {
    let log = gateway.log(None, 100_000);
    log.iter()
        .filter(|e| e.event == event && e.network.is_none())
        .count()
}

/// The counted refusals of this event: network, code, sample and count.
fn counted(gateway: &Gateway, event: &str) -> Vec<(String, String, Option<String>, i64)> {
    let log = gateway.log(None, 100_000);
    let mut counted: Vec<_> = log
        .iter()
        .filter(|e| e.event == event && e.network.is_some())
        .map(|e| {
            let network = e.network.clone().unwrap();
            (network, e.outcome.clone(), e.subject.clone(), e.times)
        })
        .collect();
    counted.sort();
    counted
}

fn advance(gateway: &Gateway, by: i64) {
    gateway.app.clock.advance(by);
}

fn show(gateway: &Gateway, source: &str, headers: &str, name: &str) -> Reply {
    let headers = format!("X-Forwarded-For: {source}\r\n{headers}");
    ask(gateway, "GET", &format!("/users/{name}"), &headers, "")
}

fn key(key: &str) -> String {
    format!("X-Client-Hash-Key: {key}\r\n")
}

fn behind_proxy(settings: &[(&str, &str)]) -> Gateway {
    Gateway::with(&[settings, &[("trusted_proxies", "127.0.0.1")]].concat())
}

#[test]
fn counts_refusals_of_one_network_in_one_row_a_minute() {
    let gateway = behind_proxy(&[]);
    for n in 0..50 {
        assert_eq!(
            show(&gateway, "203.0.113.9", "", &format!("a{n}")).status,
            403
        );
        show(&gateway, &format!("2001:db8:0:1::{n}"), "", "mokamiki");
    }
    show(&gateway, "203.0.113.9", &key("wrong"), "a");
    assert_eq!(rows(&gateway, "user_shown"), 0);
    let sample = |network: &str, sample: &str, times| {
        let code = "UNKNOWN_CLIENT".to_owned();
        (network.to_owned(), code, Some(sample.to_owned()), times)
    };
    let first = [
        sample("2001:db8:0:1::/64", "mokamiki", 50),
        sample("203.0.113.9", "a0", 51),
    ];
    assert_eq!(counted(&gateway, "user_shown"), first);
    // Further refusals of the same minute are added to the same row; the next minute gets a new row.
    show(&gateway, "203.0.113.9", "", "b");
    assert_eq!(counted(&gateway, "user_shown")[1].3, 52);
    advance(&gateway, 60_000);
    show(&gateway, "203.0.113.9", "", "c");
    assert_eq!(
        counted(&gateway, "user_shown")[1..],
        [
            sample("203.0.113.9", "a0", 52),
            sample("203.0.113.9", "c", 1)
        ]
    );
    let metrics = gateway.get("/metrics").body;
    let line = "chaingun_refusals_total{code=\"UNKNOWN_CLIENT\"} 103";
    assert!(metrics.contains(line), "{metrics}");
}

#[test]
fn counts_networks_beyond_the_limit_together() {
    let gateway = behind_proxy(&[("refusals.keys", "10"), ("refusals.rows", "1000")]);
    for n in 0..30 {
        show(&gateway, &format!("203.0.113.{n}"), "", "a");
        gateway.background.housekeeping.write_refusals();
    }
    assert_eq!(counted(&gateway, "user_shown").len(), 10);
    let other = counted(&gateway, "other");
    assert_eq!((other.len(), other[0].3), (1, 20));
}

#[test]
fn drops_counts_beyond_the_limit_and_old_ones() {
    let gateway = behind_proxy(&[("refusals.rows", "1000"), ("refusals.keep_days", "1")]);
    for n in 0..1_100 {
        gateway.app.clock.advance(60_000);
        show(&gateway, "203.0.113.9", "", &format!("a{n}"));
    }
    gateway.background.housekeeping.write_refusals();
    gateway.background.housekeeping.purge();
    let kept = counted(&gateway, "user_shown");
    assert_eq!(kept.len(), 1_000);
    assert!(!kept.iter().any(|row| row.2.as_deref() == Some("a99")));
    advance(&gateway, DAY - 10 * 60_000);
    gateway.background.housekeeping.purge();
    let left = counted(&gateway, "user_shown").len();
    assert_eq!(left, 11, "the row of the minute exactly a day ago stays");
}

#[test]
fn logs_five_refusals_of_a_user_in_an_hour_and_counts_the_others() {
    let gateway = Gateway::demo();
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let headers = format!("{PORTAL}{FLAT}Authorization: {token}\r\n");
    let rename = || {
        let body = r#"{"email":"miki@dbx.hu"}"#;
        let reply = ask(&gateway, "PATCH", "/users/mokamiki", &headers, body);
        assert_eq!(status_and_code(&reply), (403, "ACCESS_DENIED".to_owned()));
    };
    for _ in 0..50 {
        rename();
    }
    assert_eq!(rows(&gateway, "user_updated"), 5);
    let (network, code, sample, times) = counted(&gateway, "user_updated").remove(0);
    assert_eq!(
        (network.as_str(), code.as_str(), times),
        ("127.0.0.1", "ACCESS_DENIED", 45)
    );
    assert_eq!(sample.as_deref(), Some("mokamiki"));
    let listed = gateway.log(Some("mokamiki"), 100);
    let counted = listed.iter().find(|e| e.times == 45).unwrap();
    assert_eq!(counted.actor.as_deref(), Some("mokamiki"));
    // A deletion replaces the name everywhere.
    assert_eq!(
        ask(&gateway, "DELETE", "/users/mokamiki", KEY, "").status,
        200
    );
    let log = gateway.log(None, 100);
    assert!(!format!("{log:?}").contains("mokamiki"), "{log:#?}");
    assert_eq!(log.iter().filter(|e| e.times == 45).count(), 1);
}

#[test]
fn logs_60_refusals_of_a_trusted_client_in_a_minute_and_counts_the_others() {
    let gateway = Gateway::with(&[("throttle.guesses", "1000")]);
    let wrong = json!({"userNameOrEmail": "mokamiki", "password": "Rossz-Jelszo-1"}).to_string();
    for _ in 0..70 {
        let headers = format!("{KEY}{FLAT}");
        let reply = ask(&gateway, "POST", "/password/authenticate", &headers, &wrong);
        assert_eq!(status_and_code(&reply).1, "BAD_CREDENTIALS");
    }
    assert_eq!(rows(&gateway, "authn_login"), 60);
    assert_eq!(counted(&gateway, "authn_login")[0].3, 10);
}

#[test]
fn logs_60_refused_tokens_of_a_partner_in_a_minute_and_counts_the_others() {
    let gateway = Gateway::demo();
    let claims = json!({"jti": "1", "iss": "apekx", "sub": "1", "aud": "nobody"});
    let token = sign(PARTNER_KEY, &claims).unwrap();
    for _ in 0..70 {
        let reply = gateway.get(&format!("/v2/user/session/create?token={token}"));
        assert!((400..500).contains(&reply.status), "{reply:?}");
    }
    assert_eq!(rows(&gateway, "authn_partner_login"), 60);
    assert_eq!(counted(&gateway, "authn_partner_login")[0].3, 10);
    let log = gateway.log(None, 100);
    let counted = log.iter().find(|e| e.times == 10).unwrap();
    assert_eq!(counted.client_name.as_deref(), Some("partner:apekx"));
}

#[test]
fn logs_60_registrations_and_mails_in_a_minute_and_counts_the_others() {
    let gateway = behind_proxy(&[("password.cost", "4")]);
    for n in 0..70 {
        let body = json!({"username": format!("u{n}"), "name": "U", "email": format!("u{n}@valami.hu"),
            "password": "ValaKi1234"});
        let headers = format!("X-Forwarded-For: 203.0.113.{n}\r\n{FLAT}");
        let reply = ask(&gateway, "POST", "/register", &headers, &body.to_string());
        assert_eq!(status_and_code(&reply).1, "ok");
    }
    assert_eq!(rows(&gateway, "user_registered"), 60);
    assert_eq!(counted(&gateway, "user_registered").len(), 10);
    // The log takes no more rows in this minute, and the answer is the same for known and unknown users.
    for name in ["mokamiki", "nobody"] {
        let body = json!({"userNameOrEmail": name}).to_string();
        let reply = ask(&gateway, "POST", "/password/reset", FLAT, &body);
        assert_eq!(status_and_code(&reply).1, "ok");
    }
    assert_eq!(rows(&gateway, "authn_password_reset"), 0);
    let outcomes: Vec<_> = counted(&gateway, "authn_password_reset")
        .into_iter()
        .map(|(_, outcome, ..)| outcome)
        .collect();
    assert_eq!(outcomes, ["ok", "unknown"]);
}

#[test]
fn cuts_every_text_of_the_audit_log() {
    let gateway = Gateway::demo();
    let long = "ﷺ".repeat(10_000);
    let entry = audit::Entry {
        at: 1,
        event: long.clone(),
        outcome: long.clone(),
        client_name: Some(long.clone()),
        actor: Some(audit::logged(&long)),
        on_behalf_of: Some(long.clone()),
        subject: Some(long.clone()),
        request_id: long.clone(),
    };
    let store = &gateway.app.store;
    store.write(|c| audit::record(c, &entry)).unwrap();
    let headers = format!("X-User-Name: {}\r\n{FLAT}{KEY}", "x".repeat(256));
    let reply = ask(
        &gateway,
        "PATCH",
        "/users/mokamiki",
        &headers,
        r#"{"name":"Miki"}"#,
    );
    assert_eq!(status_and_code(&reply).1, "ok");
    let log = gateway.log(None, 10);
    assert_eq!(log.len(), 2);
    for entry in &log {
        let texts = [
            Some(&entry.event),
            Some(&entry.outcome),
            Some(&entry.request_id),
            entry.client_name.as_ref(),
            entry.actor.as_ref(),
            entry.on_behalf_of.as_ref(),
            entry.subject.as_ref(),
        ];
        for text in texts.into_iter().flatten() {
            assert!(text.chars().count() <= audit::MAX_TEXT_CHARS, "{text}");
        }
    }
}

/// Adds a user whose canonical name has 1,800 characters, more than the audit log keeps; returns its path and a token.
fn add_user_with_a_long_name(gateway: &Gateway) -> (String, String) {
    let name = "ﷺ".repeat(100);
    let new = json!({"userName": name, "name": "Long", "email": "long@dbx.hu"});
    let headers = format!("{KEY}{FLAT}");
    let made = ask(gateway, "POST", "/users", &headers, &new.to_string());
    assert_eq!(status_and_code(&made).1, "ok");
    let set =
        json!({"passwordResetGuid": mailed_token(gateway), "password": "ValaKi1234"}).to_string();
    let reply = ask(gateway, "POST", "/password/change", FLAT, &set);
    assert_eq!(status_and_code(&reply).1, "ok");
    let escaped: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let token = sign_in(gateway, "long@dbx.hu", "ValaKi1234", None);
    (format!("/users/{escaped}"), token)
}

#[test]
fn cuts_and_erases_the_names_of_counted_refusals() {
    let gateway = behind_proxy(&[]);
    let (path, token) = add_user_with_a_long_name(&gateway);
    let headers = format!("{PORTAL}{FLAT}Authorization: {token}\r\n");
    // The sixth refusal of the user, and one of an anonymous caller, are only counted.
    for _ in 0..6 {
        let body = r#"{"email":"miki@dbx.hu"}"#;
        let reply = ask(&gateway, "PATCH", &path, &headers, body);
        assert_eq!(status_and_code(&reply), (403, "ACCESS_DENIED".to_owned()));
    }
    show(&gateway, "203.0.113.9", "", "long@dbx.hu");
    let counted = |gateway: &Gateway| -> Vec<_> {
        let log = gateway.log(None, 100);
        log.into_iter().filter(|e| e.network.is_some()).collect()
    };
    let before = counted(&gateway);
    assert_eq!(before.len(), 2);
    for entry in &before {
        for name in [&entry.actor, &entry.subject].into_iter().flatten() {
            assert!(name.chars().count() <= audit::MAX_TEXT_CHARS, "{name}");
        }
    }
    let deleted = ask(&gateway, "DELETE", &path, KEY, "");
    assert_eq!(deleted.status, 200);
    while gateway.background.housekeeping.erase_names().unwrap() {}
    for entry in counted(&gateway) {
        for name in [&entry.actor, &entry.subject].into_iter().flatten() {
            assert!(name.starts_with("erased:"), "{name}");
        }
    }
}

#[test]
fn erases_names_in_refusals_that_are_not_written_yet() {
    let gateway = behind_proxy(&[]);
    show(&gateway, "203.0.113.9", "", "moka.miklos@dbx.hu");
    let deleted = ask(&gateway, "DELETE", "/users/mokamiki", KEY, "");
    assert_eq!(deleted.status, 200);
    while gateway.background.housekeeping.erase_names().unwrap() {}
    let sample = |gateway: &Gateway| {
        let log = gateway.log(None, 100);
        let refused = log.iter().find(|e| e.network.is_some()).unwrap();
        refused.subject.clone().unwrap()
    };
    let name = sample(&gateway);
    assert!(name.starts_with("erased:"), "{name}");

    // An account that is never confirmed is erased in the same way.
    let gateway = behind_proxy(&[]);
    register(&gateway, "ubul");
    advance(&gateway, 33 * DAY);
    show(&gateway, "203.0.113.9", "", "ubul");
    gateway.background.housekeeping.purge();
    assert!(!exists(&gateway, "ubul"));
    while gateway.background.housekeeping.erase_names().unwrap() {}
    let name = sample(&gateway);
    assert!(name.starts_with("erased:"), "{name}");
}

#[test]
fn purges_old_audit_entries_and_keeps_proofs() {
    let gateway = Gateway::with(&[("audit.keep_days", "30")]);
    sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let events = ["user_agreements_accepted", "user_agreements_withdrawn"];
    for event in events {
        let entry = audit::Entry {
            at: NOW,
            event: event.to_owned(),
            outcome: "ok".to_owned(),
            client_name: None,
            actor: None,
            on_behalf_of: None,
            subject: None,
            request_id: "1".to_owned(),
        };
        let store = &gateway.app.store;
        store.write(|c| audit::record(c, &entry)).unwrap();
    }
    assert_eq!(
        ask(&gateway, "DELETE", "/users/mokamiki", KEY, "").status,
        200
    );
    let left = || {
        let log = gateway.log(None, 100);
        let mut events: Vec<_> = log.iter().map(|e| e.event.clone()).collect();
        events.sort();
        events
    };
    advance(&gateway, 30 * DAY);
    gateway.background.housekeeping.purge();
    assert_eq!(left().len(), 4);
    advance(&gateway, 1);
    gateway.background.housekeeping.purge();
    assert_eq!(left(), [events[0], events[1], "user_deleted"]);
}

/// Registers a user and returns the token of the mail.
fn register(gateway: &Gateway, name: &str) -> String {
    let body = json!({"username": name, "name": "Ubul", "email": format!("{name}@valami.hu"), "password": "ValaKi1234"});
    let reply = ask(gateway, "POST", "/register", FLAT, &body.to_string());
    assert_eq!(status_and_code(&reply).1, "ok");
    mailed_token(gateway)
}

fn exists(gateway: &Gateway, name: &str) -> bool {
    let found = gateway.app.store.read(|c| users::by_name(c, name));
    found.unwrap().is_some()
}

#[test]
fn deletes_unconfirmed_accounts_only() {
    let gateway = Gateway::with(&[("registration.keep_days", "30"), ("activation.hours", "48")]);
    let confirmed = register(&gateway, "confirmed");
    let body = json!({"token": confirmed}).to_string();
    assert_eq!(
        status_and_code(&ask(&gateway, "POST", "/register/confirm", FLAT, &body)).1,
        "ok"
    );
    for name in ["ubul", "again", "taken-on", "member", "linked"] {
        register(&gateway, name);
    }
    let headers = format!("{KEY}{FLAT}");
    let made = r#"{"userName":"made","name":"M","email":"made@valami.hu"}"#;
    assert_eq!(
        status_and_code(&ask(&gateway, "POST", "/users", &headers, made)).1,
        "ok"
    );
    // An account stays if a trusted client changed it, if it is in an organisation, or if it has an external ID.
    let changed = r#"{"name":"Taken On"}"#;
    let reply = ask(&gateway, "PATCH", "/users/taken-on", &headers, changed);
    assert_eq!(status_and_code(&reply).1, "ok");
    let store = &gateway.app.store;
    store
        .write(|c| {
            let linked = users::by_name(c, "linked")?.unwrap();
            let identity = ExternalIdentity {
                id: "1".to_owned(),
                provider: "library".to_owned(),
                id_type: "card".to_owned(),
            };
            external_identities::add(c, linked.id, &identity, ("test", NOW))?;
            let member = users::by_name(c, "member")?.unwrap();
            organisations::join(c, member.id, "hammy", &[], NOW)
        })
        .unwrap();
    advance(&gateway, 47 * HOUR);
    let body = json!({"usernameOrEmail": "again"}).to_string();
    assert_eq!(
        status_and_code(&ask(&gateway, "POST", "/register/resend", FLAT, &body)).1,
        "ok"
    );
    advance(&gateway, HOUR + 30 * DAY);
    gateway.background.housekeeping.purge();
    assert!(
        exists(&gateway, "ubul"),
        "the account is one millisecond too young for deletion"
    );
    advance(&gateway, 1);
    gateway.background.housekeeping.purge();
    assert!(!exists(&gateway, "ubul"));
    let others = [
        "again",
        "taken-on",
        "member",
        "linked",
        "made",
        "confirmed",
        "mokamiki",
    ];
    for name in others {
        assert!(exists(&gateway, name), "{name}");
    }
    while gateway.background.housekeeping.erase_names().unwrap() {}
    let log = gateway.log(None, 1000);
    assert!(!format!("{log:?}").contains("ubul"), "{log:#?}");
    assert_eq!(rows(&gateway, "user_registrations_lapsed"), 1);
    // The name and the address can be registered again.
    register(&gateway, "ubul");
    advance(&gateway, 48 * HOUR);
    gateway.background.housekeeping.purge();
    assert!(
        !exists(&gateway, "again"),
        "the second token of the account has expired"
    );
    for name in ["taken-on", "member", "linked", "made", "confirmed"] {
        assert!(exists(&gateway, name), "{name}");
    }
}

#[test]
fn deletes_the_oldest_unconfirmed_accounts_beyond_the_limit() {
    let gateway = Gateway::with(&[("registration.unconfirmed", "10")]);
    for n in 0..13 {
        advance(&gateway, 1000);
        register(&gateway, &format!("u{n}"));
    }
    gateway.background.housekeeping.purge();
    let left: Vec<_> = (0..13)
        .filter(|n| exists(&gateway, &format!("u{n}")))
        .collect();
    assert_eq!(left, (3..13).collect::<Vec<_>>());
    assert!(exists(&gateway, "mokamiki"));
}

#[test]
fn revokes_the_oldest_sign_ins_beyond_the_limit() {
    let gateway = Gateway::with(&[("token.sign_ins", "10"), ("session.browsers", "2")]);
    let tokens: Vec<_> = (0..12)
        .map(|_| sign_in(&gateway, "mokamiki", "MokaMiki-1234", None))
        .collect();
    let shown = |token: &String| {
        let headers = format!("{PORTAL}Authorization: {token}\r\n");
        ask(&gateway, "GET", "/users/mokamiki", &headers, "").status
    };
    assert_eq!((shown(&tokens[0]), shown(&tokens[1])), (401, 401));
    assert!(tokens[2..].iter().all(|token| shown(token) == 200));

    let mut browsers: Vec<_> = (0..2)
        .map(|_| signed_in(&gateway, "mokamiki", "MokaMiki-1234"))
        .collect();
    // The first session was used later than the second, so the third ends the second.
    advance(&gateway, HOUR);
    assert!(browsers[0].is_signed_in(&gateway));
    browsers.push(signed_in(&gateway, "mokamiki", "MokaMiki-1234"));
    let signed_in: Vec<_> = browsers
        .iter_mut()
        .map(|browser| browser.is_signed_in(&gateway))
        .collect();
    assert_eq!(signed_in, [true, false, true]);
}

#[test]
fn ends_a_tenth_of_the_sessions_when_one_is_too_many() {
    let gateway = Gateway::with(&[("session.browsers", "21")]);
    let count = |gateway: &Gateway| -> usize {
        let user = gateway
            .app
            .store
            .read(|c| users::by_name(c, "mokamiki"))
            .unwrap()
            .unwrap();
        gateway
            .app
            .store
            .read(|c| sessions::of_user(c, user.id, gateway.app.clock.now(), 0))
            .unwrap()
            .len()
    };
    let counts: Vec<usize> = (0..24)
        .map(|_| {
            signed_in(&gateway, "mokamiki", "MokaMiki-1234");
            count(&gateway)
        })
        .collect();
    assert_eq!(counts[20..], [21, 19, 20, 21]);
}

#[test]
fn refuses_the_hundredth_refresh_and_still_detects_a_stolen_token() {
    let gateway = Gateway::demo();
    let first = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let refresh = |token: &str| {
        let headers = format!("{PORTAL}{FLAT}Authorization: {token}\r\n");
        ask(
            &gateway,
            "POST",
            "/password/refreshAuthToken",
            &headers,
            "{}",
        )
    };
    let mut token = first.clone();
    for _ in 1..100 {
        let reply = refresh(&token);
        assert_eq!(status_and_code(&reply).1, "ok");
        token = reply.header("Authorization").unwrap().to_owned();
    }
    let refused = refresh(&token);
    assert_eq!(
        status_and_code(&refused),
        (429, "TOO_MANY_ATTEMPTS".to_owned())
    );
    assert_eq!(refused.header("Retry-After"), Some("1800"));
    // A thief cannot make the gateway forget the first token by refreshing.
    advance(&gateway, 11_000);
    assert_eq!(status_and_code(&refresh(&first)).1, "TOKEN_EXPIRED");
    assert_eq!(status_and_code(&refresh(&token)).1, "TOKEN_EXPIRED");
}

#[test]
fn keeps_the_newest_hundred_mails_of_a_user() {
    let gateway = Gateway::demo();
    let store = &gateway.app.store;
    let sealed = b"sealed";
    let ids = store
        .write(|c| {
            let user = users::by_name(c, "mokamiki")?.unwrap().id;
            let other = users::by_name(c, "admin")?.unwrap().id;
            outbox::enqueue_mail(c, other, sealed, NOW)?;
            for _ in 0..110 {
                outbox::enqueue_mail(c, user, sealed, NOW)?;
            }
            outbox_rows(c)
        })
        .unwrap();
    assert_eq!(ids.len(), 101);
    assert_eq!((ids[0].id, ids[1].id), (1, 12));
}

#[test]
fn deletes_delivered_mails_and_their_files_after_keep_days() {
    let gateway = Gateway::with(&[("outbox.keep_days", "10")]);
    register(&gateway, "ubul");
    let rows = || gateway.app.store.read(outbox_rows).unwrap().len();
    advance(&gateway, 10 * DAY - 1);
    gateway.background.housekeeping.purge();
    gateway.background.housekeeping.purge_mail_files();
    assert_eq!((rows(), gateway.mails().len()), (1, 1));
    advance(&gateway, 2);
    gateway.background.housekeeping.purge();
    gateway.background.housekeeping.purge_mail_files();
    assert_eq!((rows(), gateway.mails().len()), (0, 0));
}

#[test]
fn drops_attempts_beyond_the_limit_that_expire_first() {
    let gateway = Gateway::with(&[("throttle.rows", "1000")]);
    let limit = gateway.app.rules.throttle.guesses;
    let store = &gateway.app.store;
    store
        .write(|c| {
            for _ in 0..6 {
                attempts::count(c, "guessed at", limit, NOW)?;
            }
            for n in 0..1_100 {
                attempts::count(c, &format!("name {n}"), limit, NOW + n)?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    gateway.background.housekeeping.purge();
    let (subjects, failures) = counted_attempts(&gateway);
    assert!((990..=1_000).contains(&subjects), "{subjects}");
    assert_eq!(failures, subjects + 5, "the delayed subject stays");
    let open_at = store.read(|c| attempts::open_at(c, &["guessed at".to_owned()]));
    assert!(open_at.unwrap().is_some_and(|at| at > NOW));
}

#[test]
fn reports_the_sizes_of_the_database_and_its_tables() {
    let gateway = Gateway::demo();
    gateway.background.housekeeping.purge();
    gateway.background.housekeeping.count_rows();
    let metrics = gateway.get("/metrics").body;
    let value = |name: &str| -> i64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse().unwrap()
    };
    assert!(value("chaingun_database_bytes") > 100_000);
    let users = value("chaingun_table_rows{table=\"users\"}");
    assert!(users >= 3, "{users}");
    for table in [
        "one_time_tokens",
        "outbox",
        "attempts",
        "sessions",
        "token_families",
        "tokens",
        "used_assertions",
        "external_identities",
        "audit_log",
        "refusals",
    ] {
        value(&format!("chaingun_table_rows{{table=\"{table}\"}}"));
    }
}

#[test]
fn writes_counted_refusals_at_the_stop() {
    let (data, database) = (tempfile::tempdir().unwrap(), Database::fresh());
    let process = Process::start(data.path(), database.url(), &[], &["--demo"]);
    for _ in 0..3 {
        let reply = ask(&process.speaker, "GET", "/users/a", "", "");
        assert_eq!(reply.status, 403);
    }
    process.stop();
    let process = Process::start(data.path(), database.url(), &[], &["--demo"]);
    process.stop();
    let mut config = chaingun_gateway::config::Values::new();
    config.insert(
        "data_dir".into(),
        data.path().to_string_lossy().into_owned(),
    );
    if let Some(url) = database.url() {
        config.insert("database_url".into(), url);
    }
    let config = chaingun_gateway::config::Config::read(&config, Vec::new()).unwrap();
    let store = chaingun_gateway::store::Store::open(config.opening).unwrap();
    let log = store.read(|c| audit::list(c, None, 10)).unwrap();
    let refused: i64 = log
        .iter()
        .filter(|e| e.outcome == "UNKNOWN_CLIENT")
        .map(|e| e.times)
        .sum();
    assert_eq!(refused, 3);
}

/// This test covers PostgreSQL only: the triggers of SQLite have unit tests in the store.
#[test]
fn refuses_to_delete_from_the_audit_log_of_postgresql() {
    let gateway = Gateway::demo();
    let Some(url) = gateway.database.url() else {
        return;
    };
    sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let run = |sql: &str| {
        let done = std::process::Command::new("psql")
            .args(["-q", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", sql])
            .output()
            .unwrap();
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    for sql in [
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "UPDATE audit_log SET at = 0",
    ] {
        let told = run(sql);
        assert!(
            told.contains("the audit log is append-only"),
            "{sql}: {told}"
        );
    }
    assert!(rows(&gateway, "authn_login") > 0);
}
