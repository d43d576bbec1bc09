//! Who may do what, in particular: users with themselves, tokens in their time, claims beside them; see also `access_table`.

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

/// The code of the first message, or of the status where all went well.
fn outcome(reply: &Reply) -> String {
    let message = reply.body.split("<message>").nth(1);
    element(message.unwrap_or(&reply.body), "code")
        .unwrap()
        .to_owned()
}

#[test]
fn a_user_finds_and_shows_itself_and_changes_its_name_only() {
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
fn tokens_must_be_ours_whole_in_time_and_the_callers_own() {
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
    let Clock::Fixed(_) = gateway.parts.clock else {
        panic!("tests steer the time")
    };
    gateway.parts.clock.advance(1_799_000);
    assert_eq!(show("", &token), "0", "a second before it expires");
    gateway.parts.clock.advance(1_000);
    assert_eq!(show("", &token), "TOKEN_EXPIRED");
}

#[test]
fn a_token_dies_with_the_password_and_with_the_user() {
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
    // All of it within one second, which is all that tokens can tell apart.
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
        "also when the user is let in again"
    );
    let again = sign_in(&gateway, "mokamiki", "UjJelszo-1234");
    assert_eq!(show(&again), "0");
    assert_eq!(trusted("modifyUser", &status("UNACTIVATED")), "0");
    assert_eq!(trusted("modifyUser", &status("ACTIVE")), "0");
    assert_eq!(show(&again), "TOKEN_EXPIRED");
}

#[test]
fn a_username_token_signs_in_like_authenticate_does() {
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
fn changes_sign_ins_and_refusals_are_in_the_audit_log() {
    let gateway = Gateway::demo();
    let trusted = format!("{}<userName>ügyintéző</userName>", key(Some(TRUSTED)));
    let refused = call(&gateway, "showUser", "", "<userName>admin</userName>", None);
    gateway.parts.clock.advance(1);
    let changed = call(
        &gateway,
        "modifyUser",
        &trusted,
        "<user><userName>MokaMiki</userName><name>Miki</name></user>",
        None,
    );
    gateway.parts.clock.advance(1);
    let failed = call(
        &gateway,
        "authenticate",
        "",
        "<userNameOrEmail>mokamiki</userNameOrEmail><password>wrong</password>",
        None,
    );
    gateway.parts.clock.advance(1);
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
fn a_user_with_every_role_it_can_have_can_use_its_token() {
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
fn a_security_header_is_understood_or_refused_but_never_passed_over() {
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
fn a_false_claim_beside_a_token_is_refused_where_no_token_is_needed_too() {
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
        "who signs in anew may still send an old one"
    );
}

#[test]
fn ignores_an_authorization_scheme_that_is_not_asked_for_on_every_face() {
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
        // A scheme alone, as a client's first try has it.
        "Negotiate",
        // A good token under the name of another scheme is not this gateway's either.
        &format!("Basic {token}"),
    ] {
        let told = faces(scheme, TRUSTED);
        assert_eq!(told, ("0".to_owned(), 200, 200, 404), "{scheme}");
        let told = faces(scheme, PUBLIC);
        let needed = "AUTHENTICATION_REQUIRED".to_owned();
        assert_eq!(told, (needed, 401, 200, 401), "{scheme}");
    }
    // A token that is not valid is still refused beside the key.
    for forged in ["JWT", "Bearer x", "JWT a.b.c", "a.b.c"] {
        let told = faces(forged, TRUSTED);
        let expired = "TOKEN_EXPIRED".to_owned();
        assert_eq!(told, (expired, 401, 200, 401), "{forged}");
    }
}
