//! Tokens over time: refresh, reuse of replaced tokens, revocation, and key rotation.

use chaingun_gateway::secrets::signing_keys;
use chaingun_gateway::secrets::tokens::Signing;
use chaingun_gateway::store::{audit, organisations};

use crate::harness::rest::{FLAT, KEY, PORTAL, ask, claims, json, sign_in, status_and_code};
use crate::harness::{Gateway, Reply};

fn show(gateway: &Gateway, token: &str) -> (u16, String) {
    let headers = format!("{PORTAL}Authorization: {token}\r\n");
    status_and_code(&ask(gateway, "GET", "/users/hakapeszimaki", &headers, ""))
}

fn refresh(gateway: &Gateway, token: &str) -> Reply {
    let headers = format!("{PORTAL}Authorization: {token}\r\n");
    ask(gateway, "POST", "/password/refreshAuthToken", &headers, "")
}

fn ok() -> (u16, String) {
    (200, "ok".to_owned())
}

fn expired() -> (u16, String) {
    (401, "TOKEN_EXPIRED".to_owned())
}

fn maki(gateway: &Gateway) -> String {
    sign_in(gateway, "hakapeszimaki", "passWORD123", Some("hammy"))
}

fn new_token(reply: &Reply) -> String {
    assert_eq!(status_and_code(reply), ok(), "{reply:?}");
    let token = reply.header("Authorization").unwrap().to_owned();
    let params = &json(reply)["meta"]["params"];
    assert_eq!(params[0]["key"], "P_AUTH_TOKEN");
    assert_eq!(params[0]["value"], token);
    token
}

#[test]
fn issues_a_refreshed_token_with_the_same_claims_and_a_full_life() {
    let gateway = Gateway::demo();
    let first = maki(&gateway);
    gateway.app.clock.advance(1_000_000);
    let reply = refresh(&gateway, &first);
    let second = new_token(&reply);
    let said = claims(&reply);
    assert_eq!(said["sub"], "hakapeszimaki");
    assert_eq!(said["org"]["uuid"], "hammy");
    assert_eq!(said["rls"], serde_json::json!(["csokifogyaszto"]));
    let seconds = |name: &str| said[name].as_i64().unwrap();
    assert_eq!(seconds("exp") - seconds("iat"), 1800);
    assert_eq!(json(&reply)["data"]["type"], "emptyResponse");
    gateway.app.clock.advance(1_799_000);
    assert_eq!(show(&gateway, &second), ok());
    gateway.app.clock.advance(1_000);
    assert_eq!(show(&gateway, &second), expired());
    assert_eq!(status_and_code(&refresh(&gateway, &second)), expired());
}

#[test]
fn accepts_a_replaced_token_for_ten_seconds_and_then_revokes_its_sign_in() {
    let gateway = Gateway::demo();
    let (first, elsewhere) = (maki(&gateway), maki(&gateway));
    let second = new_token(&refresh(&gateway, &first));
    gateway.app.clock.advance(9_999);
    assert_eq!(show(&gateway, &first), ok());
    // A client that lost the answer may repeat the refresh, and gets the same successor.
    let third = new_token(&refresh(&gateway, &first));
    assert_eq!(
        (show(&gateway, &second), show(&gateway, &third)),
        (ok(), ok())
    );
    gateway.app.clock.advance(1);
    assert_eq!(show(&gateway, &first), expired());
    assert_eq!(show(&gateway, &second), expired(), "revoked, too");
    assert_eq!(status_and_code(&refresh(&gateway, &third)), expired());
    assert_eq!(show(&gateway, &elsewhere), ok(), "another sign-in");
    let log = gateway
        .app
        .store
        .read(|c| audit::list(c, Some("hakapeszimaki"), 50));
    let revoked: Vec<_> = log
        .unwrap()
        .into_iter()
        .filter(|e| e.event == "authn_token_reuse")
        .collect();
    assert_eq!((revoked.len(), revoked[0].outcome.as_str()), (1, "revoked"));
}

#[test]
fn accepts_the_token_to_refresh_in_the_body() {
    let gateway = Gateway::demo();
    let token = maki(&gateway);
    let bare = token.strip_prefix("JWT ").unwrap();
    let send = |headers: &str, body: &str| {
        status_and_code(&ask(
            &gateway,
            "POST",
            "/password/refreshAuthToken",
            &format!("{headers}{FLAT}"),
            body,
        ))
    };
    for text in [&token, bare, &format!("Bearer {bare}")] {
        assert_eq!(
            send(PORTAL, &format!("{{\"authorization\":\"{text}\"}}")),
            ok()
        );
    }
    let resource = format!(
        "{{\"data\":{{\"type\":\"users\",\"attributes\":{{\"authorization\":\"{token}\"}}}}}}"
    );
    assert_eq!(send(KEY, &resource), ok());
    let header = format!("{PORTAL}Authorization: {token}\r\n");
    assert_eq!(
        send(&header, &format!("{{\"authorization\":\"{bare}\"}}")),
        ok(),
        "the same token in both places"
    );
    assert_eq!(send(&header, "{}"), ok());
    let other = maki(&gateway);
    let both = send(&header, &format!("{{\"authorization\":\"{other}\"}}"));
    assert_eq!(both, (422, "INVALID_FIELD".to_owned()));
    for (headers, body, status, code) in [
        (PORTAL, "{}", 401, "AUTHENTICATION_REQUIRED"),
        (KEY, "{}", 401, "AUTHENTICATION_REQUIRED"),
        (
            KEY,
            "{\"authorization\":\"JWT x.y.z\"}",
            401,
            "TOKEN_EXPIRED",
        ),
        ("", "{}", 403, "UNKNOWN_CLIENT"),
        (KEY, "{\"authorization\":1}", 422, "INVALID_FIELD"),
        (KEY, "x", 400, "MALFORMED"),
    ] {
        // Only a caller with access learns about an invalid body.
        let headers = match status {
            422 => &header,
            _ => headers,
        };
        assert_eq!(send(headers, body), (status, code.to_owned()), "{body}");
    }
}

#[test]
fn applies_changes_of_roles_membership_and_status_to_existing_tokens() {
    let gateway = Gateway::demo();
    let token = maki(&gateway);
    let modify = |attributes: &str| {
        let body = format!("{{\"data\":{{\"type\":\"users\",\"attributes\":{attributes}}}}}");
        status_and_code(&ask(
            &gateway,
            "PATCH",
            "/users/hakapeszimaki",
            &format!("{KEY}{FLAT}"),
            &body,
        ))
    };
    assert_eq!(modify(r#"{"roles":["uj"]}"#), ok());
    let refreshed = refresh(&gateway, &token);
    assert_eq!(claims(&refreshed)["rls"], serde_json::json!(["uj"]));
    let second = new_token(&refreshed);
    gateway
        .app
        .store
        .write(|c| {
            let maki = chaingun_gateway::store::users::by_name(c, "hakapeszimaki")?.unwrap();
            organisations::leave(c, maki.id, "hammy")
        })
        .unwrap();
    assert_eq!(show(&gateway, &second), expired(), "no longer a member");
    let third = sign_in(&gateway, "hakapeszimaki", "passWORD123", Some("moby"));
    assert_eq!(modify(r#"{"status":"INACTIVE"}"#), ok());
    assert_eq!(modify(r#"{"status":"ACTIVE"}"#), ok());
    assert_eq!(
        show(&gateway, &third),
        expired(),
        "activation does not revive a token"
    );
}

#[test]
fn refuses_a_token_after_the_longest_life_of_its_sign_in() {
    let gateway = Gateway::with(&[("token.renewable_hours", "1")]);
    let mut token = maki(&gateway);
    for _ in 0..2 {
        gateway.app.clock.advance(1_500_000);
        token = new_token(&refresh(&gateway, &token));
    }
    // Fifty of sixty minutes are over, so the newest token is valid for the remaining ten minutes.
    gateway.app.clock.advance(599_000);
    assert_eq!(show(&gateway, &token), ok());
    gateway.app.clock.advance(1_000);
    assert_eq!(show(&gateway, &token), expired());
}

#[test]
fn accepts_tokens_of_the_old_and_the_new_key_after_a_rotation() {
    let gateway = Gateway::demo();
    let folder = gateway.data.path().join("keys");
    let now = gateway.app.clock.now();
    let old = maki(&gateway);
    let keys = signing_keys::rotate(&folder, Signing::Es256, now, now + 1_860_000).unwrap();
    gateway.app.tokens.reload().unwrap();
    let new = maki(&gateway);
    assert_eq!((show(&gateway, &old), show(&gateway, &new)), (ok(), ok()));
    let published = gateway.get("/.well-known/jwks.json").body;
    assert!(
        keys.iter().all(|key| published.contains(&key.kid)),
        "{published}"
    );
    let kept = new_token(&refresh(&gateway, &old));
    assert_eq!(show(&gateway, &kept), ok());
    signing_keys::rotate(&folder, Signing::Es256, now, now).unwrap();
    gateway.app.tokens.reload().unwrap();
    assert_eq!(
        show(&gateway, &kept),
        expired(),
        "the rotation removed the token's key at once, as after a leak"
    );
    assert_eq!(show(&gateway, &maki(&gateway)), ok());
}
