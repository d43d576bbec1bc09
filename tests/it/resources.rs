//! The REST interface: answers to the samples of the original documents, and the rules of JSON:API.

use serde_json::{Map, Value, json};

use chaingun_gateway::domain::organisation::JoinPolicy;
use chaingun_gateway::store::{organisations, users};

use crate::harness::rest::{
    FLAT, KEY, RESOURCE, ask, claims, json, sign_in, status_and_code, try_to_sign_in,
};
use crate::harness::{Gateway, Reply};

/// The value without null members, because a null member and an absent member count as equal.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k.clone(), without_nulls(v)))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(entries) => Value::Array(entries.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// Headers and body of a sample.
fn sample(name: &str) -> (String, String) {
    let text = std::fs::read_to_string(format!("examples/wire/seed/rest/{name}.http")).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    (head.to_owned(), body.to_owned())
}

/// Sends a sample with some texts replaced, and compares the answer with the sampled answer, except for
/// the IDs of empty responses and the parameters. Returns the reply and its parameters.
fn sampled(
    gateway: &Gateway,
    name: &str,
    replaced: &[(&str, &str)],
    answer: &str,
) -> (Reply, Value) {
    let fill = |text: &str| {
        replaced
            .iter()
            .fold(text.to_owned(), |t, (from, to)| t.replace(from, to))
    };
    let (head, body) = sample(&format!("{name}.request"));
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let (method, path) = (first.next().unwrap(), fill(first.next().unwrap()));
    let headers: String = lines.map(|line| fill(line) + "\r\n").collect();
    let path = path.strip_prefix("/hammy/json/user/v1").unwrap();
    let reply = ask(gateway, method, path, &headers, &fill(&body));
    let (head, wanted) = sample(&format!("{answer}.response"));
    assert_eq!(
        head.split(' ').nth(1).unwrap(),
        reply.status.to_string(),
        "{name}: {reply:?}"
    );
    let mut wanted = without_nulls(&serde_json::from_str(&fill(&wanted)).unwrap());
    let mut found = without_nulls(&json(&reply));
    if found["data"]["type"] == "emptyResponse" {
        for document in [&mut wanted, &mut found] {
            assert_eq!(document["data"]["id"].as_str().unwrap().len(), 36);
            document["data"]["id"].take();
        }
    }
    let params = found["meta"]["params"].take();
    let sampled = wanted["meta"]["params"].take();
    if answer == "authenticate-unspecified-org" {
        assert_eq!(params, sampled);
    }
    assert_eq!(found, wanted, "{name}");
    (reply, params)
}

#[test]
fn answers_each_rest_sample_as_sampled() {
    let gateway = Gateway::demo();
    let name = "egyedi id, modifyUser esetén ugyanezt kell küldeni. Create esetén nem kötelező, ha üres, a backend generálja";
    let key = ("{{clientHashKey}}", "demo-hash-key");
    let (reply, params) = sampled(&gateway, "authenticate-with-org", &[], "authenticate");
    let token = reply
        .header("Authorization")
        .unwrap()
        .strip_prefix("JWT ")
        .unwrap()
        .to_owned();
    assert_eq!(
        params,
        json!([{"key": "P_AUTH_TOKEN", "value": format!("JWT {token}")}])
    );
    sampled(
        &gateway,
        "authenticate",
        &[],
        "authenticate-unspecified-org",
    );
    let moka = [
        ("{{userName}}", "mokamiki"),
        key,
        ("Authorization: JWT {{jwtToken}}", "X-None: 1"),
    ];
    sampled(&gateway, "showUser", &moka, "showUser");
    let admin = [
        key,
        ("X-User-Name: {{userName}}", "X-None: 1"),
        ("Authorization: JWT {{jwtToken}}", "X-None: 2"),
        (name, "hakapeszi2"),
        (
            "egyedi id, a createUser válaszában lévő id-val meg kell egyezzen",
            "hakapeszi2",
        ),
        (
            "egyedi id, modifyUser esetén ugyanezt kell küldeni",
            "hakapeszi2",
        ),
    ];
    sampled(&gateway, "createUser", &admin, "createUser");
    sampled(&gateway, "modifyUser", &admin, "modifyUser");
    sampled(&gateway, "register", &[], "register");
    sampled(&gateway, "resend", &[], "resend");
    let mail = gateway.mails().pop().unwrap();
    let token = &mail.split("Token: ").nth(1).unwrap()[..32];
    sampled(
        &gateway,
        "confirm",
        &[("fc375d646f284b17bf98e4ee7fdb6975", token)],
        "confirm",
    );
    sampled(
        &gateway,
        "resetPassword",
        &[("userName or email address", "tesztuser")],
        "resetPassword",
    );
    let mail = gateway.mails().pop().unwrap();
    let token = &mail.split("Token: ").nth(1).unwrap()[..32];
    let change = [
        ("{{passwordResetGuid}}", token),
        ("{{password}}", "UjJelszo-1234"),
    ];
    sampled(&gateway, "changePassword", &change, "changePassword");
}

#[test]
fn answers_the_samples_of_joining_an_organisation() {
    let gateway = Gateway::demo();
    let uuid = "8ffd45df-923f-485a-8e1e-a2c7bff674e3";
    let now = gateway.app.clock.now();
    let add = |c: &mut _| organisations::add(c, uuid, "Dbx", JoinPolicy::Open, now);
    assert!(gateway.app.store.write(add).unwrap());
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let bare = token.strip_prefix("JWT ").unwrap();
    let replaced = [
        ("{{jwtToken}}", bare),
        ("{{clientHashKey}}", "demo-portal-key"),
        ("{{userName}}", "mokamiki"),
    ];
    let (reply, params) = sampled(&gateway, "addToOrg", &replaced, "addToOrg");
    let token = reply.header("Authorization").unwrap();
    assert_eq!(params, json!([{"key": "P_AUTH_TOKEN", "value": token}]));
    assert_eq!(claims(&reply)["org"], json!({"uuid": uuid, "name": "Dbx"}));
}

#[test]
fn issues_a_token_with_exactly_the_claims_of_the_sample() {
    let gateway = Gateway::demo();
    let now = gateway.app.clock.now();
    gateway
        .app
        .store
        .write(|c| {
            let mut admin = users::by_name(c, "admin")?.unwrap();
            admin.roles.clear();
            users::update(c, &admin)?;
            organisations::join(c, admin.id, "hammy", &[], now)
        })
        .unwrap();
    let text = std::fs::read_to_string("examples/wire/seed/rest/jwt-claims.json").unwrap();
    let mut wanted: Value = serde_json::from_str(&text).unwrap();
    let reply = try_to_sign_in(&gateway, "admin", "Admin-Demo-2026", None);
    let mut found = claims(&reply);
    assert_eq!(found["jti"].as_str().unwrap().len(), 36);
    for claims in [&mut wanted, &mut found] {
        claims["jti"].take();
    }
    // The time of the tests is the time of the sample.
    assert_eq!(found, wanted);
}

#[test]
fn lists_users_with_links_and_totals_and_accepts_two_user_names() {
    let gateway = Gateway::demo();
    let list = |query: &str| json(&ask(&gateway, "GET", &format!("/users{query}"), KEY, ""));
    let names = |document: &Value| -> Vec<String> {
        document["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|u| u["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let page = list("?limit=1&offset=1&clientHashKey=demo-hash-key&statuses=ACTIVE,INACTIVE");
    assert_eq!(names(&page), ["hakapeszimaki"]);
    assert_eq!(page["meta"]["total"], 3);
    let path = "http://gateway.test/hammy/json/user/v1/users?statuses=ACTIVE,INACTIVE";
    assert_eq!(
        page["links"],
        json!({
            "self": format!("{path}&limit=1&offset=1"),
            "first": format!("{path}&limit=1&offset=0"),
            "prev": format!("{path}&limit=1&offset=0"),
            "next": format!("{path}&limit=1&offset=2"),
            "last": format!("{path}&limit=1&offset=2"),
        })
    );
    assert_eq!(
        names(&list("?filter[name]=M%C3%93KA&page[limit]=5")),
        ["mokamiki"]
    );
    let family = list("?page[limit]=1&page[offset]=1&filter[statuses]=ACTIVE");
    assert_eq!(
        family["links"]["next"],
        "http://gateway.test/hammy/json/user/v1/users?filter%5Bstatuses%5D=ACTIVE&page%5Blimit%5D=1&page%5Boffset%5D=2"
    );
    assert_eq!(names(&list("?userName=admin")), ["admin"]);
    assert_eq!(names(&list("?userName=admin&userName=moka")), ["mokamiki"]);
    assert_eq!(names(&list("/")).len(), 3);
    let wrong = ask(&gateway, "GET", "/users?limit=abc", KEY, "");
    assert_eq!(wrong.status, 422);
    assert_eq!(
        json(&wrong)["errors"][0]["source"],
        json!({"parameter": "limit"})
    );
    let wrong = ask(&gateway, "GET", "/users?page[limit]=abc", KEY, "");
    assert_eq!(
        json(&wrong)["errors"][0]["source"],
        json!({"parameter": "page[limit]"})
    );
    for other in [
        "include=orgs",
        "fields[users]=name",
        "page[size]=5",
        "page[name]=a",
        "filter[limit]=5",
        "filter[roles]=a",
        "sort[]=name",
    ] {
        let refused = ask(&gateway, "GET", &format!("/users?{other}"), KEY, "");
        assert_eq!(
            status_and_code(&refused),
            (400, "MALFORMED".to_owned()),
            "{other}"
        );
        let parameter = other.split('=').next().unwrap();
        assert_eq!(
            json(&refused)["errors"][0]["source"],
            json!({ "parameter": parameter })
        );
    }
}

#[test]
fn lists_users_in_the_requested_order_and_ties_by_user_name() {
    let gateway = Gateway::demo();
    for (name, person, email) in [
        ("b2", "Ádám", "z@dbx.hu"),
        ("B1", "ádám", "y@dbx.hu"),
        ("b3", "Zoé", "x@dbx.hu"),
    ] {
        let body = json!({"userName": name, "name": person, "email": email}).to_string();
        let made = ask(&gateway, "POST", "/users", &format!("{KEY}{FLAT}"), &body);
        assert_eq!(made.status, 200, "{made:?}");
    }
    let list = |query: &str| -> Vec<String> {
        let reply = ask(
            &gateway,
            "GET",
            &format!("/users?userName=b&userName=b{query}"),
            KEY,
            "",
        );
        let document = json(&reply);
        let users = document["data"].as_array().unwrap();
        users
            .iter()
            .map(|u| u["id"].as_str().unwrap().to_owned())
            .collect()
    };
    // Names are compared without case: ádám and Ádám are one name.
    assert_eq!(list(""), ["B1", "b2", "b3"]);
    assert_eq!(list("&sort=-userName"), ["b3", "b2", "B1"]);
    assert_eq!(list("&sort=name"), ["b3", "B1", "b2"]);
    assert_eq!(list("&sort=email"), ["b3", "B1", "b2"]);
    assert_eq!(list("&sort=name,-email&limit=2"), ["b3", "b2"]);
    assert_eq!(list("&sort=name&offset=1&limit=1"), ["B1"]);
    assert_eq!(list("&sort=-name,userName"), ["B1", "b2", "b3"]);
    assert_eq!(
        list("&statuses=UNACTIVATED,ACTIVE&sort=-email"),
        ["b2", "B1", "b3"]
    );
    for wrong in ["shoe", "name,name", "-", "name,-name", "password"] {
        let reply = ask(&gateway, "GET", &format!("/users?sort={wrong}"), KEY, "");
        assert_eq!(
            status_and_code(&reply),
            (422, "INVALID_FIELD".to_owned()),
            "{wrong}"
        );
    }
}

#[test]
fn allows_cross_origin_calls_from_configured_origins_only() {
    let portal = "https://portal.example.org";
    let gateway = Gateway::with(&[("cors_origins", portal)]);
    let get = |origin: &str| {
        let headers = format!("{KEY}Origin: {origin}\r\n");
        ask(&gateway, "GET", "/users/admin", &headers, "")
    };
    let reply = get(portal);
    assert_eq!(reply.header("Access-Control-Allow-Origin"), Some(portal));
    assert_eq!(reply.header("Access-Control-Allow-Credentials"), None);
    assert!(
        reply
            .header("Access-Control-Expose-Headers")
            .unwrap()
            .contains("Authorization")
    );
    assert_eq!(
        reply.header("Vary"),
        Some("Accept, Accept-Language, Origin")
    );
    for other in [
        "https://portal.example.org.evil.example",
        "http://portal.example.org",
        "https://PORTAL.example.org",
        "null",
        "*",
    ] {
        let reply = get(other);
        assert_eq!(
            (reply.status, reply.header("Access-Control-Allow-Origin")),
            (200, None),
            "{other}"
        );
        assert_eq!(
            reply.header("Vary"),
            Some("Accept, Accept-Language, Origin")
        );
    }
    let preflight = format!(
        "Origin: {portal}\r\nAccess-Control-Request-Method: PATCH\r\nAccess-Control-Request-Headers: authorization\r\n"
    );
    let reply = ask(&gateway, "OPTIONS", "/users/admin", &preflight, "");
    assert_eq!((reply.status, reply.header("Content-Type")), (204, None));
    let methods = reply.header("Access-Control-Allow-Methods").unwrap();
    assert_eq!(methods, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    assert!(
        reply
            .header("Access-Control-Allow-Headers")
            .unwrap()
            .contains("X-Client-Hash-Key")
    );
    let refused = ask(
        &gateway,
        "GET",
        "/users/nobody",
        &format!("{KEY}Origin: {portal}\r\n"),
        "",
    );
    assert_eq!(
        refused.header("Access-Control-Allow-Origin"),
        Some(portal),
        "front ends can read errors, too"
    );
    let closed = ask(
        &Gateway::demo(),
        "GET",
        "/users/admin",
        &format!("{KEY}Origin: {portal}\r\n"),
        "",
    );
    assert_eq!(closed.header("Access-Control-Allow-Origin"), None);
}

#[test]
fn repeats_each_problem_in_meta_and_in_errors() {
    let gateway = Gateway::demo();
    let english = format!("{KEY}{RESOURCE}Accept-Language: en\r\n");
    let body =
        r#"{"data":{"type":"users","id":"admin","attributes":{"name":"Ádám","email":"adam"}}}"#;
    let reply = ask(&gateway, "POST", "/users", &english, body);
    assert_eq!(reply.status, 422);
    let document = json(&reply);
    let detail = "Invalid field (email): is not an e-mail address";
    assert_eq!(
        document["meta"]["responseStatus"],
        json!({"code": 2, "messages": [{"severity": "ERROR", "code": "INVALID_FIELD", "description": detail}]})
    );
    let error = &document["errors"][0];
    assert_eq!(
        (&error["status"], &error["code"], &error["detail"]),
        (&json!("422"), &json!("INVALID_FIELD"), &json!(detail))
    );
    assert_eq!(
        error["source"],
        json!({"pointer": "/data/attributes/email"})
    );
    assert!(document.get("data").is_none());
    let taken = body.replace("\"adam\"", "\"adam@dbx.hu\"");
    let reply = ask(&gateway, "POST", "/users", &english, &taken);
    assert_eq!(
        (reply.status, json(&reply)["errors"][0]["source"].clone()),
        (422, json!({"pointer": "/data/id"}))
    );
    for (method, path, headers, body, status, code) in [
        ("GET", "/users/nobody", KEY, "", 404, "USER_NOT_FOUND"),
        ("GET", "/users/admin", "", "", 403, "UNKNOWN_CLIENT"),
        (
            "GET",
            "/users/admin",
            "X-Client-Hash-Key: demo-portal-key\r\n",
            "",
            401,
            "AUTHENTICATION_REQUIRED",
        ),
        (
            "GET",
            "/users/admin",
            "X-Client-Hash-Key: demo-portal-key\r\nAuthorization: JWT x\r\n",
            "",
            401,
            "TOKEN_EXPIRED",
        ),
        ("GET", "/nowhere", KEY, "", 404, "NO_SUCH_OPERATION"),
        ("POST", "/users/admin", KEY, "", 405, "NO_SUCH_OPERATION"),
        (
            "POST",
            "/register",
            FLAT,
            "{\"a\":1,\"a\":2}",
            400,
            "MALFORMED",
        ),
        ("POST", "/register", FLAT, "[]", 400, "MALFORMED"),
        ("POST", "/register", FLAT, "{\"data\":[]}", 400, "MALFORMED"),
        ("POST", "/register", FLAT, "{}", 422, "MISSING_FIELD"),
        (
            "POST",
            "/register",
            "Content-Type: text/plain\r\n",
            "{}",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            "POST",
            "/register",
            "Content-Type: application/vnd.api+json; ext=x\r\n",
            "{}",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            "GET",
            "/users",
            "X-Client-Hash-Key: demo-hash-key\r\nAccept: text/html\r\n",
            "",
            406,
            "NOT_ACCEPTABLE",
        ),
        (
            "PUT",
            "/users/admin",
            "X-Client-Hash-Key: demo-hash-key\r\nContent-Type: application/json\r\n",
            "{\"userName\":\"b\"}",
            409,
            "ID_MISMATCH",
        ),
    ] {
        let reply = ask(&gateway, method, path, headers, body);
        assert_eq!(reply.status, status, "{method} {path} {body}: {reply:?}");
        let error = &json(&reply)["errors"][0];
        assert_eq!(
            (&error["code"], &error["status"]),
            (&json!(code), &json!(status.to_string())),
            "{method} {path} {body}"
        );
        assert_eq!(
            reply.header("Www-Authenticate"),
            (status == 401).then_some("JWT"),
            "{reply:?}"
        );
    }
}

#[test]
fn creates_a_user_without_a_name_under_a_uuid() {
    let gateway = Gateway::demo();
    let headers = format!("{KEY}{RESOURCE}");
    for (id, email) in [
        ("", "a@dbx.hu"),
        ("\"id\":\"\",", "b@dbx.hu"),
        ("\"id\":null,", "c@dbx.hu"),
    ] {
        let body = format!(
            r#"{{"data":{{"type":"users",{id}"attributes":{{"name":"Új","email":"{email}"}}}}}}"#
        );
        let made = json(&ask(&gateway, "POST", "/users", &headers, &body));
        let name = made["data"]["id"].as_str().unwrap();
        assert_eq!(name.len(), 36, "{made}");
        let shown = json(&ask(&gateway, "GET", &format!("/users/{name}"), KEY, ""));
        assert_eq!(shown["data"]["attributes"]["email"], email);
    }
}

#[test]
fn accepts_head_options_trailing_slashes_and_the_other_prefix() {
    let gateway = Gateway::demo();
    let head = ask(&gateway, "HEAD", "/users/admin/", KEY, "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let options = ask(&gateway, "OPTIONS", "/users", "", "");
    assert_eq!(
        (options.status, options.header("Allow")),
        (204, Some("GET, HEAD, POST, PUT, OPTIONS"))
    );
    let other = gateway.get("/hammy/user/v1/users/admin?clientHashKey=demo-hash-key");
    assert_eq!(json(&other)["data"]["id"], "admin");
    let patched = ask(
        &gateway,
        "PATCH",
        "/users/mokamiki",
        &format!(
            "{KEY}Content-Type: application/vnd.api+json; charset=utf-8\r\nAccept: application/vnd.api+json, */*;q=0.1\r\n"
        ),
        r#"{"data":{"type":"users","id":"MokaMiki","attributes":{"organizationalUnit":"máshol"}}}"#,
    );
    assert_eq!(
        json(&patched)["data"]["attributes"]["organizationalUnit"],
        "máshol"
    );
}

#[test]
fn registers_confirms_and_founds_an_organisation_over_rest() {
    let gateway = Gateway::demo();
    let post = |path: &str, headers: &str, body: &str| {
        ask(&gateway, "POST", path, &format!("{headers}{FLAT}"), body)
    };
    let register = r#"{"username":"ubul","name":"Ubul","email":"ubul@valami.hu","password":"ValaKi1234","organizationUuid":"hammy"}"#;
    assert_eq!(post("/register", "", register).status, 200);
    let token = |gateway: &Gateway| {
        let mail = gateway.mails().pop().unwrap();
        mail.split("Token: ").nth(1).unwrap()[..32].to_owned()
    };
    let first = token(&gateway);
    assert_eq!(
        post(
            "/register/resend",
            "",
            r#"{"usernameOrEmail":"UBUL@valami.hu"}"#
        )
        .status,
        200
    );
    assert_eq!(
        post("/register/resend", "", r#"{"usernameOrEmail":"nobody"}"#).status,
        200
    );
    let confirm = |token: &str| {
        post(
            "/register/confirm",
            "",
            &format!("{{\"token\":\"{token}\"}}"),
        )
    };
    assert_eq!(
        confirm(&first).status,
        422,
        "the newer token revoked the older one"
    );
    assert_eq!(confirm(&token(&gateway)).status, 200);
    assert_eq!(gateway.mails().len(), 2);
    let sign_in = |extra: &str| {
        let body = format!(
            r#"{{"data":{{"type":"authenticateRequest","id":"ubul","attributes":{{"password":"ValaKi1234"}}}}{extra}}}"#
        );
        ask(&gateway, "POST", "/password/authenticate", RESOURCE, &body)
    };
    let signed_in = sign_in("");
    let auth = |reply: &Reply| {
        let token = reply.header("Authorization").unwrap();
        format!(
            "X-Client-Hash-Key: demo-portal-key\r\nX-User-Name: ubul\r\nAuthorization: {token}\r\n"
        )
    };
    let add = |auth: &str, body: &str| post("/register/addToOrg", auth, body);
    let user = auth(&signed_in);
    let made = add(&user, r#"{"orgName":"Ubul Kft."}"#);
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(claims(&signed_in)["org"]["uuid"], "hammy");
    assert_eq!(claims(&made)["org"]["name"], "Ubul Kft.");
    assert_eq!(claims(&made)["rls"], json!(["ORG_ADMIN"]));
    let again = add(&user, r#"{"orgName":"Ubul Kft."}"#);
    assert_eq!(
        claims(&again)["org"],
        claims(&made)["org"],
        "the second request returns the same organisation"
    );
    assert_eq!(
        claims(&add(&user, r#"{"orgUuid":"moby"}"#))["org"]["uuid"],
        "moby"
    );
    assert_eq!(
        sign_in("").status,
        422,
        "with three organisations the user has to choose"
    );
    let closed = claims(&made)["org"]["uuid"].as_str().unwrap().to_owned();
    let chosen = sign_in(&format!(
        r#","meta":{{"params":[{{"key":"USER_ORG_UUID","value":"{closed}"}}]}}"#
    ));
    assert_eq!(claims(&chosen)["org"]["uuid"], json!(closed));
    // A closed organisation of another user is hidden.
    let moka = ask(
        &gateway,
        "POST",
        "/password/authenticate",
        RESOURCE,
        r#"{"data":{"type":"authenticateRequest","id":"mokamiki","attributes":{"password":"MokaMiki-1234"}}}"#,
    );
    let other = auth(&moka).replace("X-User-Name: ubul\r\n", "");
    for uuid in [closed.as_str(), "nowhere"] {
        let refused = add(&other, &format!("{{\"orgUuid\":\"{uuid}\"}}"));
        assert_eq!(
            (refused.status, json(&refused)["errors"][0]["code"].clone()),
            (404, json!("ORGANIZATION_NOT_FOUND"))
        );
    }
    assert_eq!(add(&other, "{}").status, 422);
    let both = add(&other, r#"{"orgUuid":"moby","orgName":"b"}"#);
    assert_eq!(
        claims(&both)["org"]["uuid"],
        "moby",
        "orgUuid takes precedence"
    );
    assert_eq!(
        add(KEY, r#"{"orgUuid":"moby"}"#).status,
        401,
        "a client key without a user cannot join"
    );
}

#[test]
fn refuses_identity_headers_that_are_too_long_or_not_text() {
    let gateway = Gateway::demo();
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let show = |claimed: &str| {
        let headers = format!(
            "X-Client-Hash-Key: demo-portal-key\r\nAuthorization: {token}\r\nX-User-Name: {claimed}\r\n"
        );
        status_and_code(&ask(&gateway, "GET", "/users/mokamiki", &headers, ""))
    };
    let answer = |status, code: &str| (status, code.to_owned());
    assert_eq!(show(""), answer(200, "ok"), "no name is claimed");
    assert_eq!(show(" MokaMiki "), answer(200, "ok"));
    assert_eq!(show("ádmin"), answer(403, "ACCESS_DENIED"));
    assert_eq!(show(&"x".repeat(257)), answer(422, "INVALID_FIELD"));
    let key = "X-Client-Hash-Key: kulcsé\r\n";
    let reply = ask(
        &gateway,
        "POST",
        "/password/reset",
        &format!("{key}{FLAT}"),
        r#"{"userNameOrEmail":"a"}"#,
    );
    assert_eq!(status_and_code(&reply), answer(403, "UNKNOWN_CLIENT"));
    // A refused name of any length is not logged.
    let long = format!("X-User-Name: {}\r\n", "ű".repeat(10_000));
    assert_eq!(
        status_and_code(&ask(&gateway, "GET", "/users/a", &long, "")),
        answer(403, "UNKNOWN_CLIENT")
    );
    let log = gateway.log(None, 1);
    assert_eq!(
        (log[0].outcome.as_str(), log[0].on_behalf_of.as_deref()),
        ("UNKNOWN_CLIENT", None)
    );
}

#[test]
fn refuses_a_nul_in_any_text() {
    let gateway = Gateway::demo();
    let refused = (422, "INVALID_FIELD".to_owned());
    for path in [
        "/users?name=%00",
        "/users?clientNames=%00",
        "/users?sort=%00",
        "/users/%00",
    ] {
        assert_eq!(
            status_and_code(&ask(&gateway, "GET", path, KEY, "")),
            refused,
            "{path}"
        );
    }
    for (path, body) in [
        (
            "/password/authenticate",
            r#"{"userNameOrEmail":"a\u0000","password":"b"}"#,
        ),
        (
            "/password/authenticate",
            r#"{"userNameOrEmail":"a","password":"b\u0000"}"#,
        ),
        ("/password/reset", r#"{"userNameOrEmail":"\u0000"}"#),
        ("/register/resend", r#"{"usernameOrEmail":"\u0000"}"#),
        (
            "/register",
            r#"{"username":"u","name":"U","email":"u@dbx.hu","password":"ValaKi1234","organizationUuid":"\u0000"}"#,
        ),
    ] {
        assert_eq!(
            status_and_code(&ask(&gateway, "POST", path, FLAT, body)),
            refused,
            "{path}"
        );
    }
}
