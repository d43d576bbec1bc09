//! The span of a request in the log: the same fields on every face.

use serde_json::Value;

use crate::cli::Shell;
use crate::harness::process::Process;
use crate::harness::rest::{FLAT, KEY, ask as rest, sign_in};
use crate::harness::{Database, Reply, Speaker, envelope};

fn ask(gateway: &Speaker, line: &str, headers: &str, body: &str) -> Reply {
    let head = format!(
        "{line} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    gateway.raw(head.as_bytes())
}

/// The fields of the span in a log line: face, operation and outcome.
fn span(line: &Value) -> [&str; 3] {
    ["face", "operation", "outcome"].map(|name| line["span"][name].as_str().unwrap_or(""))
}

#[test]
fn logs_face_operation_request_and_outcome_on_every_face() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let folder = data.path().join("data");
    let settings = [("log", "debug")];
    let process = Process::start(&folder, database.url(), &settings, &["--demo"]);
    let gateway = &process.speaker;
    let key = "data/demo/apekx.pem";
    let url = format!("http://{}", gateway.address);
    let signed = shell.run(
        &format!(
            "partner test-token --json --url {url} --sign-with {key} --iss apekx --sub 42 \
             --school-id pre_created_school_external_id"
        )
        .split_whitespace()
        .collect::<Vec<_>>(),
    );
    let arriving = signed.records()[0]["token"].as_str().unwrap().to_owned();
    let token = sign_in(gateway, "mokamiki", "MokaMiki-1234", Some("default"));
    let token = token.strip_prefix("JWT ").unwrap();

    let soap = |name: &str| {
        let show = envelope("showUser", &format!("<userName>{name}</userName>"));
        gateway.soap(&show)
    };
    let show = |name: &str| rest(gateway, "GET", &format!("/users/{name}"), KEY, "");
    let rpc = |token: &str| {
        let call = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get_user_services\",\"params\":{{\
             \"client_id\":\"konto.onet.pl.front\",\"token\":\"{token}\",\"portal_id\":1}}}}"
        );
        ask(gateway, "POST /user-multi-services", FLAT, &call)
    };
    let page = |path: &str| gateway.get(&format!("/checkSSO/{path}"));
    let arrive = |token: &str| {
        let line = format!("GET /v2/user/session/create?token={token}");
        ask(gateway, &line, "Accept: application/json\r\n", "")
    };
    let read = |headers: &str| {
        let path = "/user/v1/get/externalId/42/externalIdProvider/apekx/externalIdType/apekx";
        ask(gateway, &format!("GET {path}"), headers, "")
    };
    let asked = [
        (soap("mokamiki"), ["soap", "showUser", "ok"]),
        (soap("nobody"), ["soap", "showUser", "USER_NOT_FOUND"]),
        (show("mokamiki"), ["rest", "showUser", "ok"]),
        (show("nobody"), ["rest", "showUser", "USER_NOT_FOUND"]),
        (
            rest(gateway, "POST", "/users", KEY, "no JSON"),
            ["rest", "createUser", "UNSUPPORTED_MEDIA_TYPE"],
        ),
        (rpc(token), ["rpc", "get_user_services", "ok"]),
        (rpc("x"), ["rpc", "get_user_services", "TOKEN_EXPIRED"]),
        (page("login.html"), ["page", "showVisitor", "ok"]),
        (
            page("account.html"),
            ["page", "showAccount", "TOKEN_EXPIRED"],
        ),
        (page("register.html"), ["page", "-", "reply"]),
        (arrive(&arriving), ["sso", "partnerSignIn", "ok"]),
        (
            arrive(&arriving),
            ["sso", "partnerSignIn", "TOKEN_REPLAYED"],
        ),
        (read(KEY), ["directory", "directoryRead", "ok"]),
        (
            read(""),
            ["directory", "directoryRead", "AUTHENTICATION_REQUIRED"],
        ),
        (gateway.get("/healthz"), ["", "", ""]),
    ];
    let log = process.stop();
    let lines: Vec<Value> = log.lines().flat_map(serde_json::from_str).collect();
    for (reply, expected) in asked {
        let id = reply.header("X-Request-Id").unwrap();
        let of_request = || lines.iter().filter(|l| l["span"]["request.id"] == id);
        let answered = of_request().find(|l| l["fields"]["message"] == "answered");
        assert_eq!(span(answered.unwrap()), expected, "{reply:?}");
        let refused = of_request().find(|l| l["fields"]["message"] == "refused");
        let [face, operation, outcome] = expected;
        let is_refused = !["ok", "reply", ""].contains(&outcome);
        assert_eq!(refused.is_some(), is_refused, "{reply:?}");
        if let Some(refused) = refused {
            let fields = ["face", "operation", "code"].map(|name| &refused["fields"][name]);
            assert_eq!(fields, [face, operation, outcome]);
            assert_eq!(span(refused), expected);
        }
    }
}

#[test]
fn gives_each_call_of_a_batch_a_span_of_its_own() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let process = Process::start(data.path(), database.url(), &[], &["--demo"]);
    let call = |method: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\"}}");
    let batch = format!("[{},{}]", call("get_user_services"), call("nothing"));
    let reply = ask(&process.speaker, "POST /user-multi-services", FLAT, &batch);
    let id = reply.header("X-Request-Id").unwrap().to_owned();
    let log = process.stop();
    let lines = log.lines().flat_map(serde_json::from_str::<Value>);
    let refused: Vec<Value> = lines
        .filter(|l| l["fields"]["message"] == "refused")
        .collect();
    for (line, operation) in refused.iter().zip(["get_user_services", "-"]) {
        assert_eq!(line["spans"][0]["request.id"], *id);
        assert_eq!(line["spans"][0]["face"], "rpc");
        assert_eq!(line["span"]["operation"], operation);
        assert_eq!(line["span"]["outcome"], line["fields"]["code"]);
    }
    assert_eq!(refused.len(), 2);
}
