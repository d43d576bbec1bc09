//! An ID in a service belongs to one user: claims, removals, and the callbacks that tell a service to remove a user.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Barrier;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chaingun_gateway::secrets::sealing::Binding;
use chaingun_gateway::store::{applications, audit, clients, outbox};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use serde_json::{Value, json};

use crate::cli::Shell;
use crate::harness::browser::signed_in;
use crate::harness::process::Process;
use crate::harness::receiver::Receiver;
use crate::harness::rest::{KEY, ask, sign_in};
use crate::harness::{Database, DeliverDue as _, Gateway, Speaker, outbox_rows};

const MOKA: (&str, &str) = ("mokamiki", "MokaMiki-1234");
const MAKI: (&str, &str) = ("hakapeszimaki", "passWORD123");
/// Allows callbacks to loopback addresses.
const HERE: (&str, &str) = ("callbacks.allow_private", "loopback");

/// The token of a user of the demo, in the default organisation.
fn token(speaker: &Speaker, (name, password): (&str, &str)) -> String {
    let token = sign_in(speaker, name, password, Some("default"));
    token.strip_prefix("JWT ").unwrap().to_owned()
}

/// The answer to a call of the consent API with these header lines.
fn answer(speaker: &Speaker, headers: &str, method: &str, params: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let head = format!(
        "POST /user-multi-services HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\
         Content-Type: application/json-rpc\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let reply = speaker.raw(head.as_bytes());
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_str(&reply.body).unwrap()
}

/// The result of an answer, or the code of the first message.
fn outcome(answer: &Value) -> String {
    let code = &answer["error"]["data"]["messages"][0]["code"];
    let said = answer.get("result").unwrap_or(code);
    said.as_str().unwrap_or_default().to_owned()
}

fn assign(speaker: &Speaker, token: &str, service: i64, id: &str) -> String {
    let params = json!({"client_id": "konto.onet.pl.front", "token": token, "portal_id": 1, "service_id": service,
        "user_id_in_service": id});
    outcome(&answer(speaker, "", "assign_user_to_service", &params))
}

fn unassign(speaker: &Speaker, token: &str, service: i64) -> String {
    let params = json!({"client_id": "konto.onet.pl.front", "token": token, "portal_id": 1, "service_id": service});
    outcome(&answer(speaker, "", "delete_user_from_service", &params))
}

/// All callbacks in the outbox.
fn callbacks(gateway: &Gateway) -> Vec<outbox::Row> {
    let rows = gateway.app.store.read(outbox_rows).unwrap();
    rows.into_iter()
        .filter(|r| r.kind.as_str() == "callback")
        .collect()
}

/// The outcomes of this event in the audit log, oldest first.
fn audited(gateway: &Gateway, event: &str) -> Vec<String> {
    let entries = gateway.app.store.read(|c| audit::list(c, None, 1000));
    let entries = entries.unwrap().into_iter().rev();
    let found = entries.filter(|e| e.event == event);
    found.map(|e| e.outcome.clone()).collect()
}

#[test]
fn refuses_an_id_that_another_user_holds_and_queues_no_callback_for_it() {
    let gateway = Gateway::demo();
    let (victim, attacker) = (token(&gateway, MOKA), token(&gateway, MAKI));
    assert_eq!(assign(&gateway, &victim, 1, "victim-4711"), "OK");
    // IDs that differ only in case or Unicode form are the same ID.
    for id in ["victim-4711", "VICTIM-4711", "\u{ff56}ictim-4711"] {
        let params = json!({"client_id": "konto.onet.pl.front", "token": attacker, "portal_id": 1, "service_id": 1,
            "user_id_in_service": id});
        let english = "Accept-Language: en\r\n";
        let refused = answer(&gateway, english, "assign_user_to_service", &params);
        assert_eq!(refused["error"]["code"], -32602, "{id}: {refused}");
        let data = &refused["error"]["data"];
        assert_eq!(
            data["messages"],
            json!([{"severity": "ERROR", "code": "ID_IN_SERVICE_TAKEN",
                "description": "Another user holds this id in the service (user_id_in_service)"}]),
            "{id}"
        );
        assert!(data["requestId"].is_string());
    }
    assert_eq!(unassign(&gateway, &attacker, 1), "OK");
    assert_eq!(callbacks(&gateway).len(), 0);
    // The same text in another service is another ID.
    assert_eq!(assign(&gateway, &attacker, 2, "victim-4711"), "OK");
    // The holder may claim the ID again, also in another spelling.
    assert_eq!(assign(&gateway, &victim, 1, "Victim-4711"), "OK");
    assert_eq!(assign(&gateway, &victim, 1, "victim-4712"), "OK");
    assert_eq!(
        assign(&gateway, &attacker, 1, "victim-4711"),
        "OK",
        "the holder has given the ID up"
    );
}

#[test]
fn grants_an_id_to_one_of_many_users_that_claim_it_at_the_same_time() {
    let gateway = Gateway::with(&[("threads.write", "4")]);
    let tokens = [token(&gateway, MOKA), token(&gateway, MAKI), {
        let token = sign_in(&gateway, "admin", "Admin-Demo-2026", None);
        token.strip_prefix("JWT ").unwrap().to_owned()
    }];
    for round in 0..10 {
        let start = Barrier::new(tokens.len());
        let id = format!("id-{round}");
        let mut said: Vec<String> = std::thread::scope(|scope| {
            let claims: Vec<_> = tokens
                .iter()
                .map(|token| {
                    scope.spawn(|| {
                        start.wait();
                        assign(&gateway, token, 1, &id)
                    })
                })
                .collect();
            claims.into_iter().map(|c| c.join().unwrap()).collect()
        });
        said.sort();
        assert_eq!(said, ["ID_IN_SERVICE_TAKEN", "ID_IN_SERVICE_TAKEN", "OK"]);
    }
}

#[test]
fn compares_ids_exactly_if_the_service_is_case_sensitive() {
    let gateway = Gateway::demo();
    let mut service = service_1(&gateway);
    service.case_sensitive_ids = true;
    configure(&gateway, &service);
    let (moka, maki) = (token(&gateway, MOKA), token(&gateway, MAKI));
    assert_eq!(assign(&gateway, &moka, 1, "abc"), "OK");
    assert_eq!(assign(&gateway, &maki, 1, "abc"), "ID_IN_SERVICE_TAKEN");
    assert_eq!(assign(&gateway, &maki, 1, "ABC"), "OK");
    assert_eq!(unassign(&gateway, &maki, 1), "OK");
    assert_eq!(callbacks(&gateway).len(), 1);
}

/// The stored row of the demo's first service.
fn service_1(gateway: &Gateway) -> chaingun_gateway::store::services::Service {
    let all = gateway
        .app
        .store
        .read(chaingun_gateway::store::services::all);
    all.unwrap().into_iter().find(|s| s.id == 1).unwrap()
}

fn configure(gateway: &Gateway, service: &chaingun_gateway::store::services::Service) {
    let store = &gateway.app.store;
    store
        .write(|c| {
            chaingun_gateway::store::services::put(c, service)?;
            chaingun_gateway::store::clients::touch(c)
        })
        .unwrap();
    gateway.app.registry.refresh(store).unwrap();
}

/// A gateway and the tokens of two users: one holds "abc", the other "ABC" in service 1, which now ignores case.
fn disputed() -> (Gateway, String, String) {
    let gateway = Gateway::with(&[HERE]);
    let mut service = service_1(&gateway);
    service.case_sensitive_ids = true;
    configure(&gateway, &service);
    let (moka, maki) = (token(&gateway, MOKA), token(&gateway, MAKI));
    assert_eq!(assign(&gateway, &moka, 1, "abc"), "OK");
    assert_eq!(assign(&gateway, &maki, 1, "ABC"), "OK");
    service.case_sensitive_ids = false;
    configure(&gateway, &service);
    (gateway, moka, maki)
}

const WITHHELD: &str = "user_service_callback";

#[test]
fn refuses_a_disputed_id_to_all_but_its_holders() {
    let (gateway, moka, maki) = disputed();
    let admin = sign_in(&gateway, "admin", "Admin-Demo-2026", None);
    assert_eq!(assign(&gateway, &admin, 1, "aBc"), "ID_IN_SERVICE_TAKEN");
    assert_eq!(assign(&gateway, &moka, 1, "abc"), "OK", "nothing changes");
    assert_eq!(
        assign(&gateway, &maki, 1, "abd"),
        "OK",
        "one holder takes another ID"
    );
    // One holder is left, so the ID is no longer disputed.
    assert_eq!(assign(&gateway, &admin, 1, "ABC"), "ID_IN_SERVICE_TAKEN");
    assert_eq!(unassign(&gateway, &moka, 1), "OK");
    assert_eq!(callbacks(&gateway).len(), 1);
    assert_eq!(audited(&gateway, WITHHELD), [""; 0]);
    assert_eq!(assign(&gateway, &admin, 1, "ABC"), "OK");
}

#[test]
fn withholds_the_callback_for_an_id_that_another_user_holds() {
    // The consent API ends the assignment.
    let (gateway, moka, maki) = disputed();
    assert_eq!(unassign(&gateway, &maki, 1), "OK");
    assert_eq!(callbacks(&gateway).len(), 0);
    assert_eq!(audited(&gateway, WITHHELD), ["withheld"]);
    assert_eq!(unassign(&gateway, &moka, 1), "OK");
    assert_eq!(
        callbacks(&gateway).len(),
        1,
        "no other user holds the ID now"
    );

    // A trusted client deletes the account.
    let (gateway, moka, _) = disputed();
    let gone = ask(&gateway, "DELETE", "/users/hakapeszimaki", KEY, "");
    assert_eq!(gone.status, 200, "{gone:?}");
    assert_eq!(callbacks(&gateway).len(), 0);
    assert_eq!(audited(&gateway, WITHHELD), ["withheld"]);
    assert_eq!(unassign(&gateway, &moka, 1), "OK");
    assert_eq!(callbacks(&gateway).len(), 1);
}

#[test]
fn gives_up_a_queued_callback_if_a_user_holds_the_id_at_delivery() {
    let gateway = Gateway::with(&[HERE]);
    let receiver = Receiver::content();
    let mut service = service_1(&gateway);
    service.callback_url = Some(receiver.url());
    configure(&gateway, &service);
    let (moka, maki) = (token(&gateway, MOKA), token(&gateway, MAKI));
    for id in ["abc", "left"] {
        assert_eq!(assign(&gateway, &moka, 1, id), "OK");
        assert_eq!(unassign(&gateway, &moka, 1), "OK");
    }
    assert_eq!(assign(&gateway, &maki, 1, "ABC"), "OK");
    assert_eq!(gateway.delivery.deliver_due().unwrap(), 1);
    assert_eq!(receiver.lines(), ["DELETE /users/left HTTP/1.1"]);
    let states: Vec<_> = callbacks(&gateway)
        .into_iter()
        .map(|row| (row.state.as_str(), row.last_error.unwrap_or_default()))
        .collect();
    let held = "not sent: a user holds this id in the service";
    assert_eq!(states[0], ("dead", held.to_owned()));
    assert_eq!(states[1], ("delivered", String::new()));
    assert_eq!(audited(&gateway, WITHHELD), ["withheld"]);

    // A retry delivers the callback when no user holds the ID.
    assert_eq!(assign(&gateway, &maki, 1, "xyz"), "OK");
    let now = gateway.app.clock.now();
    let again = |c: &mut _| outbox::retry(c, &outbox::RetryTarget::Dead, now);
    assert_eq!(gateway.app.store.write(again).unwrap(), 1);
    assert_eq!(gateway.delivery.deliver_due().unwrap(), 1);
    assert_eq!(receiver.lines()[1], "DELETE /users/abc HTTP/1.1");
}

/// Creates a database with the first four migrations, before IDs were unique, and runs this SQL on it.
fn old_database(database: &Database, file: &std::path::Path, sql: &str) {
    fn migrate<D: diesel::backend::Backend>(connection: &mut impl MigrationHarness<D>, kind: &str) {
        let folder = format!("{}/schema/sql/{kind}", env!("CARGO_MANIFEST_DIR"));
        let migrations = FileBasedMigrations::from_path(folder).unwrap();
        for _ in 0..4 {
            connection.run_next_migration(migrations.clone()).unwrap();
        }
    }
    match database.url() {
        None => {
            let mut c = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
            migrate(&mut c, "sqlite");
            c.batch_execute(sql).unwrap();
        }
        Some(url) => {
            let mut c = PgConnection::establish(&url).unwrap();
            migrate(&mut c, "postgres");
            c.batch_execute(sql).unwrap();
        }
    }
}

#[test]
fn migrate_reports_ids_that_several_users_hold_and_changes_none() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let folder = data.path().join("data");
    std::fs::create_dir_all(&folder).unwrap();
    let mut sql =
        String::from("INSERT INTO services (id, portal_id, name) VALUES (1, 1, 'S'), (2, 1, 'T');");
    for (n, service, id) in [
        (1, 1, "abc"),
        (2, 1, "ABC"),
        (3, 1, "\u{e9}va"),
        (4, 1, "E\u{301}VA"),
        (5, 1, "only"),
        (6, 2, "abc"),
        (7, 1, "\u{ff41}bc"),
    ] {
        sql += &format!(
            "INSERT INTO users (id, uuid, user_name, user_name_ci, name, name_ci, email, email_ci, client_name, status, \
             roles, created_at, updated_at) VALUES ({n}, 'u{n}', 'user{n}', 'user{n}', 'N', 'n', 'u{n}@a.hu', 'u{n}@a.hu', \
             'Default', 'ACTIVE', '', 0, 0); \
             INSERT INTO assignments VALUES ({n}, {service}, '{id}', 0);"
        );
    }
    let client = "INSERT INTO clients (name, trust, active, created_at) VALUES ('Default', 'trusted', TRUE, 0);";
    old_database(
        &database,
        &folder.join("gateway.db"),
        &format!("{client}{sql}"),
    );

    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let advice = "No other user can claim the id, and the gateway sends no callback for it. Ask the service which user owns \
                  the id, and remove the others: `chaingun-gateway user leave-service`.";
    let migrated = shell.run(&["migrate"]);
    assert_eq!(migrated.code, 0, "{}", migrated.err);
    let lines: Vec<_> = migrated.out.lines().collect();
    assert_eq!(
        lines[1..],
        [
            format!(
                "Finding: service 1, id \"abc\": 3 users hold this id: user1, user2, user7. {advice}"
            ),
            format!(
                "Finding: service 1, id \"\u{e9}va\": 2 users hold this id: user3, user4. {advice}"
            ),
        ]
    );
    let records = shell.run(&["migrate", "--json"]).records();
    assert_eq!(records[0], json!({"applied": []}));
    assert_eq!(records[1]["finding"], "disputed_id_in_service");
    assert_eq!(records[1]["place"], "service 1, id \"abc\"");
    assert_eq!(records.len(), 3);

    let process = Process::start(&folder, database.url(), &[], &[]);
    process.wait_for("\"findings\":2");
    process.stop();
}

/// Makes the demo's first application need a secret, and stores this secret or none in the registry.
fn require_secret(gateway: &Gateway, secret: Option<&str>) {
    let app = &gateway.app;
    let all = app.store.read(applications::all).unwrap();
    let mut application = all.into_iter().find(|a| a.client_id == FRONT).unwrap();
    application.plain_calls = false;
    let seal = |secret| {
        let binding = Binding::ApplicationSecret(FRONT);
        app.sealer.seal(binding, secret).unwrap()
    };
    application.secret = secret.map(seal);
    app.store
        .write(|c| {
            applications::put(c, &application)?;
            clients::touch(c)
        })
        .unwrap();
    app.registry.refresh(&app.store).unwrap();
}

const FRONT: &str = "konto.onet.pl.front";
const SECRET: &str = "a-secret-of-the-front";

fn basic(name: &str, secret: &str) -> String {
    let encoded = STANDARD.encode(format!("{name}:{secret}"));
    format!("Authorization: Basic {encoded}\r\n")
}

/// The outcome of an assignment with these headers, and with this secret as a parameter if there is one.
fn assign_with_secret(
    speaker: &Speaker,
    token: &str,
    headers: &str,
    secret: Option<&str>,
) -> String {
    let mut params = json!({"client_id": FRONT, "token": token, "portal_id": 1, "service_id": 1,
        "user_id_in_service": "abc"});
    if let Some(secret) = secret {
        params["application_secret"] = secret.into();
    }
    outcome(&answer(speaker, headers, "assign_user_to_service", &params))
}

#[test]
fn refuses_assignments_by_an_application_without_its_secret() {
    let gateway = Gateway::with(&[("throttle.guesses", "100")]);
    let token = token(&gateway, MOKA);
    assert_eq!(
        assign_with_secret(&gateway, &token, "", None),
        "OK",
        "the demo allows plain calls"
    );
    require_secret(&gateway, Some(SECRET));
    for (headers, field, said) in [
        ("", None, "APPLICATION_SECRET_REQUIRED"),
        ("", Some(""), "APPLICATION_SECRET_REQUIRED"),
        ("", Some(SECRET), "OK"),
        ("", Some("another-secret-of-it"), "APPLICATION_SECRET_WRONG"),
        (&basic(FRONT, SECRET), None, "OK"),
        (&basic("konto.onet.pl.front.onetapi.pl", SECRET), None, "OK"),
        (&basic(FRONT, SECRET), Some(SECRET), "OK"),
        (&basic(FRONT, SECRET), Some("x"), "APPLICATION_SECRET_WRONG"),
        (&basic(FRONT, "x"), Some(SECRET), "APPLICATION_SECRET_WRONG"),
        (&basic(FRONT, ""), None, "APPLICATION_SECRET_WRONG"),
        // Credentials of another name are ignored.
        (&basic("blic.rs.front", "x"), Some(SECRET), "OK"),
        (&basic("proxy", SECRET), None, "APPLICATION_SECRET_REQUIRED"),
        ("Authorization: Negotiate abc\r\n", Some(SECRET), "OK"),
        ("Authorization: Basic !\r\n", Some(SECRET), "OK"),
    ] {
        assert_eq!(
            assign_with_secret(&gateway, &token, headers, field),
            said,
            "{headers} {field:?}"
        );
    }
    // The secret of another application is wrong.
    let other = Some("demo-secret-of-blic.rs");
    assert_eq!(
        assign_with_secret(&gateway, &token, "", other),
        "APPLICATION_SECRET_WRONG"
    );

    let mut params = json!({"client_id": FRONT, "token": token, "portal_id": 1, "service_id": 1});
    let refused = answer(
        &gateway,
        "Accept-Language: en\r\n",
        "delete_user_from_service",
        &params,
    );
    assert_eq!(refused["error"]["code"], -32003);
    assert_eq!(
        refused["error"]["data"]["messages"][0]["description"],
        "Send the application's secret, as the parameter application_secret or with HTTP Basic"
    );
    // Reads and agreements need no secret, and ignore a wrong one.
    let wrong = basic(FRONT, "x");
    for method in [
        "get_user_services",
        "check_if_service_is_assign_to_user",
        "check_user_agreements",
    ] {
        let read = answer(&gateway, &wrong, method, &params);
        assert!(read.get("result").is_some(), "{method}: {read}");
    }
    let accept = json!({"client_id": FRONT, "token": token, "agreement_ids": [1]});
    assert_eq!(
        outcome(&answer(&gateway, "", "accept_user_agreements", &accept)),
        "OK"
    );
    params["application_secret"] = SECRET.into();
    assert_eq!(
        outcome(&answer(&gateway, "", "delete_user_from_service", &params)),
        "OK"
    );

    require_secret(&gateway, None);
    assert_eq!(
        assign_with_secret(&gateway, &token, "", None),
        "APPLICATION_HAS_NO_SECRET"
    );
    assert_eq!(
        assign_with_secret(&gateway, &token, "", Some(SECRET)),
        "APPLICATION_SECRET_WRONG"
    );
    // A user who is signed in with a browser leaves a service without the application's secret.
    let mut browser = signed_in(&gateway, MOKA.0, MOKA.1);
    require_secret(&gateway, Some(SECRET));
    assert_eq!(assign_with_secret(&gateway, &token, "", Some(SECRET)), "OK");
    browser.fill(
        &gateway,
        "account.html",
        &[("do", "leave"), ("service", "1")],
    );
    assert_eq!(callbacks(&gateway).len(), 2);
}

#[test]
fn delays_guesses_at_an_applications_secret_by_source_and_application() {
    let gateway = Gateway::with(&[("trusted_proxies", "127.0.0.1")]);
    let token = token(&gateway, MOKA);
    require_secret(&gateway, Some(SECRET));
    let from = |source: &str, secret: &str| {
        let headers = format!("X-Forwarded-For: {source}\r\n");
        assign_with_secret(&gateway, &token, &headers, Some(secret))
    };
    for n in 0..5 {
        assert_eq!(
            from("198.51.100.7", &format!("guess-{n}")),
            "APPLICATION_SECRET_WRONG"
        );
    }
    assert_eq!(from("198.51.100.7", "guess-5"), "TOO_MANY_ATTEMPTS");
    assert_eq!(
        from("198.51.100.7", SECRET),
        "TOO_MANY_ATTEMPTS",
        "the right secret is delayed, too"
    );
    assert_eq!(
        from("198.51.100.8", SECRET),
        "OK",
        "another address is not delayed"
    );
    assert_eq!(audited(&gateway, "authn_login_lock"), ["slowed_down"]);
    gateway.app.clock.advance(1_000);
    assert_eq!(from("198.51.100.7", SECRET), "OK");
    // The right secret reset the counter.
    for n in 0..5 {
        assert_eq!(
            from("198.51.100.7", &format!("guess-{n}")),
            "APPLICATION_SECRET_WRONG"
        );
    }
    assert_eq!(from("198.51.100.7", SECRET), "TOO_MANY_ATTEMPTS");
}

#[test]
fn writes_no_application_secret_into_logs() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let process = Process::start(
        data.path(),
        database.url(),
        &[("log", "trace")],
        &["--demo"],
    );
    let token = token(&process.speaker, MOKA);
    let mut said = String::new();
    for (headers, field) in [
        (basic(FRONT, "Kanari-Titok-1"), None),
        (basic(FRONT, "Kanari-Titok-2"), Some("Kanari-Titok-3")),
        (String::new(), Some("demo-secret-of-konto.onet.pl")),
    ] {
        said += &assign_with_secret(&process.speaker, &token, &headers, field);
    }
    assert_eq!(said, "APPLICATION_SECRET_WRONGAPPLICATION_SECRET_WRONGOK");
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let audit = shell.run(&["audit", "list", "--json", "--data-dir", "."]);
    assert!(
        audit.out.contains("APPLICATION_SECRET_WRONG"),
        "{}",
        audit.out
    );
    let log = process.stop();
    for secret in [
        "Kanari-",
        "demo-secret-of-konto.onet.pl",
        &STANDARD.encode("Kanari-Titok-1"),
    ] {
        assert!(
            !log.contains(secret) && !audit.out.contains(secret),
            "{secret}"
        );
    }
}

#[test]
fn refuses_more_changes_of_a_users_assignments_than_fit_in_a_minute() {
    let gateway = Gateway::with(&[("throttle.assignments_per_user", "3")]);
    let (moka, maki) = (token(&gateway, MOKA), token(&gateway, MAKI));
    let mut browser = signed_in(&gateway, MOKA.0, MOKA.1);
    assert_eq!(assign(&gateway, &moka, 1, "abc"), "OK");
    assert_eq!(
        unassign(&gateway, &moka, 2),
        "OK",
        "calls without a change count, too"
    );
    let leave = [("do", "leave"), ("service", "1")];
    let left = browser.fill(&gateway, "account.html", &leave);
    assert_eq!(left.status, 303, "{left:?}");
    let params = json!({"client_id": FRONT, "token": moka, "portal_id": 1, "service_id": 1, "user_id_in_service": "abc"});
    let refused = answer(&gateway, "", "assign_user_to_service", &params);
    assert_eq!(refused["error"]["code"], -32029);
    assert_eq!(outcome(&refused), "TOO_MANY_ATTEMPTS");
    assert_eq!(unassign(&gateway, &moka, 1), "TOO_MANY_ATTEMPTS");
    let page = browser.fill(&gateway, "account.html", &leave);
    assert_eq!(page.status, 429, "{page:?}");
    assert_eq!(assign(&gateway, &maki, 1, "abc"), "OK", "another user");
    gateway.app.clock.advance(60_000);
    assert_eq!(unassign(&gateway, &moka, 1), "OK");
}

#[test]
fn refuses_more_changes_at_a_service_than_fit_in_a_minute() {
    let gateway = Gateway::with(&[
        ("throttle.assignments_per_service", "4"),
        ("throttle.assignments_per_user", "3"),
    ]);
    let (moka, maki) = (token(&gateway, MOKA), token(&gateway, MAKI));
    let said: Vec<_> = (0..5)
        .map(|n| assign(&gateway, &moka, 1, &format!("m{n}")))
        .collect();
    let (ok, many) = ("OK", "TOO_MANY_ATTEMPTS");
    assert_eq!(said, [ok, ok, ok, many, many]);
    // Refused calls of one user do not count for the service.
    assert_eq!(assign(&gateway, &maki, 1, "h1"), ok);
    assert_eq!(assign(&gateway, &maki, 1, "h2"), many);
    assert_eq!(assign(&gateway, &maki, 2, "h2"), ok, "another service");
}

#[test]
fn warns_of_plain_calls_and_of_callbacks_that_are_always_refused() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let service = |id: i64, url: &str| {
        format!(
            "[[services]]\nid = {id}\nportal = 1\nname = \"S\"\ncallback_url = \"{url}\"\naccess_key = \"k\"\n\
             secret_key = \"a-secret-of-the-service\"\n"
        )
    };
    let application = |id: &str, more: &str| {
        format!(
            "[[applications]]\nclient_id = \"{id}\"\norigins = [\"https://a.example.org\"]\n\
             redirect_uris = [\"https://a.example.org/a\"]\nsecret = \"a-secret-of-the-front\"\n{more}"
        )
    };
    let file = format!(
        "[[portals]]\nid = 1\nname = \"P\"\n{}{}{}{}",
        service(1, "https://s.example.org/users"),
        service(2, "http://127.0.0.1:9099/users"),
        application("closed.front", ""),
        application("open.front", "plain_calls = true\n"),
    );
    let path = data.path().join("registry.toml");
    std::fs::write(&path, file).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let plain = "chaingun-gateway: warning: registry.toml: applications[1].plain_calls: open.front may call without its \
                 secret: whoever has a user's token can claim an id that no user holds, and make the service remove that id\n";
    let refused = "chaingun-gateway: warning: registry.toml: services[1].callback_url: every callback of service 2 will be \
                   refused: 127.0.0.1 is a loopback address; see the setting callbacks.allow_private\n";
    let both = format!("{refused}{plain}");
    for arguments in [
        &["apply", "registry.toml", "--dry-run"][..],
        &["apply", "registry.toml"],
        &["apply", "registry.toml"],
    ] {
        let ended = shell.run(arguments);
        assert_eq!(
            (ended.code, ended.err.as_str()),
            (0, both.as_str()),
            "{arguments:?}"
        );
    }
    let environment = [("GATEWAY_REGISTRY", "registry.toml")];
    let checked = shell.run_with(&["check-config"], "", &environment);
    assert_eq!((checked.code, checked.err.as_str()), (0, both.as_str()));
    let allowing = [
        environment[0],
        ("GATEWAY_CALLBACKS_ALLOW_PRIVATE", "loopback"),
    ];
    let checked = shell.run_with(&["check-config"], "", &allowing);
    assert_eq!((checked.code, checked.err.as_str()), (0, plain));

    let settings = [("registry", path.to_str().unwrap())];
    let log = Process::start(&data.path().join("data"), database.url(), &settings, &[]).stop();
    assert!(log.contains("127.0.0.1 is a loopback address"), "{log}");
    assert!(
        log.contains("open.front may call without its secret"),
        "{log}"
    );
}

#[test]
fn takes_a_disputed_id_from_one_user_with_user_leave_service() {
    let (gateway, _, _) = disputed();
    let data = gateway.data.path().to_str().unwrap();
    let shell = Shell {
        data: gateway.data.path(),
        database: &gateway.database,
    };
    let leave = [
        "user",
        "leave-service",
        "hakapeszimaki",
        "1",
        "--data-dir",
        data,
    ];
    let left = shell.run(&leave);
    assert_eq!(
        (left.code, left.out.as_str()),
        (0, "hakapeszimaki has left service 1.\n"),
        "{}",
        left.err
    );
    assert_eq!(
        shell.run(&leave).code,
        1,
        "the service is not assigned any more"
    );
    assert_eq!(callbacks(&gateway).len(), 0);
    assert_eq!(audited(&gateway, WITHHELD), ["withheld"]);
    let migrated = shell.run(&["migrate", "--data-dir", data]);
    assert_eq!(migrated.out, "The database is up to date.\n");
}
