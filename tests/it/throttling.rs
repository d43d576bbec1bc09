//! Rate limiting: wrong passwords and requested mails are delayed longer and longer on every interface, for known and
//! unknown users alike. After the delay a right password works.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chaingun_gateway::clock::Clock;
use chaingun_gateway::secrets::assertions::sign;
use serde_json::json;

use crate::harness::browser::{Browser, token_in};
use crate::harness::process::Process;
use crate::harness::rest::{
    FLAT, KEY, ask, json as document, mailed_token, status_and_code, try_to_sign_in,
};
use crate::harness::sql::counted_attempts;
use crate::harness::{Database, Gateway, NOW, PARTNER_KEY, Reply, Speaker, element, envelope};

const PASSWORD: &str = "MokaMiki-1234";
const PROXY: (&str, &str) = ("trusted_proxies", "127.0.0.1");

fn later(gateway: &Gateway, seconds: i64) {
    let Clock::Fixed(now) = &gateway.app.clock else {
        unreachable!()
    };
    now.fetch_add(seconds * 1000, Ordering::Relaxed);
}

fn wait(reply: &Reply) -> i64 {
    assert_eq!(
        status_and_code(reply),
        (429, "TOO_MANY_ATTEMPTS".to_owned())
    );
    reply.header("Retry-After").unwrap().parse().unwrap()
}

fn guess(gateway: &Gateway, login: &str) -> Reply {
    try_to_sign_in(gateway, login, "Rossz-Jelszo-1", None)
}

/// A POST over REST from this address behind the trusted proxy.
fn from(
    gateway: &Speaker,
    source: &str,
    headers: &str,
    path: &str,
    body: &serde_json::Value,
) -> Reply {
    let headers = format!("X-Forwarded-For: {source}\r\n{headers}{FLAT}");
    ask(gateway, "POST", path, &headers, &body.to_string())
}

fn guess_from(gateway: &Gateway, source: &str, headers: &str, login: &str) -> Reply {
    let body = json!({"userNameOrEmail": login, "password": "Rossz-Jelszo-1"});
    from(gateway, source, headers, "/password/authenticate", &body)
}

fn events(gateway: &Gateway, event: &str) -> Vec<Option<String>> {
    let log = gateway.log(None, 1000);
    log.iter()
        .filter(|e| e.event == event)
        .flat_map(|e| (0..e.times).map(move |_| e.subject.clone()))
        .collect()
}

#[test]
fn delays_wrong_passwords_longer_and_longer_for_known_and_unknown_users() {
    for login in ["mokamiki", "nobody", "MOKA.miklos@dbx.hu"] {
        let gateway = Gateway::demo();
        for _ in 0..5 {
            assert_eq!(
                status_and_code(&guess(&gateway, login)).1,
                "BAD_CREDENTIALS"
            );
        }
        for seconds in [1, 2, 4, 8, 16] {
            // The right password is delayed, too. Refused attempts do not prolong the delay.
            assert_eq!(wait(&guess(&gateway, login)), seconds, "{login}");
            assert_eq!(
                wait(&try_to_sign_in(&gateway, login, PASSWORD, None)),
                seconds
            );
            later(&gateway, seconds);
            assert_eq!(
                status_and_code(&guess(&gateway, login)).1,
                "BAD_CREDENTIALS",
                "{login}"
            );
        }
        let known = if login == "nobody" { login } else { "mokamiki" };
        assert_eq!(
            events(&gateway, "authn_login_lock"),
            [Some(known.to_owned())],
            "logged once"
        );
    }
}

#[test]
fn accepts_the_right_password_after_the_longest_delay_and_resets_the_counter() {
    let gateway = Gateway::with(&[("throttle.longest_wait_s", "60")]);
    for _ in 0..40 {
        guess(&gateway, "mokamiki");
        later(&gateway, 60);
    }
    assert_eq!(
        try_to_sign_in(&gateway, "mokamiki", PASSWORD, None).status,
        200
    );
    for _ in 0..5 {
        assert_eq!(
            status_and_code(&guess(&gateway, "mokamiki")).1,
            "BAD_CREDENTIALS"
        );
    }
    assert_eq!(wait(&guess(&gateway, "mokamiki")), 1);
    // Without a sign-in the counter drains in an hour.
    later(&gateway, 3600);
    for _ in 0..5 {
        assert_eq!(
            status_and_code(&guess(&gateway, "mokamiki")).1,
            "BAD_CREDENTIALS"
        );
    }
    assert_eq!(wait(&guess(&gateway, "mokamiki")), 1);
}

#[test]
fn counts_wrong_passwords_of_all_faces_together() {
    let gateway = Gateway::demo();
    let mut browser = Browser::default();
    let wrong = "<userNameOrEmail>mokamiki</userNameOrEmail><password>Rossz-Jelszo-1</password>";
    let token = "<wsse:Security xmlns:wsse=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\">\
         <wsse:UsernameToken><wsse:Username>mokamiki</wsse:Username><wsse:Password>Rossz-Jelszo-1</wsse:Password>\
         </wsse:UsernameToken></wsse:Security>";
    let with_token = envelope("showUser", "<userName>mokamiki</userName>").replace(
        "<soapenv:Body>",
        &format!("<soapenv:Header>{token}</soapenv:Header><soapenv:Body>"),
    );
    let change = json!({"userName": "mokamiki", "oldPassword": "Rossz-Jelszo-1", "password": "UjJelszo-1234"});
    let change = || {
        ask(
            &gateway,
            "POST",
            "/password/change",
            FLAT,
            &change.to_string(),
        )
    };
    assert_eq!(
        element(&gateway.soap(&envelope("authenticate", wrong)).body, "code"),
        Some("3")
    );
    assert!(gateway.soap(&with_token).body.contains("BAD_CREDENTIALS"));
    assert_eq!(
        status_and_code(&guess(&gateway, "mokamiki")).1,
        "BAD_CREDENTIALS"
    );
    assert_eq!(status_and_code(&change()).1, "BAD_CREDENTIALS");
    assert_eq!(
        browser
            .try_to_sign_in(&gateway, "mokamiki", "Rossz-Jelszo-1")
            .status,
        401
    );

    assert_eq!(wait(&guess(&gateway, "mokamiki")), 1);
    assert_eq!(wait(&change()), 1);
    for soap in [envelope("authenticate", wrong), with_token] {
        let reply = gateway.soap(&soap);
        assert_eq!(reply.status, 200);
        assert_eq!(element(&reply.body, "code"), Some("3"));
        assert!(
            reply.body.contains("<code>TOO_MANY_ATTEMPTS</code>"),
            "{reply:?}"
        );
    }
    let page = browser.try_to_sign_in(&gateway, "mokamiki", PASSWORD);
    assert_eq!((page.status, page.header("Retry-After")), (429, Some("1")));
    assert!(page.body.contains("Too many attempts"), "{page:?}");
    assert!(browser.session().is_none());
    // Other users are not delayed.
    assert_eq!(
        try_to_sign_in(&gateway, "admin", "Admin-Demo-2026", None).status,
        200
    );
}

#[test]
fn accepts_a_reset_during_the_delay_and_the_new_password_at_once() {
    let gateway = Gateway::demo();
    for login in ["mokamiki", "moka.miklos@dbx.hu"] {
        for _ in 0..6 {
            guess(&gateway, login);
        }
        assert_eq!(wait(&guess(&gateway, login)), 1);
    }
    let reset = json!({"userNameOrEmail": "mokamiki"}).to_string();
    assert_eq!(
        status_and_code(&ask(&gateway, "POST", "/password/reset", FLAT, &reset)).1,
        "ok"
    );
    let set = json!({"passwordResetGuid": mailed_token(&gateway), "password": "UjJelszo-1234"});
    assert_eq!(
        status_and_code(&ask(
            &gateway,
            "POST",
            "/password/change",
            FLAT,
            &set.to_string()
        ))
        .1,
        "ok"
    );
    for login in ["mokamiki", "moka.miklos@dbx.hu"] {
        assert_eq!(
            try_to_sign_in(&gateway, login, "UjJelszo-1234", None).status,
            200,
            "{login}"
        );
    }
}

#[test]
fn counts_wrong_passwords_of_a_signed_in_user() {
    let gateway = Gateway::demo();
    let mut browser = Browser::default();
    browser.sign_in(&gateway, "mokamiki", PASSWORD);
    let fields = [
        ("oldPassword", "Rossz-Jelszo-1"),
        ("password", "UjJelszo-1234"),
    ];
    for _ in 0..5 {
        assert_eq!(browser.fill(&gateway, "password.html", &fields).status, 401);
    }
    assert_eq!(browser.fill(&gateway, "password.html", &fields).status, 429);
    let fields = [("password", PASSWORD)];
    assert_eq!(browser.fill(&gateway, "delete.html", &fields).status, 429);
    assert!(browser.is_signed_in(&gateway));
}

#[test]
fn limits_mails_to_a_mailbox_for_known_and_unknown_users() {
    for (path, login) in [
        ("/password/reset", "mokamiki"),
        ("/password/reset", "nobody"),
        ("/register/resend", "mokamiki"),
        ("/register/resend", "nobody"),
    ] {
        let gateway = Gateway::demo();
        let name = if path.starts_with("/password") {
            "userNameOrEmail"
        } else {
            "usernameOrEmail"
        };
        let body = json!({name: login}).to_string();
        let ask_once = || ask(&gateway, "POST", path, FLAT, &body);
        for _ in 0..5 {
            assert_eq!(status_and_code(&ask_once()), (200, "ok".to_owned()));
        }
        assert_eq!(wait(&ask_once()), 1, "{path} {login}");
        later(&gateway, 1);
        assert_eq!(status_and_code(&ask_once()).1, "ok");
        assert_eq!(wait(&ask_once()), 2, "{path} {login}");
        assert_eq!(
            events(&gateway, "excess_rate_limit_exceeded"),
            [Some(login.to_owned())]
        );
        let mails = if (path, login) == ("/password/reset", "mokamiki") {
            6
        } else {
            0
        };
        assert_eq!(gateway.mails().len(), mails);
    }
}

#[test]
fn limits_mails_of_a_name_and_an_address_together_without_showing_it() {
    let gateway = Gateway::demo();
    let reset = |login: &str| {
        let body = json!({"userNameOrEmail": login}).to_string();
        ask(&gateway, "POST", "/password/reset", FLAT, &body)
    };
    let resend = |login: &str| {
        let body = json!({"usernameOrEmail": login}).to_string();
        ask(&gateway, "POST", "/register/resend", FLAT, &body)
    };
    let same = |a: &Reply, b: &Reply| {
        let (mut a, mut b) = (document(a), document(b));
        for document in [&mut a, &mut b] {
            document["data"]["id"] = json!("");
        }
        assert_eq!(a, b);
    };
    for _ in 0..3 {
        assert_eq!(status_and_code(&reset("mokamiki")).1, "ok");
    }
    for _ in 0..5 {
        let (known, unknown) = (reset("moka.miklos@dbx.hu"), reset("nobody@dbx.hu"));
        assert_eq!(status_and_code(&known).1, "ok");
        same(&known, &unknown);
    }
    assert_eq!(
        gateway.mails().len(),
        5,
        "five mails by name and address together"
    );
    // The visible limit counts each typed text by itself.
    assert_eq!(wait(&reset("moka.miklos@dbx.hu")), 1);
    assert_eq!(status_and_code(&reset("mokamiki")).1, "ok");
    later(&gateway, 1);
    assert_eq!(status_and_code(&reset("moka.miklos@dbx.hu")).1, "ok");
    assert_eq!(
        gateway.mails().len(),
        6,
        "the limit of the mailbox ends at the same time"
    );

    // A registration, its repetition on the page and resent mails count for one mailbox.
    let body = json!({"username": "ubul", "name": "Ubul", "email": "ubul@valami.hu", "password": "ValaKi1234"});
    let registered = ask(&gateway, "POST", "/register", FLAT, &body.to_string());
    assert_eq!(status_and_code(&registered).1, "ok");
    for _ in 0..3 {
        let fields = [
            ("name", "Ubul"),
            ("email", "UBUL@valami.hu"),
            ("password", "ValaKi1234"),
        ];
        let page = Browser::default().fill(&gateway, "register.html", &fields);
        assert_eq!(page.status, 200);
    }
    for _ in 0..3 {
        assert_eq!(status_and_code(&resend("ubul")).1, "ok");
    }
    assert_eq!(gateway.mails().len(), 6 + 5);
    assert_eq!(
        events(&gateway, "user_activation_resent").len(),
        3,
        "the log has an entry for each"
    );
}

#[test]
fn delays_repeated_registrations_of_one_mailbox_on_the_page() {
    let gateway = Gateway::demo();
    let mut browser = Browser::default();
    let register = |browser: &mut Browser, email| {
        let fields = [
            ("name", "Ubul"),
            ("email", email),
            ("password", "ValaKi1234"),
        ];
        browser.fill(&gateway, "register.html", &fields)
    };
    for _ in 0..5 {
        assert_eq!(register(&mut browser, "ubul@valami.hu").status, 200);
    }
    assert_eq!(register(&mut browser, "UBUL@valami.hu").status, 429);
    assert_eq!(register(&mut browser, "masik@valami.hu").status, 200);
    // The first of the five mails confirms the address; the others have links for a new password.
    let mails = gateway.mails();
    assert_eq!(mails.len(), 6);
    assert_eq!(token_in(&mails[0]).len(), 32);
}

#[test]
fn delays_a_source_that_tries_many_accounts_and_no_other_source() {
    let gateway = Gateway::with(&[PROXY, ("throttle.guesses_per_source", "10")]);
    for n in 0..10 {
        let reply = guess_from(&gateway, "203.0.113.9", "", &format!("somebody{n}"));
        assert_eq!(status_and_code(&reply).1, "BAD_CREDENTIALS");
    }
    assert_eq!(
        wait(&guess_from(&gateway, "203.0.113.9", "", "mokamiki")),
        1
    );
    // The client forged the first entry of X-Forwarded-For; the proxy added the last one.
    assert_eq!(
        wait(&guess_from(
            &gateway,
            "6.6.6.6, 203.0.113.9",
            "",
            "mokamiki"
        )),
        1
    );
    let reply = guess_from(&gateway, "203.0.113.10", "", "mokamiki");
    assert_eq!(status_and_code(&reply).1, "BAD_CREDENTIALS");
    // Wrong one-time tokens count as guesses.
    let confirm = json!({"token": "0".repeat(32)});
    let confirm = |source| from(&gateway, source, "", "/register/confirm", &confirm);
    assert_eq!(wait(&confirm("203.0.113.9")), 1);
    for _ in 0..9 {
        assert_eq!(
            status_and_code(&confirm("203.0.113.10")).1,
            "TOKEN_INVALID_OR_EXPIRED"
        );
    }
    assert_eq!(wait(&confirm("203.0.113.10")), 1);
    // An IPv6 network (/64) is one source.
    for n in 0..10 {
        guess_from(
            &gateway,
            &format!("2001:db8:1:1::{n}"),
            "",
            &format!("somebody{n}"),
        );
    }
    assert_eq!(
        wait(&guess_from(&gateway, "2001:db8:1:1:ffff::", "", "mokamiki")),
        1
    );
    // A trusted client calls for many users, so its sources are not limited.
    for n in 0..12 {
        let reply = guess_from(&gateway, "203.0.113.9", KEY, &format!("somebody-else{n}"));
        assert_eq!(status_and_code(&reply).1, "BAD_CREDENTIALS");
    }
    assert_eq!(events(&gateway, "excess_rate_limit_exceeded").len(), 3);
}

#[test]
fn limits_mails_requested_by_one_source() {
    let gateway = Gateway::with(&[PROXY, ("throttle.mails_per_source", "10")]);
    let reset = |source: &str, n: usize| {
        let body = json!({"userNameOrEmail": format!("somebody{n}")});
        from(&gateway, source, "", "/password/reset", &body)
    };
    for n in 0..8 {
        assert_eq!(status_and_code(&reset("203.0.113.9", n)).1, "ok");
    }
    // Registrations of taken names count; registrations with invalid names do not.
    let register = |name: &str| {
        let body = json!({"username": name, "name": "Ubul", "email": format!("{name}@valami.hu"), "password": "ValaKi1234"});
        from(&gateway, "203.0.113.9", "", "/register", &body)
    };
    for _ in 0..4 {
        assert_eq!(status_and_code(&register("a b")).1, "INVALID_FIELD");
    }
    for _ in 0..2 {
        assert_eq!(
            status_and_code(&register("mokamiki")).1,
            "USER_ALREADY_EXISTS"
        );
    }
    assert_eq!(wait(&register("ubul")), 1);
    assert_eq!(wait(&reset("203.0.113.9", 9)), 1);
    assert_eq!(status_and_code(&reset("203.0.113.10", 9)).1, "ok");
}

#[test]
fn ignores_forwarded_addresses_of_an_untrusted_peer() {
    let gateway = Gateway::with(&[("throttle.guesses_per_source", "3")]);
    for n in 0..3 {
        guess_from(
            &gateway,
            &format!("203.0.113.{n}"),
            "",
            &format!("somebody{n}"),
        );
    }
    assert_eq!(
        wait(&guess_from(&gateway, "203.0.113.99", "", "somebody")),
        1
    );
}

#[test]
fn counts_all_simultaneous_guesses() {
    // The queue has room for all of them.
    let gateway = Arc::new(Gateway::with(&[
        ("threads.hash", "4"),
        ("limits.source_share", "100"),
        ("limits.account_share", "100"),
    ]));
    let codes: Vec<String> = std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..40)
            .map(|_| scope.spawn(|| status_and_code(&guess(&gateway, "mokamiki")).1))
            .collect();
        guesses.into_iter().map(|g| g.join().unwrap()).collect()
    });
    let heard = codes
        .iter()
        .filter(|code| *code == "BAD_CREDENTIALS")
        .count();
    assert!(
        codes
            .iter()
            .all(|code| code == "BAD_CREDENTIALS" || code == "TOO_MANY_ATTEMPTS")
    );
    // Up to three more were being hashed when the fifth failed.
    assert!((5..=5 + 3).contains(&heard), "{heard}");
    let (subjects, attempts) = counted_attempts(&gateway);
    assert_eq!((subjects, attempts), (2, 2 * heard as i64));
}

#[test]
fn keeps_counted_attempts_over_a_restart() {
    let (data, database) = (tempfile::tempdir().unwrap(), Database::fresh());
    let start = || Process::start(data.path(), database.url(), &[], &["--demo"]);
    let guess =
        |process: &Process| try_to_sign_in(&process.speaker, "mokamiki", "Rossz-Jelszo-1", None);
    let process = start();
    for _ in 0..8 {
        guess(&process);
        let waited = guess(&process);
        if waited.status == 429 {
            break;
        }
    }
    assert_eq!(guess(&process).status, 429);
    process.stop();
    let process = start();
    assert_eq!(guess(&process).status, 429);
    process.stop();
}

#[test]
fn delays_a_source_of_forged_partner_tokens_and_stops_logging_it() {
    let gateway = Gateway::with(&[PROXY, ("throttle.guesses_per_source", "3")]);
    let forged = |source: &str| {
        // {"alg":"none"} and {"iss":"apekx"}
        let head = format!(
            "GET /v2/user/session/create?token=eyJhbGciOiJub25lIn0.eyJpc3MiOiJhcGVreCJ9. HTTP/1.1\r\n\
             Host: a\r\nConnection: close\r\nAccept: application/json\r\nX-Forwarded-For: {source}\r\n\r\n"
        );
        gateway.raw(head.as_bytes())
    };
    for _ in 0..3 {
        let reply = forged("203.0.113.9");
        assert!(reply.body.contains("ALGORITHM_NOT_ALLOWED"), "{reply:?}");
    }
    let written = events(&gateway, "authn_partner_login").len();
    for _ in 0..5 {
        let reply = forged("203.0.113.9");
        assert_eq!(
            (reply.status, reply.header("Retry-After")),
            (429, Some("1")),
            "{reply:?}"
        );
        assert!(reply.body.contains("TOO_MANY_ATTEMPTS"), "{reply:?}");
    }
    assert_eq!(events(&gateway, "authn_partner_login").len(), written);
    // A valid token from the same address is not delayed.
    let now = NOW / 1000;
    let claims = json!({"jti": "1", "iss": "apekx", "sub": "42", "aud": format!("http://{}", gateway.address),
        "iat": now, "exp": now + 60, "name": "Ubul", "state_id": "apekx",
        "school_id": "pre_created_school_external_id"});
    let token = sign(PARTNER_KEY, &claims).unwrap();
    let head = format!(
        "GET /v2/user/session/create?token={token} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         X-Forwarded-For: 203.0.113.9\r\n\r\n"
    );
    assert_eq!(gateway.raw(head.as_bytes()).status, 303);
    assert!(
        forged("203.0.113.10")
            .body
            .contains("ALGORITHM_NOT_ALLOWED")
    );
}
