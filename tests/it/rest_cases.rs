//! Requests of the original documents, and requests of attackers, that the JSON interfaces once answered wrongly.

use chaingun_gateway::domain::user::Status;
use chaingun_gateway::store::users;
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::rest::{
    FLAT, KEY, PORTAL, RESOURCE, ask, json, mailed_token, sign_in, status_and_code, try_to_sign_in,
};
use crate::harness::{Gateway, NOW, Reply, envelope};

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
fn refreshes_the_token_of_the_header_if_the_body_holds_only_a_scheme() {
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
        assert_eq!(status_and_code(&reply), refused(200, "ok"), "{kind:?}");
        let new = reply.header("Authorization").unwrap();
        assert_ne!(new, token);
        assert_eq!(json(&reply)["meta"]["params"][0]["value"], new);
        // A scheme without a token signs no user in.
        let reply = send(PORTAL, &json!({ "authorization": kind }));
        let code = "AUTHENTICATION_REQUIRED";
        assert_eq!(status_and_code(&reply), refused(401, code), "{kind:?}");
    }
    let headers = format!("{KEY}Authorization: {token}\r\n");
    let other = send(&headers, &json!({"authorization": "JWT a.b.c"}));
    assert_eq!(status_and_code(&other), refused(422, "INVALID_FIELD"));
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
            assert_eq!(
                status_and_code(&reply),
                refused(422, "INVALID_FIELD"),
                "{name:?}"
            );
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
        assert_eq!(
            status_and_code(&reply),
            refused(422, "INVALID_FIELD"),
            "{name}"
        );
    }
    // The address stays free for its owner, as address and as user name.
    let own = register(&gateway, "aldozat@example.org", "aldozat@example.org");
    assert_eq!(status_and_code(&own), refused(200, "ok"));
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
        status_and_code(&reply)
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
        assert_eq!(
            status_and_code(reply),
            refused(422, "TOKEN_INVALID_OR_EXPIRED")
        );
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

#[test]
fn reads_parameters_of_find_users_in_both_forms() {
    let gateway = Gateway::demo();
    let find = |query: &str| ask(&gateway, "GET", &format!("/users?{query}"), KEY, "");
    for query in [
        "params[0].key=A&params[0].value=1&params[1].key=B&params[1].value=2&userName=moka",
        "params%5B0%5D.key=A&params%5B0%5D.value=1&userName=moka",
        "params[0][key]=A&params[0][value]=1&userName=moka",
        "params[7].value=&params[7].key=A&userName=moka",
    ] {
        let reply = find(query);
        assert_eq!(status_and_code(&reply), refused(200, "ok"), "{query}");
        assert_eq!(json(&reply)["meta"]["total"], 1, "{query}");
    }
    for (query, code) in [
        ("params[0].value=1", refused(422, "MISSING_FIELD")),
        (
            "params[0].key=A&params[0].key=B",
            refused(422, "INVALID_FIELD"),
        ),
        (
            "params[0].key=A&params[0][key]=B",
            refused(422, "INVALID_FIELD"),
        ),
        ("params[x].key=A", refused(400, "MALFORMED")),
        ("params[+1].key=A", refused(400, "MALFORMED")),
        ("params[0].name=A", refused(400, "MALFORMED")),
        ("params[0]=A", refused(400, "MALFORMED")),
    ] {
        assert_eq!(status_and_code(&find(query)), code, "{query}");
    }
}

/// A request with these header lines, whose bytes need not be UTF-8.
fn raw(gateway: &Gateway, path: &str, headers: &[u8]) -> Reply {
    let line = format!(
        "GET /hammy/json/user/v1{path} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n"
    );
    gateway.raw(&[line.as_bytes(), headers, b"\r\n"].concat())
}

#[test]
fn reads_one_user_name_from_every_encoding_of_its_header() {
    let gateway = Gateway::demo();
    let body = json!({"username": "ádám", "name": "Ádám", "email": "adam@example.org", "password": "ValaKi-12345"});
    assert_eq!(
        ask(&gateway, "POST", "/register", FLAT, &body.to_string()).status,
        200
    );
    let confirm = json!({ "token": mailed_token(&gateway) }).to_string();
    ask(&gateway, "POST", "/register/confirm", FLAT, &confirm);
    let token = sign_in(&gateway, "ádám", "ValaKi-12345", None);
    let show = |headers: &str, claimed: &[u8]| {
        let headers = [headers.as_bytes(), b"X-User-Name: ", claimed, b"\r\n"].concat();
        status_and_code(&raw(&gateway, "/users/%C3%A1d%C3%A1m", &headers))
    };
    let own = format!("{PORTAL}Authorization: {token}\r\n");
    for claimed in [
        "ádám".as_bytes(),
        " Ádám ".as_bytes(),
        b"\xe1d\xe1m",
        b"\xc1D\xc1M",
        b"%C3%A1d%C3%A1m",
        b"%e1d%e1m",
        "a\u{301}da\u{301}m".as_bytes(),
        b"",
        b"  ",
    ] {
        assert_eq!(show(&own, claimed), refused(200, "ok"), "{claimed:?}");
    }
    for other in [
        "adam".as_bytes(),
        b"%25C3%25A1d%25C3%25A1m",
        b"\xc3\x83\xc2\xa1d\xc3\x83\xc2\xa1m",
    ] {
        assert_eq!(
            show(&own, other),
            refused(403, "ACCESS_DENIED"),
            "{other:?}"
        );
    }
    // The gateway believes a trusted client. The audit log has the decoded name, and never a control character.
    for claimed in [&b"\xe1d\xe1m"[..], b"%C3%A1d%C3%A1m", "ádám".as_bytes()] {
        let headers = [KEY.as_bytes(), b"X-User-Name: ", claimed, b"\r\n"].concat();
        let line =
            b"DELETE /hammy/json/user/v1/users/nobody HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
        gateway.raw(&[line, headers.as_slice(), b"\r\n"].concat());
        let body =
            json!({"data": {"type": "users", "id": "mokamiki", "attributes": {"name": "Móka"}}});
        let body = body.to_string();
        let length = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let line = b"PATCH /hammy/json/user/v1/users/mokamiki HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/vnd.api+json\r\n";
        let reply = gateway.raw(&[line, headers.as_slice(), length.as_bytes()].concat());
        assert_eq!(status_and_code(&reply), refused(200, "ok"));
        let logged = gateway.log(None, 1);
        assert_eq!(logged[0].on_behalf_of.as_deref(), Some("ádám"));
    }
    let unreadable = [
        &b"a%0Ab"[..],
        b"%00",
        b"a\x85b",
        b"a%E2%80%A8b",
        b"admin%E2%80%AE",
        b"a%E2%80%8Bb",
    ];
    for name in unreadable {
        let told = show(KEY, name);
        assert_eq!(told, refused(422, "INVALID_FIELD"), "{name:?}");
    }
}

#[test]
fn ignores_empty_headers_of_the_caller() {
    let gateway = Gateway::demo();
    let show = |headers: &str, query: &str| {
        let path = format!("/users/mokamiki{query}");
        status_and_code(&ask(&gateway, "GET", &path, headers, ""))
    };
    let good = "?clientHashKey=demo-hash-key";
    for (headers, query) in [
        ("X-Client-Hash-Key:\r\n", good),
        ("X-Client-Hash-Key:  \r\n", good),
        (
            "X-Client-Hash-Key:\r\n",
            "?clientHashKey=&clientHashKey=demo-hash-key",
        ),
        (
            "X-Client-Hash-Key:\r\nX-Client-Hash-Key: demo-hash-key\r\n",
            "",
        ),
        ("X-Client-Hash-Key: demo-hash-key\r\n", "?clientHashKey="),
        ("Authorization:\r\nX-User-Name:\r\n", good),
        ("Accept:\r\nAccept-Language:\r\n", good),
    ] {
        let answer = show(headers, query);
        assert_eq!(answer, refused(200, "ok"), "{headers:?} {query}");
    }
    // A key in the header and another one in the query contradict each other.
    let wrong = show("X-Client-Hash-Key: wrong\r\n", good);
    assert_eq!(wrong, refused(422, "INVALID_FIELD"));
    let none = show("X-Client-Hash-Key:\r\n", "?clientHashKey=");
    assert_eq!(none, refused(403, "UNKNOWN_CLIENT"));
    // An empty user name in the query claims no identity.
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let headers = format!("{PORTAL}Authorization:\r\nAuthorization: {token}\r\n");
    for (query, answer) in [
        ("userName=&userName=moka", refused(200, "ok")),
        ("userName=MokaMiki&userName=moka", refused(200, "ok")),
        (
            "userName=%2561dmin&userName=moka",
            refused(403, "ACCESS_DENIED"),
        ),
        (
            "userName=admin&userName=moka",
            refused(403, "ACCESS_DENIED"),
        ),
        ("userName=%00&userName=moka", refused(422, "INVALID_FIELD")),
    ] {
        let reply = ask(&gateway, "GET", &format!("/users?{query}"), &headers, "");
        assert_eq!(status_and_code(&reply), answer, "{query}");
    }
    // SOAP has these values in the envelope and ignores the headers.
    let envelope = envelope("showUser", "<userName>mokamiki</userName>");
    let head = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/xml\r\n\
         Authorization:\r\nX-Client-Hash-Key:\r\nX-User-Name:\r\nContent-Length: {}\r\n\r\n{envelope}",
        envelope.len()
    );
    assert!(gateway.raw(head.as_bytes()).body.contains("<code>0</code>"));
    // The directory ignores the empty headers, too.
    let found = gateway.raw(
        b"GET /user/v1/get/externalId/x/externalIdProvider/y/externalIdType/z HTTP/1.1\r\nHost: a\r\n\
          Connection: close\r\nX-Client-Hash-Key: demo-hash-key\r\nAuthorization:\r\nX-User-Name:\r\n\r\n",
    );
    assert!(found.body.contains("EXTERNALID_NOT_FOUND"), "{found:?}");
}

#[test]
fn signs_in_with_both_unicode_forms_of_a_password() {
    let gateway = Gateway::demo();
    let forms = ["Jelsz\u{f3}-1234\u{151}", "Jelszo\u{301}-1234o\u{30b}"];
    for (made, name) in forms.iter().zip(["windows", "macos"]) {
        let email = format!("{name}@example.org");
        let body = json!({"username": name, "name": "Valaki", "email": email, "password": made});
        let reply = ask(&gateway, "POST", "/register", FLAT, &body.to_string());
        assert_eq!(status_and_code(&reply), refused(200, "ok"));
        let confirm = json!({ "token": mailed_token(&gateway) }).to_string();
        ask(&gateway, "POST", "/register/confirm", FLAT, &confirm);
        for typed in forms {
            sign_in(&gateway, name, typed, None);
            let mut browser = Browser::default();
            browser.sign_in(&gateway, name, typed);
            // The old password of a change may be typed in the other form, too.
            let change = json!({"userName": name, "oldPassword": typed, "password": made});
            let reply = ask(
                &gateway,
                "POST",
                "/password/change",
                FLAT,
                &change.to_string(),
            );
            assert_eq!(
                status_and_code(&reply),
                refused(200, "ok"),
                "{name} {typed}"
            );
        }
        let without_accents = try_to_sign_in(&gateway, name, "Jelszo-1234o", None);
        assert_eq!(
            status_and_code(&without_accents),
            refused(401, "BAD_CREDENTIALS")
        );
    }
    // A password that equals a name is refused in both forms.
    let body = json!({"username": "u", "name": "Jelsz\u{f3}-1234", "email": "u@example.org", "password": "Jelszo\u{301}-1234"});
    let reply = ask(&gateway, "POST", "/register", FLAT, &body.to_string());
    assert_eq!(status_and_code(&reply), refused(422, "WEAK_PASSWORD"));
}

#[test]
fn renews_the_hash_of_a_password_that_an_earlier_version_hashed_as_typed() {
    let gateway = Gateway::demo();
    let [composed, decomposed] = ["Jelsz\u{f3}-1234", "Jelszo\u{301}-1234"];
    let imported = bcrypt::hash_with_salt(decomposed, 4, [3; 16]).unwrap();
    let imported = imported.format_for_version(bcrypt::Version::TwoY);
    gateway
        .app
        .store
        .write(|c| {
            let id = users::by_name(c, "mokamiki")?.unwrap().id;
            users::set_password(c, id, &imported, Status::Active, NOW)
        })
        .unwrap();
    let reply = try_to_sign_in(&gateway, "mokamiki", composed, None);
    assert_eq!(status_and_code(&reply), refused(401, "BAD_CREDENTIALS"));
    sign_in(&gateway, "mokamiki", decomposed, None);
    sign_in(&gateway, "mokamiki", composed, None);
    sign_in(&gateway, "mokamiki", decomposed, None);
}

#[test]
fn logs_no_name_that_an_unauthenticated_caller_claims() {
    let gateway = Gateway::demo();
    let body = json!({
        "username": "eve1", "name": "Eve", "email": "eve1@example.org", "password": "ValaKi-12345",
    });
    let headers = format!("X-User-Name: command line\r\n{FLAT}");
    let reply = ask(&gateway, "POST", "/register", &headers, &body.to_string());
    assert_eq!(status_and_code(&reply), refused(200, "ok"));
    let logged = gateway.log(None, 1);
    let [entry] = logged.as_slice() else {
        panic!("{logged:?}");
    };
    assert_eq!(entry.subject.as_deref(), Some("eve1"));
    assert_eq!(entry.on_behalf_of, None);
}

#[test]
fn clears_an_attribute_that_may_be_empty_and_no_other() {
    let gateway = Gateway::demo();
    let patch = |attributes: Value| {
        let body = json!({"data": {"type": "users", "id": "mokamiki", "attributes": attributes}});
        let headers = format!("{KEY}{RESOURCE}");
        let reply = ask(
            &gateway,
            "PATCH",
            "/users/mokamiki",
            &headers,
            &body.to_string(),
        );
        (
            status_and_code(&reply),
            json(&reply)["data"]["attributes"].clone(),
        )
    };
    let stored = || {
        let reply = ask(&gateway, "GET", "/users/mokamiki", KEY, "");
        json(&reply)["data"]["attributes"].clone()
    };
    for empty in [json!(null), json!(""), json!("  ")] {
        let (answer, shown) = patch(json!({ "organizationalUnit": empty }));
        assert_eq!(answer, refused(200, "ok"), "{empty}");
        for attributes in [shown, stored()] {
            assert!(
                attributes.get("organizationalUnit").is_none(),
                "{attributes}"
            );
            assert_eq!(attributes["name"], "Móka Miklós");
        }
        let (answer, _) = patch(json!({"organizationalUnit": "zsebtv"}));
        assert_eq!(answer, refused(200, "ok"));
        assert_eq!(stored()["organizationalUnit"], "zsebtv");
    }
    for empty in [json!(null), json!([]), json!("")] {
        assert_eq!(patch(json!({"roles": ["a"]})).0, refused(200, "ok"));
        let (answer, shown) = patch(json!({ "roles": empty }));
        assert_eq!(
            (answer, &shown["roles"]),
            (refused(200, "ok"), &json!([])),
            "{empty}"
        );
    }
    assert_eq!(patch(json!({"roles": ["a"]})).0, refused(200, "ok"));
    for blanks in [json!([null]), json!([""]), json!(["b", " "])] {
        let (answer, _) = patch(json!({ "roles": blanks }));
        assert_eq!(answer, refused(422, "INVALID_FIELD"), "{blanks}");
        assert_eq!(stored()["roles"], json!(["a"]));
    }
    for attribute in ["name", "email", "clientName", "status"] {
        for empty in [json!(null), json!(""), json!(" ")] {
            let before = stored();
            let (answer, _) = patch(json!({ attribute: empty, "organizationalUnit": "x" }));
            assert_eq!(answer, refused(422, "INVALID_FIELD"), "{attribute} {empty}");
            assert_eq!(stored(), before);
        }
    }
    // A user may change only the name of the own account, and may not clear any field.
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let headers = format!("{PORTAL}Authorization: {token}\r\n{FLAT}");
    for (body, answer) in [
        (
            json!({"organizationalUnit": null}),
            refused(403, "ACCESS_DENIED"),
        ),
        (json!({"name": "Móka"}), refused(200, "ok")),
        (json!({"name": ""}), refused(422, "INVALID_FIELD")),
    ] {
        let reply = ask(
            &gateway,
            "PATCH",
            "/users/mokamiki",
            &headers,
            &body.to_string(),
        );
        assert_eq!(status_and_code(&reply), answer, "{body}");
    }
    // SOAP stubs send nil or empty elements for fields that are not set.
    for empty in [
        "<organizationalUnit/><name/><email></email><status/>",
        "<organizationalUnit xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"true\"/>",
    ] {
        let request = format!("<user>{empty}<userName>mokamiki</userName></user>");
        let reply = gateway.soap(&envelope("modifyUser", &request));
        assert!(reply.body.contains("<code>0</code>"), "{reply:?}");
        assert_eq!(stored()["organizationalUnit"], "zsebtv");
    }
}

#[test]
fn creates_a_user_whose_attributes_are_null_or_empty() {
    let gateway = Gateway::demo();
    for (name, empty) in [("null", json!(null)), ("blank", json!(""))] {
        let body = json!({
            "userName": name, "name": "Valaki", "email": format!("{name}@example.org"),
            "organizationalUnit": empty, "clientName": empty, "status": empty, "roles": empty,
            "passwordResetGuidChannel": empty,
        });
        let headers = format!("{KEY}{FLAT}");
        let reply = ask(&gateway, "POST", "/users", &headers, &body.to_string());
        assert_eq!(status_and_code(&reply), refused(200, "ok"), "{empty}");
        let made = &json(&reply)["data"]["attributes"];
        assert_eq!(
            (&made["clientName"], &made["status"]),
            (&json!("Default"), &json!("UNACTIVATED"))
        );
    }
    for field in ["name", "email"] {
        let mut body = json!({"userName": "u", "name": "Valaki", "email": "u@example.org"});
        body[field] = Value::Null;
        let headers = format!("{KEY}{FLAT}");
        let reply = ask(&gateway, "POST", "/users", &headers, &body.to_string());
        assert_eq!(
            status_and_code(&reply),
            refused(422, "MISSING_FIELD"),
            "{field}"
        );
    }
}

#[test]
fn refuses_unknown_parameters_of_lower_case_letters() {
    let gateway = Gateway::demo();
    let get = |path: &str| ask(&gateway, "GET", path, KEY, "");
    for (path, parameter) in [
        ("/users?username=a", "username"),
        ("/users?foo", "foo"),
        ("/users?name=a&status=ACTIVE", "status"),
        ("/users?filter=a", "filter"),
        ("/users/mokamiki?sort=name", "sort"),
        ("/users/mokamiki?limit=1", "limit"),
        ("/users/mokamiki?fields%5Busers%5D=name", "fields[users]"),
    ] {
        let reply = get(path);
        assert_eq!(status_and_code(&reply), refused(400, "MALFORMED"), "{path}");
        let document = json(&reply);
        let source = &document["errors"][0]["source"];
        assert_eq!(source, &json!({ "parameter": parameter }));
        assert!(document.get("meta").is_none(), "{document}");
    }
    let body = json!({"userNameOrEmail": "mokamiki"}).to_string();
    let reply = ask(&gateway, "POST", "/password/reset?x=1", FLAT, &body);
    assert_eq!(status_and_code(&reply), refused(400, "MALFORMED"));
    let deleted = ask(&gateway, "DELETE", "/users/mokamiki?force=true", KEY, "");
    assert_eq!(status_and_code(&deleted), refused(400, "MALFORMED"));
    // Other names are not reserved. The gateway ignores them, as the legacy stack did.
    for path in [
        "/users?_=1",
        "/users?utm_source=a",
        "/users/mokamiki?userID=1",
    ] {
        assert_eq!(status_and_code(&get(path)), refused(200, "ok"), "{path}");
    }
}

#[test]
fn refuses_documents_of_another_type_or_id() {
    let gateway = Gateway::demo();
    let send = |method: &str, path: &str, body: Value| {
        let headers = format!("{KEY}{RESOURCE}");
        let reply = ask(&gateway, method, path, &headers, &body.to_string());
        let source = json(&reply)["errors"][0]["source"].clone();
        (status_and_code(&reply), source)
    };
    let mismatch = |code, pointer: &str| (refused(409, code), json!({ "pointer": pointer }));
    let user = |kind: Value, id: &str| json!({"data": {"type": kind, "id": id, "attributes": {"name": "Móka"}}});
    for (method, path) in [("PATCH", "/users/mokamiki"), ("PUT", "/users")] {
        for kind in ["user", "Users", "people", "modifyUserRequest"] {
            let wrong = send(method, path, user(json!(kind), "mokamiki"));
            assert_eq!(wrong, mismatch("TYPE_MISMATCH", "/data/type"), "{kind}");
        }
        for kind in [json!(null), json!(""), json!(1), json!(["users"])] {
            let wrong = send(method, path, user(kind, "mokamiki"));
            let pointer = json!({"pointer": "/data/type"});
            assert_eq!(wrong, (refused(400, "MALFORMED"), pointer));
        }
        let wrong = send(method, path, json!({"data": {"id": "mokamiki"}}));
        let pointer = json!({"pointer": "/data"});
        assert_eq!(wrong, (refused(400, "MALFORMED"), pointer));
    }
    let wrong = send("PATCH", "/users/mokamiki", user(json!("users"), "admin"));
    assert_eq!(wrong, mismatch("ID_MISMATCH", "/data/id"));
    let two =
        json!({"data": {"type": "users", "id": "admin", "attributes": {"userName": "mokamiki"}}});
    for (method, path) in [
        ("PUT", "/users"),
        ("PUT", "/users/admin"),
        ("POST", "/users"),
    ] {
        let wrong = send(method, path, two.clone());
        assert_eq!(
            wrong,
            mismatch("ID_MISMATCH", "/data/attributes/userName"),
            "{method} {path}"
        );
    }
    let query = ask(
        &gateway,
        "DELETE",
        "/users/mokamiki?userName=admin",
        KEY,
        "",
    );
    assert_eq!(status_and_code(&query), refused(409, "ID_MISMATCH"));
    // The same name in another case is the same user, and an empty id counts as absent.
    for id in ["MokaMiki", "", " "] {
        let same = send("PATCH", "/users/mokamiki", user(json!("users"), id));
        assert_eq!(same.0, refused(200, "ok"), "{id:?}");
    }
    for (path, kind) in [
        ("/password/authenticate", "authenticateRequest"),
        ("/password/reset", "resetPasswordRequest"),
        ("/password/change", "changePasswordRequest"),
    ] {
        let body = |kind: &str| json!({"data": {"type": kind, "id": "mokamiki", "attributes": {}}});
        let wrong = send("POST", path, body("people"));
        assert_eq!(wrong, mismatch("TYPE_MISMATCH", "/data/type"), "{path}");
        for kind in [kind, "users"] {
            let right = send("POST", path, body(kind));
            assert!(![400, 409].contains(&right.0.0), "{path}: {right:?}");
        }
    }
    // No original document names a type for registrations, so any type is accepted.
    let body = json!({"data": {"type": "registerRequest", "attributes": {
        "username": "valaki", "name": "Valaki", "email": "valaki@example.org", "password": "ValaKi-12345"}}});
    assert_eq!(send("POST", "/register", body).0, refused(200, "ok"));
}

#[test]
fn points_only_to_members_that_the_request_has() {
    let gateway = Gateway::demo();
    let source = |method: &str, path: &str, headers: &str, body: &str| {
        let reply = ask(&gateway, method, path, headers, body);
        let document = json(&reply);
        let errors = document["errors"].as_array().unwrap().clone();
        let sources = errors.into_iter().map(|mut error| error["source"].take());
        Value::Array(sources.collect())
    };
    let resource = format!("{KEY}{RESOURCE}");
    let flat = format!("{KEY}{FLAT}");
    let english = format!("{PORTAL}Authorization: JWT a.b.c\r\n");
    for (method, path, headers, body, sources) in [
        // The source of a missing field is the member that should hold the field.
        (
            "POST",
            "/users",
            &resource,
            r#"{"data":{"type":"users","attributes":{"email":"x"}}}"#,
            json!([{"pointer": "/data/attributes"}, {"pointer": "/data/attributes/email"}]),
        ),
        (
            "POST",
            "/users",
            &resource,
            r#"{"data":{"type":"users"}}"#,
            json!([{"pointer": "/data"}, {"pointer": "/data"}]),
        ),
        (
            "POST",
            "/users",
            &resource,
            r#"{"data":{"type":"users","id":" a\u200b","attributes":{"name":"a","email":"a@b.hu"}}}"#,
            json!([{"pointer": "/data/id"}]),
        ),
        (
            "POST",
            "/users",
            &flat,
            r#"{"email":"x"}"#,
            json!([null, {"pointer": "/email"}]),
        ),
        // The source has the name that the request uses for the field.
        (
            "POST",
            "/password/reset",
            &flat,
            r#"{"usernameOrEmail":1}"#,
            json!([{"pointer": "/usernameOrEmail"}]),
        ),
        (
            "POST",
            "/password/authenticate",
            &resource,
            r#"{"data":{"type":"authenticateRequest","id":"a","attributes":{"password":"b"}},"meta":{"params":[{"value":"x"}]}}"#,
            json!([null]),
        ),
        (
            "POST",
            "/password/authenticate",
            &resource,
            r#"{"data":{"type":"authenticateRequest","id":"a","attributes":{"password":"b"}},"meta":{"params":[1]}}"#,
            json!([{"pointer": "/meta/params"}]),
        ),
        // The value is in the path, in a header, in the query or absent.
        ("GET", "/users/%00", &flat, "", json!([null])),
        ("GET", "/users/a", &String::new(), "", json!([null])),
        ("GET", "/users/a", &english, "", json!([null])),
        (
            "GET",
            "/users/a",
            &"X-Client-Hash-Key: wrong\r\n".to_owned(),
            "",
            json!([{"header": "X-Client-Hash-Key"}]),
        ),
        (
            "GET",
            "/users/a?clientHashKey=wrong",
            &String::new(),
            "",
            json!([{"parameter": "clientHashKey"}]),
        ),
        (
            "GET",
            "/users/a",
            &format!("{KEY}X-User-Name: a%00\r\n"),
            "",
            json!([{"header": "X-User-Name"}]),
        ),
        (
            "GET",
            "/users?page[limit]=x",
            &flat,
            "",
            json!([{"parameter": "page[limit]"}]),
        ),
    ] {
        assert_eq!(
            source(method, path, headers, body),
            sources,
            "{method} {path} {body}"
        );
    }
    let strict = Gateway::with(&[("soap.unknown_elements", "refuse")]);
    let body = r#"{"usernameOrEmail":"a","a/b~c":1}"#;
    let reply = ask(&strict, "POST", "/password/reset", FLAT, body);
    assert_eq!(
        json(&reply)["errors"][0]["source"],
        json!({"pointer": "/a~1b~0c"})
    );
}

#[test]
fn links_to_pages_below_the_public_url() {
    let gateway = Gateway::with(&[("public_url", "https://konto.example.org")]);
    let reply = ask(&gateway, "GET", "/users?limit=1", KEY, "");
    let links = &json(&reply)["links"];
    assert_eq!(
        links["next"],
        "https://konto.example.org/hammy/json/user/v1/users?limit=1&offset=1"
    );
}

#[test]
fn refuses_names_that_are_dot_segments_of_a_path() {
    let gateway = Gateway::demo();
    for name in [".", "..", "．．"] {
        let reply = register(&gateway, name, "valaki@example.org");
        assert_eq!(
            status_and_code(&reply),
            refused(422, "INVALID_FIELD"),
            "{name}"
        );
        let body = json!({"userName": name, "name": "A", "email": "a@example.org"}).to_string();
        let reply = ask(&gateway, "POST", "/users", &format!("{KEY}{FLAT}"), &body);
        assert_eq!(
            status_and_code(&reply),
            refused(422, "INVALID_FIELD"),
            "{name}"
        );
    }
    for [id, provider, kind] in [[".", "a", "b"], ["a", "..", "b"], ["a", "b", "."]] {
        let body = json!({"request": {
            "firstName": "A", "externalId": id, "externalIdProvider": provider, "externalIdType": kind}});
        let body = body.to_string();
        let head = format!(
            "POST /user/v1/create HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{KEY}{FLAT}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let reply = gateway.raw(head.as_bytes());
        assert!(reply.body.contains("INVALID_PARAMETER_VALUE"), "{reply:?}");
    }
}
