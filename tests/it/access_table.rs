//! Access to operations with a REST route: each kind of caller calls each operation over REST, and over SOAP if
//! possible. The tables hold the requests and the expected codes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chaingun_gateway::domain::user::Status;
use chaingun_gateway::operations::{Access, CATALOG, Operation};
use chaingun_gateway::store::StoreError;
use chaingun_gateway::store::users::{self, NewUser};
use serde_json::Value;

use crate::harness::rest::{FLAT, ask, sign_in, status_and_code};
use crate::harness::{Gateway, Reply, element};

/// A call of an operation. No call changes data that another call needs.
struct Request {
    operation: &'static str,
    soap: Option<&'static str>,
    method: &'static str,
    path: &'static str,
    body: &'static str,
    /// The code for callers with access.
    code_with_access: &'static str,
}

/// In the texts, `{n}` becomes a fresh number and `{who}` the name of the user that the call is about.
const REQUESTS: [Request; 13] = [
    Request {
        operation: "findUsers",
        soap: Some("<name>cel</name>"),
        method: "GET",
        path: "/users?name=cel",
        body: "",
        code_with_access: "ok",
    },
    Request {
        operation: "showUser",
        soap: Some("<userName>{who}</userName>"),
        method: "GET",
        path: "/users/{who}",
        body: "",
        code_with_access: "ok",
    },
    Request {
        operation: "createUser",
        soap: Some(
            "<user><userName>uj{n}</userName><name>Új</name><email>uj{n}@dbx.hu</email></user>",
        ),
        method: "POST",
        path: "/users",
        body: r#"{"userName":"uj{n}","name":"Új","email":"uj{n}@dbx.hu"}"#,
        code_with_access: "ok",
    },
    Request {
        operation: "modifyUser",
        soap: Some(
            "<user><userName>{who}</userName><organizationalUnit>x</organizationalUnit></user>",
        ),
        method: "PATCH",
        path: "/users/{who}",
        body: r#"{"organizationalUnit":"x"}"#,
        code_with_access: "ok",
    },
    Request {
        operation: "deleteUser",
        soap: None,
        method: "DELETE",
        path: "/users/{who}",
        body: "",
        code_with_access: "ok",
    },
    Request {
        operation: "registerUser",
        soap: Some(
            "<username>u{n}</username><password>ValaKi1234</password><name>U</name><email>u{n}@valami.hu</email>",
        ),
        method: "POST",
        path: "/register",
        body: r#"{"username":"u{n}","password":"ValaKi1234","name":"U","email":"u{n}@valami.hu"}"#,
        code_with_access: "ok",
    },
    Request {
        operation: "resend",
        soap: None,
        method: "POST",
        path: "/register/resend",
        body: r#"{"usernameOrEmail":"{who}"}"#,
        code_with_access: "ok",
    },
    Request {
        operation: "confirm",
        soap: None,
        method: "POST",
        path: "/register/confirm",
        body: r#"{"token":"fc375d646f284b17bf98e4ee7fdb6975"}"#,
        code_with_access: "TOKEN_INVALID_OR_EXPIRED",
    },
    Request {
        operation: "addToOrg",
        soap: None,
        method: "POST",
        path: "/register/addToOrg",
        body: r#"{"orgUuid":"moby"}"#,
        code_with_access: "ok",
    },
    Request {
        operation: "resetPassword",
        soap: Some("<userNameOrEmail>{who}</userNameOrEmail>"),
        method: "POST",
        path: "/password/reset",
        body: r#"{"userNameOrEmail":"{who}"}"#,
        code_with_access: "ok",
    },
    Request {
        operation: "changePassword",
        soap: Some(
            "<password>UjJelszo-1234</password><passwordResetGuid>fc375d646f284b17bf98e4ee7fdb6975</passwordResetGuid>",
        ),
        method: "POST",
        path: "/password/change",
        body: r#"{"password":"UjJelszo-1234","passwordResetGuid":"fc375d646f284b17bf98e4ee7fdb6975"}"#,
        code_with_access: "TOKEN_INVALID_OR_EXPIRED",
    },
    Request {
        operation: "authenticate",
        soap: Some("<password>MokaMiki-1234</password><userNameOrEmail>mokamiki</userNameOrEmail>"),
        method: "POST",
        path: "/password/authenticate",
        body: r#"{"userNameOrEmail":"mokamiki","password":"MokaMiki-1234"}"#,
        code_with_access: "ok",
    },
    Request {
        operation: "refreshAuthToken",
        soap: None,
        method: "POST",
        path: "/password/refreshAuthToken",
        body: "{}",
        code_with_access: "ok",
    },
];

/// The kinds of callers, in the order of [`callers`].
const CALLERS: [&str; 14] = [
    "no key",
    "unknown key",
    "public client",
    "trusted client",
    "expired token",
    "foreign token",
    "tampered token",
    "unsigned token",
    "wrong algorithm",
    "retired token",
    "user on itself",
    "user on another",
    "admin",
    "user of a trusted client",
];

/// The expected code for each kind of caller; `ok` for a success. The codes for users on themselves and others depend
/// on the operation and are in [`USER_CODES`].
fn expected_codes(operation: &Operation, request: &Request) -> Vec<&'static str> {
    let code_with_access = request.code_with_access;
    if operation.access == Access::Anyone {
        let mut codes = vec![code_with_access; CALLERS.len()];
        codes[1] = "UNKNOWN_CLIENT";
        return codes;
    }
    let row = USER_CODES
        .into_iter()
        .find(|(name, ..)| *name == operation.name);
    assert!(
        row.is_some(),
        "add a row for {} to USER_CODES",
        operation.name
    );
    let (_, itself, another) = row.unwrap();
    let key_alone = match operation.access {
        Access::User => "AUTHENTICATION_REQUIRED",
        _ => code_with_access,
    };
    let mut codes = vec![
        "UNKNOWN_CLIENT",
        "UNKNOWN_CLIENT",
        "AUTHENTICATION_REQUIRED",
        key_alone,
    ];
    codes.extend(["TOKEN_EXPIRED"; 6]);
    codes.extend([itself, another, code_with_access, code_with_access]);
    codes
}

/// For each operation that needs a user or a trusted client: its name, the code for a user on itself, and the code for
/// a user on another user.
const USER_CODES: [(&str, &str, &str); 7] = [
    ("findUsers", "ok", "ok"),
    ("showUser", "ok", "USER_NOT_FOUND"),
    ("createUser", "ACCESS_DENIED", "ACCESS_DENIED"),
    ("modifyUser", "ACCESS_DENIED", "USER_NOT_FOUND"),
    ("deleteUser", "ACCESS_DENIED", "USER_NOT_FOUND"),
    ("addToOrg", "ok", "ok"),
    ("refreshAuthToken", "ok", "ok"),
];

/// The header lines of each kind of caller. Advances the clock, so that one token expires and the grace period of
/// another one ends.
fn callers(gateway: &Gateway, foreign: &str) -> Vec<String> {
    let moka = || sign_in(gateway, "mokamiki", "MokaMiki-1234", None);
    let admin = || sign_in(gateway, "admin", "Admin-Demo-2026", None);
    let with =
        |key: &str, token: &str| format!("X-Client-Hash-Key: {key}\r\nAuthorization: {token}\r\n");
    let portal = |token: &str| with("demo-portal-key", token);
    let expired = moka();
    gateway.app.clock.advance(1_800_000);
    let retired = moka();
    let refreshed = ask(
        gateway,
        "POST",
        "/password/refreshAuthToken",
        &portal(&retired),
        "",
    );
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    gateway.app.clock.advance(10_000);
    let good = moka();
    let mut pieces = good.strip_prefix("JWT ").unwrap().split('.');
    let (head, claims) = (pieces.next().unwrap(), pieces.next().unwrap());
    let read = |piece: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(piece).unwrap()).unwrap()
    };
    let written = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut tampered = read(claims);
    tampered["sub"] = "admin".into();
    let tampered = format!(
        "JWT {head}.{}.{}",
        written(&tampered),
        pieces.next().unwrap()
    );
    let mut unsigned = read(head);
    unsigned["alg"] = "none".into();
    let unsigned = format!("JWT {}.{claims}.", written(&unsigned));
    // Algorithm confusion: HS256 with the published RSA key as the secret.
    let jwks = gateway.get("/.well-known/jwks.json").body;
    let mut other = read(head);
    other["alg"] = "HS256".into();
    let text = format!("{}.{claims}", written(&other));
    let key = jsonwebtoken::EncodingKey::from_secret(jwks.as_bytes());
    let signature =
        jsonwebtoken::crypto::sign(text.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    let confused = format!("JWT {text}.{signature}");
    vec![
        String::new(),
        "X-Client-Hash-Key: no-such-key\r\n".to_owned(),
        "X-Client-Hash-Key: demo-portal-key\r\n".to_owned(),
        "X-Client-Hash-Key: demo-hash-key\r\n".to_owned(),
        portal(&expired),
        portal(foreign),
        portal(&tampered),
        portal(&unsigned),
        portal(&confused),
        portal(&retired),
        portal(&good),
        portal(&good),
        portal(&admin()),
        with("demo-hash-key", &good),
    ]
}

/// Adds two users for each kind of caller, one for its SOAP call and one for its REST call.
fn add_targets(gateway: &Gateway) {
    let add = |n: usize| {
        let name = format!("cel{n}");
        let email = format!("{name}@dbx.hu");
        let new = NewUser {
            uuid: &name,
            user_name: &name,
            name: &name,
            email: &email,
            status: Status::Active,
            now: 0,
            ..Default::default()
        };
        gateway
            .app
            .store
            .write(|c| users::insert(c, &new).map(|_| ()))
    };
    (0..2 * CALLERS.len())
        .try_for_each(add)
        .unwrap_or_else(|e: StoreError| unreachable!("{e}"));
}

fn over_soap(gateway: &Gateway, request: &Request, inner: &str, headers: &str) -> String {
    let operation = request.operation;
    let key = headers
        .lines()
        .find_map(|l| l.strip_prefix("X-Client-Hash-Key: "));
    let key = key.map_or_else(String::new, |k| {
        format!("<clientHashKey>{k}</clientHashKey>")
    });
    let token = headers.lines().find(|l| l.starts_with("Authorization"));
    let token = token.map_or_else(String::new, |t| format!("{t}\r\n"));
    let body = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:ws=\"http://ws.service.user.api.chaingun.dbx.hu/\"><e:Body><ws:{operation}><request>\
         <requestMeta>{key}</requestMeta>{inner}</request></ws:{operation}></e:Body></e:Envelope>"
    );
    let head = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/xml\r\n{token}\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let reply = gateway.raw(&[head.as_bytes(), body.as_bytes()].concat());
    let message = reply.body.split("<message>").nth(1);
    let code = element(message.unwrap_or(&reply.body), "code").unwrap();
    code.replace('0', "ok")
}

/// The HTTP status of a code over REST.
fn status(code: &str) -> u16 {
    match code {
        "ok" => 200,
        "UNKNOWN_CLIENT" | "ACCESS_DENIED" => 403,
        "AUTHENTICATION_REQUIRED" | "TOKEN_EXPIRED" => 401,
        "USER_NOT_FOUND" => 404,
        _ => 422,
    }
}

#[test]
fn answers_every_caller_of_every_operation_as_the_table_says() {
    let by_rest = || CATALOG.iter().filter(|o| !o.routes.is_empty());
    let row_of = |name: &str| REQUESTS.iter().find(|row| row.operation == name);
    for name in by_rest().map(|o| o.name) {
        let is_there = row_of(name).is_some();
        assert!(is_there, "add a row for {name} to REQUESTS in {}", file!());
    }
    // The token of the other gateway has not expired when it is used; see `callers`.
    let elsewhere = Gateway::demo();
    elsewhere.app.clock.advance(1_810_000);
    let foreign = sign_in(&elsewhere, "mokamiki", "MokaMiki-1234", None);
    std::thread::scope(|scope| {
        for (operation, request) in by_rest().filter_map(|o| Some((o, row_of(o.name)?))) {
            let foreign = &foreign;
            scope.spawn(move || check_operation(operation, request, foreign));
        }
    });
}

fn check_operation(operation: &Operation, request: &Request, foreign: &str) {
    assert_eq!(operation.soap, request.soap.is_some(), "{}", operation.name);
    let gateway = Gateway::demo();
    add_targets(&gateway);
    let callers = callers(&gateway, foreign);
    for (at, (headers, expected)) in callers
        .iter()
        .zip(expected_codes(operation, request))
        .enumerate()
    {
        let fill = |text: &str, n: usize| {
            let who = match CALLERS[at] {
                "user on itself" => "mokamiki".to_owned(),
                _ => format!("cel{n}"),
            };
            text.replace("{n}", &n.to_string()).replace("{who}", &who)
        };
        if let Some(inner) = request.soap {
            let code = over_soap(&gateway, request, &fill(inner, 2 * at), headers);
            assert_eq!(
                code, expected,
                "{} by {} over SOAP",
                operation.name, CALLERS[at]
            );
        }
        let (path, body) = (
            fill(request.path, 2 * at + 1),
            fill(request.body, 2 * at + 1),
        );
        let reply = ask(
            &gateway,
            request.method,
            &path,
            &format!("{headers}{FLAT}"),
            &body,
        );
        assert_eq!(
            status_and_code(&reply),
            (status(expected), expected.to_owned()),
            "{} by {} over REST",
            operation.name,
            CALLERS[at]
        );
    }
}

#[test]
fn answers_for_a_hidden_user_exactly_as_for_an_unknown_one() {
    let gateway = Gateway::demo();
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let headers = format!("X-Client-Hash-Key: demo-portal-key\r\nAuthorization: {token}\r\n{FLAT}");
    let without_id = |reply: Reply| {
        let id = reply.header("X-Request-Id").unwrap().to_owned();
        let date = reply.header("Date").unwrap().to_owned();
        (
            reply.head.replace(&id, "").replace(&date, ""),
            reply.body.replace(&id, ""),
        )
    };
    for (method, body) in [
        ("GET", ""),
        ("PATCH", r#"{"name":"x"}"#),
        ("PUT", r#"{"name":"x"}"#),
        ("DELETE", ""),
    ] {
        let to = |who: &str| {
            without_id(ask(
                &gateway,
                method,
                &format!("/users/{who}"),
                &headers,
                body,
            ))
        };
        assert_eq!(to("admin"), to("nobod"), "{method}");
    }
    let find = |name: &str| {
        ask(
            &gateway,
            "GET",
            &format!("/users?name={name}"),
            &headers,
            "",
        )
        .body
    };
    assert_eq!(find("admin"), find("nobod").replace("nobod", "admin"));
    for (operation, inner) in [
        ("showUser", "<userName>{who}</userName>"),
        (
            "modifyUser",
            "<user><userName>{who}</userName><name>x</name></user>",
        ),
    ] {
        let to = |who: &str| {
            let envelope = crate::harness::envelope(operation, &inner.replace("{who}", who))
                .replace("demo-hash-key", "demo-portal-key");
            let head = format!(
                "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/xml\r\n\
                 Authorization: {token}\r\nContent-Length: {}\r\n\r\n{envelope}",
                envelope.len()
            );
            without_id(gateway.raw(head.as_bytes()))
        };
        assert_eq!(to("admin"), to("nobod"), "{operation}");
    }
}
