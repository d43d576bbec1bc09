//! The consent API over JSON-RPC: the examples of the JSON-RPC 2.0 specification, all methods, and their refusals.

use serde_json::{Value, json};

use chaingun_gateway::store::audit;

use crate::harness::rest::sign_in;
use crate::harness::{Gateway, Reply, outbox_rows};

fn post(gateway: &Gateway, path: &str, media_type: &str, body: &str) -> Reply {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    gateway.raw(&[head.as_bytes(), body.as_bytes()].concat())
}

fn send(gateway: &Gateway, body: &str) -> Reply {
    post(
        gateway,
        "/user-multi-services",
        "application/json-rpc",
        body,
    )
}

fn moka(gateway: &Gateway) -> String {
    let token = sign_in(gateway, "mokamiki", "MokaMiki-1234", None);
    token.strip_prefix("JWT ").unwrap().to_owned()
}

/// The result of a method, or the code of the error and the code of the first message.
fn call(gateway: &Gateway, token: &str, method: &str, mut params: Value) -> Value {
    for (name, value) in [
        ("client_id", "konto.onet.pl.front.onetapi.pl"),
        ("token", token),
    ] {
        if params.get(name).is_none() {
            params[name] = value.into();
        }
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let reply = send(gateway, &body.to_string());
    assert_eq!(reply.status, 200, "{reply:?}");
    let answer: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(
        (&answer["jsonrpc"], &answer["id"]),
        (&json!("2.0"), &json!(1))
    );
    match answer.get("result") {
        Some(result) => result.clone(),
        None => json!([
            answer["error"]["code"],
            answer["error"]["data"]["messages"][0]["code"]
        ]),
    }
}

#[test]
fn answers_the_documented_example_as_documented() {
    let gateway = Gateway::demo();
    let token = moka(&gateway);
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":"1187135072","method":"assign_user_to_service","params":{{"client_id":"konto.onet.pl.front.onetapi.pl","token":"{token}","portal_id":1,"service_id":"1","user_id_in_service":"abc"}}}}"#
    );
    for (path, media_type) in [
        ("/user-multi-services", "application/json-rpc"),
        ("/user-multi-services", "application/json"),
        (
            "/user-multi-services/",
            "application/json-rpc; charset=utf-8",
        ),
        ("/", "application/json-rpc"),
        ("/", "application/json-rpc; charset=UTF-8"),
    ] {
        let reply = post(&gateway, path, media_type, &body);
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (200, r#"{"jsonrpc":"2.0","id":"1187135072","result":"OK"}"#)
        );
        assert_eq!(
            reply.header("Content-Type"),
            Some("application/json-rpc; charset=utf-8")
        );
    }
    assert_eq!(post(&gateway, "/", "application/json", &body).status, 404);
    for media_type in ["text/plain", "application/json-rpc; charset=iso-8859-2", ""] {
        assert_eq!(
            post(&gateway, "/user-multi-services", media_type, &body).status,
            415
        );
    }
    let get = gateway.get("/user-multi-services");
    assert_eq!((get.status, get.header("Allow")), (405, Some("POST")));
}

#[test]
fn answers_the_examples_of_json_rpc_2_0_as_specified() {
    let gateway = Gateway::demo();
    let unknown = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","error":{{"code":-32601,"message":"Method not found"}},"id":{id}}}"#
        )
    };
    let invalid =
        r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}"#
            .to_owned();
    let unparseable =
        r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}"#.to_owned();
    for (sent, answered) in [
        (
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
            unknown("\"1\""),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
            unknown("1"),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": 1.5}"#,
            unknown("1.5"),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": -7}"#,
            unknown("-7"),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": 18446744073709551615}"#,
            unknown("18446744073709551615"),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar", "\u0069d": 123456789012345678901234567890}"#,
            unknown("123456789012345678901234567890"),
        ),
        (
            "\u{feff}{\"jsonrpc\": \"2.0\", \"method\": \"foobar\", \"id\": -1.50e2 }",
            unknown("-1.50e2"),
        ),
        (
            r#"[{"jsonrpc": "2.0", "method": "a", "id": 0.10000000000000000000000001}, 7, {"jsonrpc": "2.0", "method": "b", "id": -18446744073709551617}]"#,
            format!(
                "[{},{invalid},{}]",
                unknown("0.10000000000000000000000001"),
                unknown("-18446744073709551617")
            ),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": null}"#,
            unknown("null"),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
            unparseable.clone(),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
            invalid.clone(),
        ),
        (r#"{"jsonrpc": "1.0", "method": "foobar"}"#, invalid.clone()),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": {}}"#,
            invalid.clone(),
        ),
        (
            r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method""#,
            unparseable,
        ),
        ("[]", invalid.clone()),
        ("[1]", format!("[{invalid}]")),
        ("[1,2,3]", format!("[{invalid},{invalid},{invalid}]")),
        ("1", invalid.clone()),
        (
            r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
                {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
                {"foo": "boo"},
                {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"}]"#,
            format!("[{},{invalid},{}]", unknown("\"1\""), unknown("\"5\"")),
        ),
    ] {
        let reply = send(&gateway, sent);
        assert_eq!((reply.status, reply.body), (200, answered), "{sent}");
    }
    for silent in [
        r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#,
        r#"[{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},{"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]"#,
    ] {
        for (media_type, accept, status) in [
            ("application/json-rpc", "", 200),
            ("application/json-rpc; charset=utf-8", "*/*", 200),
            ("application/json", "application/json-rpc", 200),
            (
                "application/json",
                "application/json, application/json-rpc;q=0.5",
                200,
            ),
            ("application/json", "application/json-rpc;q=0", 204),
            ("application/json", "*/*", 204),
            ("application/json", "", 204),
        ] {
            let media_type = format!("{media_type}\r\nAccept: {accept}");
            let reply = post(&gateway, "/user-multi-services", &media_type, silent);
            assert_eq!(
                (reply.status, reply.body.as_str()),
                (status, ""),
                "{silent} {media_type}"
            );
        }
    }
    let one = r#"{"jsonrpc":"2.0","method":"x","id":1}"#;
    let many = |n: usize| format!("[{}]", vec![one; n].join(","));
    assert_eq!(send(&gateway, &many(50)).body.matches("-32601").count(), 50);
    assert_eq!(send(&gateway, &many(51)).body, invalid);
}

#[test]
fn assigns_services_records_agreements_and_ends_assignments() {
    let gateway = Gateway::demo();
    let token = moka(&gateway);
    let ask = |method: &str, params: Value| call(&gateway, &token, method, params);
    let first = || json!({"portal_id": 1, "service_id": 1});
    assert_eq!(
        ask("get_user_services", json!({"portal_id": "1"})),
        json!([])
    );
    assert_eq!(
        ask("check_if_service_is_assign_to_user", first()),
        json!(false)
    );
    assert_eq!(
        ask("check_user_agreements", first()),
        json!({"missing": [1, 2, 3]})
    );
    assert_eq!(
        ask(
            "check_user_agreements",
            json!({"portal_id": 1, "service_id": 2})
        ),
        json!({"missing": []})
    );
    let assign = |service: Value, name: &str, as_name: &str| {
        ask(
            "assign_user_to_service",
            json!({"portal_id": 1, "service_id": service, as_name: name}),
        )
    };
    assert_eq!(assign(json!(2), "quiet", "user_id_in_service"), "OK");
    assert_eq!(assign(json!("1"), "abc", "user_id_id_service"), "OK");
    assert_eq!(
        assign(json!(1), "xyz", "user_id_in_service"),
        "OK",
        "a repeated call succeeds"
    );
    let services = json!([{"service_id": 1}, {"service_id": 2}]);
    assert_eq!(ask("get_user_services", json!({"portal_id": 1})), services);
    assert_eq!(
        ask("check_if_service_is_assign_to_user", first()),
        json!(true)
    );

    assert_eq!(
        ask("accept_user_agreements", json!({"agreement_ids": [3, "1"]})),
        "OK"
    );
    assert_eq!(
        ask("check_user_agreements", first()),
        json!({"missing": [2]})
    );
    assert_eq!(
        ask("accept_user_agreements", json!({"agreement_ids": [2, 99]})),
        json!([-32011, "AGREEMENT_NOT_FOUND"])
    );
    assert_eq!(
        ask("check_user_agreements", first()),
        json!({"missing": [2]}),
        "a call with one unknown agreement stores nothing"
    );
    assert_eq!(
        ask("withdraw_user_agreements", json!({"agreement_ids": [3, 2]})),
        "OK"
    );
    let at = "2020-10-06T08:44:49Z";
    assert_eq!(
        ask("get_user_agreements", json!({})),
        json!([{"agreement_id": 1, "accepted_at": at}])
    );
    assert_eq!(
        ask("accept_user_agreements", json!({"agreement_ids": [3]})),
        "OK",
        "a repeated call succeeds"
    );
    assert_eq!(
        ask("check_user_agreements", first()),
        json!({"missing": [2]})
    );

    let leave = |service: i64| {
        ask(
            "delete_user_from_service",
            json!({"portal_id": 1, "service_id": service}),
        )
    };
    assert_eq!(
        (leave(1), leave(1), leave(2)),
        (json!("OK"), json!("OK"), json!("OK"))
    );
    assert_eq!(ask("get_user_services", json!({"portal_id": 1})), json!([]));
    let rows = gateway.app.store.read(outbox_rows).unwrap();
    let queued: Vec<_> = rows
        .iter()
        .map(|r| (r.kind.as_str(), r.service_id))
        .collect();
    assert_eq!(
        queued,
        [("callback", Some(1))],
        "one callback, and only for the service with a callback URL"
    );
    let log = gateway
        .app
        .store
        .read(|c| audit::list(c, Some("mokamiki"), 50))
        .unwrap();
    let count = |event: &str| log.iter().filter(|e| e.event == event).count();
    assert_eq!(
        (
            count("user_service_assigned"),
            count("user_service_unassigned")
        ),
        (3, 2)
    );
}

#[test]
fn runs_a_notification_and_sends_no_answer() {
    let gateway = Gateway::demo();
    let token = moka(&gateway);
    let params = json!({"client_id": "blic.rs.front", "token": format!("JWT {token}"), "portal_id": 1, "service_id": 1,
        "user_id_in_service": "abc"});
    let notification =
        json!({"jsonrpc": "2.0", "method": "assign_user_to_service", "params": params});
    let question =
        json!({"jsonrpc": "2.0", "id": "q", "method": "get_user_services", "params": params});
    assert_eq!(send(&gateway, &notification.to_string()).status, 200);
    // The calls of a batch run in order.
    let leave = json!({"jsonrpc": "2.0", "method": "delete_user_from_service", "params": params});
    let reply = send(&gateway, &json!([question, leave, question]).to_string());
    let one = |result: Value| json!({"jsonrpc": "2.0", "id": "q", "result": result});
    let answers: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(
        answers,
        json!([one(json!([{"service_id": 1}])), one(json!([]))])
    );
}

#[test]
fn refuses_invalid_calls_with_the_code_of_the_problem() {
    let gateway = Gateway::demo();
    let token = moka(&gateway);
    let ask = |params: Value| call(&gateway, &token, "check_user_agreements", params);
    for (params, told) in [
        (json!({"portal_id": 1}), json!([-32602, "MISSING_FIELD"])),
        (
            json!({"portal_id": 1, "service_id": "x"}),
            json!([-32602, "INVALID_FIELD"]),
        ),
        (
            json!({"portal_id": 1, "service_id": 1.5}),
            json!([-32602, "INVALID_FIELD"]),
        ),
        (
            json!({"portal_id": 1, "service_id": 7}),
            json!([-32011, "SERVICE_NOT_FOUND"]),
        ),
        (
            json!({"portal_id": 2, "service_id": 1}),
            json!([-32011, "PORTAL_NOT_FOUND"]),
        ),
        (
            json!({"client_id": "nobody"}),
            json!([-32003, "UNKNOWN_CLIENT"]),
        ),
        (json!({"client_id": ""}), json!([-32003, "UNKNOWN_CLIENT"])),
        (json!({"token": "a.b.c"}), json!([-32001, "TOKEN_EXPIRED"])),
        (
            json!({"token": ""}),
            json!([-32001, "AUTHENTICATION_REQUIRED"]),
        ),
    ] {
        assert_eq!(ask(params.clone()), told, "{params}");
    }
    let positional = send(
        &gateway,
        r#"{"jsonrpc":"2.0","id":1,"method":"get_user_services","params":[1]}"#,
    );
    assert!(positional.body.contains("-32602"), "{positional:?}");
    let big = send(&gateway, &format!("[{}]", " ".repeat(1_100_000)));
    assert_eq!(big.status, 413);
    for name in [".", ".."] {
        let params = json!({"portal_id": 1, "service_id": 1, "user_id_in_service": name});
        let told = call(&gateway, &token, "assign_user_to_service", params);
        assert_eq!(told, json!([-32602, "INVALID_FIELD"]), "{name}");
    }
    assert_eq!(
        call(
            &gateway,
            &token,
            "assign_user_to_service",
            json!({"portal_id": 1, "service_id": 1, "user_id_in_service": "a\nb"})
        ),
        json!([-32602, "INVALID_FIELD"])
    );
}
