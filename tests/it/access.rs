//! Access rights of users over SOAP: operations on the caller's own account, the validity of tokens, and claims that
//! contradict a token. See also `access_table`.

use chaingun_gateway::clock::Clock;

use crate::harness::{Gateway, Reply, element};

const TRUSTED: &str = "demo-hash-key";
const PUBLIC: &str = "demo-portal-key";

fn call(
    gateway: &Gateway,
    operation: &str,
    meta: &str,
    request: &str,
    token: Option<&str>,
) -> Reply {
    let body = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:ws=\"http://ws.service.user.api.chaingun.dbx.hu/\"><e:Body><ws:{operation}><request>\
         <requestMeta>{meta}</requestMeta>{request}</request></ws:{operation}></e:Body></e:Envelope>"
    );
    let token = token.map_or_else(String::new, |t| format!("Authorization: {t}\r\n"));
    let head = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/xml\r\n{token}\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    gateway.raw(&[head.as_bytes(), body.as_bytes()].concat())
}

fn key(key: Option<&str>) -> String {
    key.map_or_else(String::new, |k| {
        format!("<clientHashKey>{k}</clientHashKey>")
    })
}

fn sign_in(gateway: &Gateway, login: &str, password: &str) -> String {
    let request =
        format!("<userNameOrEmail>{login}</userNameOrEmail><password>{password}</password>");
    let reply = call(gateway, "authenticate", "", &request, None);
    reply.header("Authorization").unwrap().to_owned()
}

/// The code of the first message, or the code of the status after a success.
fn outcome(reply: &Reply) -> String {
    let message = reply.body.split("<message>").nth(1);
    element(message.unwrap_or(&reply.body), "code")
        .unwrap()
        .to_owned()
}

#[test]
fn lets_a_user_find_and_show_itself_and_change_only_its_name() {
    let gateway = Gateway::demo();
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234");
    let call = |operation: &str, request: &str| {
        call(
            &gateway,
            operation,
            &key(Some(PUBLIC)),
            request,
            Some(&token),
        )
    };
    let found = call("findUsers", "");
    assert_eq!(element(&found.body, "total"), Some("1"));
    assert_eq!(element(&found.body, "userName"), Some("mokamiki"));
    assert_eq!(
        element(&call("findUsers", "<name>admin</name>").body, "total"),
        Some("0")
    );
    assert_eq!(
        outcome(&call("showUser", "<userName>MOKAMIKI</userName>")),
        "0"
    );
    let change = |field: &str| {
        outcome(&call(
            "modifyUser",
            &format!("<user><userName>mokamiki</userName>{field}</user>"),
        ))
    };
    assert_eq!(change("<name>Miki</name>"), "0");
    for other in [
        "<email>miki@dbx.hu</email>",
        "<clientName>Portal</clientName>",
        "<organizationalUnit>x</organizationalUnit>",
        "<status>INACTIVE</status>",
        "<roles><role>USER_ADMIN</role></roles>",
    ] {
        assert_eq!(change(other), "ACCESS_DENIED", "{other}");
    }
}

#[test]
fn refuses_a_token_that_is_expired_altered_or_of_another_user() {
    let gateway = Gateway::demo();
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234");
    let show = |meta: &str, token: &str| {
        let meta = format!("{}{meta}", key(Some(PUBLIC)));
        outcome(&call(
            &gateway,
            "showUser",
            &meta,
            "<userName>mokamiki</userName>",
            Some(token),
        ))
    };
    assert_eq!(show("", &token), "0");
    assert_eq!(show("", &token.replace("JWT ", "Bearer ")), "0");
    assert_eq!(show("", &token.replace("JWT ", "jwt  ")), "0");
    assert_eq!(show("<userName>MokaMiki</userName>", &token), "0");
    assert_eq!(show("<userName>admin</userName>", &token), "ACCESS_DENIED");
    let bare = token.strip_prefix("JWT ").unwrap();
    let mut pieces = bare.split('.');
    let (head, claims, signature) = (
        pieces.next().unwrap(),
        pieces.next().unwrap(),
        pieces.next().unwrap(),
    );
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    for forged in [
        format!("JWT {head}.{claims}"),
        format!("JWT {head}.{claims}."),
        format!("JWT {none}.{claims}."),
        format!("JWT {none}.{claims}.{signature}"),
        format!("JWT {head}.{}.{signature}", claims.replace('e', "f")),
        "JWT".to_owned(),
        format!("JWT {}", "a".repeat(5000)),
    ] {
        assert_eq!(show("", &forged), "TOKEN_EXPIRED", "{forged}");
    }
    let Clock::Fixed(_) = gateway.app.clock else {
        panic!("tests set the time")
    };
    gateway.app.clock.advance(1_799_000);
    assert_eq!(show("", &token), "0", "a second before the token expires");
    gateway.app.clock.advance(1_000);
    assert_eq!(show("", &token), "TOKEN_EXPIRED");
}

#[test]
fn revokes_tokens_when_the_password_or_the_status_changes() {
    let gateway = Gateway::demo();
    let show = |token: &str| {
        let meta = key(Some(PUBLIC));
        outcome(&call(
            &gateway,
            "showUser",
            &meta,
            "<userName>mokamiki</userName>",
            Some(token),
        ))
    };
    let trusted = |operation: &str, request: &str| {
        outcome(&call(
            &gateway,
            operation,
            &key(Some(TRUSTED)),
            request,
            None,
        ))
    };
    // The clock stands still: `iat` has whole seconds and cannot tell these tokens apart.
    let before = sign_in(&gateway, "mokamiki", "MokaMiki-1234");
    let change = "<oldPassword>MokaMiki-1234</oldPassword><password>UjJelszo-1234</password><userName>mokamiki</userName>";
    assert_eq!(trusted("changePassword", change), "0");
    assert_eq!(show(&before), "TOKEN_EXPIRED");
    let after = sign_in(&gateway, "mokamiki", "UjJelszo-1234");
    assert_eq!(show(&after), "0");
    let status = |status: &str| {
        format!("<user><userName>mokamiki</userName><status>{status}</status></user>")
    };
    assert_eq!(trusted("modifyUser", &status("INACTIVE")), "0");
    assert_eq!(show(&after), "TOKEN_EXPIRED");
    assert_eq!(trusted("modifyUser", &status("ACTIVE")), "0");
    assert_eq!(
        show(&after),
        "TOKEN_EXPIRED",
        "activation does not revive a token"
    );
    let again = sign_in(&gateway, "mokamiki", "UjJelszo-1234");
    assert_eq!(show(&again), "0");
    assert_eq!(trusted("modifyUser", &status("UNACTIVATED")), "0");
    assert_eq!(trusted("modifyUser", &status("ACTIVE")), "0");
    assert_eq!(show(&again), "TOKEN_EXPIRED");
}

#[test]
fn accepts_a_username_token_with_the_password_and_refuses_a_wrong_one() {
    let gateway = Gateway::demo();
    let ask = |name: &str, password: &str| {
        let body = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:ws=\"http://ws.service.user.api.chaingun.dbx.hu/\"><e:Header><w:Security e:mustUnderstand=\"1\" \
             xmlns:w=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\">\
             <w:UsernameToken><w:Username>{name}</w:Username><w:Password>{password}</w:Password></w:UsernameToken>\
             </w:Security></e:Header><e:Body><ws:showUser><request><requestMeta>{}</requestMeta>\
             <userName>mokamiki</userName></request></ws:showUser></e:Body></e:Envelope>",
            key(Some(PUBLIC))
        );
        outcome(&gateway.soap(&body))
    };
    assert_eq!(ask("moka.miklos@dbx.hu", "MokaMiki-1234"), "0");
    assert_eq!(ask("mokamiki", "wrong"), "BAD_CREDENTIALS");
    assert_eq!(ask("nobody", "MokaMiki-1234"), "BAD_CREDENTIALS");
    assert_eq!(
        ask("hakapeszimaki", "passWORD123"),
        "USER_NOT_FOUND",
        "another user"
    );
}

#[test]
fn logs_changes_sign_ins_and_refusals_with_their_request_ids() {
    let gateway = Gateway::demo();
    let trusted = format!("{}<userName>ügyintéző</userName>", key(Some(TRUSTED)));
    let refused = call(&gateway, "showUser", "", "<userName>admin</userName>", None);
    gateway.app.clock.advance(1);
    let changed = call(
        &gateway,
        "modifyUser",
        &trusted,
        "<user><userName>MokaMiki</userName><name>Miki</name></user>",
        None,
    );
    gateway.app.clock.advance(1);
    let failed = call(
        &gateway,
        "authenticate",
        "",
        "<userNameOrEmail>mokamiki</userNameOrEmail><password>wrong</password>",
        None,
    );
    gateway.app.clock.advance(1);
    let done = call(
        &gateway,
        "authenticate",
        "",
        "<userNameOrEmail>mokamiki</userNameOrEmail><password>MokaMiki-1234</password>",
        None,
    );
    let entries = gateway.log(None, 10);
    let told: Vec<_> = entries
        .iter()
        .rev()
        .map(|e| {
            [
                e.event.as_str(),
                &e.outcome,
                e.client_name.as_deref().unwrap_or("-"),
                e.on_behalf_of.as_deref().unwrap_or("-"),
                e.subject.as_deref().unwrap_or("-"),
                &e.request_id,
            ]
        })
        .collect();
    let ids = [&refused, &changed, &failed, &done].map(|r| r.header("X-Request-Id").unwrap());
    assert_eq!(
        told,
        [
            ["user_shown", "UNKNOWN_CLIENT", "-", "-", "admin", ids[0]],
            [
                "user_updated",
                "ok",
                "Default",
                "ügyintéző",
                "mokamiki",
                ids[1]
            ],
            [
                "authn_login",
                "BAD_CREDENTIALS",
                "-",
                "-",
                "mokamiki",
                ids[2]
            ],
            ["authn_login", "ok", "-", "-", "mokamiki", ids[3]],
        ]
    );
}

#[test]
fn accepts_the_token_of_a_user_with_the_most_and_longest_roles() {
    let gateway = Gateway::demo();
    let roles: String = (0..100)
        .map(|n| format!("<role>{n:0>128}</role>"))
        .collect();
    let user = format!("<user><userName>mokamiki</userName><roles>{roles}</roles></user>");
    assert_eq!(
        outcome(&call(
            &gateway,
            "modifyUser",
            &key(Some(TRUSTED)),
            &user,
            None
        )),
        "0"
    );
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234");
    let show = "<userName>mokamiki</userName>";
    assert_eq!(
        outcome(&call(
            &gateway,
            "showUser",
            &key(Some(PUBLIC)),
            show,
            Some(&token)
        )),
        "0"
    );
    let none = "<user><userName>mokamiki</userName><roles/></user>";
    let changed = call(&gateway, "modifyUser", &key(Some(TRUSTED)), none, None);
    assert_eq!(
        (outcome(&changed).as_str(), changed.body.contains("<role")),
        ("0", false),
        "{changed:?}"
    );
}

#[test]
fn refuses_a_security_header_that_it_does_not_understand() {
    let gateway = Gateway::demo();
    let wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
    let ask = |headers: &str| {
        let body = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:w=\"{wsse}\" \
             xmlns:ws=\"http://ws.service.user.api.chaingun.dbx.hu/\"><e:Header>{headers}</e:Header><e:Body><ws:showUser>\
             <request><requestMeta>{}</requestMeta><userName>mokamiki</userName></request></ws:showUser></e:Body></e:Envelope>",
            key(Some(PUBLIC))
        );
        let reply = gateway.soap(&body);
        match element(&reply.body, "faultcode") {
            Some(code) => code.to_owned(),
            None => outcome(&reply),
        }
    };
    let token = "<w:UsernameToken><w:Username>mokamiki</w:Username><w:Password>MokaMiki-1234</w:Password></w:UsernameToken>";
    let digest = "<w:UsernameToken><w:Username>a</w:Username><w:Password Type='x#PasswordDigest'>b</w:Password></w:UsernameToken>";
    let must = "e:mustUnderstand='1'";
    let other = "e:actor='urn:somebody-else'";
    for (headers, told) in [
        (format!("<w:Security {must}>{token}</w:Security>"), "0"),
        (
            format!(
                "<w:Security>{token}</w:Security><w:Security {other}><w:Username/></w:Security>"
            ),
            "0",
        ),
        (
            format!("<w:Security {must} {other}><w:BinarySecurityToken/></w:Security>"),
            "AUTHENTICATION_REQUIRED",
        ),
        (
            format!("<w:Security {must}><w:BinarySecurityToken/></w:Security>"),
            "S:MustUnderstand",
        ),
        (
            format!(
                "<w:Security {must}><w:UsernameToken><w:Username>a</w:Username></w:UsernameToken></w:Security>"
            ),
            "S:MustUnderstand",
        ),
        (format!("<w:Security>{digest}</w:Security>"), "S:Client"),
        (
            format!("<w:Security>{digest}</w:Security><x:y xmlns:x='urn:x' {must}/>"),
            "S:MustUnderstand",
        ),
    ] {
        assert_eq!(ask(&headers), told, "{headers}");
    }
}

#[test]
fn refuses_a_user_name_that_differs_from_the_token_where_no_token_is_needed() {
    let gateway = Gateway::demo();
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234");
    let reset = |claimed: &str, token: &str| {
        let meta = format!("<userName>{claimed}</userName>");
        let request = "<userNameOrEmail>mokamiki</userNameOrEmail>";
        outcome(&call(
            &gateway,
            "resetPassword",
            &meta,
            request,
            Some(token),
        ))
    };
    assert_eq!(reset("mokamiki", &token), "0");
    assert_eq!(reset("admin", &token), "ACCESS_DENIED");
    assert_eq!(
        reset("admin", "JWT long.gone.token"),
        "0",
        "an invalid token is ignored where none is needed"
    );
}

#[test]
fn writes_no_hidden_or_control_characters_of_a_trusted_client_into_the_audit_log() {
    let gateway = Gateway::demo();
    let rename = |claimed: &str| {
        let meta = format!("{}<userName>{claimed}</userName>", key(Some(TRUSTED)));
        let request = "<user><userName>mokamiki</userName><name>Moka</name></user>";
        call(&gateway, "modifyUser", &meta, request, None)
    };
    let logged = || gateway.log(None, 1).remove(0);
    assert_eq!(outcome(&rename("  command line ")), "0");
    assert_eq!(logged().on_behalf_of.as_deref(), Some("command line"));
    assert_eq!(outcome(&rename("  ")), "0");
    assert_eq!(logged().on_behalf_of, None);
    let before = gateway.log(None, 100).len();
    for claimed in [
        "ad&#x202E;min",
        "a&#x200B;b",
        "a&#9;b",
        "a&#10;b",
        "a&#x85;b",
        "a&#x2028;b",
    ] {
        let reply = rename(claimed);
        assert_eq!(outcome(&reply), "INVALID_FIELD", "{claimed}: {reply:?}");
        assert!(reply.body.contains("userName"), "{claimed}: {reply:?}");
    }
    assert_eq!(gateway.log(None, 100).len(), before);

    // The log escapes the name of an unknown user in a refused request.
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234");
    let headers =
        format!("X-Client-Hash-Key: {TRUSTED}\r\nX-User-Name: admin\r\nAuthorization: {token}\r\n");
    let path = "/users/ad%E2%80%AEmin%0A";
    let refused = crate::harness::rest::ask(&gateway, "DELETE", path, &headers, "");
    assert_eq!(refused.status, 403, "{refused:?}");
    let entry = logged();
    assert_eq!(entry.outcome, "ACCESS_DENIED");
    let subject = entry.subject.clone().unwrap();
    assert!(subject.starts_with("ad\\u{202e}min"), "{subject:?}");
    assert!(!subject.contains(['\u{202e}', '\n']), "{subject:?}");
}

#[test]
fn ignores_an_unrequested_authorization_scheme_on_every_face() {
    let gateway = Gateway::with(&[
        ("throttle.mails", "1000"),
        ("throttle.mails_per_source", "1000"),
    ]);
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234");
    let token = token.trim_start_matches("JWT ");
    let triple = "externalId/x/externalIdProvider/y/externalIdType/z";
    let faces = |authorization: &str, key: &str| {
        let ask = |method: &str, path: &str, body: &str| {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Client-Hash-Key: {key}\r\n\
                 Authorization: {authorization}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            gateway.raw(head.as_bytes()).status
        };
        let soap = call(
            &gateway,
            "showUser",
            &self::key(Some(key)),
            "<userName>mokamiki</userName>",
            Some(authorization),
        );
        let rest = "/hammy/json/user/v1";
        let reset = r#"{"userNameOrEmail":"mokamiki"}"#;
        (
            outcome(&soap),
            ask("GET", &format!("{rest}/users/mokamiki"), ""),
            ask("POST", &format!("{rest}/password/reset"), reset),
            ask("GET", &format!("/user/v1/get/{triple}"), ""),
        )
    };
    for scheme in [
        "Basic c2FwOnNlY3JldA==",
        "basic c2FwOnNlY3JldA==",
        "Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa+",
        "NTLM TlRMTVNTUAABAAAA",
        "Digest username=\"sap\", realm=\"a b\"",
        // A client's first attempt sends the scheme without credentials.
        "Negotiate",
        // A valid token under the name of another scheme is ignored, too.
        &format!("Basic {token}"),
    ] {
        let told = faces(scheme, TRUSTED);
        assert_eq!(told, ("0".to_owned(), 200, 200, 404), "{scheme}");
        let told = faces(scheme, PUBLIC);
        let needed = "AUTHENTICATION_REQUIRED".to_owned();
        assert_eq!(told, (needed, 401, 200, 401), "{scheme}");
    }
    // An invalid token is refused although the key beside it is valid.
    for forged in ["JWT", "Bearer x", "JWT a.b.c", "a.b.c"] {
        let told = faces(forged, TRUSTED);
        let expired = "TOKEN_EXPIRED".to_owned();
        // The directory takes a bearer token without dots for a second client key.
        let by_directory = if forged == "Bearer x" { 400 } else { 401 };
        assert_eq!(told, (expired, 401, 200, by_directory), "{forged}");
    }
}
