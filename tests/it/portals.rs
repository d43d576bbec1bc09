//! The calls of portals to the directory: lookups by contact, reads, partner users, organisations, and credentials.

use chaingun_gateway::domain::external_identity::ExternalIdentity;
use chaingun_gateway::domain::organisation::JoinPolicy;
use chaingun_gateway::secrets::assertions::sign;
use chaingun_gateway::secrets::rsa_keys;
use chaingun_gateway::store::{
    AnyConnection, StoreError, clients, external_identities, findings, organisations, partners,
    profiles, users,
};
use serde_json::{Value, json};

use crate::cli::Shell;
use crate::harness::rest::{KEY, PORTAL, sign_in};
use crate::harness::{Database, Gateway, NOW, PARTNER_KEY, Reply, Speaker};

const BEARER: &str = "Authorization: Bearer demo-hash-key\r\n";
const CREATE: &str = "/user/v1/create";
const SSO_CREATE: &str = "/user/v1/sso/create";
const SEARCH: &str = "/org/v2/search";

fn ask(gateway: &Speaker, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nAccept-Language: en\r\n\
         Content-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    gateway.raw(head.as_bytes())
}

/// The status, the code and the result of a reply. The code of a success is `success`.
fn read(reply: &Reply) -> (u16, String, Value) {
    let envelope: Value = serde_json::from_str(&reply.body).unwrap();
    let params = &envelope["params"];
    let code = params["status"].as_str().unwrap().to_owned();
    assert_eq!(params["err"].as_str().unwrap_or("success"), code);
    (reply.status, code, envelope["result"].clone())
}

fn get(gateway: &Speaker, path: &str) -> (u16, String, Value) {
    read(&ask(gateway, "GET", path, KEY, ""))
}

fn post(gateway: &Speaker, path: &str, request: &Value) -> (u16, String, Value) {
    let body = json!({ "request": request }).to_string();
    read(&ask(gateway, "POST", path, KEY, &body))
}

fn patch(gateway: &Speaker, request: &Value) -> (u16, String, Value) {
    let body = json!({ "request": request }).to_string();
    read(&ask(
        gateway,
        "PATCH",
        "/private/user/v1/update",
        KEY,
        &body,
    ))
}

/// The status and the code.
fn told((status, code, result): (u16, String, Value)) -> (u16, String) {
    assert_eq!(result == json!({}), code != "success", "{result}");
    (status, code)
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The UUID of the user in a success.
fn user_id((status, code, result): (u16, String, Value)) -> String {
    assert_eq!((status, code.as_str()), (200, "success"), "{result}");
    let id = result["userId"].as_str();
    id.or(result["response"]["userId"].as_str())
        .unwrap()
        .to_owned()
}

fn run<T>(gateway: &Gateway, work: impl Fn(&mut AnyConnection) -> Result<T, StoreError>) -> T {
    gateway.app.store.write(work).unwrap()
}

fn create(gateway: &Speaker, request: &Value) -> String {
    user_id(post(gateway, CREATE, request))
}

/// The request of a portal for a partner's user with this external ID.
fn of_partner(id: &str, more: Value) -> Value {
    let mut request = json!({
        "firstName": "Anna", "channel": "apekx", "orgExternalId": "pre_created_school_external_id",
        "externalIds": [{"id": id, "provider": "apekx", "idType": "apekx"}],
    });
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

#[test]
fn finds_users_by_address_phone_login_and_user_name() {
    let gateway = Gateway::demo();
    let anna = create(
        &gateway,
        &json!({"firstName": "Anna", "userName": "anna", "email": "Anna@example.org", "phone": "+36301234567"}),
    );
    for path in [
        "email/anna@EXAMPLE.org",
        "email/anna%40example.org",
        "phone/+36301234567",
        "phone/%2B36301234567",
        "phone/36301234567",
        "phone/0036301234567",
        "loginId/ANNA",
        "loginid/anna@example.org",
        "userName/Anna/",
    ] {
        let found = get(&gateway, &format!("/user/v1/get/{path}"));
        assert_eq!(found.2["response"]["email"], "Anna@example.org", "{path}");
        assert_eq!(user_id(found), anna, "{path}");
    }
    for (path, status, code) in [
        ("email/b@example.org", 404, "USER_NOT_FOUND"),
        ("email/anna", 400, "EMAIL_FORMAT_ERROR"),
        ("email/hakapeszimaki@", 400, "EMAIL_FORMAT_ERROR"),
        ("phone/36301234568", 404, "USER_NOT_FOUND"),
        ("phone/anna", 400, "INVALID_PHONE_NO_FORMAT"),
        ("phone/1234567890123456789", 400, "INVALID_PARAMETER_VALUE"),
        ("loginId/nobody", 404, "USER_NOT_FOUND"),
        ("loginId/a@b@c", 404, "USER_NOT_FOUND"),
        ("userName/anna@example.org", 404, "USER_NOT_FOUND"),
        ("userName/%27%20OR%201=1--", 404, "USER_NOT_FOUND"),
        ("loginId/%20", 400, "MANDATORY_PARAMETER_MISSING"),
        ("city/Szeged", 400, "INVALID_VALUE"),
        ("key/anna", 400, "INVALID_VALUE"),
        ("email", 404, "NO_SUCH_OPERATION"),
    ] {
        let found = get(&gateway, &format!("/user/v1/get/{path}"));
        assert_eq!(told(found), refused(status, code), "{path}");
    }
    // A user name that equals no address of the user is no address.
    let ids = [
        "api.user.get.email",
        "api.user.get.phone",
        "api.user.get.loginId",
    ];
    for (key, id) in ["email", "phone", "loginid"].into_iter().zip(ids) {
        let reply = ask(&gateway, "GET", &format!("/user/v1/get/{key}/x"), KEY, "");
        assert!(
            reply.body.starts_with(&format!("{{\"id\":\"{id}\"")),
            "{reply:?}"
        );
    }
}

#[test]
fn prefers_the_verified_holder_of_a_phone_and_refuses_a_shared_phone() {
    let gateway = Gateway::demo();
    let path = "/user/v1/get/phone/36301234567";
    create(
        &gateway,
        &json!({"firstName": "A", "phone": "+36301234567"}),
    );
    create(&gateway, &json!({"firstName": "B", "phone": "36301234567"}));
    assert_eq!(
        told(get(&gateway, path)),
        refused(400, "INVALID_PARAMETER_VALUE")
    );
    let verified = json!({"firstName": "C", "phone": "36301234567", "phoneVerified": true});
    let owner = create(&gateway, &verified);
    let found = get(&gateway, path);
    assert_eq!(found.2["response"]["phoneVerified"], true);
    assert_eq!(user_id(found), owner);
    // A changed number is not verified until the caller says so.
    user_id(patch(
        &gateway,
        &json!({"userId": owner, "phone": "36301234568"}),
    ));
    let found = get(&gateway, "/user/v1/get/phone/36301234568");
    assert_eq!(found.2["response"]["phoneVerified"], false);
    user_id(patch(
        &gateway,
        &json!({"userId": owner, "phoneVerified": true}),
    ));
    user_id(patch(&gateway, &json!({"userId": owner, "firstName": "D"})));
    let found = get(&gateway, "/user/v1/get/phone/36301234568");
    assert_eq!(found.2["response"]["phoneVerified"], true);
    user_id(patch(&gateway, &json!({"userId": owner, "phone": null})));
    let found = get(&gateway, &format!("/private/user/v1/read/{owner}"));
    assert_eq!(found.2["response"]["phoneVerified"], false);
}

#[test]
fn reads_a_profile_by_the_login_name_of_a_partner_user() {
    let gateway = Gateway::demo();
    let path = "/user/v1/profile/read";
    assert_eq!(
        user_id(post(&gateway, path, &json!({"loginId": "mokamiki"}))).len(),
        36
    );
    // The user name of this user differs from sub@iss, because it would look like another person's address.
    let harish = create(&gateway, &json!({"firstName": "Harish"}));
    let identity = ExternalIdentity {
        id: "harish@a".to_owned(),
        provider: "example.org".to_owned(),
        id_type: "loginId".to_owned(),
    };
    run(&gateway, |c| {
        let user = users::by_uuid_or_id(c, &harish)?.unwrap();
        external_identities::add(c, user.id, &identity, ("partner:x", NOW))
    });
    let login = json!({"loginId": "HARISH@a@example.org"});
    assert_eq!(user_id(post(&gateway, path, &login)), harish);
    for (request, status, code) in [
        (
            json!({"loginId": "harish@example.org"}),
            404,
            "USER_NOT_FOUND",
        ),
        (json!({}), 400, "MANDATORY_PARAMETER_MISSING"),
        (json!({"loginId": 1}), 400, "DATA_TYPE_ERROR"),
        (
            json!({"loginId": "a", "email": "a@b.hu"}),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
    ] {
        let found = told(post(&gateway, path, &request));
        assert_eq!(found, refused(status, code), "{request}");
    }
    let wrong = ask(&gateway, "GET", path, KEY, "");
    assert_eq!((wrong.status, wrong.header("Allow")), (405, Some("POST")));
}

#[test]
fn reads_a_user_by_id_or_by_external_id() {
    let gateway = Gateway::demo();
    let path = "/private/user/v1/read/";
    let phone = json!({"phone": "8884930864", "phoneVerified": true});
    let anna = user_id(post(&gateway, SSO_CREATE, &of_partner("a/b", phone)));
    let number = run(&gateway, |c| users::by_uuid_or_id(c, &anna))
        .unwrap()
        .id;
    for id in [
        anna.clone(),
        number.to_string(),
        format!("{anna}?idType=apekx&fields=organisations"),
        format!("{anna}?provider="),
        "a%2FB?provider=APEKX&idType=apekx".to_owned(),
        "a%2fb?idType=apekx&provider=apek%78".to_owned(),
    ] {
        let found = get(&gateway, &format!("{path}{id}"));
        assert_eq!(found.2["response"]["externalIds"][0]["id"], "a/b", "{id}");
        assert_eq!(user_id(found), anna, "{id}");
    }
    for (id, status, code) in [
        ("nobody", 404, "USER_NOT_FOUND"),
        ("99999999999999999999", 404, "USER_NOT_FOUND"),
        ("-1", 404, "USER_NOT_FOUND"),
        ("a%2Fb?provider=apekx", 400, "MANDATORY_PARAMETER_MISSING"),
        ("a?provider=apekx&idType=apekx", 404, "EXTERNALID_NOT_FOUND"),
        (
            "a?provider=a&provider=b&idType=c",
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        ("a%0Ab?provider=a&idType=c", 400, "INVALID_PARAMETER_VALUE"),
    ] {
        let found = told(get(&gateway, &format!("{path}{id}")));
        assert_eq!(found, refused(status, code), "{id}");
    }
}

#[test]
fn creates_a_partner_user_with_verified_contacts_only() {
    let gateway = Gateway::demo();
    let email = json!({"email": "anna@example.org", "emailVerified": true});
    let anna = user_id(post(&gateway, SSO_CREATE, &of_partner("1", email)));
    let found = get(&gateway, &format!("/private/user/v1/read/{anna}")).2;
    let person = &found["response"];
    assert_eq!(person["organisations"][0]["organisationId"], "apekx-school");
    assert_eq!(
        (&person["userName"], &person["status"]),
        (&json!("1@apekx"), &json!(1))
    );
    for (more, status, code) in [
        (json!({}), 400, "EMAIL_OR_PHONE_OR_MANAGEDBY_MISSING"),
        (json!({"phone": "8884930864"}), 400, "PHONE_VERIFY_ERROR"),
        (json!({"email": "b@example.org"}), 400, "EMAIL_VERIFY_ERROR"),
        (
            json!({"email": "b@example.org", "emailVerified": false}),
            400,
            "EMAIL_VERIFY_ERROR",
        ),
        (
            json!({"email": "anna@example.org", "emailVerified": true}),
            400,
            "EMAIL_IN_USE",
        ),
        (
            json!({"email": "b", "emailVerified": true}),
            400,
            "EMAIL_FORMAT_ERROR",
        ),
        (
            json!({"phone": "1-2-3-4", "phoneVerified": true}),
            400,
            "INVALID_PHONE_NO_FORMAT",
        ),
        (
            json!({"phone": "8884930864", "phoneVerified": "yes"}),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            json!({"externalIds": []}),
            400,
            "MANDATORY_PARAMETER_MISSING",
        ),
        (json!({"channel": null}), 400, "MANDATORY_PARAMETER_MISSING"),
        (
            json!({"orgExternalId": "none", "phone": "8884930864", "phoneVerified": true}),
            404,
            "ORGANIZATION_NOT_FOUND",
        ),
    ] {
        let made = told(post(&gateway, SSO_CREATE, &of_partner("2", more.clone())));
        assert_eq!(made, refused(status, code), "{more}");
    }
    let phone = json!({"phone": "8884930864", "phoneVerified": true});
    let made = told(post(&gateway, SSO_CREATE, &of_partner("1", phone)));
    assert_eq!(made, refused(400, "EXTERNALID_ASSIGNED_TO_OTHER_USER"));
    // The partner's sign-in finds the user.
    assert_eq!(arrive(&gateway, "1", json!({})).status, 303);
    assert_eq!(
        run(&gateway, |c| users::by_name(c, "1@apekx"))
            .unwrap()
            .uuid,
        anna
    );
}

#[test]
fn searches_organisations_page_by_page_and_refuses_unknown_conditions() {
    let gateway = Gateway::demo();
    run(&gateway, |c| {
        for (uuid, channel) in [("s1", "one"), ("s2", "two")] {
            organisations::add(c, uuid, "School", JoinPolicy::Closed, NOW)?;
            organisations::set_external_id(c, uuid, Some((channel, "Ő-7")))?;
        }
        Ok(())
    });
    let search = |request: Value| {
        let (status, code, result) = post(&gateway, SEARCH, &request);
        assert_eq!((status, code.as_str()), (200, "success"), "{request}");
        let content = result["response"]["content"].as_array().unwrap().clone();
        let ids = content.iter().map(|o| o["id"].as_str().unwrap().to_owned());
        (
            result["response"]["count"].as_i64().unwrap(),
            ids.collect::<Vec<_>>().join(","),
        )
    };
    let all = "apekx-school,default,hammy,moby,s1,s2";
    for (request, count, ids) in [
        (json!({}), 6, all),
        (
            json!({"filters": {}, "fields": ["id"], "sort_by": {}, "query": ""}),
            6,
            all,
        ),
        (json!({"limit": 2, "offset": 1}), 6, "default,hammy"),
        (json!({"limit": 0}), 6, ""),
        (json!({"offset": 10000}), 6, ""),
        (json!({"filters": {"externalId": "ő-7"}}), 2, "s1,s2"),
        (
            json!({"filters": {"externalId": "ő-7", "channel": "TWO"}}),
            1,
            "s2",
        ),
        (json!({"filters": {"provider": "two"}, "limit": 1}), 1, "s2"),
        (json!({"filters": {"id": "hammy"}}), 1, "hammy"),
        (json!({"filters": {"identifier": "HAMMY"}}), 0, ""),
        (json!({"filters": {"id": "hammy", "channel": "two"}}), 0, ""),
    ] {
        assert_eq!(
            search(request.clone()),
            (count, ids.to_owned()),
            "{request}"
        );
    }
    for (request, code) in [
        (json!({"filters": {"isTenant": true}}), "INVALID_VALUE"),
        (json!({"filters": {"externalId": null}}), "DATA_TYPE_ERROR"),
        (json!({"filters": {"externalId": " "}}), "DATA_TYPE_ERROR"),
        (json!({"filters": {"externalId": ["a"]}}), "DATA_TYPE_ERROR"),
        (json!({"filters": []}), "DATA_TYPE_ERROR"),
        (json!({"query": "school"}), "INVALID_VALUE"),
        (json!({"limit": 1001}), "INVALID_PARAMETER_VALUE"),
        (json!({"limit": -1}), "INVALID_PARAMETER_VALUE"),
        (json!({"offset": 10001}), "INVALID_PARAMETER_VALUE"),
        (json!({"limit": "many"}), "INVALID_PARAMETER_VALUE"),
    ] {
        let found = told(post(&gateway, SEARCH, &request));
        assert_eq!(found, refused(400, code), "{request}");
    }
    let reply = ask(
        &gateway,
        "POST",
        SEARCH,
        KEY,
        "{\"request\":{\"filters\":{\"id\":\"s1\"}}}",
    );
    assert!(
        reply
            .body
            .starts_with("{\"id\":\"api.org.search\",\"ver\":\"v2\""),
        "{reply:?}"
    );
    let content = json!([{
        "id": "s1", "identifier": "s1", "hashTagId": "s1", "orgName": "School", "channel": "one", "provider": "one",
        "externalId": "Ő-7", "status": 1,
    }]);
    assert_eq!(read(&reply).2["response"]["content"], content);
}

#[test]
fn assigns_roles_in_an_organisation_named_by_its_external_id() {
    let gateway = Gateway::demo();
    let paths = [
        "/private/user/v1/assign/role",
        "/user/v1/role/assign",
        "/orguser/v1/memberrole/assign",
    ];
    let school = json!({"externalId": "PRE_created_school_external_id", "provider": "Apekx"});
    let assign = |path: &str, more: &Value| {
        let mut request = json!({"userId": "2", "roles": ["PUBLIC"]});
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        told(post(&gateway, path, &request))
    };
    for path in paths {
        run(&gateway, |c| organisations::leave(c, 2, "apekx-school"));
        assert_eq!(assign(path, &school), refused(200, "success"));
        let granted = run(&gateway, |c| organisations::memberships(c, 2));
        let granted = granted.iter().find(|m| m.uuid == "apekx-school").unwrap();
        assert_eq!(granted.roles, ["PUBLIC"]);
    }
    for (more, status, code) in [
        (json!({}), 400, "MANDATORY_PARAMETER_MISSING"),
        (
            json!({"provider": "apekx"}),
            400,
            "MANDATORY_PARAMETER_MISSING",
        ),
        (json!({"externalId": "x"}), 400, "DEPENDENT_PARAMS_MISSING"),
        (
            json!({"externalId": "x", "provider": "apekx"}),
            404,
            "ORGANIZATION_NOT_FOUND",
        ),
        (
            json!({"organisationId": "none"}),
            404,
            "ORGANIZATION_NOT_FOUND",
        ),
        (
            json!({"organisationId": "moby", "provider": "apekx", "externalId": "pre_created_school_external_id"}),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            json!({"organisationId": "moby", "provider": "apekx", "externalId": "x", "externalIdProvider": "y"}),
            400,
            "DEPENDENT_PARAMS_MISSING",
        ),
    ] {
        assert_eq!(assign(paths[0], &more), refused(status, code), "{more}");
    }
    let both = json!({
        "organisationId": "apekx-school", "provider": "apekx", "externalId": "pre_created_school_external_id",
    });
    assert_eq!(assign(paths[0], &both), refused(200, "success"));
}

#[test]
fn repeats_a_short_visible_message_id_and_ignores_others() {
    let gateway = Gateway::demo();
    let answered = |headers: &str, body: &str| {
        let path = "/user/v1/profile/read";
        let reply = ask(&gateway, "POST", path, &format!("{KEY}{headers}"), body);
        let envelope: Value = serde_json::from_str(&reply.body).unwrap();
        let id = envelope["params"]["msgid"].as_str().unwrap().to_owned();
        (id, reply.header("X-Request-Id").unwrap().to_owned())
    };
    let (plain, in_body) = (
        "{\"request\":{\"loginId\":\"mokamiki\"}}",
        "{\"params\":{\"msgid\":\"b-1\"},\"request\":{\"loginId\":\"mokamiki\"}}",
    );
    assert_eq!(answered("X-msgid: a-1\r\n", plain).0, "a-1");
    assert_eq!(answered("X-MSGID:  a-1 \r\n", in_body).0, "a-1");
    assert_eq!(answered("", in_body).0, "b-1");
    let longest = "x".repeat(128);
    assert_eq!(
        answered(&format!("X-msgid: {longest}\r\n"), plain).0,
        longest
    );
    // A refusal has the message ID as well, also one before the body is read.
    assert_eq!(answered("X-msgid: a-2\r\n", "{").0, "a-2");
    for ignored in ["", " ", "a b", "é", &"x".repeat(129)] {
        let (id, request_id) = answered(&format!("X-msgid: {ignored}\r\n"), plain);
        assert_eq!(id, request_id, "{ignored}");
    }
    for body in [
        "{\"params\":{\"msgid\":7},\"request\":{\"loginId\":\"mokamiki\"}}",
        "{\"params\":[],\"request\":{\"loginId\":\"mokamiki\"}}",
    ] {
        let (id, request_id) = answered("", body);
        assert_eq!(id, request_id, "{body}");
    }
}

#[test]
fn takes_a_bearer_key_as_the_client_and_a_second_token_as_the_user() {
    let gateway = Gateway::demo();
    let admin = sign_in(&gateway, "admin", "Admin-Demo-2026", None);
    let admin = admin.strip_prefix("JWT ").unwrap();
    let moka = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let moka = moka.strip_prefix("JWT ").unwrap();
    let user = |token: &str| format!("X-Authenticated-User-Token: {token}\r\n");
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let portal = bearer("demo-portal-key");
    let path = "/user/v1/get/loginId/mokamiki";
    for (headers, status, code) in [
        (BEARER.to_owned(), 200, "success"),
        (BEARER.replace("Bearer", "bearer"), 200, "success"),
        (format!("{BEARER}{KEY}"), 200, "success"),
        (format!("{BEARER}{}", user(moka)), 200, "success"),
        (format!("{BEARER}{}", user("")), 200, "success"),
        (bearer(admin), 200, "success"),
        (user(admin), 200, "success"),
        (user(&format!("Bearer {admin}")), 200, "success"),
        (format!("{}{}", bearer(admin), user(admin)), 200, "success"),
        (format!("{portal}{}", user(admin)), 200, "success"),
        (
            format!("Authorization: Basic YTpi\r\n{}", user(admin)),
            200,
            "success",
        ),
        (portal.clone(), 401, "UNAUTHORIZED_USER"),
        (format!("{portal}{}", user(moka)), 403, "ACCESS_DENIED"),
        (user(moka), 403, "ACCESS_DENIED"),
        (user("a.b.c"), 401, "TOKEN_EXPIRED"),
        (format!("{BEARER}{}", user("a.b.c")), 401, "TOKEN_EXPIRED"),
        (bearer("wrong"), 403, "UNKNOWN_CLIENT"),
        (format!("{BEARER}{PORTAL}"), 400, "INVALID_PARAMETER_VALUE"),
        (
            format!("{}{}", bearer(admin), user(moka)),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            format!("Authorization: JWT {admin}\r\n{}", user(moka)),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            format!("{BEARER}{}{}", user(admin), user(moka)),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            format!("{BEARER}{}X-User-Name: admin\r\n", user(moka)),
            403,
            "ACCESS_DENIED",
        ),
    ] {
        let reply = ask(&gateway, "GET", path, &headers, "");
        assert_eq!(told(read(&reply)), refused(status, code), "{headers}");
    }
    // The other faces know neither a bearer key nor the second header.
    for headers in [BEARER.to_owned(), user(admin)] {
        let reply = ask(
            &gateway,
            "GET",
            "/hammy/json/user/v1/users/mokamiki",
            &headers,
            "",
        );
        assert_eq!(reply.status, 403, "{reply:?}");
    }
}

#[test]
fn masks_contacts_in_every_answer_to_another_user() {
    let gateway = Gateway::demo();
    let moka = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let admin = sign_in(&gateway, "admin", "Admin-Demo-2026", None);
    let token = |token: &str| format!("{BEARER}X-Authenticated-User-Token: {}\r\n", &token[4..]);
    let anna = create(
        &gateway,
        &json!({
            "firstName": "anna@example.org", "userName": "anna@example.org", "email": "anna@example.org",
            "phone": "+36301234567", "externalId": "anna@example.org", "externalIdProvider": "p", "externalIdType": "t",
        }),
    );
    let login = json!({"request": {"loginId": "anna@example.org"}}).to_string();
    let calls = [
        ("GET", "/user/v1/get/email/anna@example.org".to_owned(), ""),
        ("GET", "/user/v1/get/phone/+36301234567".to_owned(), ""),
        (
            "GET",
            "/user/v1/get/userName/anna@example.org".to_owned(),
            "",
        ),
        ("GET", format!("/private/user/v1/read/{anna}"), ""),
        (
            "GET",
            "/private/user/v1/read/anna@example.org?provider=p&idType=t".to_owned(),
            "",
        ),
        (
            "GET",
            "/user/v1/get/externalId/anna@example.org/externalIdProvider/p/externalIdType/t"
                .to_owned(),
            "",
        ),
        ("POST", "/user/v1/profile/read".to_owned(), login.as_str()),
    ];
    for (method, path, body) in &calls {
        for headers in [BEARER.to_owned(), token(&admin)] {
            let reply = ask(&gateway, method, path, &headers, body);
            let person = &read(&reply).2["response"];
            assert_eq!(person["email"], "anna@example.org", "{path} {reply:?}");
            assert_eq!(person["phone"], "+36301234567");
            assert_eq!(person["externalIds"][0]["id"], "anna@example.org");
        }
        let reply = ask(&gateway, method, path, &token(&moka), body);
        let person = &read(&reply).2["response"];
        assert_eq!(person["email"], "an**@example.org", "{path} {reply:?}");
        assert_eq!(person["phone"], "********4567");
        assert_eq!(
            (&person["firstName"], &person["userName"]),
            (&person["email"], &person["email"])
        );
        assert_eq!(person["externalIds"], json!([]));
        for hidden in ["anna@", "+3630", "630123"] {
            assert!(!reply.body.contains(hidden), "{path}: {reply:?}");
        }
    }
    // The user itself sees its own contacts.
    let reply = ask(
        &gateway,
        "GET",
        "/user/v1/get/loginId/mokamiki",
        &token(&moka),
        "",
    );
    assert_eq!(read(&reply).2["response"]["email"], "moka.miklos@dbx.hu");
}

/// Signs in a user of the demo's partner with these further claims; the old layout if there is a phone.
fn arrive(gateway: &Gateway, sub: &str, more: Value) -> Reply {
    let seconds = NOW / 1000;
    let mut claims = json!({
        "jti": format!("{sub}{more}"), "iss": "apekx", "sub": sub, "aud": format!("http://{}", gateway.address),
        "iat": seconds, "exp": seconds + 60, "name": "Anna A.",
    });
    let new_layout = json!({"state_id": "apekx", "school_id": "pre_created_school_external_id"});
    let more = if more == json!({}) { new_layout } else { more };
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let token = sign(PARTNER_KEY, &claims).unwrap();
    let accept = "Accept: application/json\r\n";
    ask(
        gateway,
        "GET",
        &format!("/v1/user/session/create?token={token}"),
        accept,
        "",
    )
}

fn with_phone(phone: &str) -> Value {
    json!({"phone_number": phone, "phone_number_verified": true})
}

const UNIQUE: &[(&str, &str)] = &[("directory.unique_phones", "yes")];

#[test]
fn refuses_a_verified_phone_of_another_user_if_the_setting_says_so() {
    let verified = |phone: &str| json!({"firstName": "A", "phone": phone, "phoneVerified": true});
    let taken = || refused(400, "PHONE_ALREADY_IN_USE");
    let gateway = Gateway::with(UNIQUE);
    let first = create(&gateway, &verified("+36301234567"));
    for phone in ["+36301234567", "36301234567", "0036301234567"] {
        assert_eq!(
            told(post(&gateway, CREATE, &verified(phone))),
            taken(),
            "{phone}"
        );
    }
    let of_partner = of_partner("1", json!({"phone": "36301234567", "phoneVerified": true}));
    assert_eq!(told(post(&gateway, SSO_CREATE, &of_partner)), taken());
    let second = create(&gateway, &json!({"firstName": "B", "phone": "36301234567"}));
    let verify = json!({"userId": second, "phoneVerified": true});
    assert_eq!(told(patch(&gateway, &verify)), taken());
    let change = json!({"userId": second, "phone": "+36301234567", "phoneVerified": true});
    assert_eq!(told(patch(&gateway, &change)), taken());
    // A partner's new user is refused. A known one signs in and keeps the stored number.
    let reply = arrive(&gateway, "new", with_phone("36301234567"));
    assert_eq!(told(read(&reply)), taken());
    assert_eq!(run(&gateway, |c| users::by_name(c, "new@apekx")), None);
    assert_eq!(
        arrive(&gateway, "known", with_phone("8884930864")).status,
        303
    );
    assert_eq!(
        arrive(&gateway, "known", with_phone("36301234567")).status,
        303
    );
    assert_eq!(
        arrive(&gateway, "known", with_phone("+8884930864")).status,
        303
    );
    let known = run(&gateway, |c| users::by_name(c, "known@apekx")).unwrap();
    let profile = run(&gateway, |c| profiles::find(c, known.id)).unwrap();
    assert_eq!(profile.phone.as_deref(), Some("+8884930864"));
    assert_eq!(
        told(post(&gateway, CREATE, &verified("8884930864"))),
        taken()
    );
    // The owner may change other data, and the number is free once the owner gives it up.
    user_id(patch(
        &gateway,
        &json!({"userId": first, "firstName": "C", "phone": "36301234567", "phoneVerified": true}),
    ));
    user_id(patch(&gateway, &json!({"userId": first, "phone": ""})));
    user_id(patch(&gateway, &verify));
    assert_eq!(
        told(post(&gateway, CREATE, &verified("36301234567"))),
        taken()
    );
    run(&gateway, |c| {
        let user = users::by_uuid_or_id(c, &second)?.unwrap();
        users::erase(c, user.id)
    });
    create(&gateway, &verified("36301234567"));
    // Without the setting, several users may have one number.
    let gateway = Gateway::demo();
    create(&gateway, &verified("36301234567"));
    create(&gateway, &verified("36301234567"));
}

#[test]
fn grants_a_phone_to_one_of_two_simultaneous_requests() {
    let gateway = Gateway::with(UNIQUE);
    for round in 0..8 {
        let phone = format!("3630123456{round}");
        let gateway = &gateway;
        let mut told = std::thread::scope(|scope| {
            let phone = &phone;
            let by_directory = scope.spawn(move || {
                let request = json!({"firstName": "A", "phone": phone, "phoneVerified": true});
                told(post(gateway, CREATE, &request)).1
            });
            let by_partner = scope.spawn(move || {
                let reply = arrive(gateway, &format!("p{round}"), with_phone(phone));
                match reply.status {
                    303 => "success".to_owned(),
                    _ => told(read(&reply)).1,
                }
            });
            [by_directory.join().unwrap(), by_partner.join().unwrap()]
        });
        told.sort_unstable();
        assert_eq!(told, ["PHONE_ALREADY_IN_USE", "success"]);
    }
}

#[test]
fn reports_phones_shared_before_the_setting_and_keeps_their_users() {
    let gateway = Gateway::demo();
    let verified = json!({"firstName": "A", "phone": "36301234567", "phoneVerified": true});
    let ids: Vec<String> = (0..4).map(|_| create(&gateway, &verified)).collect();
    create(&gateway, &json!({"firstName": "B", "phone": "36301234567"}));
    create(
        &gateway,
        &json!({"firstName": "C", "phone": "36301234568", "phoneVerified": true}),
    );
    let found = |unique_phones: bool| {
        let mut found = Vec::new();
        let rules = findings::Rules {
            unique_phones,
            ..gateway.app.rules.for_findings()
        };
        let each = &mut |finding: findings::Finding| found.push((finding.kind, finding.place));
        gateway
            .app
            .store
            .read(|c| findings::each(c, rules, each))
            .unwrap();
        found
    };
    assert_eq!(found(false), []);
    assert_eq!(
        found(true),
        [("shared_phone", format!("users {}", ids.join(", ")))]
    );
    // Another node with the setting refuses a further user, and still changes the present ones.
    let node = gateway.beside_with(|config| config.rules.unique_phones = true);
    let request = json!({ "request": verified }).to_string();
    let made = read(&ask(&node, "POST", CREATE, KEY, &request));
    assert_eq!(told(made), refused(400, "PHONE_ALREADY_IN_USE"));
    let change = json!({"request": {"userId": ids[0], "firstName": "D", "phone": "36301234567"}})
        .to_string();
    assert_eq!(
        ask(&node, "PATCH", "/user/v1/update", KEY, &change).status,
        200
    );
}

/// Gives the demo's partner this error page.
fn set_error_page(gateway: &Gateway, page: &str) {
    run(gateway, |c| {
        let mut partner = partners::all(c)?.remove(0);
        partner.error_redirect = Some(page.to_owned());
        partners::put(c, &partner)?;
        clients::touch(c)
    });
    gateway.app.registry.refresh(&gateway.app.store).unwrap();
}

#[test]
fn redirects_refused_browsers_only_after_a_valid_signature() {
    let gateway = Gateway::demo();
    let page = "https://school.example.org/sso/error?lang=en";
    let seconds = NOW / 1000;
    let claims = |changes: Value| {
        let mut claims = json!({
            "jti": "1", "iss": "apekx", "sub": "1", "aud": format!("http://{}", gateway.address), "iat": seconds,
            "exp": seconds + 60, "name": "Anna", "state_id": "apekx", "school_id": "pre_created_school_external_id",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    let arrive = |token: &str, headers: &str| {
        let path = format!("/v2/user/session/create?token={token}");
        ask(&gateway, "GET", &path, headers, "")
    };
    let signed = |changes: Value| sign(PARTNER_KEY, &claims(changes)).unwrap();
    let expired = signed(json!({"exp": seconds - 60, "iat": seconds - 120}));
    let reply = arrive(&expired, "");
    assert_eq!((reply.status, reply.header("Location")), (401, None));

    set_error_page(&gateway, page);
    let cases = [
        (
            json!({"exp": seconds - 60, "iat": seconds - 120}),
            "TOKEN_EXPIRED",
        ),
        (json!({"name": null}), "PAYLOAD_DATA_MISSING"),
        (json!({"aud": "https://evil.example"}), "AUDIENCE_MISMATCH"),
        (
            json!({"redirect_uri": "https://evil.example/"}),
            "REDIRECT_NOT_ALLOWED",
        ),
        (json!({"school_id": "none"}), "SCHOOL_ID_NOT_REGISTERED"),
    ];
    for (changes, code) in cases {
        let reply = arrive(&signed(changes.clone()), "");
        let to = reply.header("Location").unwrap_or_default();
        let (head, tail) = (format!("{page}&error_message="), format!("&error={code}"));
        let message = to
            .strip_prefix(&head)
            .and_then(|rest| rest.strip_suffix(&tail));
        let message = message.unwrap_or_else(|| panic!("{changes} {reply:?}"));
        assert!(
            message.len() > 10 && !message.contains(['&', '?', ' ']),
            "{to}"
        );
        assert_eq!(reply.status, 303);
        let cookie = reply.header("Set-Cookie").unwrap_or_default();
        assert!(!cookie.contains("session="), "{cookie}");
        assert_eq!(reply.header("Referrer-Policy"), Some("no-referrer"));
        // A client that asks for JSON gets the envelope.
        let reply = arrive(&signed(changes), "Accept: application/json\r\n");
        assert_eq!(
            (read(&reply).1.as_str(), reply.header("Location")),
            (code, None)
        );
    }
    assert_eq!(
        arrive(&signed(json!({})), "").header("Location").unwrap(),
        "/checkSSO/account.html"
    );
    let reply = arrive(&signed(json!({})), "");
    assert!(
        reply
            .header("Location")
            .unwrap()
            .ends_with("&error=TOKEN_REPLAYED"),
        "{reply:?}"
    );
    // Without a signature of the partner, and for frames, nothing is redirected.
    let other_key = rsa_keys::generate().unwrap();
    let (head, _) = expired.rsplit_once('.').unwrap();
    for (token, headers, status) in [
        (sign(&other_key, &claims(json!({}))).unwrap(), "", 401),
        (format!("{head}.AAAA"), "", 401),
        (signed(json!({"iss": "nobody"})), "", 401),
        ("a.b.c".to_owned(), "", 400),
        (String::new(), "", 400),
        (expired.clone(), "Sec-Fetch-Dest: iframe\r\n", 403),
    ] {
        let reply = arrive(&token, headers);
        assert_eq!(
            (reply.status, reply.header("Location")),
            (status, None),
            "{reply:?}"
        );
    }
}

#[test]
fn registers_the_error_page_of_a_partner_by_command() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let public = rsa_keys::public_half(PARTNER_KEY).unwrap();
    std::fs::write(data.path().join("key.pub"), public).unwrap();
    let add = |page: &str| {
        shell.run(&[
            "partner",
            "add",
            "gj",
            "--key",
            "key.pub",
            "--json",
            "--error-redirect",
            page,
        ])
    };
    for wrong in [
        "/error",
        "javascript:alert(1)",
        "https://a.example/#x",
        "https://A.example/",
    ] {
        let ended = add(wrong);
        assert!(
            ended.code == 1 && ended.err.contains("must be a URL"),
            "{}",
            ended.err
        );
    }
    let page = "https://school.example.org/error";
    assert_eq!(add(page).records()[0]["error_redirect"], page);
    let exported = shell.run(&["registry", "export"]).out;
    assert!(
        exported.contains(&format!("error_redirect = \"{page}\"")),
        "{exported}"
    );
    std::fs::write(data.path().join("registry.toml"), &exported).unwrap();
    assert_eq!(shell.run(&["apply", "registry.toml"]).code, 0);
    assert_eq!(shell.run(&["registry", "export"]).out, exported);
    std::fs::write(
        data.path().join("registry.toml"),
        exported.replace("https:", "ftp:"),
    )
    .unwrap();
    let ended = shell.run(&["apply", "registry.toml"]);
    assert!(
        ended.err.contains("error_redirect: must be a URL"),
        "{}",
        ended.err
    );
}
