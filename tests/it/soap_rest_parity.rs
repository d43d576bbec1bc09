//! SOAP and REST agree: the same input gives the same message codes and stores the same rows.

use serde_json::{Value, json};

use chaingun_gateway::store::audit;
use chaingun_gateway::store::user_search::{self, Filter};

use crate::harness::{Gateway, outbox_rows};

/// The fields of an operation by their names in the contract, and whether they are inside `user`.
struct Case {
    operation: &'static str,
    method: &'static str,
    path: &'static str,
    inside: bool,
    fields: &'static [(&'static str, &'static str)],
}

const CASES: [Case; 8] = [
    Case {
        operation: "findUsers",
        method: "GET",
        path: "/users",
        inside: false,
        fields: &[
            ("name", "a"),
            ("email", "dbx"),
            ("limit", "2"),
            ("offset", "1"),
            ("userName", "a"),
            ("clientNames", "Default"),
            ("statuses", "ACTIVE"),
            ("sort", "-name,email"),
        ],
    },
    Case {
        operation: "showUser",
        method: "GET",
        path: "/users/{userName}",
        inside: false,
        fields: &[("userName", "mokamiki")],
    },
    Case {
        operation: "createUser",
        method: "POST",
        path: "/users",
        inside: true,
        fields: &[
            ("userName", "csaba"),
            ("name", "Csoki Csaba"),
            ("email", "csaba@dbx.hu"),
            ("clientName", "Portal"),
            ("organizationalUnit", "zsebtv"),
            ("roles", "csokidealer"),
            ("status", "UNACTIVATED"),
            ("passwordResetGuidChannel", "EMAIL"),
        ],
    },
    Case {
        operation: "modifyUser",
        method: "PUT",
        path: "/users",
        inside: true,
        fields: &[
            ("userName", "mokamiki"),
            ("name", "Móka Miki"),
            ("email", "miki@dbx.hu"),
            ("clientName", "Portal"),
            ("organizationalUnit", "máshol"),
            ("roles", "majomidomar"),
            ("status", "INACTIVE"),
        ],
    },
    Case {
        operation: "registerUser",
        method: "POST",
        path: "/register",
        inside: false,
        fields: &[
            ("username", "ubul"),
            ("password", "ValaKi1234"),
            ("name", "Ubul"),
            ("email", "ubul@valami.hu"),
            ("organizationUuid", "hammy"),
        ],
    },
    Case {
        operation: "resetPassword",
        method: "POST",
        path: "/password/reset",
        inside: false,
        fields: &[("userNameOrEmail", "mokamiki")],
    },
    Case {
        operation: "changePassword",
        method: "POST",
        path: "/password/change",
        inside: false,
        fields: &[
            ("oldPassword", "MokaMiki-1234"),
            ("password", "UjJelszo-1234"),
            ("userName", "mokamiki"),
        ],
    },
    Case {
        operation: "authenticate",
        method: "POST",
        path: "/password/authenticate",
        inside: false,
        fields: &[
            ("password", "MokaMiki-1234"),
            ("userNameOrEmail", "mokamiki"),
        ],
    },
];

/// The values that replace each field in turn. The test also leaves each field out.
fn replacements() -> Vec<String> {
    [
        "",
        " ",
        "x",
        "admin",
        "ADMIN@dbx.hu",
        " admin ",
        "abc",
        "-1",
        "99999999999",
        "a\nb",
        "<b>&amp;\"'</b>",
        "%",
        "_",
        "' OR 1=1 --",
        "őű ŐŰ",
        "\u{202E}rtl",
        "😀@b.hu",
        "a@b",
        "INACTIVE",
        "RESPONSE",
        "password",
        "hammy",
        "nowhere",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([129, 255, 257, 1025].map(|n| "é".repeat(n)))
    .collect()
}

type Fields = Vec<(&'static str, String)>;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn over_soap(gateway: &Gateway, case: &Case, fields: &Fields) -> Vec<String> {
    let inner: String = fields
        .iter()
        .map(|(name, value)| format!("<{name}>{}</{name}>", escaped(value)))
        .collect();
    let inner = if case.inside {
        format!("<user>{inner}</user>")
    } else {
        inner
    };
    let reply = gateway.soap(&crate::harness::envelope(case.operation, &inner));
    assert_eq!(reply.status, 200, "{reply:?}");
    let codes = reply.body.split("<message>").skip(1);
    codes
        .map(|m| crate::harness::element(m, "code").unwrap().to_owned())
        .collect()
}

fn over_rest(gateway: &Gateway, case: &Case, fields: &Fields) -> Vec<String> {
    let encoded = |text: &str| -> String {
        text.bytes()
            .map(|b| match b {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(b).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect()
    };
    let mut path = case.path.to_owned();
    let mut body = String::new();
    if case.method == "GET" {
        let mut query = Vec::new();
        for (name, value) in fields {
            let place = format!("{{{name}}}");
            if path.contains(&place) {
                path = path.replace(&place, &encoded(value));
            } else {
                query.push(format!("{name}={}", encoded(value)));
            }
        }
        path = format!("{path}?{}", query.join("&"));
    } else {
        let object: serde_json::Map<String, Value> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        body = Value::Object(object).to_string();
    }
    let head = format!(
        "{} /hammy/json/user/v1{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Client-Hash-Key: demo-hash-key\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        case.method,
        body.len()
    );
    let reply = gateway.raw(head.as_bytes());
    let document: Value = serde_json::from_str(&reply.body).unwrap();
    let messages = document["meta"]["responseStatus"]["messages"].as_array();
    assert!(messages.is_some(), "{}: {reply:?}", case.operation);
    messages
        .unwrap()
        .iter()
        .map(|m| m["code"].as_str().unwrap().to_owned())
        .collect()
}

/// The rows of the store without values that differ in every run.
fn rows(gateway: &Gateway) -> Vec<String> {
    gateway
        .app
        .store
        .read(|c| {
            let everyone = Filter {
                limit: 1000,
                ..Filter::default()
            };
            let (users, total) = user_search::find(c, &everyone, gateway.app.store.page_anchors())?;
            let mut rows = vec![format!("{total} users")];
            rows.extend(users.iter().map(|u| {
                format!(
                    "{} {} {} {} {:?} {:?} {:?} {}",
                    u.user_name,
                    u.name,
                    u.email,
                    u.client_name,
                    u.organizational_unit,
                    u.status,
                    u.roles,
                    u.password_hash.is_some()
                )
            }));
            let log = audit::list(c, None, 10_000)?;
            rows.extend(log.iter().map(|e| {
                format!(
                    "{} {} {:?} {:?}",
                    e.event, e.outcome, e.subject, e.client_name
                )
            }));
            rows.extend(
                outbox_rows(c)?
                    .iter()
                    .map(|o| format!("{} {}", o.kind.as_str(), o.state.as_str())),
            );
            Ok::<_, chaingun_gateway::store::StoreError>(rows)
        })
        .unwrap()
}

#[test]
fn answers_and_stores_the_same_over_soap_and_rest() {
    std::thread::scope(|scope| {
        for case in &CASES {
            scope.spawn(|| check_case(case));
        }
    });
}

fn check_case(case: &Case) {
    // Most inputs are wrong, so the limits on failures are high.
    let often = [("throttle.guesses", "1000"), ("throttle.mails", "1000")];
    let (soap, rest) = (Gateway::with(&often), Gateway::with(&often));
    let valid: Fields = case
        .fields
        .iter()
        .map(|(n, v)| (*n, (*v).to_owned()))
        .collect();
    let mut inputs: Vec<Fields> = Vec::new();
    for at in 0..valid.len() {
        let mut without = valid.clone();
        without.remove(at);
        inputs.push(without);
        for replacement in replacements() {
            let mut other = valid.clone();
            other[at].1 = replacement;
            inputs.push(other);
        }
    }
    // The valid input comes last, because some operations succeed only once.
    inputs.push(valid);
    let mut succeeded = 0;
    for input in &inputs {
        let named = |(name, value): &(&str, String)| {
            case.path.contains(&format!("{{{name}}}")) && value.trim().is_empty()
        };
        // A REST path cannot leave out its parameter, and REST gives a name to a new user without one.
        let absent =
            !input.iter().any(|(name, _)| case.path.contains(name)) && case.path.contains('{');
        let unnamed = case.operation == "createUser"
            && input
                .iter()
                .all(|(name, value)| *name != "userName" || value.trim().is_empty());
        // An empty value clears over REST and counts as absent over SOAP.
        let clears = case.operation == "modifyUser"
            && input
                .iter()
                .any(|(name, value)| *name != "userName" && value.trim().is_empty());
        if absent || unnamed || clears || input.iter().any(named) {
            continue;
        }
        let codes = over_soap(&soap, case, input);
        assert_eq!(
            codes,
            over_rest(&rest, case, input),
            "{} {input:?}",
            case.operation
        );
        succeeded += usize::from(codes.is_empty());
    }
    assert!(succeeded > 0, "{}", case.operation);
    assert_eq!(rows(&soap), rows(&rest), "{}", case.operation);
}
