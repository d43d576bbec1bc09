//! Known sources: guesses at an account do not lock its owner out on networks and browsers that have signed in before.

use chaingun_gateway::store::{StoreError, known_sources, users};
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::rest::{FLAT, KEY, PORTAL, ask, mailed_token, status_and_code};
use crate::harness::{Gateway, Reply};

const PASSWORD: &str = "MokaMiki-1234";
const WRONG: &str = "Rossz-Jelszo-1";
const HOME: &str = "192.0.2.7";
const ELSEWHERE: &str = "203.0.113.9";
const DAY_MS: i64 = 24 * 3_600_000;

fn gateway() -> Gateway {
    Gateway::with(&[
        ("trusted_proxies", "127.0.0.1"),
        ("throttle.guesses_per_source", "1000"),
    ])
}

fn post(
    gateway: &Gateway,
    source: &str,
    headers: &str,
    path: &str,
    body: &serde_json::Value,
) -> String {
    let headers = format!("X-Forwarded-For: {source}\r\n{headers}{FLAT}");
    status_and_code(&ask(gateway, "POST", path, &headers, &body.to_string())).1
}

fn sign_in(gateway: &Gateway, source: &str, headers: &str, login: &str, password: &str) -> String {
    let body = json!({"userNameOrEmail": login, "password": password});
    post(gateway, source, headers, "/password/authenticate", &body)
}

/// Sends wrong passwords from another network until the account is delayed.
fn exhaust_guesses(gateway: &Gateway, login: &str) {
    for _ in 0..5 {
        assert_eq!(
            sign_in(gateway, ELSEWHERE, "", login, WRONG),
            "BAD_CREDENTIALS"
        );
    }
    assert_eq!(
        sign_in(gateway, ELSEWHERE, "", login, PASSWORD),
        "TOO_MANY_ATTEMPTS"
    );
}

fn browser(source: &str) -> Browser {
    Browser {
        headers: format!("X-Forwarded-For: {source}\r\n"),
        ..Browser::default()
    }
}

fn count_known_sources(gateway: &Gateway) -> usize {
    let store = &gateway.app.store;
    store
        .read(|c| {
            let id = users::by_name(c, "mokamiki")?.unwrap().id;
            Ok::<_, StoreError>(known_sources::all(c, id)?.len())
        })
        .unwrap()
}

#[test]
fn signs_the_owner_in_from_a_known_network_while_others_wait() {
    let gateway = gateway();
    assert_eq!(sign_in(&gateway, HOME, "", "mokamiki", PASSWORD), "ok");
    for login in ["mokamiki", "moka.miklos@dbx.hu"] {
        exhaust_guesses(&gateway, login);
        assert_eq!(
            sign_in(&gateway, HOME, "", login, PASSWORD),
            "ok",
            "{login}"
        );
        // This sign-in does not reset the counter for other networks.
        assert_eq!(
            sign_in(&gateway, ELSEWHERE, "", login, PASSWORD),
            "TOO_MANY_ATTEMPTS"
        );
    }
    // A network is known for one account only.
    let neighbour = "192.0.2.8";
    assert_eq!(
        sign_in(&gateway, neighbour, "", "admin", "Admin-Demo-2026"),
        "ok"
    );
    assert_eq!(
        sign_in(&gateway, neighbour, "", "mokamiki", PASSWORD),
        "TOO_MANY_ATTEMPTS"
    );
}

#[test]
fn limits_guesses_from_a_known_network_by_a_separate_counter() {
    let gateway = gateway();
    assert_eq!(sign_in(&gateway, HOME, "", "mokamiki", PASSWORD), "ok");
    for _ in 0..5 {
        assert_eq!(
            sign_in(&gateway, HOME, "", "mokamiki", WRONG),
            "BAD_CREDENTIALS"
        );
    }
    assert_eq!(
        sign_in(&gateway, HOME, "", "mokamiki", PASSWORD),
        "TOO_MANY_ATTEMPTS"
    );
    // The account's counter is separate and still allows attempts.
    assert_eq!(
        sign_in(&gateway, ELSEWHERE, "", "mokamiki", WRONG),
        "BAD_CREDENTIALS"
    );
}

#[test]
fn signs_in_from_a_known_browser_on_another_network_while_others_wait() {
    let gateway = gateway();
    let mut owner = browser(HOME);
    owner.sign_in(&gateway, "mokamiki", PASSWORD);
    exhaust_guesses(&gateway, "mokamiki");
    owner.headers = "X-Forwarded-For: 198.51.100.1\r\n".to_owned();
    owner.cookies.remove("chaingun_session");
    // A second account in the same browser does not remove the first one from the cookie.
    owner.sign_in(&gateway, "admin", "Admin-Demo-2026");
    owner.cookies.remove("chaingun_session");
    owner.sign_in(&gateway, "mokamiki", PASSWORD);
    let mut stranger = browser("198.51.100.2");
    assert_eq!(
        stranger
            .try_to_sign_in(&gateway, "mokamiki", PASSWORD)
            .status,
        429
    );
    // The cookie of another account and a forged cookie do not help.
    let mut other = browser("198.51.100.3");
    other.sign_in(&gateway, "admin", "Admin-Demo-2026");
    other.cookies.remove("chaingun_session");
    assert_eq!(
        other.try_to_sign_in(&gateway, "mokamiki", PASSWORD).status,
        429
    );
    stranger
        .cookies
        .insert("chaingun_known".to_owned(), "0".repeat(32));
    assert_eq!(
        stranger
            .try_to_sign_in(&gateway, "mokamiki", PASSWORD)
            .status,
        429
    );
    // The known browser has a limit, too.
    owner.cookies.remove("chaingun_session");
    for _ in 0..5 {
        assert_eq!(
            owner.try_to_sign_in(&gateway, "mokamiki", WRONG).status,
            401
        );
    }
    assert_eq!(
        owner.try_to_sign_in(&gateway, "mokamiki", PASSWORD).status,
        429
    );
}

#[test]
fn sets_a_random_cookie_at_a_successful_sign_in_only() {
    let gateway = Gateway::with(&[("public_url", "https://id.example.org")]);
    let mut browser = Browser::default();
    let cookie = |reply: &Reply| -> Option<String> {
        let line = reply.head.lines().find(|l| l.contains("chaingun_known="))?;
        Some(line.to_owned())
    };
    assert_eq!(
        cookie(&browser.try_to_sign_in(&gateway, "mokamiki", WRONG)),
        None
    );
    let given = cookie(&browser.try_to_sign_in(&gateway, "mokamiki", PASSWORD)).unwrap();
    let (name, rest) = given.split_once('=').unwrap();
    let (value, marks) = rest.split_once(';').unwrap();
    assert_eq!(name, "Set-Cookie: __Host-chaingun_known");
    assert_eq!(
        marks,
        " Path=/; Max-Age=7776000; HttpOnly; Secure; SameSite=Lax"
    );
    assert!(
        value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit()),
        "{value}"
    );
}

#[test]
fn does_not_remember_the_address_of_a_trusted_client() {
    let gateway = gateway();
    assert_eq!(sign_in(&gateway, HOME, KEY, "mokamiki", PASSWORD), "ok");
    assert_eq!(count_known_sources(&gateway), 0);
    assert_eq!(sign_in(&gateway, HOME, PORTAL, "mokamiki", PASSWORD), "ok");
    assert_eq!(count_known_sources(&gateway), 1);
    exhaust_guesses(&gateway, "mokamiki");
    // The address is known now, but a trusted client calls for many users.
    assert_eq!(
        sign_in(&gateway, HOME, KEY, "mokamiki", PASSWORD),
        "TOO_MANY_ATTEMPTS"
    );
}

#[test]
fn forgets_sources_by_age_by_number_and_at_a_password_change() {
    let gateway = gateway();
    for n in 0..20 {
        assert_eq!(
            sign_in(&gateway, &format!("192.0.2.{n}"), "", "mokamiki", PASSWORD),
            "ok"
        );
        gateway.app.clock.advance(1000);
    }
    assert_eq!(count_known_sources(&gateway), 16);
    exhaust_guesses(&gateway, "mokamiki");
    assert_eq!(
        sign_in(&gateway, "192.0.2.19", "", "mokamiki", PASSWORD),
        "ok"
    );
    assert_eq!(
        sign_in(&gateway, "192.0.2.1", "", "mokamiki", PASSWORD),
        "TOO_MANY_ATTEMPTS"
    );
    // A password change removes the known sources, because a thief with the old password may have used them.
    let change =
        json!({"userName": "mokamiki", "oldPassword": PASSWORD, "password": "UjJelszo-1234"});
    assert_eq!(
        post(&gateway, "192.0.2.19", "", "/password/change", &change),
        "ok"
    );
    assert_eq!(count_known_sources(&gateway), 0);
    assert_eq!(
        sign_in(&gateway, HOME, "", "mokamiki", "UjJelszo-1234"),
        "ok"
    );
    gateway.app.clock.advance(90 * DAY_MS);
    exhaust_guesses(&gateway, "mokamiki");
    assert_eq!(
        sign_in(&gateway, HOME, "", "mokamiki", "UjJelszo-1234"),
        "TOO_MANY_ATTEMPTS"
    );
    let now = gateway.app.clock.now();
    let store = &gateway.app.store;
    store
        .write(|c| known_sources::purge_expired(c, now, 10))
        .unwrap();
    assert_eq!(count_known_sources(&gateway), 0);
}

#[test]
fn allows_attempts_with_unknown_names_on_a_network_known_for_every_user() {
    let gateway = gateway();
    let count_checked = |source: &str| {
        let codes = (0..6).map(|n| sign_in(&gateway, source, "", &format!("nobody{n}"), WRONG));
        codes.filter(|code| code == "BAD_CREDENTIALS").count()
    };
    for n in 0..6 {
        exhaust_guesses(&gateway, &format!("nobody{n}"));
    }
    assert_eq!(count_checked(HOME), 0);
    // On a network from which every user has signed in, every name is checked, so that the answer does not show whether
    // the account exists.
    for (login, password) in [
        ("mokamiki", PASSWORD),
        ("admin", "Admin-Demo-2026"),
        ("hakapeszimaki", "passWORD123"),
    ] {
        browser(HOME).sign_in(&gateway, login, password);
    }
    assert_eq!(count_checked(HOME), 6);
    assert_eq!(count_checked("192.0.2.8"), 0);
    // On that network an unknown name has five attempts, like an account.
    for _ in 1..5 {
        assert_eq!(count_checked(HOME), 6);
    }
    assert_eq!(count_checked(HOME), 0);
}

#[test]
fn accepts_a_reset_token_with_its_user_name_while_the_account_waits() {
    let gateway = gateway();
    let reset = json!({"userNameOrEmail": "mokamiki"});
    assert_eq!(post(&gateway, HOME, "", "/password/reset", &reset), "ok");
    let token = mailed_token(&gateway);
    exhaust_guesses(&gateway, "mokamiki");
    let set =
        json!({"passwordResetGuid": token, "userName": "mokamiki", "password": "UjJelszo-1234"});
    assert_eq!(post(&gateway, HOME, "", "/password/change", &set), "ok");
    assert_eq!(
        sign_in(&gateway, HOME, "", "mokamiki", "UjJelszo-1234"),
        "ok"
    );
}
