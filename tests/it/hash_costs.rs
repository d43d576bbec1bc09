//! Password hashes: cheap checks come first, every refusal after a hash is counted, and the work is the same for known
//! and unknown accounts and for every kind of stored hash.

use chaingun_gateway::domain::organisation::JoinPolicy;
use chaingun_gateway::domain::user::Status;
use chaingun_gateway::metrics::HashKind;
use chaingun_gateway::secrets::hashing::{Hasher, Pepper};
use chaingun_gateway::store::{Store, organisations, users};
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::rest::{FLAT, ask, mailed_token, status_and_code};
use crate::harness::sql::counted_attempts;
use crate::harness::{Gateway, NOW, Reply, envelope};

const PASSWORD: &str = "MokaMiki-1234";
const WRONG: &str = "Rossz-Jelszo-1";
const SOURCE: &str = "X-Forwarded-For: 203.0.113.9\r\n";
const WSSE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";

/// A gateway without delays, with an inactive user and a closed organisation.
fn gateway() -> Gateway {
    let gateway = Gateway::with(&[
        ("trusted_proxies", "127.0.0.1"),
        ("throttle.guesses", "1000"),
        ("throttle.guesses_per_source", "1000"),
        ("throttle.mails", "1000"),
        ("throttle.mails_per_source", "1000"),
    ]);
    store_password(&gateway, "admin", "Admin-Demo-2026", 4, Status::Inactive);
    let store = &gateway.app.store;
    store
        .write(|c| organisations::add(c, "closed", "Closed", JoinPolicy::Closed, NOW))
        .unwrap();
    gateway
}

fn store_password(gateway: &Gateway, name: &str, password: &str, cost: u32, status: Status) {
    let pepper = Pepper::load(&gateway.data.path().join("keys/pepper.key"), None).unwrap();
    let hash = Hasher::new(cost, pepper).hash(password, [7; 16]).unwrap();
    store_hash(&gateway.app.store, name, &hash, status);
}

fn store_hash(store: &Store, name: &str, hash: &str, status: Status) {
    store
        .write(|c| {
            let id = users::by_name(c, name)?.unwrap().id;
            users::set_password(c, id, hash, status, NOW)
        })
        .unwrap();
}

/// Posts a flat object over REST from [`SOURCE`]; returns the code of the answer.
fn post(gateway: &Gateway, path: &str, body: &serde_json::Value) -> String {
    let headers = format!("{SOURCE}{FLAT}");
    match status_and_code(&ask(gateway, "POST", path, &headers, &body.to_string())) {
        // This answer follows its sample, which has no `errors`.
        (422, code) if code == "ok" => "UNSPECIFIED_ORGANIZATION_FOR_USER".to_owned(),
        (_, code) => code,
    }
}

fn authenticate(gateway: &Gateway, login: &str, password: &str) -> String {
    let body = json!({"userNameOrEmail": login, "password": password});
    post(gateway, "/password/authenticate", &body)
}

/// Calls an operation over SOAP with a UsernameToken and the key of the public client; returns the code of the answer.
fn with_username_token(
    gateway: &Gateway,
    user: (&str, &str),
    operation: &str,
    request: &str,
) -> String {
    let token = format!(
        "<soapenv:Header><w:Security xmlns:w=\"{WSSE}\"><w:UsernameToken><w:Username>{}</w:Username>\
         <w:Password>{}</w:Password></w:UsernameToken></w:Security></soapenv:Header><soapenv:Body>",
        user.0, user.1
    );
    let body = envelope(operation, request)
        .replace("<soapenv:Body>", &token)
        .replace("demo-hash-key", "demo-portal-key");
    let head = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n{SOURCE}Connection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let reply = gateway.raw(&[head.as_bytes(), body.as_bytes()].concat());
    let messages = reply.body.split("<message>").nth(1).unwrap_or("");
    crate::harness::element(messages, "code")
        .unwrap_or("ok")
        .to_owned()
}

fn status(reply: &Reply) -> String {
    reply.status.to_string()
}

/// A browser at [`SOURCE`] that is signed in.
fn browser(gateway: &Gateway) -> Browser {
    let mut browser = Browser {
        headers: SOURCE.to_owned(),
        ..Browser::default()
    };
    browser.sign_in(gateway, "mokamiki", PASSWORD);
    browser
}

/// The hashes that the gateway computed for one call, and the attempts that it counted.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct Spent {
    verified: u64,
    made: u64,
    counted: i64,
}

const fn spent(verified: u64, made: u64, counted: i64) -> Spent {
    Spent {
        verified,
        made,
        counted,
    }
}

/// The cost of a refusal by a cheap check.
const NOTHING: Spent = spent(0, 0, 0);
/// The cost of a refusal after a comparison, which is counted for the account and for the source.
const COMPARED: Spent = spent(1, 0, 2);

fn totals(gateway: &Gateway) -> Spent {
    let metrics = &gateway.app.metrics;
    let (_, in_table) = counted_attempts(gateway);
    let counted = in_table + gateway.app.first_attempts.unwritten() as i64;
    spent(
        metrics.hashes(HashKind::Verified),
        metrics.hashes(HashKind::Created),
        counted,
    )
}

type Step<'a> = Box<dyn Fn() -> String + 'a>;

/// Runs each step and compares its code, its hashes and its counted attempts with the expected ones.
fn check(gateway: &Gateway, table: Vec<(&str, Step<'_>, &str, Spent)>) {
    let mut wrong = Vec::new();
    for (what, step, code, expected) in table {
        let before = totals(gateway);
        let answered = step();
        let after = totals(gateway);
        let found = spent(
            after.verified - before.verified,
            after.made - before.made,
            after.counted - before.counted,
        );
        if (answered.as_str(), found) != (code, expected) {
            wrong.push(format!(
                "{what}: {answered} {found:?}, not {code} {expected:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn spends_a_hash_after_all_cheap_checks_and_counts_every_refusal_after_it() {
    let gateway = &gateway();
    let register = |username: &str, email: &str, password: &str, organisation: Option<&str>| {
        let body = json!({"username": username, "email": email, "password": password, "name": "Ubul",
            "organizationUuid": organisation});
        post(gateway, "/register", &body)
    };
    let change = |body: serde_json::Value| post(gateway, "/password/change", &body);
    let zeros = "0".repeat(32);
    let zeros = zeros.as_str();
    check(
        gateway,
        vec![
            (
                "authenticate, no password",
                Box::new(|| authenticate(gateway, "mokamiki", "")),
                "MISSING_FIELD",
                NOTHING,
            ),
            (
                "authenticate, wrong",
                Box::new(|| authenticate(gateway, "mokamiki", WRONG)),
                "BAD_CREDENTIALS",
                COMPARED,
            ),
            (
                "authenticate, unknown",
                Box::new(|| authenticate(gateway, "nobody", WRONG)),
                "BAD_CREDENTIALS",
                COMPARED,
            ),
            (
                "authenticate, inactive",
                Box::new(|| authenticate(gateway, "admin", "Admin-Demo-2026")),
                "USER_NOT_ACTIVE",
                COMPARED,
            ),
            (
                "authenticate, several organisations",
                Box::new(|| authenticate(gateway, "hakapeszimaki", "passWORD123")),
                "UNSPECIFIED_ORGANIZATION_FOR_USER",
                COMPARED,
            ),
            (
                "registerUser, bad address",
                Box::new(|| register("uj", "uj@", "ValaKi1234", None)),
                "INVALID_FIELD",
                NOTHING,
            ),
            (
                "registerUser, weak",
                Box::new(|| register("uj", "uj@valami.hu", "password", None)),
                "WEAK_PASSWORD",
                NOTHING,
            ),
            (
                "registerUser, unknown organisation",
                Box::new(|| register("uj", "uj@valami.hu", "ValaKi1234", Some("none"))),
                "ORGANIZATION_NOT_FOUND",
                NOTHING,
            ),
            (
                "registerUser, closed organisation",
                Box::new(|| register("uj", "uj@valami.hu", "ValaKi1234", Some("closed"))),
                "ORGANIZATION_NOT_FOUND",
                NOTHING,
            ),
            (
                "registerUser, taken name",
                Box::new(|| register("mokamiki", "uj@valami.hu", "ValaKi1234", None)),
                "USER_ALREADY_EXISTS",
                spent(0, 0, 2),
            ),
            (
                "registerUser, taken address",
                Box::new(|| register("uj", "moka.miklos@dbx.hu", "ValaKi1234", None)),
                "EMAIL_ALREADY_EXISTS",
                spent(0, 0, 2),
            ),
            (
                "registerUser",
                Box::new(|| register("uj", "uj@valami.hu", "ValaKi1234", Some("moby"))),
                "ok",
                spent(0, 1, 3),
            ),
            (
                "changePassword, neither a token nor an old password",
                Box::new(|| change(json!({"password": "UjJelszo-1234"}))),
                "INVALID_FIELD",
                NOTHING,
            ),
            (
                "changePassword, no user",
                Box::new(|| change(json!({"oldPassword": PASSWORD, "password": "UjJelszo-1234"}))),
                "MISSING_FIELD",
                NOTHING,
            ),
            (
                "changePassword, weak",
                Box::new(|| {
                    change(
                        json!({"userName": "mokamiki", "oldPassword": PASSWORD, "password": "password"}),
                    )
                }),
                "WEAK_PASSWORD",
                NOTHING,
            ),
            (
                "changePassword, the user name as the new password",
                Box::new(|| {
                    change(
                        json!({"userName": "mokamiki", "oldPassword": PASSWORD, "password": "MokaMiki"}),
                    )
                }),
                "WEAK_PASSWORD",
                NOTHING,
            ),
            (
                "changePassword, wrong",
                Box::new(|| {
                    change(
                        json!({"userName": "mokamiki", "oldPassword": WRONG, "password": "UjJelszo-1234"}),
                    )
                }),
                "BAD_CREDENTIALS",
                COMPARED,
            ),
            (
                "changePassword, unknown",
                Box::new(|| {
                    change(
                        json!({"userName": "nobody", "oldPassword": WRONG, "password": "UjJelszo-1234"}),
                    )
                }),
                "BAD_CREDENTIALS",
                COMPARED,
            ),
            (
                "changePassword, the user's address as the new password",
                Box::new(|| {
                    change(
                        json!({"userName": "mokamiki", "oldPassword": PASSWORD, "password": "moka.miklos@dbx.hu"}),
                    )
                }),
                "WEAK_PASSWORD",
                COMPARED,
            ),
            (
                "changePassword, inactive",
                Box::new(|| {
                    change(
                        json!({"userName": "admin", "oldPassword": "Admin-Demo-2026", "password": "UjJelszo-1234"}),
                    )
                }),
                "USER_NOT_ACTIVE",
                COMPARED,
            ),
            (
                "changePassword, unknown token",
                Box::new(|| {
                    change(json!({"passwordResetGuid": zeros, "password": "UjJelszo-1234"}))
                }),
                "TOKEN_INVALID_OR_EXPIRED",
                spent(0, 0, 1),
            ),
            (
                "changePassword, unknown token and a name",
                Box::new(|| {
                    change(
                        json!({"passwordResetGuid": zeros, "password": "UjJelszo-1234", "userName": "mokamiki"}),
                    )
                }),
                "TOKEN_INVALID_OR_EXPIRED",
                spent(0, 0, 1),
            ),
            (
                "confirm, unknown token",
                Box::new(|| post(gateway, "/register/confirm", &json!({"token": zeros}))),
                "TOKEN_INVALID_OR_EXPIRED",
                spent(0, 0, 1),
            ),
            (
                "UsernameToken, bad field",
                Box::new(|| {
                    with_username_token(
                        gateway,
                        ("mokamiki", WRONG),
                        "findUsers",
                        "<limit>x</limit>",
                    )
                }),
                "INVALID_FIELD",
                NOTHING,
            ),
            (
                "UsernameToken, wrong",
                Box::new(|| {
                    with_username_token(
                        gateway,
                        ("mokamiki", WRONG),
                        "showUser",
                        "<userName>mokamiki</userName>",
                    )
                }),
                "BAD_CREDENTIALS",
                COMPARED,
            ),
            (
                "UsernameToken, unknown",
                Box::new(|| {
                    with_username_token(
                        gateway,
                        ("nobody", WRONG),
                        "showUser",
                        "<userName>mokamiki</userName>",
                    )
                }),
                "BAD_CREDENTIALS",
                COMPARED,
            ),
            (
                "UsernameToken, inactive",
                Box::new(|| {
                    with_username_token(
                        gateway,
                        ("admin", "Admin-Demo-2026"),
                        "showUser",
                        "<userName>admin</userName>",
                    )
                }),
                "USER_NOT_ACTIVE",
                COMPARED,
            ),
        ],
    );
}

#[test]
fn counts_refusals_of_a_username_token_after_its_hash() {
    let gateway = &gateway();
    check(
        gateway,
        vec![
            (
                "right",
                Box::new(|| {
                    with_username_token(
                        gateway,
                        ("mokamiki", PASSWORD),
                        "showUser",
                        "<userName>mokamiki</userName>",
                    )
                }),
                "ok",
                spent(1, 0, 0),
            ),
            (
                "another user",
                Box::new(|| {
                    with_username_token(
                        gateway,
                        ("mokamiki", PASSWORD),
                        "showUser",
                        "<userName>admin</userName>",
                    )
                }),
                "USER_NOT_FOUND",
                COMPARED,
            ),
        ],
    );
}

#[test]
fn spends_hashes_and_counts_refusals_on_the_pages_as_over_rest() {
    let gateway = &gateway();
    let browser = browser(gateway);
    let fill = |page: &'static str, fields: &'static [(&'static str, &'static str)]| -> Step<'_> {
        let browser = Browser {
            cookies: browser.cookies.clone(),
            headers: SOURCE.to_owned(),
            ..Browser::default()
        };
        let browser = std::cell::RefCell::new(browser);
        Box::new(move || status(&browser.borrow_mut().fill(gateway, page, fields)))
    };
    let stranger =
        |page: &'static str, fields: &'static [(&'static str, &'static str)]| -> Step<'_> {
            Box::new(move || {
                let mut browser = Browser {
                    headers: SOURCE.to_owned(),
                    ..Browser::default()
                };
                status(&browser.fill(gateway, page, fields))
            })
        };
    check(
        gateway,
        vec![
            (
                "sign-in, wrong",
                stranger(
                    "login.html",
                    &[("userNameOrEmail", "mokamiki"), ("password", WRONG)],
                ),
                "401",
                COMPARED,
            ),
            (
                "sign-in, unknown",
                stranger(
                    "login.html",
                    &[("userNameOrEmail", "nobody"), ("password", WRONG)],
                ),
                "401",
                COMPARED,
            ),
            (
                "sign-in, inactive",
                stranger(
                    "login.html",
                    &[
                        ("userNameOrEmail", "admin"),
                        ("password", "Admin-Demo-2026"),
                    ],
                ),
                "403",
                COMPARED,
            ),
            (
                "registration, weak",
                stranger(
                    "register.html",
                    &[
                        ("name", "Ubul"),
                        ("email", "u@valami.hu"),
                        ("password", "password"),
                    ],
                ),
                "422",
                NOTHING,
            ),
            (
                "registration, free",
                stranger(
                    "register.html",
                    &[
                        ("name", "Ubul"),
                        ("email", "u@valami.hu"),
                        ("password", "ValaKi1234"),
                    ],
                ),
                "200",
                spent(0, 1, 3),
            ),
            (
                "registration, taken",
                stranger(
                    "register.html",
                    &[
                        ("name", "Ubul"),
                        ("email", "moka.miklos@dbx.hu"),
                        ("password", "ValaKi1234"),
                    ],
                ),
                "200",
                spent(0, 1, 3),
            ),
            (
                "password, weak",
                fill(
                    "password.html",
                    &[("oldPassword", PASSWORD), ("password", "password")],
                ),
                "422",
                NOTHING,
            ),
            (
                "password, wrong",
                fill(
                    "password.html",
                    &[("oldPassword", WRONG), ("password", "UjJelszo-1234")],
                ),
                "401",
                COMPARED,
            ),
            (
                "deletion, no password",
                fill("delete.html", &[]),
                "422",
                NOTHING,
            ),
            (
                "deletion, wrong",
                fill("delete.html", &[("password", WRONG)]),
                "401",
                COMPARED,
            ),
        ],
    );
}

#[test]
fn refuses_a_reset_token_with_the_name_of_another_user_on_every_face() {
    let gateway = &gateway();
    let fresh = || {
        let reset = json!({"userNameOrEmail": "mokamiki"});
        assert_eq!(post(gateway, "/password/reset", &reset), "ok");
        mailed_token(gateway)
    };
    let set = |token: &str, name: &str| {
        let body =
            json!({"passwordResetGuid": token, "password": "UjJelszo-1234", "userName": name});
        post(gateway, "/password/change", &body)
    };
    let soap = |token: &str, name: &str| {
        let request = format!(
            "<password>UjJelszo-1234</password><passwordResetGuid>{token}</passwordResetGuid><userName>{name}</userName>"
        );
        let reply = gateway.soap(&envelope("changePassword", &request));
        let message = reply
            .body
            .split("<message>")
            .nth(1)
            .unwrap_or("")
            .to_owned();
        crate::harness::element(&message, "code")
            .unwrap_or("ok")
            .to_owned()
    };
    let token = fresh();
    for name in ["hakapeszimaki", "nobody"] {
        assert_eq!(set(&token, name), "TOKEN_INVALID_OR_EXPIRED", "{name}");
        assert_eq!(soap(&token, name), "TOKEN_INVALID_OR_EXPIRED", "{name}");
    }
    assert_eq!(
        set(&token, "MokaMiki"),
        "ok",
        "refused calls do not use up the token"
    );
    assert_eq!(set(&fresh(), "moka.miklos@dbx.hu"), "ok");
    assert_eq!(soap(&fresh(), "mokamiki"), "ok");
}

#[test]
fn refuses_the_reset_token_of_an_inactive_user_without_a_hash() {
    let gateway = &gateway();
    let reset = json!({"userNameOrEmail": "mokamiki"});
    assert_eq!(post(gateway, "/password/reset", &reset), "ok");
    let token = mailed_token(gateway);
    store_password(gateway, "mokamiki", PASSWORD, 4, Status::Inactive);
    let set = json!({"passwordResetGuid": token, "password": "UjJelszo-1234"});
    check(
        gateway,
        vec![(
            "inactive",
            Box::new(|| post(gateway, "/password/change", &set)),
            "USER_NOT_ACTIVE",
            NOTHING,
        )],
    );
}

/// The bcrypt rounds that a step takes.
fn rounds(gateway: &Gateway, step: impl FnOnce() -> String, code: &str) -> u64 {
    let before = gateway.app.metrics.hash_rounds();
    assert_eq!(step(), code);
    gateway.app.metrics.hash_rounds() - before
}

#[test]
fn spends_the_same_rounds_for_unknown_users_and_for_every_stored_hash() {
    let gateway = &Gateway::with(&[
        ("password.cost", "6"),
        ("throttle.guesses", "1000"),
        ("throttle.guesses_per_source", "1000"),
    ]);
    let foreign = "$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe";
    let expect_rounds = |expected: u64| {
        let mut browser = Browser::default();
        for login in ["mokamiki", "moka.miklos@dbx.hu", "nobody"] {
            for password in [WRONG, "Je\u{301}lszo-1234", " "] {
                let spent = rounds(
                    gateway,
                    || authenticate(gateway, login, password),
                    "BAD_CREDENTIALS",
                );
                // A password that is not in NFC is compared in both forms: composed and as typed.
                let forms = 1 + u64::from(password.contains('\u{301}'));
                assert_eq!(spent, expected * forms, "{login} {password:?}");
            }
            let change =
                json!({"userName": login, "oldPassword": WRONG, "password": "UjJelszo-1234"});
            let spent = rounds(
                gateway,
                || post(gateway, "/password/change", &change),
                "BAD_CREDENTIALS",
            );
            assert_eq!(spent, expected, "changePassword {login}");
            let show = || {
                with_username_token(
                    gateway,
                    (login, WRONG),
                    "showUser",
                    "<userName>x</userName>",
                )
            };
            assert_eq!(
                rounds(gateway, show, "BAD_CREDENTIALS"),
                expected,
                "UsernameToken {login}"
            );
            let page = || status(&browser.try_to_sign_in(gateway, login, WRONG));
            assert_eq!(rounds(gateway, page, "401"), expected, "page {login}");
        }
    };
    for cost in [4, 5, 6] {
        store_password(gateway, "mokamiki", PASSWORD, cost, Status::Active);
        expect_rounds(1 << 6);
    }
    for hash in [foreign, "damaged"] {
        store_hash(&gateway.app.store, "mokamiki", hash, Status::Active);
        expect_rounds(1 << 6);
    }
    // An imported hash, or a hash from before the setting was lowered, can have a higher cost. Then every comparison
    // takes as many rounds as that hash.
    store_password(gateway, "mokamiki", PASSWORD, 7, Status::Active);
    gateway.app.registry.refresh(&gateway.app.store).unwrap();
    expect_rounds(1 << 7);
    // Another node knows the highest cost, too, whatever its own setting is.
    let node = gateway.beside();
    assert_eq!(node.app.registry.now().highest_password_cost(), 7);
}

#[test]
fn spends_the_same_rounds_for_taken_and_free_addresses_at_registration() {
    let gateway = &Gateway::demo();
    let register = |email: &'static str| {
        let fields = [
            ("name", "Ubul"),
            ("email", email),
            ("password", "ValaKi1234"),
        ];
        status(&Browser::default().fill(gateway, "register.html", &fields))
    };
    let free = rounds(gateway, || register("ubul@valami.hu"), "200");
    let taken = rounds(gateway, || register("moka.miklos@dbx.hu"), "200");
    assert_eq!((free, taken), (1 << 4, 1 << 4));
}

#[test]
fn rehashes_a_costlier_hash_at_sign_in_and_then_spends_the_configured_cost() {
    let gateway = &Gateway::demo();
    store_password(gateway, "mokamiki", PASSWORD, 6, Status::Active);
    gateway.app.registry.refresh(&gateway.app.store).unwrap();
    let wrong = || authenticate(gateway, "nobody", WRONG);
    assert_eq!(rounds(gateway, wrong, "BAD_CREDENTIALS"), 1 << 6);
    assert_eq!(authenticate(gateway, "mokamiki", PASSWORD), "ok");
    // The highest cost is read at start only: reading every user at each sign-in would take too long.
    let node = gateway.beside();
    assert_eq!(node.app.registry.now().highest_password_cost(), 4);
    gateway.app.registry.refresh(&gateway.app.store).unwrap();
    assert_eq!(rounds(gateway, wrong, "BAD_CREDENTIALS"), 1 << 4);
}
