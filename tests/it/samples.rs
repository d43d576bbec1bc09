//! The SOAP samples of the original documents: each request is answered in the shape of its sampled response.

use crate::harness::{Gateway, element};

/// The elements of a document in order with their depth, without white space, text and prefixes.
fn outline(xml: &str) -> Vec<String> {
    let mut depth = 0;
    let mut lines = Vec::new();
    for piece in xml.split('<').skip(1) {
        let tag = piece.split(['>', ' ']).next().unwrap();
        let closed_at_once = piece.split('>').next().unwrap().ends_with('/');
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if tag.starts_with('/') {
            depth -= 1;
            continue;
        }
        lines.push(format!(
            "{}{}",
            "  ".repeat(depth),
            tag.trim_end_matches('/')
        ));
        if !closed_at_once {
            depth += 1;
        }
    }
    lines
}

fn request(operation: &str) -> String {
    let path = format!("examples/wire/seed/{operation}.request.xml");
    std::fs::read_to_string(path).unwrap().replace(
        "<clientHashKey>?</clientHashKey>",
        "<clientHashKey>demo-hash-key</clientHashKey>",
    )
}

fn response(operation: &str) -> String {
    std::fs::read_to_string(format!("examples/wire/seed/{operation}.response.xml")).unwrap()
}

#[test]
fn answers_the_show_user_sample_as_sampled() {
    let gateway = Gateway::demo();
    let reply = gateway.soap(&request("showUser"));
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("Content-Type"),
        Some("text/xml; charset=utf-8")
    );
    assert_eq!(outline(&reply.body), outline(&response("showUser")));
    assert_eq!(element(&reply.body, "name"), Some("Móka Miklós"));
}

#[test]
fn answers_all_other_soap_samples_as_sampled() {
    let gateway = Gateway::demo();
    let create = request("createUser")
        .replace("mokamiki", "mokamiki2")
        .replace("moka.miklos@", "moka2@");
    let reply = gateway.soap(&create);
    let user = |outline: Vec<String>| -> Vec<String> {
        // The sampled request asks for the token, but the sampled response does not show it.
        outline
            .into_iter()
            .filter(|l| !matches!(l.trim(), "params" | "param" | "key" | "value"))
            .collect()
    };
    assert_eq!(
        user(outline(&reply.body)),
        outline(&response("createUser")),
        "{reply:?}"
    );
    assert_eq!(element(&reply.body, "key"), Some("PASSWORD_RESET_GUID"));
    let token = element(&reply.body, "value").unwrap().to_owned();

    // The sample asks for one role and shows two, so repeated list elements count as one.
    let once = |mut outline: Vec<String>| {
        outline.dedup();
        outline
    };
    let reply = gateway.soap(&request("modifyUser"));
    assert_eq!(
        once(outline(&reply.body)),
        once(outline(&response("modifyUser"))),
        "{reply:?}"
    );
    assert!(
        reply
            .body
            .contains("<roles><role>majomidomar</role></roles>")
    );

    let without_header = |outline: Vec<String>| -> Vec<String> {
        outline
            .into_iter()
            .filter(|l| l.trim() != "SOAP-ENV:Header")
            .collect()
    };
    let reply = gateway.soap(&request("registerUser"));
    assert_eq!(
        outline(&reply.body),
        without_header(outline(&response("registerUser"))),
        "{reply:?}"
    );

    let reply = gateway.soap(&request("resetPassword"));
    assert_eq!(
        outline(&reply.body),
        outline(&response("resetPassword")),
        "{reply:?}"
    );

    let change = request("changePassword")
        .replace("{{passwordResetGuid}}", &token)
        .replace("{{password}}", "UjJelszo-1234");
    let reply = gateway.soap(&change);
    assert_eq!(
        outline(&reply.body),
        outline(&response("changePassword")),
        "{reply:?}"
    );
    let again = gateway.soap(&change);
    assert_eq!(
        element(&again.body, "code"),
        Some("2"),
        "a token is accepted once"
    );
    assert!(again.body.contains("TOKEN_INVALID_OR_EXPIRED"));

    // A fresh gateway, because modifyUser removed a role above.
    let fresh = Gateway::demo();
    let reply = fresh.soap(&request("authenticate").replace("{{password}}", "MokaMiki-1234"));
    assert_eq!(
        user(outline(&reply.body)),
        outline(&response("authenticate")),
        "{reply:?}"
    );
    assert!(reply.header("Authorization").unwrap().starts_with("JWT ey"));
    assert_eq!(element(&reply.body, "value"), reply.header("Authorization"));

    let mails = gateway.mails();
    assert_eq!(mails.len(), 3, "activation, reset, notice of the change");
    assert!(
        mails[0].contains(&format!(
            "http://{}/checkSSO/confirm.html?token=",
            gateway.address
        )),
        "{}",
        mails[0]
    );
}
