//! Hostile and ambiguous JSON: refused quickly, with the right code.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::rest::{FLAT, KEY, RESOURCE, ask, json, status_and_code};
use crate::harness::{Gateway, Reply};

fn create(gateway: &Gateway, body: &[u8]) -> Reply {
    let head = format!(
        "POST /hammy/json/user/v1/users HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{KEY}{FLAT}Content-Length: {}\r\n\r\n",
        body.len()
    );
    gateway.raw(&[head.as_bytes(), body].concat())
}

fn malformed() -> (u16, String) {
    (400, "MALFORMED".to_owned())
}

#[test]
fn refuses_anything_but_one_json_object_as_malformed() {
    let gateway = Gateway::demo();
    for body in [
        &b""[..],
        b"{",
        b"[]",
        b"null",
        b"\"x\"",
        b"{\"name\":\"a\",\"name\":\"b\"}",
        b"{\"name\":\"a\",\"n\\u0061me\":\"b\"}",
        b"{\"data\":{\"attributes\":{\"roles\":[],\"roles\":[]}}}",
        b"{\"name\":\"\\ud800\"}",
        b"{\"name\":\"\\udc00\\ud800\"}",
        b"{\"name\":\"\xff\"}",
        b"{\"name\":\"a\nb\"}",
        b"{\"name\":01}",
        b"{\"name\":NaN}",
        b"{\"name\":1e999}",
        b"{\"name\":'a'}",
        b"{name:\"a\"}",
        b"{\"name\":\"a\",}",
        b"{\"name\":\"a\"}{\"name\":\"b\"}",
        b"{\"name\":\"a\"} //",
        b"{\"data\":[]}",
        b"{\"data\":null}",
        b"{\"data\":{\"attributes\":[]}}",
        b"\xfe\xff\x00{\x00}",
    ] {
        let reply = create(&gateway, body);
        assert_eq!(
            status_and_code(&reply),
            malformed(),
            "{}",
            String::from_utf8_lossy(body)
        );
        let document = json(&reply);
        assert!(document.get("meta").is_none() && document.get("data").is_none());
    }
}

#[test]
fn refuses_values_of_the_wrong_type_and_names_their_field() {
    let gateway = Gateway::demo();
    for (field, value) in [
        ("name", json!(1)),
        ("name", json!(true)),
        ("name", json!({"a": 1})),
        ("name", json!(["a"])),
        ("email", json!(1.5)),
        ("roles", json!([["a"]])),
        ("roles", json!([1])),
        ("roles", json!({"role": "a"})),
        ("name", json!("é".repeat(129))),
        ("roles", json!(vec!["a"; 101])),
        ("name", json!("a\u{0}b")),
        ("email", json!("a@b.hu\r\nBcc: c@d.hu")),
    ] {
        let mut body = json!({"userName": "u", "name": "U", "email": "u@dbx.hu"});
        body[field] = value;
        let reply = create(&gateway, body.to_string().as_bytes());
        assert_eq!(
            status_and_code(&reply),
            (422, "INVALID_FIELD".to_owned()),
            "{body}"
        );
        let pointer = &json(&reply)["errors"][0]["source"]["pointer"];
        assert_eq!(pointer, &format!("/{field}"), "{body}");
    }
    let status = json!({"data": {"type": "users", "attributes": {"userName": "u", "name": "U", "email": "u@dbx.hu", "passwordHash": "x",
        "status": "ACTIVE"}}});
    let reply = ask(
        &gateway,
        "POST",
        "/users",
        &format!("{KEY}{RESOURCE}"),
        &status.to_string(),
    );
    assert_eq!(status_and_code(&reply), (422, "INVALID_FIELD".to_owned()));
}

#[test]
fn ignores_roles_and_status_in_a_registration() {
    let gateway = Gateway::demo();
    let body = json!({"username": "u", "name": "U", "email": "u@dbx.hu", "password": "ValaKi1234",
        "roles": ["USER_ADMIN"], "status": "ACTIVE", "clientName": "Portal", "user": {"roles": ["USER_ADMIN"]}});
    let reply = ask(&gateway, "POST", "/register", FLAT, &body.to_string());
    assert_eq!(status_and_code(&reply), (200, "ok".to_owned()));
    let shown = json(&ask(&gateway, "GET", "/users/u", KEY, ""));
    let attributes = &shown["data"]["attributes"];
    assert_eq!(
        (
            &attributes["roles"],
            &attributes["status"],
            &attributes["clientName"]
        ),
        (&json!([]), &json!("UNACTIVATED"), &json!("Default"))
    );
    let strict = Gateway::with(&[("soap.unknown_elements", "refuse")]);
    let reply = ask(&strict, "POST", "/register", FLAT, &body.to_string());
    assert_eq!(status_and_code(&reply), (422, "UNKNOWN_FIELD".to_owned()));
}

#[test]
fn refuses_deep_wide_and_large_json_within_seconds() {
    let gateway = Gateway::demo();
    let deep = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let lists = "[".repeat(500_000);
    let members: String = (0..60_000).map(|n| format!("\"f{n}\":0,")).collect();
    let begun = Instant::now();
    for (body, told_of) in [
        (deep(33), malformed()),
        (deep(100_000), malformed()),
        (lists, malformed()),
        // Unknown fields are ignored, and the required fields are missing.
        (
            format!("{{{members}\"z\":0}}"),
            (422, "MISSING_FIELD".to_owned()),
        ),
        (deep(31), (422, "MISSING_FIELD".to_owned())),
        (
            format!("{{\"name\":{}1}}", "1".repeat(400_000)),
            malformed(),
        ),
        (
            format!("{{\"name\":\"{}\"}}", "x".repeat(1_100_000)),
            (413, "TOO_LARGE".to_owned()),
        ),
    ] {
        let reply = create(&gateway, body.as_bytes());
        assert_eq!(status_and_code(&reply), told_of, "{}…", &body[..40]);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

/// On every face the answer has fewer than 20,000 bytes.
#[test]
fn answers_a_request_with_thousands_of_problems_in_a_few_lines() {
    let gateway = Gateway::demo();
    let many = |one: &str, times: usize| vec![one; times].join(",");
    let sign_in = format!(
        "{{\"userNameOrEmail\":\"a\",\"password\":\"b\",\"params\":[{}]}}",
        many("0", 500_000)
    );
    let roles = format!(
        "{{\"userName\":\"a\",\"roles\":[{}]}}",
        many("\"x\"", 200_000)
    );
    let identities = format!(
        "{{\"request\":{{\"firstName\":\"a\",\"externalIds\":[{}]}}}}",
        many("{}", 300_000)
    );
    let params = "<params>".to_owned() + &"<param/>".repeat(10_000) + "</params>";
    let envelope = crate::harness::envelope("authenticate", &params);
    let rest = |path: &str, body: &str| {
        let headers = "X-Client-Hash-Key: demo-hash-key\r\nContent-Type: application/json\r\n";
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        gateway.raw(head.as_bytes())
    };
    for reply in [
        rest("/hammy/json/user/v1/password/authenticate", &sign_in),
        rest("/hammy/json/user/v1/users", &roles),
        rest("/user/v1/create", &identities),
        gateway.soap(&envelope),
    ] {
        assert!(
            reply.status != 0 && reply.body.len() < 20_000,
            "{}",
            reply.body.len()
        );
        let told = reply.body.contains("INVALID_FIELD")
            || reply.body.contains("MISSING")
            || reply.body.contains("Fault");
        assert!(told, "{reply:?}");
    }
}
