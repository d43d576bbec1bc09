//! loginbar.json: the documented answers, every field, the allowed origins, and the answer to an unknown application.

use chaingun_gateway::secrets::keyed_hashes::hmac_sha512_hex;
use chaingun_gateway::store::profiles::{self, Profile};
use chaingun_gateway::store::users;
use serde_json::{Value, json};

use crate::harness::browser::{Browser, signed_in};
use crate::harness::{Gateway, NOW, Reply};

const DOCUMENTED: &str = "loginbar.json?client_id=blic.rs.front&body%5Bparams%5D%5Bfields%5D=signature%2CuserId%2Clogin%2CloginHash";

fn moka(gateway: &Gateway) -> Browser {
    signed_in(gateway, "mokamiki", "MokaMiki-1234")
}

fn data(reply: &Reply) -> Value {
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    body["result"]["data"].clone()
}

#[test]
fn answers_the_documented_example_as_documented() {
    let gateway = Gateway::demo();
    let mut stranger = Browser::default();
    let reply = stranger.get(&gateway, DOCUMENTED);
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (
            200,
            r#"{"result":{"config":{"login":"http://gateway.test/checkSSO/login.html?client_id=blic.rs.front"}}}"#
        )
    );
    assert_eq!(
        reply.header("Content-Type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(reply.header("Cache-Control"), Some("no-store"));
    assert_eq!(reply.header("X-Content-Type-Options"), Some("nosniff"));

    let user = gateway.app.store.read(|c| users::by_name(c, "mokamiki"));
    let user = user.unwrap().unwrap();
    let hash = hmac_sha512_hex("demo-secret-of-blic.rs", "moka.miklos@dbx.hu");
    let reply = moka(&gateway).get(&gateway, DOCUMENTED);
    assert_eq!(
        reply.body,
        format!(
            r#"{{"result":{{"config":{{"logout":"http://gateway.test/checkSSO/logout.html?client_id=blic.rs.front"}},"data":{{"login":"moka.miklos@dbx.hu","userId":{},"userUUID":"{}","loginHash":"{hash}","signature":{{"number":"1","name":"mokamiki"}}}}}}}}"#,
            user.id, user.uuid
        )
    );
}

#[test]
fn answers_with_every_requested_field_and_no_other() {
    let gateway = Gateway::demo();
    let mut browser = moka(&gateway);
    let store = &gateway.app.store;
    let user = store.read(|c| users::by_name(c, "mokamiki"));
    let user = user.unwrap().unwrap();
    let all = "loginbar.json?client_id=blic.rs.front&body[params][fields]=login,external,channel,counter,lastVisitCounter,\
               lastVisit,galvatar,avatar,signature,userId,secondaryId,date,hash,secondaryIdHash,loginHash,password,nothing";
    let hash = |text: &str| hmac_sha512_hex("demo-secret-of-blic.rs", text);
    let window = NOW / 3_600_000;
    let mut expected = json!({
        "login": "moka.miklos@dbx.hu",
        "userId": user.id,
        "userUUID": user.uuid,
        "secondaryId": null,
        "external": null,
        "channel": null,
        "counter": 0,
        "lastVisitCounter": 0,
        "lastVisit": "2020-10-06T08:44:49Z",
        "galvatar": user.uuid.replace('-', ""),
        "avatar": null,
        "date": "2020-10-06T08:44:49Z",
        "hash": hash(&format!("{}:{window}", user.id)),
        "secondaryIdHash": null,
        "loginHash": hash("moka.miklos@dbx.hu"),
        "signature": { "number": "1", "name": "mokamiki" },
    });
    assert_eq!(data(&browser.get(&gateway, all)), expected);

    let profile = Profile {
        external: Some("moka@example.org".into()),
        channel: Some("mail".into()),
        counter: Some(3),
        last_visit_counter: Some(2),
        avatar: Some("https://example.org/moka.png".into()),
        signature_number: Some("7".into()),
        signature_name: Some("Moka".into()),
        secondary_id: Some(90),
        phone: None,
        phone_verified: false,
    };
    for _ in 0..2 {
        store
            .write(|c| profiles::put(c, user.id, &profile))
            .unwrap();
    }
    for (field, value) in [
        ("external", json!("moka@example.org")),
        ("channel", json!("mail")),
        ("counter", json!(3)),
        ("lastVisitCounter", json!(2)),
        ("avatar", json!("https://example.org/moka.png")),
        ("secondaryId", json!(90)),
        ("secondaryIdHash", json!(hash(&format!("90:{window}")))),
        ("signature", json!({ "number": "7", "name": "Moka" })),
    ] {
        expected[field] = value;
    }
    assert_eq!(data(&browser.get(&gateway, all)), expected);
    gateway.app.clock.advance(3_600_000);
    let later = data(&browser.get(&gateway, all));
    assert_ne!(later["hash"], expected["hash"]);
    assert_eq!(later["loginHash"], expected["loginHash"]);
}

#[test]
fn echoes_a_known_client_id_as_sent_and_refuses_an_unknown_one() {
    let gateway = Gateway::demo();
    let mut browser = moka(&gateway);
    for (asked, told) in [
        ("loginbar.json", "logout.html"),
        ("loginbar.json?client_id=", "logout.html"),
        (
            "loginbar.json?client_id=blic.rs.front.onetapi.pl",
            "logout.html?client_id=blic.rs.front.onetapi.pl",
        ),
        (
            "loginbar.json?client_id=blic%2Ers%2Efront",
            "logout.html?client_id=blic.rs.front",
        ),
    ] {
        let reply = browser.get(&gateway, asked);
        let body = format!(
            r#"{{"result":{{"config":{{"logout":"http://gateway.test/checkSSO/{told}"}},"data":{{"login":"moka.miklos@dbx.hu"}}}}}}"#
        );
        assert_eq!(reply.body, body);
    }
    for unknown in ["nobody", "blic.rs.front.evil", &"a".repeat(300)] {
        let reply = browser.get(&gateway, &format!("loginbar.json?client_id={unknown}"));
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (400, r#"{"error":{"message":"Unknown client_id"}}"#)
        );
    }
}

#[test]
fn allows_only_the_origins_of_the_application() {
    let gateway = Gateway::demo();
    let mut browser = moka(&gateway);
    let mut ask = |method: &str, page: &str, origin: &str| {
        let headers = format!("Origin: {origin}\r\nAccess-Control-Request-Method: GET\r\n");
        browser.ask(&gateway, method, page, &headers, "")
    };
    let page = "loginbar.json?client_id=blic.rs.front";
    for method in ["GET", "OPTIONS"] {
        let reply = ask(method, page, "http://localhost:9098");
        assert_eq!(
            reply.header("Access-Control-Allow-Origin"),
            Some("http://localhost:9098")
        );
        assert_eq!(
            reply.header("Access-Control-Allow-Credentials"),
            Some("true")
        );
        assert!(reply.header("Vary").unwrap().contains("Origin"));
    }
    let preflight = ask("OPTIONS", page, "http://localhost:9098");
    assert_eq!(preflight.status, 204);
    assert_eq!(
        preflight.header("Access-Control-Allow-Methods"),
        Some("GET")
    );
    for (page, origin) in [
        (page, "https://localhost:9098"),
        (page, "http://localhost:9099"),
        (page, "http://localhost:9098.evil.example"),
        (page, "HTTP://LOCALHOST:9098"),
        (page, "null"),
        (page, ""),
        // Without a known application no origin is allowed.
        ("loginbar.json", "http://localhost:9098"),
        ("loginbar.json?client_id=nobody", "http://localhost:9098"),
    ] {
        for method in ["GET", "OPTIONS"] {
            let reply = ask(method, page, origin);
            assert!(
                !reply.head.contains("Access-Control"),
                "{origin}: {reply:?}"
            );
            assert!(reply.header("Vary").unwrap().contains("Origin"));
        }
    }
    let reply = ask("POST", page, "http://localhost:9098");
    assert_eq!(
        (reply.status, reply.header("Allow")),
        (405, Some("GET, HEAD, OPTIONS"))
    );
}

#[test]
fn accepts_the_session_of_a_browser_as_a_token_of_the_consent_api() {
    let gateway = Gateway::demo();
    let browser = moka(&gateway);
    let call = |token: &str| {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "check_user_agreements",
            "params": { "client_id": "blic.rs.front", "token": token, "portal_id": 1, "service_id": 1 },
        })
        .to_string();
        let head = format!(
            "POST /user-multi-services HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
             Content-Type: application/json-rpc\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let reply = gateway.raw(head.as_bytes());
        serde_json::from_str::<Value>(&reply.body).unwrap()
    };
    let token = browser.session().unwrap();
    assert_eq!(call(token)["result"], json!({ "missing": [1, 2, 3] }));
    assert_eq!(call(&"0".repeat(64))["error"]["code"], json!(-32001));
}

#[test]
fn serves_a_small_script_without_dependencies() {
    let gateway = Gateway::demo();
    let reply = gateway.get("/checkSSO/loginbar.js");
    assert_eq!(
        (reply.status, reply.header("Content-Type")),
        (200, Some("text/javascript; charset=utf-8"))
    );
    assert!(reply.body.len() < 3000, "{} bytes", reply.body.len());
    assert!(!reply.body.contains("import ") && !reply.body.contains("innerHTML"));
}
