//! An id in a service belongs to one user: who can claim it, who can give it up, and when a service is told to remove it.

use std::sync::Barrier;

use chaingun_gateway::store::{audit, outbox};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use serde_json::{Value, json};

use crate::cli::Shell;
use crate::harness::process::Process;
use crate::harness::receiver::Receiver;
use crate::harness::rest::{KEY, ask, sign_in};
use crate::harness::{Database, Gateway, Speaker};

const MOKA: (&str, &str) = ("mokamiki", "MokaMiki-1234");
const MAKI: (&str, &str) = ("hakapeszimaki", "passWORD123");
/// Callbacks may go to this machine.
const HERE: (&str, &str) = ("callbacks.allow_private", "loopback");

/// The token of a user of the demo, bound to no organisation in particular.
fn token(speaker: &Speaker, (name, password): (&str, &str)) -> String {
    let token = sign_in(speaker, name, password, Some("default"));
    token.strip_prefix("JWT ").unwrap().to_owned()
}

/// The answer to a call of the consent API, with these headers, each with its line break.
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

/// What an answer says in short: its result, or the first message's code.
fn short(answer: &Value) -> String {
    let code = &answer["error"]["data"]["messages"][0]["code"];
    let said = answer.get("result").unwrap_or(code);
    said.as_str().unwrap_or_default().to_owned()
}

fn assign(speaker: &Speaker, token: &str, service: i64, id: &str) -> String {
    let params = json!({"client_id": "konto.onet.pl.front", "token": token, "portal_id": 1, "service_id": service,
        "user_id_in_service": id});
    short(&answer(speaker, "", "assign_user_to_service", &params))
}

fn unassign(speaker: &Speaker, token: &str, service: i64) -> String {
    let params = json!({"client_id": "konto.onet.pl.front", "token": token, "portal_id": 1, "service_id": service});
    short(&answer(speaker, "", "delete_user_from_service", &params))
}

/// Callbacks in the outbox, in whichever state.
fn callbacks(gateway: &Gateway) -> Vec<outbox::Row> {
    let rows = gateway.parts.store.read(outbox::all).unwrap();
    rows.into_iter().filter(|r| r.kind == "callback").collect()
}

/// Outcomes in the audit log of this event, oldest first.
fn audited(gateway: &Gateway, event: &str) -> Vec<String> {
    let entries = gateway.parts.store.read(|c| audit::list(c, None, 1000));
    let entries = entries.unwrap().into_iter().rev();
    let found = entries.filter(|e| e.event == event);
    found.map(|e| e.outcome.clone()).collect()
}

#[test]
fn refuses_an_id_that_another_user_holds_and_queues_no_callback_for_it() {
    let gateway = Gateway::demo();
    let (victim, attacker) = (token(&gateway, MOKA), token(&gateway, MAKI));
    assert_eq!(assign(&gateway, &victim, 1, "victim-4711"), "OK");
    // What differs in case or Unicode form alone is the same id.
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
    // In another service it is another id.
    assert_eq!(assign(&gateway, &attacker, 2, "victim-4711"), "OK");
    // Its holder may claim it again, and spell it in another way.
    assert_eq!(assign(&gateway, &victim, 1, "Victim-4711"), "OK");
    assert_eq!(assign(&gateway, &victim, 1, "victim-4712"), "OK");
    assert_eq!(
        assign(&gateway, &attacker, 1, "victim-4711"),
        "OK",
        "it was given up"
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
fn compares_ids_as_they_are_where_the_service_is_case_sensitive() {
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

/// The demo's first service as it is stored.
fn service_1(gateway: &Gateway) -> chaingun_gateway::store::services::Service {
    let all = gateway
        .parts
        .store
        .read(chaingun_gateway::store::services::all);
    all.unwrap().into_iter().find(|s| s.id == 1).unwrap()
}

fn configure(gateway: &Gateway, service: &chaingun_gateway::store::services::Service) {
    let store = &gateway.parts.store;
    store
        .write(|c| {
            chaingun_gateway::store::services::update(c, service)?;
            chaingun_gateway::store::clients::touch(c)
        })
        .unwrap();
    gateway.parts.registry.refresh(store).unwrap();
}

/// A gateway in which two users hold "abc" and "ABC" in service 1, which tells them apart no longer.
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
fn refuses_a_disputed_id_to_everybody_but_its_holders() {
    let (gateway, moka, maki) = disputed();
    let admin = sign_in(&gateway, "admin", "Admin-Demo-2026", None);
    assert_eq!(assign(&gateway, &admin, 1, "aBc"), "ID_IN_SERVICE_TAKEN");
    assert_eq!(assign(&gateway, &moka, 1, "abc"), "OK", "nothing changes");
    assert_eq!(assign(&gateway, &maki, 1, "abd"), "OK", "it lets go");
    // One user is left, and its id is disputed no longer.
    assert_eq!(assign(&gateway, &admin, 1, "ABC"), "ID_IN_SERVICE_TAKEN");
    assert_eq!(unassign(&gateway, &moka, 1), "OK");
    assert_eq!(callbacks(&gateway).len(), 1);
    assert_eq!(audited(&gateway, WITHHELD), [""; 0]);
    assert_eq!(assign(&gateway, &admin, 1, "ABC"), "OK");
}

#[test]
fn withholds_the_callback_for_an_id_that_another_user_holds_however_its_user_leaves() {
    // The consent API.
    let (gateway, moka, maki) = disputed();
    assert_eq!(unassign(&gateway, &maki, 1), "OK");
    assert_eq!(callbacks(&gateway).len(), 0);
    assert_eq!(audited(&gateway, WITHHELD), ["withheld"]);
    assert_eq!(unassign(&gateway, &moka, 1), "OK");
    assert_eq!(callbacks(&gateway).len(), 1, "nobody else holds it now");

    // Deletion of the account.
    let (gateway, moka, _) = disputed();
    let gone = ask(&gateway, "DELETE", "/users/hakapeszimaki", KEY, "");
    assert_eq!(gone.status, 200, "{gone:?}");
    assert_eq!(callbacks(&gateway).len(), 0);
    assert_eq!(audited(&gateway, WITHHELD), ["withheld"]);
    assert_eq!(unassign(&gateway, &moka, 1), "OK");
    assert_eq!(callbacks(&gateway).len(), 1);
}

#[test]
fn gives_up_a_queued_callback_whose_id_a_user_holds_when_it_would_be_sent() {
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
        .map(|row| (row.state, row.last_error.unwrap_or_default()))
        .collect();
    let held = "not sent: a user holds this id in the service";
    assert_eq!(states[0], ("dead".to_owned(), held.to_owned()));
    assert_eq!(states[1], ("delivered".to_owned(), String::new()));
    assert_eq!(audited(&gateway, WITHHELD), ["withheld"]);

    // Sent again when nobody holds it.
    assert_eq!(assign(&gateway, &maki, 1, "xyz"), "OK");
    let now = gateway.parts.clock.now();
    let again = |c: &mut _| outbox::retry(c, &outbox::Again::Dead, now);
    assert_eq!(gateway.parts.store.write(again).unwrap(), 1);
    assert_eq!(gateway.delivery.deliver_due().unwrap(), 1);
    assert_eq!(receiver.lines()[1], "DELETE /users/abc HTTP/1.1");
}

/// Runs the migrations of before ids belonged to one user, and then this SQL.
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
fn migrate_reports_ids_that_several_users_hold_and_changes_none_of_them() {
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
    let advice = "Nobody else can claim it, and the gateway sends no callback for it. Ask the service which user it is, and \
                  have the other users leave the service.";
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
    let log = process.stop();
    assert!(log.contains("\"findings\":2"), "{log}");
}
