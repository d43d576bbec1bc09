//! Requests of the original documents, and requests of attackers, that the JSON faces once answered wrongly.

use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::rest::{FLAT, KEY, PORTAL, ask, json, mailed_token, sign_in, told};
use crate::harness::{Gateway, Reply};

fn register(gateway: &Gateway, user_name: &str, email: &str) -> Reply {
    let body = json!({
        "username": user_name, "name": "Valaki", "email": email, "password": "ValaKi-12345",
    });
    ask(gateway, "POST", "/register", FLAT, &body.to_string())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn refreshes_a_token_beside_the_kind_of_authorization() {
    let gateway = Gateway::demo();
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let send = |headers: &str, body: &Value| {
        let headers = format!("{headers}{FLAT}");
        let path = "/password/refreshAuthToken";
        ask(&gateway, "POST", path, &headers, &body.to_string())
    };
    for kind in ["JWT", "Bearer", " jwt ", "BEARER", ""] {
        let headers = format!("{KEY}Authorization: {token}\r\n");
        let reply = send(&headers, &json!({ "authorization": kind }));
        assert_eq!(told(&reply), refused(200, "ok"), "{kind:?}");
        let new = reply.header("Authorization").unwrap();
        assert_ne!(new, token);
        assert_eq!(json(&reply)["meta"]["params"][0]["value"], new);
        // Without a token, the kind alone signs nobody in.
        let reply = send(PORTAL, &json!({ "authorization": kind }));
        let code = "AUTHENTICATION_REQUIRED";
        assert_eq!(told(&reply), refused(401, code), "{kind:?}");
    }
    let headers = format!("{KEY}Authorization: {token}\r\n");
    let other = send(&headers, &json!({"authorization": "JWT a.b.c"}));
    assert_eq!(told(&other), refused(422, "INVALID_FIELD"));
}

#[test]
fn refuses_invisible_characters_in_a_new_user_name() {
    let gateway = Gateway::demo();
    for hidden in [
        "\u{200b}",
        "\u{200d}",
        "\u{2060}",
        "\u{feff}",
        "\u{ad}",
        "\u{202e}",
        "\u{e0061}",
    ] {
        for name in [
            format!("admin{hidden}"),
            format!("{hidden}admin"),
            format!("ad{hidden}min"),
        ] {
            let reply = register(&gateway, &name, "valaki@example.org");
            assert_eq!(told(&reply), refused(422, "INVALID_FIELD"), "{name:?}");
            let source = &json(&reply)["errors"][0]["source"];
            assert_eq!(source, &json!({"pointer": "/username"}));
        }
    }
}

#[test]
fn refuses_an_address_of_another_person_as_user_name() {
    let gateway = Gateway::demo();
    for name in [
        "aldozat@example.org",
        "ALDOZAT@EXAMPLE.ORG",
        "aldozat＠example.org",
        "aldozat@example。org",
        "aldozat@example.org.",
    ] {
        let reply = register(&gateway, name, "masvalaki@example.com");
        assert_eq!(told(&reply), refused(422, "INVALID_FIELD"), "{name}");
    }
    // The address stays free for its owner, as address and as user name.
    let own = register(&gateway, "aldozat@example.org", "aldozat@example.org");
    assert_eq!(told(&own), refused(200, "ok"));
}

/// The answer of a method of the consent API.
fn rpc(gateway: &Gateway, method: &str, params: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let head = format!(
        "POST /user-multi-services HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept-Language: en\r\n\
         Content-Type: application/json-rpc\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let reply = gateway.raw(head.as_bytes());
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_str(&reply.body).unwrap()
}

#[test]
fn refuses_an_id_in_a_service_that_another_user_holds() {
    let gateway = Gateway::demo();
    let assign = |login, password, id: &str| {
        let token = sign_in(&gateway, login, password, None);
        let params = json!({
            "client_id": "konto.onet.pl.front", "token": token, "portal_id": 1, "service_id": 1,
            "user_id_in_service": id,
        });
        rpc(&gateway, "assign_user_to_service", &params)
    };
    assert_eq!(assign("mokamiki", "MokaMiki-1234", "abc")["result"], "OK");
    for id in ["abc", "ABC", "ａｂｃ"] {
        let answer = assign("admin", "Admin-Demo-2026", id);
        let message = &answer["error"]["data"]["messages"][0];
        assert_eq!(message["code"], "ID_IN_SERVICE_TAKEN", "{answer}");
    }
}

#[test]
fn names_the_parameters_of_the_consent_api_in_its_refusals() {
    let gateway = Gateway::demo();
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let client = "konto.onet.pl.front";
    for (params, code, text) in [
        (
            json!({"client_id": "nobody", "token": token, "portal_id": 1}),
            "UNKNOWN_CLIENT",
            "Unknown, missing or disabled client (client_id)",
        ),
        (
            json!({"token": token, "portal_id": 1}),
            "UNKNOWN_CLIENT",
            "Unknown, missing or disabled client (client_id)",
        ),
        (
            json!({"client_id": client, "portal_id": 1}),
            "AUTHENTICATION_REQUIRED",
            "Sign in first: send a valid token (token)",
        ),
        (
            json!({"client_id": client, "token": "JWT", "portal_id": 1}),
            "AUTHENTICATION_REQUIRED",
            "Sign in first: send a valid token (token)",
        ),
        (
            json!({"client_id": client, "token": "a.b.c", "portal_id": 1}),
            "TOKEN_EXPIRED",
            "The token is invalid or expired; sign in again (token)",
        ),
        (
            json!({"client_id": client, "token": "0".repeat(64), "portal_id": 1}),
            "TOKEN_EXPIRED",
            "The token is invalid or expired; sign in again (token)",
        ),
        (
            json!({"client_id": client, "token": token, "portal_id": 2}),
            "PORTAL_NOT_FOUND",
            "There is no such portal (portal_id)",
        ),
    ] {
        let answer = rpc(&gateway, "get_user_services", &params);
        let message = &answer["error"]["data"]["messages"][0];
        assert_eq!(message["code"], code, "{params}");
        assert_eq!(message["description"], text, "{params}");
        for foreign in ["clientHashKey", "Authorization"] {
            assert!(!answer.to_string().contains(foreign), "{answer}");
        }
    }
}

#[test]
fn refuses_a_reset_token_beside_the_name_of_another_user() {
    let gateway = Gateway::demo();
    let reset = |login: &str| {
        let body = json!({ "userNameOrEmail": login }).to_string();
        ask(&gateway, "POST", "/password/reset", FLAT, &body);
        mailed_token(&gateway)
    };
    let token = reset("mokamiki");
    let change = |name: Value| {
        let body =
            json!({"passwordResetGuid": token, "password": "UjJelszo-1234", "userName": name});
        let reply = ask(
            &gateway,
            "POST",
            "/password/change",
            FLAT,
            &body.to_string(),
        );
        told(&reply)
    };
    for other in ["admin", "nobody", "admin@dbx.hu"] {
        let code = "TOKEN_INVALID_OR_EXPIRED";
        assert_eq!(change(json!(other)), refused(422, code), "{other}");
    }
    // The refusals have not used the token up.
    assert_eq!(change(json!("MOKAMIKI")), refused(200, "ok"));
    sign_in(&gateway, "mokamiki", "UjJelszo-1234", None);
    sign_in(&gateway, "admin", "Admin-Demo-2026", None);
}

#[test]
fn tells_that_a_registration_is_confirmed_already() {
    let gateway = Gateway::demo();
    assert_eq!(
        register(&gateway, "valaki", "valaki@example.org").status,
        200
    );
    let token = mailed_token(&gateway);
    let confirm = |token: &str| {
        let headers = format!("{FLAT}Accept-Language: en\r\n");
        let body = json!({ "token": token }).to_string();
        ask(&gateway, "POST", "/register/confirm", &headers, &body)
    };
    let detail = |reply: &Reply| {
        assert_eq!(told(reply), refused(422, "TOKEN_INVALID_OR_EXPIRED"));
        let detail = &json(reply)["errors"][0]["detail"];
        detail.as_str().unwrap().to_owned()
    };
    assert_eq!(confirm(&token).status, 200);
    let again = detail(&confirm(&token));
    assert!(
        again.ends_with("this registration is confirmed already; sign in"),
        "{again}"
    );
    let unknown = detail(&confirm(&"0".repeat(32)));
    assert!(unknown.ends_with("ask for a new one"), "{unknown}");
    // The page leads to the sign-in and not to another mail.
    let mut browser = Browser::default();
    browser.get(&gateway, &format!("confirm.html?token={token}"));
    let page = browser.post(&gateway, "confirm.html", &[("token", &token)]);
    assert_eq!(page.status, 422);
    assert!(page.body.contains("this registration is confirmed already"));
    assert!(page.body.contains("login.html") && !page.body.contains("resend.html"));
}
