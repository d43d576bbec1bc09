//! SOAP headers, above all WS-Security: the gateway understands an entry completely or refuses it.

use crate::harness::rest::sign_in;
use crate::harness::{Gateway, Reply, element};

const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
const WSS: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-";
const MUST: &str = "e:mustUnderstand='1'";
const TOKEN: &str = "<w:UsernameToken><w:Username>mokamiki</w:Username><w:Password>MokaMiki-1234</w:Password></w:UsernameToken>";

/// An envelope with these header entries, from a public client, which needs a user for its calls.
fn enveloped(soap: &str, headers: &str, operation: &str, request: &str) -> String {
    format!(
        "<e:Envelope xmlns:e=\"{soap}\" xmlns:w=\"{WSS}wssecurity-secext-1.0.xsd\" \
         xmlns:u=\"{WSS}wssecurity-utility-1.0.xsd\" xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\" \
         xmlns:x=\"urn:x\" xmlns:ws=\"http://ws.service.user.api.chaingun.dbx.hu/\">\
         <e:Header>{headers}</e:Header><e:Body><ws:{operation}><request><requestMeta>\
         <clientHashKey>demo-portal-key</clientHashKey></requestMeta>{request}</request></ws:{operation}></e:Body></e:Envelope>"
    )
}

fn send(gateway: &Gateway, soap: &str, authorization: &str, body: &str) -> Reply {
    let kind = if soap == SOAP12 {
        "application/soap+xml"
    } else {
        "text/xml"
    };
    let head = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {kind}\r\n\
         Accept-Language: en\r\n{authorization}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    gateway.raw(head.as_bytes())
}

/// The code and the message code of a fault. For another reply, the code of the first message or of the status.
fn outcome(reply: &Reply) -> String {
    let fault = element(&reply.body, "faultcode").or(element(&reply.body, "S:Value"));
    let message = reply.body.split("<message>").nth(1);
    match (fault, element(message.unwrap_or(&reply.body), "code")) {
        (Some(fault), Some(code)) => format!("{fault} {code}"),
        (fault, code) => fault.or(code).unwrap().to_owned(),
    }
}

/// The outcome of showUser with these header entries.
fn status_and_code(gateway: &Gateway, headers: &str) -> String {
    let body = enveloped(SOAP11, headers, "showUser", "<userName>mokamiki</userName>");
    outcome(&send(gateway, SOAP11, "", &body))
}

fn timestamp(created: &str, expires: &str) -> String {
    let element = |name: &str, time: &str| match time {
        "" => String::new(),
        time => format!("<u:{name}>{time}</u:{name}>"),
    };
    let (created, expires) = (element("Created", created), element("Expires", expires));
    format!("<u:Timestamp u:Id='t'>{created}{expires}</u:Timestamp>")
}

fn assert_outcomes(gateway: &Gateway, cases: &[(String, &str)]) {
    let wrong: Vec<_> = cases
        .iter()
        .map(|(headers, right)| (headers, status_and_code(gateway, headers), right))
        .filter(|(_, told, right)| told != *right)
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}: {wrong:#?}",
        wrong.len(),
        cases.len()
    );
}

/// The time of the tests is 2020-10-06T08:44:49Z.
#[test]
fn refuses_a_timestamp_that_is_expired_or_in_the_future() {
    let gateway = Gateway::demo();
    let expired = "S:Client MESSAGE_EXPIRED";
    let malformed = "S:Client MALFORMED";
    let mut cases = Vec::new();
    for (created, expires, right) in [
        ("2020-10-06T08:44:00Z", "2020-10-06T08:49:00Z", "0"),
        ("2020-10-06T08:44:00.123Z", "", "0"),
        ("", "", "0"),
        (
            "2020-10-06T10:44:00+02:00",
            "2020-10-06T10:49:00+02:00",
            "0",
        ),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:05:00Z", expired),
        ("", "2020-01-01T00:05:00Z", expired),
        // Clocks may differ by a minute.
        ("", "2020-10-06T08:43:50Z", "0"),
        ("", "2020-10-06T08:43:49Z", expired),
        ("2020-10-06T08:45:49Z", "", "0"),
        ("2020-10-06T08:45:49.001Z", "", expired),
        ("2030-01-01T00:00:00Z", "2030-01-01T00:05:00Z", expired),
        (
            "2020-10-06T09:44:00+02:00",
            "2020-10-06T09:49:00+02:00",
            expired,
        ),
        // Invalid times
        ("yesterday", "", malformed),
        ("", "2020-10-06T08:49:00", malformed),
        ("", " ", malformed),
        ("", "<u:x/>2020-10-06T08:49:00Z", malformed),
    ] {
        for must in [MUST, ""] {
            let time = timestamp(created, expires);
            cases.push((
                format!("<w:Security {must}>{time}{TOKEN}</w:Security>"),
                right,
            ));
            cases.push((
                format!("<w:Security {must}>{TOKEN}{time}</w:Security>"),
                right,
            ));
        }
    }
    let good = timestamp("2020-10-06T08:44:00Z", "2020-10-06T08:49:00Z");
    let twice = "<u:Timestamp><u:Expires>2020-10-06T08:49:00Z</u:Expires><u:Expires>2020-10-06T08:49:00Z</u:Expires></u:Timestamp>";
    for must in [MUST, ""] {
        cases.push((
            format!("<w:Security {must}>{good}{good}{TOKEN}</w:Security>"),
            malformed,
        ));
        cases.push((
            format!("<w:Security {must}>{twice}{TOKEN}</w:Security>"),
            malformed,
        ));
    }
    let other = "<u:Timestamp><x:Expires>2020-01-01T00:00:00Z</x:Expires></u:Timestamp>";
    cases.push((
        format!("<w:Security {MUST}>{other}{TOKEN}</w:Security>"),
        "S:MustUnderstand",
    ));
    assert_outcomes(&gateway, &cases);
}

#[test]
fn refuses_unknown_children_of_a_security_header_with_must_understand() {
    let gateway = Gateway::demo();
    let mut cases = Vec::new();
    for child in [
        "<d:Signature/>",
        "<x:EncryptedKey/>",
        "<x:EncryptedData><w:UsernameToken/></x:EncryptedData>",
        "<w:BinarySecurityToken>AAAA</w:BinarySecurityToken>",
        "<w:SecurityTokenReference/>",
        "<x:Assertion/>",
        "<x:UsernameToken/>",
        "<UsernameToken/>",
        "<w:Timestamp/>",
        "<u:UsernameToken/>",
    ] {
        for both in [format!("{child}{TOKEN}"), format!("{TOKEN}{child}")] {
            cases.push((
                format!("<w:Security {MUST}>{both}</w:Security>"),
                "S:MustUnderstand",
            ));
            // Without mustUnderstand the unknown child is ignored, and the password is still checked.
            cases.push((format!("<w:Security>{both}</w:Security>"), "0"));
        }
        cases.push((
            format!("<w:Security>{child}</w:Security>"),
            "AUTHENTICATION_REQUIRED",
        ));
    }
    cases.push((
        format!("<w:Security>a{TOKEN}</w:Security>"),
        "S:Client MALFORMED",
    ));
    assert_outcomes(&gateway, &cases);
}

#[test]
fn reads_name_and_password_from_their_own_namespaces_only() {
    let gateway = Gateway::demo();
    let (name, password) = (
        "<w:Username>mokamiki</w:Username>",
        "<w:Password>MokaMiki-1234</w:Password>",
    );
    let mut cases = Vec::new();
    for inside in [
        format!("<x:Username>mokamiki</x:Username>{password}"),
        format!("<Username>mokamiki</Username>{password}"),
        format!("{name}<u:Password>MokaMiki-1234</u:Password>"),
        format!("<x:y>{name}{password}</x:y>"),
        name.to_owned(),
        password.to_owned(),
        String::new(),
    ] {
        let token = format!("<w:UsernameToken>{inside}</w:UsernameToken>");
        cases.push((
            format!("<w:Security {MUST}>{token}</w:Security>"),
            "S:MustUnderstand",
        ));
        cases.push((
            format!("<w:Security>{token}</w:Security>"),
            "AUTHENTICATION_REQUIRED",
        ));
    }
    for (inside, must, without) in [
        (format!("{name}{password}<x:y/>"), "S:MustUnderstand", "0"),
        (
            format!("{name}{password}<x:Password>a</x:Password>"),
            "S:MustUnderstand",
            "0",
        ),
        (
            format!("{name}{name}{password}"),
            "S:Client MALFORMED",
            "S:Client MALFORMED",
        ),
        (
            format!("{name}{password}{password}"),
            "S:Client MALFORMED",
            "S:Client MALFORMED",
        ),
        (
            format!(
                "{name}{password}<w:Nonce>AAAA</w:Nonce><u:Created>2020-10-06T08:44:00Z</u:Created>"
            ),
            "0",
            "0",
        ),
        (
            format!("{name}{password}<u:Created>2030-10-06T08:44:00Z</u:Created>"),
            "S:Client MESSAGE_EXPIRED",
            "S:Client MESSAGE_EXPIRED",
        ),
        (
            format!("{name}{password}<u:Created>now</u:Created>"),
            "S:Client MALFORMED",
            "S:Client MALFORMED",
        ),
        (
            format!("{name}{password}<x:Created>2030-10-06T08:44:00Z</x:Created>"),
            "S:MustUnderstand",
            "0",
        ),
    ] {
        let token = format!("<w:UsernameToken u:Id='a'>{inside}</w:UsernameToken>");
        cases.push((format!("<w:Security {MUST}>{token}</w:Security>"), must));
        cases.push((format!("<w:Security>{token}</w:Security>"), without));
    }
    assert_outcomes(&gateway, &cases);
}

#[test]
fn compares_the_unescaped_type_of_a_password_exactly() {
    let gateway = Gateway::demo();
    let profile = format!("{WSS}username-token-profile-1.0#");
    let mut cases = Vec::new();
    for (kind, must, without) in [
        (format!("{profile}PasswordText"), "0", "0"),
        (format!("\n{profile}Password&#84;ext "), "0", "0"),
        (
            format!("{profile}PasswordDigest"),
            "S:Client MALFORMED",
            "S:Client MALFORMED",
        ),
        (
            format!("{profile}Password&#x44;igest"),
            "S:Client MALFORMED",
            "S:Client MALFORMED",
        ),
        (
            "urn:x#PasswordText".to_owned(),
            "S:MustUnderstand",
            "S:Client MALFORMED",
        ),
        (
            "PasswordText".to_owned(),
            "S:MustUnderstand",
            "S:Client MALFORMED",
        ),
        (String::new(), "S:MustUnderstand", "S:Client MALFORMED"),
    ] {
        let token = TOKEN.replace("<w:Password>", &format!("<w:Password Type='{kind}'>"));
        cases.push((format!("<w:Security {MUST}>{token}</w:Security>"), must));
        cases.push((format!("<w:Security>{token}</w:Security>"), without));
    }
    // An attribute of another namespace is ignored.
    let token = TOKEN.replace(
        "<w:Password>",
        "<w:Password x:Type='urn:x' xmlns:Type='urn:y'>",
    );
    cases.push((format!("<w:Security {MUST}>{token}</w:Security>"), "0"));
    assert_outcomes(&gateway, &cases);
}

#[test]
fn refuses_two_security_headers_and_two_username_tokens() {
    let gateway = Gateway::demo();
    let twice = format!("{TOKEN}{TOKEN}");
    let next = "e:actor='http://schemas.xmlsoap.org/soap/actor/next'";
    let other = "e:actor='urn:somebody-else'";
    let mut cases = vec![(
        format!("<w:Security>{TOKEN}</w:Security><w:Security {other}>{twice}</w:Security>"),
        "0",
    )];
    for must in [MUST, ""] {
        for headers in [
            format!("<w:Security {must}>{twice}</w:Security>"),
            format!("<w:Security {must}>{TOKEN}</w:Security><w:Security/>"),
            format!(
                "<w:Security {must}>{TOKEN}</w:Security><w:Security {next}>{TOKEN}</w:Security>"
            ),
        ] {
            cases.push((headers, "S:Client MALFORMED"));
        }
    }
    assert_outcomes(&gateway, &cases);
}

#[test]
fn unescapes_must_understand_and_actor_before_comparison() {
    let gateway = Gateway::demo();
    let mut cases = Vec::new();
    for (must, right) in [
        ("1", "S:MustUnderstand"),
        ("true", "S:MustUnderstand"),
        ("&#49;", "S:MustUnderstand"),
        ("&#x74;rue", "S:MustUnderstand"),
        (" 1\n", "S:MustUnderstand"),
        ("0", "0"),
        ("false", "0"),
        ("&#48;", "0"),
        ("", "S:Client MALFORMED"),
        ("2", "S:Client MALFORMED"),
        ("TRUE", "S:Client MALFORMED"),
        ("yes", "S:Client MALFORMED"),
    ] {
        let security = format!("<w:Security>{TOKEN}</w:Security>");
        cases.push((
            format!("{security}<x:Route e:mustUnderstand='{must}'/>"),
            right,
        ));
    }
    for (actor, right) in [
        ("", "S:MustUnderstand"),
        (
            "http://schemas.xmlsoap.org/soap/actor/next",
            "S:MustUnderstand",
        ),
        (
            "http://schemas.xmlsoap.org/soap/actor/nex&#116;",
            "S:MustUnderstand",
        ),
        ("urn:somebody-else", "0"),
        ("urn:somebody-else/actor/next", "0"),
    ] {
        let security = format!("<w:Security>{TOKEN}</w:Security>");
        cases.push((
            format!("{security}<x:Route {MUST} e:actor='{actor}'/>"),
            right,
        ));
    }
    // MustUnderstand is checked first; other problems are reported after it.
    cases.push((
        format!("<x:A e:mustUnderstand='2'/><x:B {MUST}/>"),
        "S:MustUnderstand",
    ));
    // A mustUnderstand attribute outside the envelope's namespace is ignored.
    let plain =
        format!("<w:Security>{TOKEN}</w:Security><x:A mustUnderstand='1' x:mustUnderstand='1'/>");
    cases.push((plain, "0"));
    assert_outcomes(&gateway, &cases);
    for (role, right) in [
        ("/role/next", "S:MustUnderstand"),
        ("/role/ultimateReceiver", "S:MustUnderstand"),
        ("/role/none", "AUTHENTICATION_REQUIRED"),
        ("/role/nextdoor", "AUTHENTICATION_REQUIRED"),
    ] {
        let entry =
            format!("<x:Route e:mustUnderstand='true' e:relay='true' e:role='{SOAP12}{role}'/>");
        let body = enveloped(SOAP12, &entry, "showUser", "<userName>mokamiki</userName>");
        assert_eq!(outcome(&send(&gateway, SOAP12, "", &body)), right, "{role}");
    }
}

#[test]
fn names_every_header_that_it_does_not_understand() {
    let gateway = Gateway::demo();
    let entries = format!(
        "<x:Route {MUST}/><x:Fine/><y:B xmlns:y='urn:&amp;y' {MUST}><y:C/></y:B><None xmlns='' {MUST}/>"
    );
    let ask = |soap: &str| {
        let body = enveloped(soap, &entries, "showUser", "<userName>mokamiki</userName>");
        send(&gateway, soap, "", &body)
    };
    let twelve = ask(SOAP12);
    assert_eq!(twelve.status, 500);
    assert!(twelve.header("X-Request-Id").is_some());
    let block = "<S:Header><S:NotUnderstood xmlns:ns=\"urn:x\" qname=\"ns:Route\"/>\
                 <S:NotUnderstood xmlns:ns=\"urn:&amp;y\" qname=\"ns:B\"/><S:NotUnderstood qname=\"None\"/></S:Header>";
    assert!(twelve.body.contains(block), "{}", twelve.body);
    let eleven = ask(SOAP11);
    assert!(eleven.header("X-Request-Id").is_some());
    let title = "A header entry must be understood and is not known here";
    let text = format!(
        "{title} ({{urn:x}}Route); {title} ({{urn:&amp;y}}B); {title} (None)</faultstring>"
    );
    assert!(eleven.body.contains(&text), "{}", eleven.body);
    assert!(!eleven.body.contains("<detail>"), "{}", eleven.body);
    // The number of names is limited as for other problems, and a long name is cut.
    let many =
        format!("<x:{0} {MUST}/>", "a".repeat(60_000)) + &format!("<x:Route {MUST}/>").repeat(100);
    let body = enveloped(SOAP12, &many, "showUser", "");
    let reply = send(&gateway, SOAP12, "", &body);
    assert_eq!(outcome(&reply), "S:MustUnderstand");
    assert_eq!(reply.body.matches("<S:NotUnderstood").count(), 31);
    assert!(reply.body.len() < 8_000, "{}", reply.body.len());
}

#[test]
fn refuses_a_username_token_that_differs_from_the_token() {
    let gateway = Gateway::demo();
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let authorization = format!("Authorization: {token}\r\n");
    for (name, password, right) in [
        ("mokamiki", "MokaMiki-1234", "0"),
        ("MOKA.miklos@dbx.hu", "MokaMiki-1234", "0"),
        ("mokamiki", "Rossz-Jelszo-1", "BAD_CREDENTIALS"),
        ("admin", "Admin-Demo-2026", "ACCESS_DENIED"),
        ("admin", "Rossz-Jelszo-1", "ACCESS_DENIED"),
        ("nobody", "MokaMiki-1234", "ACCESS_DENIED"),
    ] {
        let entry = TOKEN
            .replace("mokamiki", name)
            .replace("MokaMiki-1234", password);
        for must in [MUST, ""] {
            let headers = format!("<w:Security {must}>{entry}</w:Security>");
            let body = enveloped(
                SOAP11,
                &headers,
                "showUser",
                "<userName>mokamiki</userName>",
            );
            let reply = send(&gateway, SOAP11, &authorization, &body);
            assert_eq!(outcome(&reply), right, "{name} {password}");
        }
    }
}

#[test]
fn verifies_a_username_token_even_if_the_operation_needs_none() {
    let gateway = Gateway::demo();
    let request = "<userNameOrEmail>mokamiki</userNameOrEmail><password>MokaMiki-1234</password>";
    for (entry, right) in [
        (TOKEN.to_owned(), "0"),
        (
            TOKEN.replace("MokaMiki-1234", "Rossz-Jelszo-1"),
            "BAD_CREDENTIALS",
        ),
    ] {
        let headers = format!("<w:Security {MUST}>{entry}</w:Security>");
        let body = enveloped(SOAP11, &headers, "authenticate", request);
        assert_eq!(outcome(&send(&gateway, SOAP11, "", &body)), right);
    }
}
