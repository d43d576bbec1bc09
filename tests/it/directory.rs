//! The directory API: create, change and find users by external IDs, and assign roles.

use chaingun_gateway::domain::external_identity::ExternalIdentity;
use chaingun_gateway::domain::user::{Status, User};
use chaingun_gateway::store::{
    AnyConnection, StoreError, audit, external_identities, organisations, profiles, users,
};
use serde_json::{Value, json};

use crate::harness::rest::{KEY, PORTAL, claims, sign_in, try_to_sign_in};
use crate::harness::{Gateway, NOW, Reply, Speaker};

fn ask(gateway: &Speaker, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nAccept-Language: en\r\n\
         Content-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    gateway.raw(head.as_bytes())
}

/// Calls as a trusted client, and checks the envelope of the answer.
fn call(gateway: &Speaker, method: &str, path: &str, request: Value) -> (u16, Value) {
    let body = json!({ "request": request }).to_string();
    checked(&ask(gateway, method, path, KEY, &body))
}

fn checked(reply: &Reply) -> (u16, Value) {
    let envelope: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(
        reply.header("Content-Type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(envelope["ver"], "v1");
    assert_eq!(envelope["ts"], "2020-10-06 08:44:49:000+0000");
    let id = envelope["params"]["msgid"].as_str();
    assert_eq!(id, reply.header("X-Request-Id"));
    assert_eq!(envelope["params"]["resmsgid"], Value::Null);
    let code = match reply.status {
        200 => "OK",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 | 405 => "RESOURCE_NOT_FOUND",
        _ => "CLIENT_ERROR",
    };
    assert_eq!(envelope["responseCode"], code, "{envelope}");
    (reply.status, envelope)
}

/// The status and the code of an error.
fn status_and_code((status, envelope): (u16, Value)) -> (u16, String) {
    let params = &envelope["params"];
    assert_eq!(envelope["result"], json!({}), "{envelope}");
    assert_eq!(params["err"], params["status"]);
    assert!(params["errmsg"].as_str().unwrap().len() > 5, "{envelope}");
    (status, params["err"].as_str().unwrap().to_owned())
}

/// The result of a success.
fn result((status, envelope): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{envelope}");
    let params = &envelope["params"];
    assert_eq!(
        (&params["status"], &params["err"]),
        (&json!("success"), &Value::Null)
    );
    assert_eq!(params["errmsg"], Value::Null);
    envelope["result"].clone()
}

fn create(gateway: &Speaker, request: Value) -> String {
    let made = result(call(gateway, "POST", "/user/v1/create", request));
    assert_eq!(
        (&made["response"], &made["errors"]),
        (&json!("SUCCESS"), &json!([]))
    );
    made["userId"].as_str().unwrap().to_owned()
}

fn run<T>(gateway: &Gateway, work: impl Fn(&mut AnyConnection) -> Result<T, StoreError>) -> T {
    gateway.app.store.write(work).unwrap()
}

const GET_BY_ID: &str = "/user/v1/get/externalId/";

#[test]
fn writes_the_envelope_byte_for_byte_as_documented() {
    let gateway = Gateway::demo();
    let body = json!({"request": {"firstName": "Anna"}}).to_string();
    let reply = ask(&gateway, "POST", "/user/v1/create", KEY, &body);
    let id = reply.header("X-Request-Id").unwrap();
    let head = format!(
        "{{\"id\":\"api.user.create\",\"ver\":\"v1\",\"ts\":\"2020-10-06 08:44:49:000+0000\",\
         \"params\":{{\"resmsgid\":null,\"msgid\":\"{id}\",\"err\":null,\"status\":\"success\",\"errmsg\":null}},\
         \"responseCode\":\"OK\",\"result\":{{"
    );
    assert!(reply.body.starts_with(&head), "{reply:?}");
    let reply = ask(&gateway, "POST", "/user/v1/create", KEY, "{\"request\":{}}");
    let head = "\"err\":\"MANDATORY_PARAMETER_MISSING\",\"status\":\"MANDATORY_PARAMETER_MISSING\",\"errmsg\":\"";
    assert!(reply.body.contains(head), "{reply:?}");
    assert!(
        reply
            .body
            .ends_with("\"responseCode\":\"CLIENT_ERROR\",\"result\":{}}")
    );
}

#[test]
fn finds_created_users_by_both_paths_with_special_characters_in_the_id() {
    let gateway = Gateway::demo();
    let uuid = create(
        &gateway,
        json!({
            "firstName": "Jani", "lastName": "Kovács", "email": "jani@dbx.hu", "phone": "+36301234567",
            "externalId": "a/b é+%", "externalIdProvider": "Állam", "externalIdType": "Pan Card",
            "externalIds": [{"id": "77", "provider": "other", "idType": "other"}],
            "channel": "APEKX", "orgExternalId": "PRE_created_school_external_id",
        }),
    );
    for path in [
        "a%2Fb%20%C3%A9%2B%25/externalIdProvider/%C3%81llam/externalIdType/Pan%20Card",
        "a%2Fb%20%C3%A9+%25/channel/%C3%A1LLAM/idType/PAN%20CARD",
        "A%2fB%20%c3%89%2b%25/externalIdProvider/%C3%A1llam/externalIdType/pan%20card/",
        "77/channel/OTHER/idType/Other",
    ] {
        let reply = ask(&gateway, "GET", &format!("{GET_BY_ID}{path}"), KEY, "");
        let envelope = checked(&reply);
        assert_eq!(envelope.1["id"], "api.user.get.externalId");
        let person = &result(envelope)["response"];
        let expected = json!({
            "id": uuid, "identifier": uuid, "userId": uuid, "userName": "a/b é+%@Állam", "firstName": "Jani Kovács",
            "lastName": null, "email": "jani@dbx.hu", "phone": "+36301234567", "phoneVerified": false,
            "status": 1, "isDeleted": false,
            "roles": [], "createdDate": "2020-10-06 08:44:49:000+0000", "updatedDate": "2020-10-06 08:44:49:000+0000",
            "organisations": [{
                "organisationId": "apekx-school", "orgName": "Apekx School", "userId": uuid, "roles": [],
                "isDeleted": false,
            }],
            "externalIds": [
                {"id": "77", "provider": "other", "idType": "other"},
                {"id": "a/b é+%", "provider": "Állam", "idType": "Pan Card"},
            ],
        });
        assert_eq!(*person, expected);
    }
    let unknown = [
        (
            "a%2Fb%20%C3%A9%2B%25/externalIdProvider/x/externalIdType/Pan%20Card",
            404,
            "EXTERNALID_NOT_FOUND",
        ),
        (
            "a%252Fb/externalIdProvider/x/externalIdType/y",
            404,
            "EXTERNALID_NOT_FOUND",
        ),
        (
            "%27%20OR%201=1--/externalIdProvider/x/externalIdType/y",
            404,
            "EXTERNALID_NOT_FOUND",
        ),
        (
            "1/externalIdProvider//externalIdType/y",
            400,
            "DEPENDENT_PARAMS_MISSING",
        ),
        (
            "1/externalIdProvider/%20/externalIdType/y",
            400,
            "DEPENDENT_PARAMS_MISSING",
        ),
        (
            "1/externalIdProvider/a%0Ab/externalIdType/y",
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            "%FF/externalIdProvider/x/externalIdType/y",
            404,
            "EXTERNALID_NOT_FOUND",
        ),
        ("1/externalIdProvider/x/idType/y", 404, "NO_SUCH_OPERATION"),
    ];
    for (path, status, code) in unknown {
        let reply = ask(&gateway, "GET", &format!("{GET_BY_ID}{path}"), KEY, "");
        assert_eq!(
            status_and_code(checked(&reply)),
            (status, code.to_owned()),
            "{path}"
        );
    }
    let long = format!("{GET_BY_ID}{}/channel/x/idType/y", "x".repeat(129));
    let reply = ask(&gateway, "GET", &long, KEY, "");
    assert_eq!(
        status_and_code(checked(&reply)).1,
        "INVALID_PARAMETER_VALUE"
    );
    let head = ask(
        &gateway,
        "HEAD",
        &format!("{GET_BY_ID}77/channel/other/idType/other"),
        KEY,
        "",
    );
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[test]
fn rejects_partial_triples_duplicates_and_ids_of_another_user() {
    let gateway = Gateway::demo();
    let triple = |id: &str, provider: &str, id_type: &str| json!({"externalId": id, "externalIdProvider": provider, "externalIdType": id_type});
    let with = |mut request: Value, more: &Value| {
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        request
    };
    let anna = json!({"firstName": "Anna"});
    for missing in ["externalId", "externalIdProvider", "externalIdType"] {
        for absent in [Value::Null, json!(""), json!("  ")] {
            let mut some = triple("1", "p", "t");
            some[missing] = absent;
            let code = (400, "DEPENDENT_PARAMS_MISSING".to_owned());
            let made = call(
                &gateway,
                "POST",
                "/user/v1/create",
                with(anna.clone(), &some),
            );
            assert_eq!(status_and_code(made), code, "{some}");
            let mut other = triple("1", "p", "t");
            other
                .as_object_mut()
                .unwrap()
                .retain(|name, _| name == missing);
            let changed = call(&gateway, "PATCH", "/user/v1/update", other);
            assert_eq!(status_and_code(changed), code);
        }
    }
    let first = create(&gateway, with(anna.clone(), &triple("Ő-1", "P", "T")));
    let second = create(&gateway, json!({"firstName": "Béla"}));
    let taken = triple("ő-1", "p", "t");
    let listed = json!({"externalIds": [{"id": "ő-1", "provider": "p", "idType": "t"}]});
    let code = (400, "EXTERNALID_ASSIGNED_TO_OTHER_USER".to_owned());
    for conflict in [&taken, &listed] {
        let made = call(
            &gateway,
            "POST",
            "/user/v1/create",
            with(anna.clone(), conflict),
        );
        assert_eq!(status_and_code(made), code);
        let given = with(json!({"userId": second}), conflict);
        assert_eq!(
            status_and_code(call(&gateway, "PATCH", "/user/v1/update", given)),
            code
        );
    }
    // The user's own ID is no conflict. A second ID of the same kind conflicts, unless EDIT replaces the first ID.
    let update = |request: Value| call(&gateway, "PATCH", "/user/v1/update", request);
    result(update(with(json!({"userId": first}), &taken)));
    let another = with(json!({"userId": first}), &triple("2", "p", "t"));
    assert_eq!(status_and_code(update(another)).1, "DUPLICATE_EXTERNAL_IDS");
    let change_identity = |operation: &str, id: &str| {
        update(json!({"userId": first, "externalIds": [
            {"id": id, "provider": "p", "idType": "t", "operation": operation},
        ]}))
    };
    let found = |id: &str| {
        ask(
            &gateway,
            "GET",
            &format!("{GET_BY_ID}{id}/channel/P/idType/T"),
            KEY,
            "",
        )
        .status
    };
    result(change_identity("EDIT", "2"));
    assert_eq!((found("2"), found("%C5%91-1")), (200, 404));
    assert_eq!(
        status_and_code(change_identity("REMOVE", "%C5%91-1")),
        (404, "EXTERNALID_NOT_FOUND".to_owned())
    );
    result(change_identity("REMOVE", "2"));
    assert_eq!(found("2"), 404);
    // An older release accepted dot segments. Such an ID can be removed, but no new one can be stored.
    for (dots, change) in [(".", "ADD"), ("..", "EDIT")] {
        let refused = status_and_code(change_identity(change, dots));
        assert_eq!(refused, (400, "INVALID_PARAMETER_VALUE".to_owned()));
        let missing = status_and_code(change_identity("REMOVE", dots));
        assert_eq!(missing, (404, "EXTERNALID_NOT_FOUND".to_owned()));
        let older = ExternalIdentity {
            id: dots.to_owned(),
            provider: "p".to_owned(),
            id_type: "t".to_owned(),
        };
        let owner = |c: &mut AnyConnection| external_identities::owner(c, &older);
        gateway
            .app
            .store
            .write(|c| {
                let user = users::lock_by_uuid_or_id(c, &first)?.unwrap();
                external_identities::add(c, user.id, &older, ("administrator", NOW))
            })
            .unwrap();
        assert!(gateway.app.store.read(owner).unwrap().is_some());
        result(change_identity("REMOVE", dots));
        assert_eq!(gateway.app.store.read(owner).unwrap(), None);
    }
    assert_eq!(
        status_and_code(change_identity("MOVE", "2")).1,
        "INVALID_VALUE"
    );
    let twice = json!([{"id": "1", "provider": "P", "idType": "t"}, {"id": "2", "provider": "p", "idType": "T"}]);
    let made = call(
        &gateway,
        "POST",
        "/user/v1/create",
        with(anna.clone(), &json!({"externalIds": twice})),
    );
    assert_eq!(status_and_code(made).1, "DUPLICATE_EXTERNAL_IDS");
    for (wrong, code) in [
        (
            json!([{"id": "1", "provider": "p"}]),
            "MANDATORY_PARAMETER_MISSING",
        ),
        (json!("1"), "DATA_TYPE_ERROR"),
        (
            json!([{"id": 1, "provider": "p", "idType": "t"}]),
            "DATA_TYPE_ERROR",
        ),
        (
            json!([{"id": "1", "provider": "p", "idType": "t", "operation": "REMOVE"}]),
            "INVALID_VALUE",
        ),
    ] {
        let made = call(
            &gateway,
            "POST",
            "/user/v1/create",
            with(anna.clone(), &json!({"externalIds": wrong})),
        );
        assert_eq!(status_and_code(made), (400, code.to_owned()), "{wrong}");
    }
    let many: Vec<_> = (0..33)
        .map(|n| json!({"id": "1", "provider": "p", "idType": n.to_string()}))
        .collect();
    let made = call(
        &gateway,
        "POST",
        "/user/v1/create",
        with(anna, &json!({"externalIds": many})),
    );
    assert_eq!(status_and_code(made).1, "INVALID_PARAMETER_VALUE");
    assert_eq!(
        run(&gateway, |c| users::by_name(c, "1@p")),
        None,
        "a refused request stores nothing"
    );
}

#[test]
fn changes_a_user_by_uuid_or_by_external_id() {
    let gateway = Gateway::demo();
    let triple = json!({"id": "1", "provider": "p", "idType": "t"});
    let uuid = create(
        &gateway,
        json!({"firstName": "Anna", "externalIds": [triple]}),
    );
    let update = |request: Value| call(&gateway, "PATCH", "/user/v1/update", request);
    let by_triple = |more: &str, value: Value| {
        let mut request =
            json!({"externalId": "1", "externalIdProvider": "P", "externalIdType": "T"});
        request[more] = value;
        update(request)
    };
    assert_eq!(
        result(by_triple("firstName", json!("Panna")))["userId"],
        uuid.as_str()
    );
    result(update(
        json!({"userId": uuid, "email": "panna@dbx.hu", "phone": "3612345"}),
    ));
    let id = run(&gateway, |c| users::by_login(c, "panna@dbx.hu"))
        .unwrap()
        .id;
    result(update(
        json!({"userId": id.to_string(), "phone": "3654321"}),
    ));
    let reply = ask(
        &gateway,
        "GET",
        &format!("{GET_BY_ID}1/channel/p/idType/t"),
        KEY,
        "",
    );
    let person = result(checked(&reply))["response"].clone();
    let shown = (&person["firstName"], &person["email"], &person["phone"]);
    assert_eq!(
        shown,
        (&json!("Panna"), &json!("panna@dbx.hu"), &json!("3654321"))
    );

    for (wrong, status, code) in [
        (
            json!({"userId": "nobody", "firstName": "A"}),
            404,
            "USER_NOT_FOUND",
        ),
        (
            json!({"userId": "mokamiki", "firstName": "A"}),
            404,
            "USER_NOT_FOUND",
        ),
        (
            json!({"userId": "99999999999999999999"}),
            404,
            "USER_NOT_FOUND",
        ),
        (
            json!({"firstName": "A"}),
            400,
            "MANDATORY_PARAMETER_MISSING",
        ),
        (
            json!({"userId": uuid, "lastName": "A"}),
            400,
            "MANDATORY_PARAMETER_MISSING",
        ),
        (
            json!({"userId": uuid, "email": "moka.miklos@dbx.hu"}),
            400,
            "EMAIL_IN_USE",
        ),
        (
            json!({"userId": uuid, "email": "none"}),
            400,
            "EMAIL_FORMAT_ERROR",
        ),
        (
            json!({"userId": uuid, "phone": "a"}),
            400,
            "INVALID_PHONE_NO_FORMAT",
        ),
        (
            json!({"userId": uuid, "firstName": "a\nb"}),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            json!({"userId": uuid, "firstName": ["a"]}),
            400,
            "DATA_TYPE_ERROR",
        ),
    ] {
        assert_eq!(
            status_and_code(update(wrong.clone())),
            (status, code.to_owned()),
            "{wrong}"
        );
    }
    let unknown = json!({"externalId": "2", "externalIdProvider": "p", "externalIdType": "t"});
    assert_eq!(
        status_and_code(update(unknown)),
        (404, "EXTERNALID_NOT_FOUND".to_owned())
    );
    let log = run(&gateway, |c| audit::list(c, None, 100));
    let changed = log
        .iter()
        .filter(|e| e.event == "user_updated" && e.outcome == "ok");
    assert_eq!(changed.count(), 3);
}

#[test]
fn refuses_invalid_users_and_requests_with_the_code_of_the_problem() {
    let gateway = Gateway::demo();
    create(
        &gateway,
        json!({"firstName": "Anna", "userName": "anna", "channel": "apekx"}),
    );
    let made = run(&gateway, |c| users::by_name(c, "anna")).unwrap();
    assert_eq!((made.status, made.address()), (Status::Active, None));
    for (wrong, status, code) in [
        (json!({}), 400, "MANDATORY_PARAMETER_MISSING"),
        (
            json!({"firstName": "A", "userName": "ANNA"}),
            400,
            "USERNAME_IN_USE",
        ),
        (
            json!({"firstName": "A", "userName": "erased:1"}),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            json!({"firstName": "A", "email": "moka.miklos@dbx.hu"}),
            400,
            "EMAIL_IN_USE",
        ),
        (
            json!({"firstName": "A", "email": "a@nowhere.invalid"}),
            400,
            "EMAIL_FORMAT_ERROR",
        ),
        (
            json!({"firstName": "A", "channel": "none"}),
            404,
            "ORGANIZATION_NOT_FOUND",
        ),
        (
            json!({"firstName": "A", "channel": "apekx", "orgExternalId": "none"}),
            404,
            "ORGANIZATION_NOT_FOUND",
        ),
        (
            json!({"firstName": "A", "organisationId": "none"}),
            404,
            "ORGANIZATION_NOT_FOUND",
        ),
        (
            json!({"firstName": "A", "orgExternalId": "x"}),
            400,
            "MANDATORY_PARAMETER_MISSING",
        ),
        (
            json!({
                "firstName": "A", "organisationId": "moby", "channel": "apekx",
                "orgExternalId": "pre_created_school_external_id",
            }),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            json!({"firstName": "x".repeat(129)}),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            json!({"firstName": "x".repeat(100), "lastName": "x".repeat(100)}),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
    ] {
        let told = status_and_code(call(&gateway, "POST", "/user/v1/create", wrong.clone()));
        assert_eq!(told, (status, code.to_owned()), "{wrong}");
    }
    let path = "/user/v1/create";
    for (body, status, code) in [
        ("", 400, "MALFORMED"),
        ("{", 400, "MALFORMED"),
        ("[]", 400, "DATA_TYPE_ERROR"),
        ("{}", 400, "MANDATORY_PARAMETER_MISSING"),
        ("{\"request\":[]}", 400, "DATA_TYPE_ERROR"),
        (
            "{\"request\":{\"firstName\":\"a\",\"firstName\":\"b\"}}",
            400,
            "MALFORMED",
        ),
    ] {
        let reply = ask(&gateway, "POST", path, KEY, body);
        assert_eq!(
            status_and_code(checked(&reply)),
            (status, code.to_owned()),
            "{body}"
        );
    }
    let large = format!(
        "{{\"request\":{{\"firstName\":\"{}\"}}}}",
        "x".repeat(3_000_000)
    );
    let reply = ask(&gateway, "POST", path, KEY, &large);
    assert_eq!(
        status_and_code(checked(&reply)),
        (413, "TOO_LARGE".to_owned())
    );
    let text = "POST /user/v1/create HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/plain\r\n\
                X-Client-Hash-Key: demo-hash-key\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(
        status_and_code(checked(&gateway.raw(text.as_bytes()))),
        (415, "UNSUPPORTED_MEDIA_TYPE".to_owned())
    );
    let wrong = ask(&gateway, "PUT", path, KEY, "{}");
    assert_eq!((wrong.status, wrong.header("Allow")), (405, Some("POST")));
    let unknown = ask(&gateway, "POST", "/orguser/v1/else", KEY, "{}");
    assert_eq!(
        status_and_code(checked(&unknown)),
        (404, "NO_SUCH_OPERATION".to_owned())
    );
}

#[test]
fn lets_only_trusted_clients_and_administrators_call() {
    let gateway = Gateway::demo();
    let admin = sign_in(&gateway, "admin", "Admin-Demo-2026", None);
    let moka = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let header = |token: &str| format!("Authorization: {token}\r\n");
    let bearer = header(&admin.replace("JWT ", "Bearer "));
    let refused = [
        (String::new(), 401, "UNAUTHORIZED_USER"),
        (PORTAL.to_owned(), 401, "UNAUTHORIZED_USER"),
        (header(&moka), 403, "ACCESS_DENIED"),
        (format!("{PORTAL}{}", header(&moka)), 403, "ACCESS_DENIED"),
        (header("JWT a.b.c"), 401, "TOKEN_EXPIRED"),
        (
            format!("{KEY}{}", header("JWT a.b.c")),
            401,
            "TOKEN_EXPIRED",
        ),
        (
            "X-Client-Hash-Key: wrong-key\r\n".to_owned(),
            403,
            "UNKNOWN_CLIENT",
        ),
        (
            format!("X-User-Name: mokamiki\r\n{}", header(&admin)),
            403,
            "ACCESS_DENIED",
        ),
    ];
    let allowed = [
        KEY.to_owned(),
        header(&admin),
        bearer,
        format!("{PORTAL}{}", header(&admin)),
        format!("X-User-Name: ADMIN\r\n{}", header(&admin)),
    ];
    let calls = [
        ("POST", "/user/v1/create", json!({"firstName": "A"}), 200),
        ("PATCH", "/user/v1/update", json!({"userId": "nobody"}), 404),
        (
            "GET",
            "/user/v1/get/externalId/1/channel/p/idType/t",
            json!({}),
            404,
        ),
        (
            "POST",
            "/orguser/v1/memberrole/assign",
            json!({"userId": "nobody", "organisationId": "moby", "roles": ["PUBLIC"]}),
            404,
        ),
    ];
    for (method, path, request, status) in &calls {
        let body = json!({ "request": request }).to_string();
        for (headers, status, code) in &refused {
            let reply = ask(&gateway, method, path, headers, &body);
            assert_eq!(
                status_and_code(checked(&reply)),
                (*status, (*code).to_owned()),
                "{path} {headers}"
            );
            let challenge = reply.header("Www-Authenticate");
            assert_eq!(challenge.is_some(), *status == 401);
            // A caller without access learns nothing about invalid values.
            let reply = ask(
                &gateway,
                method,
                path,
                headers,
                "{\"request\":{\"firstName\":[]}}",
            );
            assert_eq!(reply.status, *status);
        }
        for headers in &allowed {
            let reply = ask(&gateway, method, path, headers, &body);
            assert_eq!(reply.status, *status, "{path} {headers}: {reply:?}");
        }
    }
    // The directory does not accept a browser's session.
    let cookie = format!("Cookie: chaingun_session={}\r\n", "a".repeat(64));
    assert_eq!(
        ask(&gateway, "POST", "/user/v1/create", &cookie, "{}").status,
        401
    );
}

#[test]
fn assigns_and_replaces_roles_and_writes_them_into_tokens() {
    let gateway = Gateway::demo();
    let moka = run(&gateway, |c| users::by_name(c, "mokamiki")).unwrap();
    let assign = |path: &str, roles: Value| {
        let request = json!({"userId": moka.uuid, "organisationId": "moby", "roles": roles});
        call(&gateway, "POST", path, request)
    };
    let kept = || -> Vec<String> {
        let granted = run(&gateway, |c| organisations::memberships(c, moka.id));
        let moby = granted.into_iter().find(|g| g.uuid == "moby");
        moby.map(|g| g.roles).unwrap_or_default()
    };
    let path = "/orguser/v1/memberrole/assign";
    // The documentation spells these roles without underscores.
    let roles = json!([
        "CONTENTCREATOR",
        "CONTENTREVIEWER",
        "CONTENTCURATION",
        "FLAGREVIEWER"
    ]);
    let given = assign(path, roles);
    assert_eq!(given.1["id"], "api.orguser.memberrole.assign");
    assert_eq!(result(given), json!({"response": "SUCCESS"}));
    let all = [
        "CONTENT_CREATOR",
        "CONTENT_REVIEWER",
        "CONTENT_CURATION",
        "FLAG_REVIEWER",
    ];
    assert_eq!(kept(), all);
    let token = |organisation: &str| {
        let reply = try_to_sign_in(&gateway, "mokamiki", "MokaMiki-1234", Some(organisation));
        claims(&reply)
    };
    let global = ["majomidomar", "csokidealer"];
    let here = token("moby");
    assert_eq!(here["rls"], json!([&global[..], &all[..]].concat()));
    assert_eq!(here["org"]["uuid"], "moby");
    assert_eq!(
        token("default")["rls"],
        json!(global),
        "the roles hold only in their organisation"
    );

    let aliases = ["/orguser/v1/memberrole/add", "/user/v1/role/assign"];
    for (path, role) in aliases.into_iter().zip(["course_mentor", "ORG_ADMIN"]) {
        result(assign(
            path,
            json!([role, role.to_uppercase(), role.replace('_', "")]),
        ));
        assert_eq!(kept(), [role.to_uppercase()]);
    }
    for (roles, status, code) in [
        (json!([]), 400, "EMPTY_ROLES_PROVIDED"),
        (json!([""]), 400, "EMPTY_ROLES_PROVIDED"),
        (Value::Null, 400, "MANDATORY_PARAMETER_MISSING"),
        (json!("PUBLIC"), 400, "DATA_TYPE_ERROR"),
        (json!([1]), 400, "DATA_TYPE_ERROR"),
        (json!(["PUBLIC", "KING"]), 400, "INVALID_ROLE"),
        (json!(["USER_ADMIN"]), 400, "INVALID_ROLE"),
        (json!(vec!["PUBLIC"; 101]), 400, "INVALID_PARAMETER_VALUE"),
        (json!(["x".repeat(129)]), 400, "INVALID_PARAMETER_VALUE"),
    ] {
        assert_eq!(
            status_and_code(assign(path, roles.clone())),
            (status, code.to_owned()),
            "{roles}"
        );
    }
    assert_eq!(kept(), ["ORG_ADMIN"], "a refused request stores nothing");
    let with = |request: Value| status_and_code(call(&gateway, "POST", path, request));
    let roles = json!(["PUBLIC"]);
    for (request, code) in [
        (
            json!({"userId": "nobody", "organisationId": "moby", "roles": roles}),
            (404, "USER_NOT_FOUND"),
        ),
        (
            json!({"userId": moka.uuid, "organisationId": "none", "roles": roles}),
            (404, "ORGANIZATION_NOT_FOUND"),
        ),
        (
            json!({"userId": moka.uuid, "roles": roles}),
            (400, "MANDATORY_PARAMETER_MISSING"),
        ),
        (
            json!({"organisationId": "moby", "roles": roles}),
            (400, "MANDATORY_PARAMETER_MISSING"),
        ),
        (
            json!({"userId": moka.uuid, "externalId": "1", "organisationId": "moby", "roles": roles}),
            (400, "DEPENDENT_PARAMS_MISSING"),
        ),
    ] {
        assert_eq!(
            with(request.clone()),
            (code.0, code.1.to_owned()),
            "{request}"
        );
    }
    let log = run(&gateway, |c| audit::list(c, Some("mokamiki"), 100));
    assert_eq!(log.iter().filter(|e| e.event == "authz_change").count(), 3);
}

#[test]
fn grants_an_external_id_to_one_of_two_simultaneous_requests() {
    let gateway = Gateway::demo();
    for round in 0..8 {
        let request = |name: &str| {
            json!({
                "firstName": name, "externalId": round.to_string(), "externalIdProvider": "p", "externalIdType": "t",
            })
        };
        let gateway = &gateway;
        let mut statuses = std::thread::scope(|scope| {
            let runs = ["A", "B"].map(|name| {
                let request = request(name);
                scope.spawn(move || call(gateway, "POST", "/user/v1/create", request).0)
            });
            runs.map(|run| run.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
    }
}

#[test]
fn signs_in_a_directory_user_when_a_partner_sends_the_same_external_id() {
    use chaingun_gateway::secrets::assertions::sign;
    let gateway = Gateway::demo();
    let uuid = create(
        &gateway,
        json!({"firstName": "Anna", "externalIds": [{"id": "77", "provider": "apekx", "idType": "apekx"}]}),
    );
    let seconds = crate::harness::NOW / 1000;
    let token = |jti: &str| {
        let claims = json!({
            "jti": jti, "iss": "apekx", "sub": "77", "aud": format!("http://{}", gateway.address), "iat": seconds,
            "exp": seconds + 60, "name": "Anna A.", "state_id": "apekx", "school_id": "pre_created_school_external_id",
        });
        sign(crate::harness::PARTNER_KEY, &claims).unwrap()
    };
    let arrive = |jti: &str| gateway.get(&format!("/v2/user/session/create?token={}", token(jti)));
    assert_eq!(arrive("1").status, 303);
    let user = run(&gateway, |c| users::by_name(c, "77@apekx")).unwrap();
    assert_eq!(
        (user.uuid.as_str(), user.name.as_str()),
        (uuid.as_str(), "Anna A.")
    );
    let school = json!({"userId": uuid, "organisationId": "apekx-school", "roles": ["PUBLIC"]});
    result(call(&gateway, "POST", "/user/v1/role/assign", school));
    assert_eq!(arrive("2").status, 303);
    let granted = run(&gateway, |c| organisations::memberships(c, user.id));
    assert_eq!(
        granted[0].roles,
        ["PUBLIC"],
        "a partner's sign-in keeps the roles"
    );

    // An erased user is unknown; the same external ID then creates a new user.
    run(&gateway, |c| users::erase(c, user.id));
    let path = format!("{GET_BY_ID}77/channel/apekx/idType/apekx");
    assert_eq!(ask(&gateway, "GET", &path, KEY, "").status, 404);
    assert_eq!(arrive("3").status, 303);
    let back: User = run(&gateway, |c| users::by_name(c, "77@apekx")).unwrap();
    assert_ne!(back.uuid, uuid);
}

#[test]
fn clears_values_that_may_be_empty_and_refuses_to_clear_the_first_name() {
    let gateway = Gateway::demo();
    for empty in [json!(null), json!("")] {
        let id = create(
            &gateway,
            json!({"firstName": "Anna", "lastName": "Nagy", "email": "anna@example.org", "phone": "+36301234567"}),
        );
        let update = |mut request: Value| {
            request["userId"] = json!(id);
            call(&gateway, "PATCH", "/user/v1/update", request)
        };
        let stored = || {
            run(&gateway, |c| {
                let user = users::lock_by_uuid_or_id(c, &id)?.unwrap();
                let phone = profiles::find(c, user.id)?.and_then(|profile| profile.phone);
                Ok((user.name.clone(), user.address().map(str::to_owned), phone))
            })
        };
        let all = (
            "Anna Nagy".to_owned(),
            Some("anna@example.org".to_owned()),
            Some("+36301234567".to_owned()),
        );
        assert_eq!(stored(), all);
        let refused = (400, "INVALID_PARAMETER_VALUE".to_owned());
        let first = json!({ "firstName": empty, "phone": empty });
        assert_eq!(status_and_code(update(first)), refused);
        // The gateway stores one name, so a last name cannot be cleared alone.
        let last = json!({ "lastName": empty });
        let missing = (400, "MANDATORY_PARAMETER_MISSING".to_owned());
        assert_eq!(status_and_code(update(last)), missing);
        result(update(json!({"externalId": empty, "externalIds": null})));
        assert_eq!(stored(), all);
        result(update(json!({ "phone": empty })));
        assert_eq!(stored().2, None);
        result(update(json!({ "firstName": "Anna", "lastName": empty })));
        assert_eq!(stored().0, "Anna");
        result(update(json!({ "email": empty })));
        result(update(json!({ "email": empty })));
        assert_eq!(stored(), ("Anna".to_owned(), None, None));
        let created = create(
            &gateway,
            json!({"firstName": "Béla", "lastName": empty, "email": empty, "phone": empty}),
        );
        let bela = run(&gateway, |c| users::lock_by_uuid_or_id(c, &created)).unwrap();
        assert_eq!((bela.name.as_str(), bela.address()), ("Béla", None));
    }
}
