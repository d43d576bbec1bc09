//! The pages without JavaScript: registration, sign-in, the account, sessions, and attacks on them.

use chaingun_gateway::domain::organisation::JoinPolicy;
use chaingun_gateway::store::{organisations, outbox, sessions, users};
use serde_json::{Value, json};

use crate::harness::browser::{Browser, signed_in, token_in};
use crate::harness::rest::{KEY, RESOURCE, ask, try_to_sign_in};
use crate::harness::{Gateway, Reply};

const DAY: i64 = 24 * 3_600_000;

fn title(reply: &Reply) -> &str {
    let (_, rest) = reply.body.split_once("<h1>").unwrap_or(("", ""));
    rest.split("</h1>").next().unwrap()
}

fn location(reply: &Reply) -> &str {
    assert_eq!(reply.status, 303, "{reply:?}");
    reply.header("Location").unwrap()
}

fn moka(gateway: &Gateway) -> Browser {
    signed_in(gateway, "mokamiki", "MokaMiki-1234")
}

#[test]
fn registers_confirms_signs_in_and_resets_a_password_on_the_pages() {
    let gateway = Gateway::demo();
    let mut browser = Browser::default();
    let fields = [
        ("name", "Új Ember"),
        ("email", "uj.ember@dbx.hu"),
        ("password", "Valami-Jelszo-9"),
    ];
    let reply = browser.fill(&gateway, "register.html", &fields);
    assert_eq!((reply.status, title(&reply)), (200, "Check your mail"));
    let token = token_in(gateway.mails().last().unwrap());
    let refused = browser.try_to_sign_in(&gateway, "uj.ember@dbx.hu", "Valami-Jelszo-9");
    assert_eq!(refused.status, 403, "{refused:?}");

    // Mail scanners open links; a GET does not spend the token.
    let page = format!("confirm.html?token={token}");
    for _ in 0..2 {
        let reply = browser.get(&gateway, &page);
        assert_eq!(
            (reply.status, title(&reply)),
            (200, "Confirm your registration")
        );
    }
    let reply = browser.post(&gateway, "confirm.html", &[("token", &token)]);
    assert_eq!(
        (reply.status, title(&reply)),
        (200, "Your account is ready")
    );
    let again = browser.post(&gateway, "confirm.html", &[("token", &token)]);
    assert_eq!(again.status, 422);
    assert!(
        !again.body.contains("<button"),
        "no button for a spent token"
    );
    assert!(again.body.contains("login.html"), "{again:?}");
    browser.sign_in(&gateway, "uj.ember@dbx.hu", "Valami-Jelszo-9");

    let reset = [("userNameOrEmail", "UJ.EMBER@dbx.hu")];
    let reply = Browser::default().fill(&gateway, "forgotten-password.html", &reset);
    assert_eq!((reply.status, title(&reply)), (200, "Check your mail"));
    let token = token_in(gateway.mails().last().unwrap());
    let mut elsewhere = Browser::default();
    let reply = elsewhere.get(&gateway, &format!("new-password.html?token={token}"));
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains(&token));
    assert_eq!(reply.header("Referrer-Policy"), Some("no-referrer"));
    let set = |password| {
        [
            ("passwordResetGuid", token.as_str()),
            ("password", password),
        ]
    };
    let weak = elsewhere.post(&gateway, "new-password.html", &set("password"));
    assert_eq!(weak.status, 422);
    assert!(weak.body.contains("is too easy to guess"), "{weak:?}");
    assert!(weak.body.contains(&token), "the form can be sent again");
    let reply = elsewhere.post(&gateway, "new-password.html", &set("Masik-Jelszo-10"));
    assert_eq!(
        (reply.status, title(&reply)),
        (200, "Your new password is set")
    );
    assert!(
        !browser.is_signed_in(&gateway),
        "a reset ends the other sessions"
    );
    assert!(
        !elsewhere.is_signed_in(&gateway),
        "a reset link signs no user in"
    );
    browser.sign_in(&gateway, "uj.ember@dbx.hu", "Masik-Jelszo-10");
}

#[test]
fn asks_a_user_of_several_organisations_to_choose_and_redirects() {
    let gateway = Gateway::demo();
    let mut browser = Browser::default();
    let query = "client_id=blic.rs.front&redirect_uri=%2Fauthorize&state=a%26b%3Dc";
    let fields = [
        ("userNameOrEmail", "hakapeszimaki"),
        ("password", "passWORD123"),
    ];
    let reply = browser.fill(&gateway, &format!("login.html?{query}"), &fields);
    let choice = format!("organisation.html?{query}");
    assert_eq!(location(&reply), format!("/checkSSO/{choice}"));
    let reply = browser.get(&gateway, &choice);
    for name in ["Default Org", "Hammy Organization", "Moby Organization"] {
        assert!(reply.body.contains(name), "{name}");
    }
    // The gateway asks until the user chooses.
    let again = browser.get(&gateway, &format!("login.html?{query}"));
    assert_eq!(location(&again), format!("/checkSSO/{choice}"));
    let foreign = browser.post(&gateway, &choice, &[("organisation", "nobody")]);
    assert_eq!(foreign.status, 404);
    let reply = browser.fill(&gateway, &choice, &[("organisation", "moby")]);
    let to = "http://localhost:9098/authorize?state=a%26b%3Dc";
    assert_eq!(location(&reply), to);
    let reply = browser.get(&gateway, &format!("login.html?{query}"));
    assert_eq!(location(&reply), to, "a signed-in user is not asked again");
    let store = &gateway.app.store;
    let user = store.read(|c| users::by_name(c, "hakapeszimaki"));
    let of_user = store.read(|c| sessions::of_user(c, user.unwrap().unwrap().id, 0, 0));
    assert_eq!(of_user.unwrap()[0].organisation.as_deref(), Some("moby"));
}

#[test]
fn redirects_only_to_registered_addresses() {
    let gateway = Gateway::demo();
    let mut browser = moka(&gateway);
    for wanted in [
        "//evil.example",
        "https://evil.example/authorize",
        "http://localhost:9098/authorize/../evil",
        "http://localhost:9098.evil.example/authorize",
        "http://localhost:9098@evil.example/authorize",
        "/\\evil.example",
        "javascript:alert(1)",
        "/authorize?x",
        "/authorize%0d%0aX: y",
    ] {
        let encoded = wanted
            .bytes()
            .map(|b| format!("%{b:02X}"))
            .collect::<String>();
        let page = format!("login.html?client_id=blic.rs.front&redirect_uri={encoded}");
        let reply = browser.get(&gateway, &page);
        assert_eq!(
            location(&reply),
            "http://localhost:9098/authorize",
            "{wanted}"
        );
        // Without an application only the gateway's own pages are allowed.
        let reply = browser.get(&gateway, &format!("login.html?redirect_uri={encoded}"));
        assert!(
            location(&reply).starts_with("/checkSSO/account.html"),
            "{wanted}"
        );
    }
    let reply = browser.get(&gateway, "login.html?client_id=nobody");
    assert_eq!((reply.status, title(&reply)), (400, "Unknown application"));
    assert!(!reply.body.contains("nobody"));
}

#[test]
fn refuses_forms_of_another_site_or_browser() {
    let gateway = Gateway::demo();
    let mut browser = moka(&gateway);
    browser.get(&gateway, "account.html");
    let accept = [("do", "accept"), ("agreement", "1")];
    let own = browser.csrf_token.clone();
    let mut other = moka(&gateway);
    other.get(&gateway, "account.html");
    let mut stranger = Browser::default();
    stranger.get(&gateway, "login.html");
    for csrf_token in [
        "",
        "0",
        other.csrf_token.as_str(),
        stranger.csrf_token.as_str(),
        &own[1..],
    ] {
        let fields = [&[("csrf_token", csrf_token)], &accept[..]].concat();
        let reply = browser.send(&gateway, "account.html", &fields);
        assert_eq!(reply.status, 403, "{csrf_token}");
        assert!(reply.body.contains("This form has expired"));
    }
    browser.csrf_token = own;
    for headers in [
        "Origin: https://evil.example\r\n",
        "Origin: http://gateway.test.evil.example\r\n",
        "Origin: null\r\nSec-Fetch-Site: cross-site\r\n",
    ] {
        browser.headers = headers.to_owned();
        let reply = browser.post(&gateway, "account.html", &accept);
        assert_eq!(reply.status, 403, "{headers}");
    }
    browser.headers.clear();
    for media_type in ["text/plain", "application/json", "multipart/form-data"] {
        let headers = format!("Content-Type: {media_type}\r\n");
        let body = format!("csrf_token={}&do=accept&agreement=1", browser.csrf_token);
        let reply = browser.ask(&gateway, "POST", "account.html", &headers, &body);
        assert_eq!(reply.status, 415, "{media_type}");
    }
    for page in [
        "account.html?do=accept&agreement=1",
        "logout.html",
        "delete.html",
    ] {
        assert_eq!(browser.get(&gateway, page).status, 200);
    }
    let page = browser.get(&gateway, "account.html");
    assert_eq!(page.body.matches("not accepted").count(), 3);
    let reply = browser.post(&gateway, "account.html", &accept);
    assert_eq!(
        location(&reply),
        "/checkSSO/account.html?done=agreement_accepted"
    );
    let page = browser.get(&gateway, "account.html?done=agreement_accepted");
    assert_eq!(page.body.matches("not accepted").count(), 2);
    assert!(page.body.contains("You have accepted the agreement."));
}

#[test]
fn starts_a_new_session_at_each_sign_in() {
    let gateway = Gateway::demo();
    let chosen = "ab".repeat(32);
    let mut browser = Browser::default();
    browser
        .cookies
        .insert("chaingun_session".into(), chosen.clone());
    browser.sign_in(&gateway, "mokamiki", "MokaMiki-1234");
    let first = browser.session().unwrap().to_owned();
    assert_ne!(first, chosen);
    assert_eq!(first.len(), 64);
    // The user signs in again in the same browser, with a form that was already open.
    let fields = [
        ("userNameOrEmail", "mokamiki"),
        ("password", "MokaMiki-1234"),
    ];
    browser.get(&gateway, "account.html");
    let reply = browser.post(&gateway, "login.html", &fields);
    assert_eq!(reply.status, 303);
    assert_ne!(browser.session().unwrap(), first);
    let mut old = Browser::default();
    old.cookies.insert("chaingun_session".into(), first);
    assert!(!old.is_signed_in(&gateway), "the earlier session has ended");
}

#[test]
fn ends_sessions_by_age_by_disuse_and_when_their_user_changes() {
    let gateway = Gateway::demo();
    let mut browser = moka(&gateway);
    for _ in 0..3 {
        gateway.app.clock.advance(25 * DAY);
        assert!(browser.is_signed_in(&gateway));
    }
    gateway.app.clock.advance(16 * DAY);
    assert!(!browser.is_signed_in(&gateway), "after 91 days");
    let mut browser = moka(&gateway);
    gateway.app.clock.advance(31 * DAY);
    assert!(!browser.is_signed_in(&gateway), "after 31 days unused");

    let mut browser = moka(&gateway);
    let body = r#"{"data":{"type":"changePasswordRequest","id":"1","attributes":{"userName":"mokamiki","oldPassword":"MokaMiki-1234","password":"MokaMiki-5678"}}}"#;
    let reply = ask(&gateway, "POST", "/password/change", RESOURCE, body);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(!browser.is_signed_in(&gateway), "after a new password");

    let mut browser = signed_in(&gateway, "mokamiki", "MokaMiki-5678");
    let body = r#"{"data":{"type":"users","id":"mokamiki","attributes":{"status":"INACTIVE"}}}"#;
    let headers = format!("{KEY}{RESOURCE}");
    let reply = ask(&gateway, "PUT", "/users", &headers, body);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(!browser.is_signed_in(&gateway), "after a deactivation");
    let active = body.replace("INACTIVE", "ACTIVE");
    ask(&gateway, "PUT", "/users", &headers, &active);
    assert!(!browser.is_signed_in(&gateway), "also after a reactivation");

    let mut browser = signed_in(&gateway, "mokamiki", "MokaMiki-5678");
    let reply = ask(&gateway, "DELETE", "/users/mokamiki", KEY, "");
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(!browser.is_signed_in(&gateway), "after a deletion");
}

#[test]
fn lists_sessions_and_ends_one_or_all() {
    let gateway = Gateway::demo();
    let mut here = moka(&gateway);
    let (mut phone, mut tablet) = (moka(&gateway), moka(&gateway));
    let number = |page: &Reply| {
        let (_, rest) = page.body.split_once("name=\"session\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let page = here.get(&gateway, "account.html");
    assert_eq!(
        page.body.matches("Test&#x2f;1.0").count(),
        5,
        "{}",
        page.body
    );
    assert_eq!(page.body.matches("This browser").count(), 1);
    let fields = [("do", "end-session"), ("session", &number(&page))];
    // A user cannot end the session of another user.
    let mut other = signed_in(&gateway, "admin", "Admin-Demo-2026");
    other.fill(&gateway, "account.html", &fields);
    assert!(phone.is_signed_in(&gateway) && tablet.is_signed_in(&gateway));
    here.fill(&gateway, "account.html", &fields);
    assert_ne!(phone.is_signed_in(&gateway), tablet.is_signed_in(&gateway));
    here.fill(&gateway, "account.html", &[("do", "end-others")]);
    assert!(!phone.is_signed_in(&gateway) && !tablet.is_signed_in(&gateway));
    assert!(here.is_signed_in(&gateway) && other.is_signed_in(&gateway));

    let mut phone = moka(&gateway);
    let reply = phone.fill(&gateway, "logout.html", &[]);
    assert_eq!((reply.status, title(&reply)), (200, "You are signed out"));
    assert!(phone.session().is_none());
    assert!(here.is_signed_in(&gateway));
    let mut phone = moka(&gateway);
    let page = "logout.html?client_id=blic.rs.front&redirect_uri=%2Fauthorize&state=s";
    let reply = phone.fill(&gateway, page, &[("everywhere", "1")]);
    assert_eq!(location(&reply), "http://localhost:9098/authorize?state=s");
    assert!(!here.is_signed_in(&gateway));
}

#[test]
fn shows_exports_and_deletes_an_account() {
    let gateway = Gateway::demo();
    let store = &gateway.app.store;
    let mut browser = moka(&gateway);
    let token = browser.session().unwrap().to_owned();
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "assign_user_to_service",
        "params": { "client_id": "blic.rs.front", "token": token, "portal_id": 1, "service_id": 1, "user_id_in_service": "moka-1" },
    })
    .to_string();
    let head = format!(
        "POST /user-multi-services HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Content-Type: application/json-rpc\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    gateway.raw(head.as_bytes());
    browser.fill(
        &gateway,
        "account.html",
        &[("do", "accept"), ("agreement", "2")],
    );
    let copy = browser.get(&gateway, "data.json");
    assert_eq!(
        copy.header("Content-Disposition"),
        Some("attachment; filename=\"my-data.json\"")
    );
    let copy: Value = serde_json::from_str(&copy.body).unwrap();
    assert_eq!(copy["user"]["email"], "moka.miklos@dbx.hu");
    assert_eq!(copy["services"][0]["userIdInService"], "moka-1");
    assert_eq!(copy["agreements"][0]["id"], 2);
    assert_eq!(copy["organisations"][0]["uuid"], "default");
    assert_eq!(copy["sessions"][0]["userAgent"], "Test/1.0");
    assert_eq!(
        copy["knownNetworksAndBrowsers"].as_array().unwrap().len(),
        2
    );
    assert_eq!(copy["events"][0]["event"], "user_agreements_accepted");
    assert!(!copy.to_string().contains("$2"), "the export holds no hash");

    let leave = [("do", "leave"), ("service", "1")];
    let reply = browser.fill(&gateway, "account.html", &leave);
    assert_eq!(location(&reply), "/checkSSO/account.html?done=left");
    let callbacks = || {
        let rows = store.read(|c| outbox::list(c, None, 100)).unwrap();
        rows.iter()
            .filter(|row| row.kind.as_str() == "callback")
            .count()
    };
    assert_eq!(callbacks(), 1, "the service is notified");
    browser.fill(&gateway, "account.html", &leave);
    assert_eq!(callbacks(), 1, "the service is notified once");

    let change = |old| [("oldPassword", old), ("password", "MokaMiki-5678")];
    let mut elsewhere = moka(&gateway);
    let wrong = browser.fill(&gateway, "password.html", &change("wrong"));
    assert_eq!(wrong.status, 401);
    let reply = browser.fill(&gateway, "password.html", &change("MokaMiki-1234"));
    assert_eq!(
        location(&reply),
        "/checkSSO/account.html?done=password_changed"
    );
    assert!(browser.is_signed_in(&gateway));
    assert!(!elsewhere.is_signed_in(&gateway));

    let wrong = browser.fill(&gateway, "delete.html", &[("password", "wrong")]);
    assert_eq!(wrong.status, 401);
    let reply = browser.fill(&gateway, "delete.html", &[("password", "MokaMiki-5678")]);
    assert_eq!(
        (reply.status, title(&reply)),
        (200, "Your account is deleted")
    );
    assert!(browser.session().is_none());
    let gone = try_to_sign_in(&gateway, "mokamiki", "MokaMiki-5678", None);
    assert_eq!(gone.status, 401);
}

#[test]
fn sends_security_headers_on_every_page_and_marks_every_cookie() {
    let gateway = Gateway::with(&[("public_url", "https://id.example.org")]);
    let mut browser = Browser::default();
    let fields = [
        ("userNameOrEmail", "mokamiki"),
        ("password", "MokaMiki-1234"),
    ];
    let reply = browser.fill(&gateway, "login.html", &fields);
    let cookie = reply.header("Set-Cookie").unwrap();
    let (value, marks) = cookie.split_once(';').unwrap();
    assert!(value.starts_with("__Host-chaingun_session="));
    assert_eq!(
        marks,
        " Path=/; Max-Age=7776000; HttpOnly; Secure; SameSite=None"
    );
    let mut replies = vec![reply];
    let mut stranger = Browser::default();
    for page in [
        "login.html",
        "organisation.html",
        "logout.html",
        "register.html",
        "resend.html",
        "confirm.html?token=x",
        "forgotten-password.html",
        "new-password.html?token=x",
        "account.html",
        "password.html",
        "delete.html",
        "nothing.html",
        "login.html?client_id=nobody",
        "data.json",
    ] {
        replies.push(browser.get(&gateway, page));
        replies.push(stranger.get(&gateway, page));
        let page = page.split('?').next().unwrap();
        replies.push(stranger.send(&gateway, page, &[]));
    }
    assert!(replies.iter().any(|r| r.status == 405));
    for reply in &replies {
        let policy = reply.header("Content-Security-Policy").unwrap_or_default();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self';"),
            "{reply:?}"
        );
        assert!(
            policy.ends_with("base-uri 'none'; frame-ancestors 'none'"),
            "{reply:?}"
        );
        assert!(!policy.contains("unsafe"));
        for (name, value) in [
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
            ("Strict-Transport-Security", "max-age=31536000"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{reply:?}");
        }
        for line in reply.head.lines().filter(|l| l.starts_with("Set-Cookie")) {
            assert!(
                line.contains("__Host-") && line.contains("HttpOnly; Secure"),
                "{line}"
            );
        }
        assert!(!reply.body.contains("style=\"") && !reply.body.contains("<script"));
    }
}

#[test]
fn escapes_names_on_every_page() {
    let gateway = Gateway::demo();
    let hostile = "<script>alert('x')</script>\"&amp;{{7*7}}";
    let mut browser = Browser::default();
    let fields = [
        ("name", hostile),
        ("email", "x@dbx.hu"),
        ("password", "Valami-Jelszo-9"),
    ];
    browser.fill(&gateway, "register.html", &fields);
    let token = token_in(gateway.mails().last().unwrap());
    browser.fill(&gateway, "confirm.html", &[("token", &token)]);
    browser.sign_in(&gateway, "x@dbx.hu", "Valami-Jelszo-9");
    let store = &gateway.app.store;
    let user = store
        .read(|c| users::by_name(c, "x@dbx.hu"))
        .unwrap()
        .unwrap();
    for (uuid, name) in [("1<i>", "<b>One</b>"), ("2", hostile)] {
        store
            .write(|c| {
                organisations::add(c, uuid, name, JoinPolicy::Open, 0)?;
                organisations::join(c, user.id, uuid, &[], 0)
            })
            .unwrap();
    }
    store
        .write(|c| chaingun_gateway::store::services::assign(c, user.id, 1, hostile, 0))
        .unwrap();
    let evil = "x\"><script>y</script>";
    let replies = [
        browser.get(&gateway, "account.html"),
        browser.get(&gateway, "logout.html"),
        browser.get(&gateway, "organisation.html"),
        browser.fill(
            &gateway,
            "login.html",
            &[("userNameOrEmail", evil), ("password", "x")],
        ),
        Browser::default().fill(
            &gateway,
            "register.html",
            &[("name", evil), ("email", evil)],
        ),
        browser.get(&gateway, "confirm.html?token=%22%3E%3Cscript%3E"),
        browser.get(
            &gateway,
            "login.html?state=%22%3E%3Cscript%3E&redirect_uri=%22%3E%3Cscript%3E",
        ),
        Browser::default().get(
            &gateway,
            "login.html?state=%22%3E%3Cscript%3E&lang=%22%3E%3Cscript%3E",
        ),
        browser.get(&gateway, "account.html?done=%3Cscript%3E"),
        browser.get(&gateway, "%3Cscript%3E.html"),
    ];
    for reply in replies {
        for markup in ["<script", "<b>", "<i>"] {
            assert!(!reply.body.contains(markup), "{markup}: {reply:?}");
        }
    }
}

#[test]
fn shows_no_secret_on_any_page() {
    let gateway = Gateway::demo();
    let mut browser = moka(&gateway);
    let session = browser.session().unwrap().to_owned();
    let fields = [
        ("userNameOrEmail", "mokamiki"),
        ("password", "My-Wrong-Secret-1"),
    ];
    let mut stranger = Browser::default();
    let mut replies = vec![stranger.fill(&gateway, "login.html", &fields)];
    for page in [
        "account.html",
        "data.json",
        "logout.html",
        "delete.html",
        "password.html",
    ] {
        replies.push(browser.get(&gateway, page));
    }
    for reply in replies {
        for secret in [session.as_str(), "My-Wrong-Secret-1", "MokaMiki-1234", "$2"] {
            assert!(!reply.body.contains(secret), "{secret}: {reply:?}");
            assert!(!reply.header("Location").unwrap_or("").contains(secret));
        }
    }
}

/// Status, headers and body, without the values that differ in every answer.
fn status_and_code(gateway: &Gateway, page: &str, fields: &[(&str, &str)]) -> String {
    let mut browser = Browser::default();
    let reply = browser.fill(gateway, page, fields);
    let typed: Vec<_> = fields.iter().map(|(_, value)| *value).collect();
    let mut text = format!("{}{}", reply.head, reply.body);
    for varying in typed.iter().chain([&browser.csrf_token.as_str()]) {
        text = text.replace(varying, "…");
    }
    let varying = ["X-Request-Id", "Date", "Content-Length"];
    let lines = text
        .lines()
        .filter(|l| !varying.iter().any(|v| l.starts_with(v)));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn answers_the_same_for_known_and_unknown_accounts_on_every_page() {
    let gateway = Gateway::demo();
    let known = "moka.miklos@dbx.hu";
    let unknown = "nobody.at.all@dbx.hu";
    for (page, field, more) in [
        (
            "login.html",
            "userNameOrEmail",
            &[("password", "Wrong-1234")][..],
        ),
        ("forgotten-password.html", "userNameOrEmail", &[]),
        ("resend.html", "usernameOrEmail", &[]),
        (
            "register.html",
            "email",
            &[("name", "Valaki Más"), ("password", "Valami-Jelszo-9")],
        ),
    ] {
        let [one, other] = [known, unknown].map(|login| {
            let fields = [&[(field, login)], more].concat();
            status_and_code(&gateway, page, &fields)
        });
        assert_eq!(one, other, "{page}");
    }
    // Only a mail to the address tells that the address has an account or is new.
    let to = |address: &str| {
        let mails = gateway.mails();
        mails
            .iter()
            .filter(|m| m.contains(&format!("<{address}>")))
            .count()
    };
    assert_eq!((to(known), to(unknown)), (2, 1));
}

#[test]
fn shows_pages_in_the_chosen_language() {
    let gateway = Gateway::demo();
    let mut browser = Browser::default();
    assert_eq!(title(&browser.get(&gateway, "login.html")), "Sign in");
    let reply = browser.get(&gateway, "login.html?lang=hu&state=s");
    assert_eq!(title(&reply), "Bejelentkezés");
    assert_eq!(reply.header("Content-Language"), Some("hu"));
    assert!(reply.body.contains("lang=en"), "the page links to English");
    assert_eq!(
        title(&browser.get(&gateway, "register.html")),
        "Regisztráció"
    );
    let reply = browser.get(&gateway, "register.html?lang=xx");
    assert_eq!(title(&reply), "Regisztráció");
}
