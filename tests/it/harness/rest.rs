//! Requests to the REST interface.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Gateway, Reply, Speaker};

/// The header line of the demo's trusted client.
pub const KEY: &str = "X-Client-Hash-Key: demo-hash-key\r\n";
/// The header line of the demo's public client.
pub const PORTAL: &str = "X-Client-Hash-Key: demo-portal-key\r\n";
pub const RESOURCE: &str = "Content-Type: application/vnd.api+json\r\n";
pub const FLAT: &str = "Content-Type: application/json\r\n";

/// A request with these header lines and this body, below the REST prefix.
pub fn ask(gateway: &Speaker, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let head = format!(
        "{method} /hammy/json/user/v1{path} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    gateway.raw(head.as_bytes())
}

/// The document of a reply.
pub fn json(reply: &Reply) -> Value {
    assert_eq!(
        reply.header("Content-Type"),
        Some("application/vnd.api+json"),
        "{reply:?}"
    );
    serde_json::from_str(&reply.body).unwrap()
}

/// The status and the code of the first message, or `ok`.
pub fn status_and_code(reply: &Reply) -> (u16, String) {
    let document = json(reply);
    let code = document["errors"][0]["code"].as_str().unwrap_or("ok");
    (reply.status, code.to_owned())
}

/// The claims of the token in the Authorization header.
pub fn claims(reply: &Reply) -> Value {
    let token = reply.header("Authorization").unwrap();
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// Signs the user in, to `organisation` if it is given. Returns the header value `JWT …`.
pub fn sign_in(
    gateway: &Speaker,
    login: &str,
    password: &str,
    organisation: Option<&str>,
) -> String {
    let reply = try_to_sign_in(gateway, login, password, organisation);
    reply.header("Authorization").unwrap().to_owned()
}

pub fn try_to_sign_in(
    gateway: &Speaker,
    login: &str,
    password: &str,
    organisation: Option<&str>,
) -> Reply {
    let params: Vec<Value> = organisation
        .map(|uuid| serde_json::json!({"key": "USER_ORG_UUID", "value": uuid}))
        .into_iter()
        .collect();
    let body = serde_json::json!({
        "data": {"type": "authenticateRequest", "id": login, "attributes": {"password": password}},
        "meta": {"params": params},
    });
    ask(
        gateway,
        "POST",
        "/password/authenticate",
        RESOURCE,
        &body.to_string(),
    )
}

/// The token in the newest mail.
pub fn mailed_token(gateway: &Gateway) -> String {
    let mail = gateway.mails().pop().unwrap();
    mail.split("Token: ").nth(1).unwrap()[..32].to_owned()
}
