//! The life of an account over REST from registration to deletion: as a test, and as the README's script.

use std::process::Command;

use serde_json::json;

use crate::harness::process::Process;
use crate::harness::rest::{
    FLAT, PORTAL, ask, claims, json, mailed_token, sign_in, status_and_code, try_to_sign_in,
};
use crate::harness::{Database, Gateway, Reply};

fn assert_code(reply: &Reply, status: u16, code: &str) {
    assert_eq!(
        status_and_code(reply),
        (status, code.to_owned()),
        "{reply:?}"
    );
}

#[test]
fn registers_confirms_signs_in_resets_and_deletes_an_account() {
    let gateway = Gateway::demo();
    let send = |path: &str, headers: &str, body: serde_json::Value| {
        ask(
            &gateway,
            "POST",
            path,
            &format!("{headers}{FLAT}"),
            &body.to_string(),
        )
    };
    let with = |token: &str| format!("{PORTAL}X-User-Name: ubul\r\nAuthorization: {token}\r\n");
    let show = |token: &str| ask(&gateway, "GET", "/users/ubul", &with(token), "");
    let register = json!({"username": "ubul", "name": "Ubul", "email": "ubul@valami.hu",
        "password": "ValaKi1234", "organizationUuid": "hammy"});
    assert_code(&send("/register", "", register.clone()), 200, "ok");
    assert_code(
        &try_to_sign_in(&gateway, "ubul", "ValaKi1234", None),
        403,
        "USER_NOT_ACTIVE",
    );
    assert_code(
        &send(
            "/register/confirm",
            "",
            json!({"token": mailed_token(&gateway)}),
        ),
        200,
        "ok",
    );

    // A user with one organisation need not choose.
    let first = try_to_sign_in(&gateway, "UBUL@valami.hu", "ValaKi1234", None);
    assert_eq!(
        claims(&first)["org"],
        json!({"uuid": "hammy", "name": "Hammy Organization"})
    );
    let first = first.header("Authorization").unwrap().to_owned();
    let made = send(
        "/register/addToOrg",
        &with(&first),
        json!({"orgName": "Ubul Kft."}),
    );
    let own = claims(&made)["org"]["uuid"].as_str().unwrap().to_owned();
    assert_eq!(claims(&made)["rls"], json!(["ORG_ADMIN"]));

    // A user with two organisations has to choose.
    let asked = try_to_sign_in(&gateway, "ubul", "ValaKi1234", None);
    assert_eq!(asked.status, 422);
    let params = &json(&asked)["meta"]["params"][0];
    assert_eq!(params["key"], "GRANTED_ORGS");
    let granted: serde_json::Value =
        serde_json::from_str(params["value"].as_str().unwrap()).unwrap();
    let mut wanted = [
        json!({"uuid": own, "name": "Ubul Kft."}),
        json!({"uuid": "hammy", "name": "Hammy Organization"}),
    ];
    wanted.sort_by_key(|o| o["uuid"].to_string());
    assert_eq!(granted, json!(wanted));
    let chosen = sign_in(&gateway, "ubul", "ValaKi1234", Some(&own));

    let refreshed = ask(
        &gateway,
        "POST",
        "/password/refreshAuthToken",
        &with(&chosen),
        "",
    );
    assert_eq!(claims(&refreshed)["org"]["uuid"], json!(own));
    let refreshed = refreshed.header("Authorization").unwrap().to_owned();
    assert_code(&show(&refreshed), 200, "ok");

    let change =
        json!({"userName": "ubul", "oldPassword": "ValaKi1234", "password": "UjJelszo-1234"});
    assert_code(&send("/password/change", "", change.clone()), 200, "ok");
    for old in [&first, &chosen, &refreshed] {
        assert_code(&show(old), 401, "TOKEN_EXPIRED");
    }
    assert_code(
        &send("/password/change", "", change),
        401,
        "BAD_CREDENTIALS",
    );

    assert_code(
        &send(
            "/password/reset",
            "",
            json!({"userNameOrEmail": "ubul@valami.hu"}),
        ),
        200,
        "ok",
    );
    let set = json!({"passwordResetGuid": mailed_token(&gateway), "password": "MegUjabb-1234"});
    assert_code(&send("/password/change", "", set.clone()), 200, "ok");
    assert_code(
        &send("/password/change", "", set),
        422,
        "TOKEN_INVALID_OR_EXPIRED",
    );
    let last = sign_in(&gateway, "ubul", "MegUjabb-1234", Some("hammy"));
    assert_code(&show(&last), 200, "ok");

    let key = crate::harness::rest::KEY;
    assert_code(&ask(&gateway, "DELETE", "/users/ubul", key, ""), 200, "ok");
    assert_code(&show(&last), 401, "TOKEN_EXPIRED");
    assert_code(
        &try_to_sign_in(&gateway, "ubul", "MegUjabb-1234", None),
        401,
        "BAD_CREDENTIALS",
    );
    assert_code(&send("/register", "", register), 200, "ok");
}

#[test]
fn runs_the_script_of_the_readme() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (_, rest) = readme.split_once("<!-- life -->\n```sh\n").unwrap();
    let (script, _) = rest.split_once("```\n<!-- /life -->").unwrap();
    if Command::new("curl").arg("--version").output().is_err() {
        // Without curl there is nothing to run; the test above makes the same calls.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let process = Process::start(
        &folder.path().join("data"),
        database.url(),
        &[],
        &["--demo"],
    );
    let script = script.replace("127.0.0.1:8080", &process.speaker.address.to_string());
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(
        done.status.success(),
        "{out}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let told: Vec<_> = out
        .lines()
        .map(|line| {
            let document: serde_json::Value = serde_json::from_str(line).unwrap();
            let messages = &document["meta"]["responseStatus"]["messages"];
            messages[0]["code"].as_str().unwrap_or("ok").to_owned()
        })
        .collect();
    let wanted =
        "ok ok ok UNSPECIFIED_ORGANIZATION_FOR_USER ok ok TOKEN_EXPIRED ok ok ok TOKEN_EXPIRED ok";
    assert_eq!(told.join(" "), wanted, "{out}");
    process.stop();
}
