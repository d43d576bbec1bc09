//! SOAP envelopes in every form that real clients send (SPEC §4).

use std::io::Write as _;

use crate::harness::{Gateway, Reply, element, envelope};

fn show(name: &str) -> String {
    envelope("showUser", &format!("<userName>{name}</userName>"))
}

/// A request with these header lines and a Content-Length.
fn with_headers(version: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /hammy/ws/user/v1 HTTP/{version}\r\nHost: gateway.test\r\nConnection: close\r\n{headers}\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn shows_moka(reply: &Reply) {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(
        element(&reply.body, "name"),
        Some("Móka Miklós"),
        "{reply:?}"
    );
}

#[test]
fn reads_envelopes_with_any_prefixes_order_comments_and_cdata() {
    let gateway = Gateway::demo();
    let soap = "http://schemas.xmlsoap.org/soap/envelope/";
    let ours = "http://ws.service.user.api.chaingun.dbx.hu/";
    let key = "<clientHashKey>demo-hash-key</clientHashKey>";
    for body in [
        // A default namespace; the children are in the target namespace.
        format!(
            "<Envelope xmlns='{soap}'><Header/><Body><showUser xmlns='{ours}'><request><requestMeta>{key}</requestMeta>\
             <userName>mokamiki</userName></request></showUser></Body></Envelope>"
        ),
        // A byte order mark, a declaration, other prefixes, another order, comments, CDATA, references and attributes.
        format!(
            "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\" standalone='yes'?><!-- a --><e:Envelope xmlns:e=\"{soap}\" \
             xmlns:i='http://www.w3.org/2001/XMLSchema-instance' e:encodingStyle='http://schemas.xmlsoap.org/soap/encoding/'>\n\
             <e:Header>\n</e:Header><e:Body><!-- b --><w:showUser xmlns:w='{ours}'><request i:type='x'>\n  \
             <userName i:type='xs:string'>mo<![CDATA[ka]]>&#109;i<!-- c -->k&#x69;</userName>\n  <requestMeta>{key}<userName/>\
             <params i:nil='true'/></requestMeta></request></w:showUser></e:Body></e:Envelope>\n<!-- d -->\n"
        ),
        // Unknown elements with children are ignored.
        show("mokamiki").replace(
            "<userName>",
            "<nonsense a='1'><userName>x</userName></nonsense><x:y xmlns:x='urn:x'/><userName>",
        ),
    ] {
        shows_moka(&gateway.soap(&body));
    }
}

#[test]
fn accepts_any_soap_action_and_any_accept_header() {
    let gateway = Gateway::demo();
    for headers in [
        "SOAPAction: \"\"\r\n",
        "SOAPAction: findUsers\r\n",
        "SOAPAction: \"\"showUser\"\"\r\n",
        "SOAPAction:\r\n",
        "Accept: application/json\r\nAccept-Encoding: br\r\n",
        "",
    ] {
        let headers = format!("Content-Type: text/xml; charset=utf-8\r\n{headers}");
        shows_moka(&gateway.raw(&with_headers("1.1", &headers, show("mokamiki").as_bytes())));
    }
}

#[test]
fn reads_every_declared_encoding() {
    let gateway = Gateway::demo();
    let find = envelope("findUsers", "<name>Móka</name>");
    let utf16: Vec<u8> = find.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = find.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin = |declaration: &str| -> Vec<u8> {
        // The letter ó has the same byte in ISO-8859-1, ISO-8859-2 and windows-1250.
        format!("{declaration}{find}")
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect()
    };
    let declared = |name: &str| latin(&format!("<?xml version='1.0' encoding='{name}'?>"));
    for (content_type, body) in [
        (
            "text/xml; charset=utf-16",
            [&[0xFF, 0xFE], utf16.as_slice()].concat(),
        ),
        (
            "text/xml; charset=utf-16",
            [&[0xFE, 0xFF], big.as_slice()].concat(),
        ),
        ("text/xml; charset=utf-16be", big.clone()),
        ("text/xml", [&[0xFE, 0xFF], big.as_slice()].concat()),
        ("text/xml", utf16),
        ("text/xml; charset=ISO-8859-1", latin("")),
        ("text/xml; charset=\"iso-8859-2\"", latin("")),
        ("text/xml", declared("ISO-8859-2")),
        ("text/xml", declared("windows-1250")),
        ("text/xml; charset=iso-8859-1", declared("utf-8")),
    ] {
        let reply = gateway.post(content_type, &body);
        shows_moka(&reply);
        assert_eq!(
            reply.header("Content-Type"),
            Some("text/xml; charset=utf-8")
        );
    }
    let unknown = gateway.post("text/xml; charset=klingon", find.as_bytes());
    assert_eq!(unknown.status, 415, "{unknown:?}");
}

#[test]
fn reads_gzip_chunked_bodies_expect_headers_and_http_1_0() {
    let gateway = Gateway::demo();
    let body = show("mokamiki");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(body.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let xml = "Content-Type: text/xml\r\n";
    shows_moka(&gateway.raw(&with_headers(
        "1.1",
        &format!("{xml}Content-Encoding: gzip\r\n"),
        &gzip,
    )));
    shows_moka(&gateway.raw(&with_headers("1.0", xml, body.as_bytes())));
    let (first, second) = body.split_at(100);
    let chunked = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{xml}Transfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    shows_moka(&gateway.raw(chunked.as_bytes()));
    let expecting = with_headers(
        "1.1",
        &format!("{xml}Expect: 100-continue\r\n"),
        body.as_bytes(),
    );
    let reply = gateway.raw(&expecting);
    assert_eq!(reply.status, 100, "{reply:?}");
    assert!(reply.body.contains("HTTP/1.1 200 OK") && reply.body.contains("Móka Miklós"));
}

/// The bytes in the zlib format.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// The bytes as a raw deflate stream.
fn raw_deflate(bytes: &[u8], level: u32) -> Vec<u8> {
    let level = flate2::Compression::new(level);
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), level);
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn reads_deflate_in_the_zlib_format_and_as_a_raw_stream() {
    let gateway = Gateway::demo();
    let body = show("mokamiki");
    let headers = "Content-Type: text/xml\r\nContent-Encoding: Deflate\r\n";
    let send = |bytes: &[u8]| gateway.raw(&with_headers("1.1", headers, bytes));
    for bytes in [
        zlib(body.as_bytes()),
        raw_deflate(body.as_bytes(), 6),
        // Level 0 writes stored blocks, which are not compressed.
        raw_deflate(body.as_bytes(), 0),
    ] {
        shows_moka(&send(&bytes));
    }
    let spaces = format!("{}{}", " ".repeat(200_000), show("mokamiki"));
    let numbers: String = (0..500_000).map(|n| n.to_string()).collect();
    let mut trailing = zlib(body.as_bytes());
    trailing.push(0);
    let mut wrong_sum = zlib(body.as_bytes());
    *wrong_sum.last_mut().unwrap() ^= 1;
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() - 20].to_vec();
    for (broken, status, code) in [
        (cut(zlib(body.as_bytes())), 500, "MALFORMED"),
        (cut(raw_deflate(body.as_bytes(), 6)), 500, "MALFORMED"),
        (trailing, 500, "MALFORMED"),
        (wrong_sum, 500, "MALFORMED"),
        (body.clone().into_bytes(), 500, "MALFORMED"),
        (Vec::from(*b"x"), 500, "MALFORMED"),
        // The inflated text has more than 200 times the size of the body.
        (zlib(spaces.as_bytes()), 500, "MALFORMED"),
        (zlib(numbers.as_bytes()), 413, "TOO_LARGE"),
    ] {
        let reply = send(&broken);
        assert_eq!(reply.status, status, "{reply:?}");
        assert_eq!(element(&reply.body, "code"), Some(code), "{reply:?}");
    }
}

#[test]
fn answers_with_title_case_headers_a_request_id_and_the_callers_soap_version() {
    let gateway = Gateway::demo();
    let reply = gateway.soap(&show("mokamiki"));
    for name in [
        "Content-Type",
        "Content-Length",
        "X-Request-Id",
        "Cache-Control",
    ] {
        assert!(reply.header(name).is_some(), "{name} in {}", reply.head);
    }
    assert_ne!(
        reply.header("X-Request-Id"),
        gateway.soap(&show("x")).header("X-Request-Id")
    );
    let twelve = show("mokamiki").replace(
        "http://schemas.xmlsoap.org/soap/envelope/",
        "http://www.w3.org/2003/05/soap-envelope",
    );
    let reply = gateway.post(
        "application/soap+xml; action=\"showUser\"; charset=utf-8",
        twelve.as_bytes(),
    );
    shows_moka(&reply);
    assert_eq!(
        reply.header("Content-Type"),
        Some("application/soap+xml; charset=utf-8")
    );
    assert!(
        reply
            .body
            .contains("<S:Envelope xmlns:S=\"http://www.w3.org/2003/05/soap-envelope\">")
    );
}

#[test]
fn refuses_each_invalid_value_with_its_own_code() {
    let gateway = Gateway::with(&[("soap.unknown_elements", "refuse")]);
    let english = |request: &str| {
        let body = envelope("findUsers", request);
        let headers = "Content-Type: text/xml\r\nAccept-Language: en\r\n";
        gateway
            .raw(&with_headers("1.1", headers, body.as_bytes()))
            .body
    };
    for (request, told) in [
        (
            "<limit>abc</limit>",
            "INVALID_FIELD</code><description>Invalid field (limit): must be a whole number",
        ),
        (
            "<limit>99999999999</limit>",
            "(limit): must be a whole number",
        ),
        (
            "<limit>1</limit><limit>2</limit>",
            "(limit): may occur only once",
        ),
        (
            "<limit><b>1</b></limit>",
            "(limit): has content of the wrong form",
        ),
        ("<limit>-1</limit>", "(limit): must be within 0–1000"),
        (
            "<nonsense/>",
            "UNKNOWN_FIELD</code><description>Unknown field (nonsense)",
        ),
        (
            "text",
            "INVALID_FIELD</code><description>Invalid field: has content of the wrong form",
        ),
        (
            "<statuses>LOCKED</statuses>",
            "(statuses): must be UNACTIVATED, ACTIVE or INACTIVE",
        ),
        (
            &"<clientNames>a</clientNames>".repeat(101),
            "(clientNames): at most 100 entries",
        ),
        (
            &format!("<name>{}</name>", "é".repeat(257)),
            "(name): at most 256 characters",
        ),
    ] {
        let body = english(request);
        assert!(body.contains(told), "{request}: {body}");
        assert_eq!(element(&body, "code"), Some("2"), "{body}");
    }
    for fine in [
        "<limit> 007 </limit>",
        "<limit/><offset></offset><name/>",
        &format!("<name>{}</name>", "é".repeat(256)),
        "<limit xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='1'/>",
    ] {
        let body = english(fine);
        assert_eq!(element(&body, "code"), Some("0"), "{fine}: {body}");
    }
}

#[test]
fn reads_flat_and_wrapped_lists_and_keeps_blanks_of_passwords() {
    let gateway = Gateway::demo();
    let modify = |roles: &str| {
        let user = format!("<user><userName>mokamiki</userName>{roles}</user>");
        gateway.soap(&envelope("modifyUser", &user)).body
    };
    let both = "<roles><role>a</role><role>b</role></roles>";
    for roles in [
        both,
        "<roles>a</roles><roles>b</roles>",
        "<roles> a </roles><roles><role/><role>b</role></roles>",
        "<roles><roles>a</roles><roles>b</roles></roles>",
    ] {
        assert!(modify(roles).contains(both), "{roles}: {}", modify(roles));
    }
    let change = |old: &str, new: &str| {
        let request = format!(
            "<oldPassword>{old}</oldPassword><password>{new}</password><userName>mokamiki</userName>"
        );
        let body = gateway.soap(&envelope("changePassword", &request)).body;
        element(&body, "code").map(str::to_owned)
    };
    assert_eq!(
        change("MokaMiki-1234", "  Két szóköz  ").as_deref(),
        Some("0")
    );
    assert_eq!(change("Két szóköz", "MokaMiki-1234").as_deref(), Some("3"));
    assert_eq!(
        change("  Két szóköz  ", "MokaMiki-1234").as_deref(),
        Some("0")
    );
}

#[test]
fn ignores_forwarded_headers_of_untrusted_peers_in_the_wsdl_address() {
    let ask = |gateway: &Gateway| {
        let head = "GET /hammy/ws/user/v1?WSDL HTTP/1.1\r\nHost: inner\r\nX-Forwarded-Proto: https\r\n\
                    X-Forwarded-Host: forged.example, id.example\r\nConnection: close\r\n\r\n";
        let body = gateway.raw(head.as_bytes()).body;
        let from = body.find("<soap:address location=\"").unwrap() + 24;
        body[from..].split('"').next().unwrap().to_owned()
    };
    assert_eq!(ask(&Gateway::demo()), "http://inner/hammy/ws/user/v1");
    let behind = Gateway::with(&[("trusted_proxies", "127.0.0.1")]);
    assert_eq!(ask(&behind), "https://id.example/hammy/ws/user/v1");
    let named = Gateway::with(&[("public_url", "https://login.example")]);
    assert_eq!(ask(&named), "https://login.example/hammy/ws/user/v1");
}

#[test]
fn puts_the_forwarded_port_of_a_trusted_proxy_into_the_wsdl_address() {
    let ask = |gateway: &Gateway, headers: &str| {
        let head = format!(
            "GET /hammy/ws/user/v1?wsdl HTTP/1.1\r\nHost: inner:8080\r\nConnection: close\r\n{headers}\r\n"
        );
        let body = gateway.raw(head.as_bytes()).body;
        let from = body.find("<soap:address location=\"").unwrap() + 24;
        let address = body[from..].split('"').next().unwrap();
        address
            .strip_suffix("/hammy/ws/user/v1")
            .unwrap()
            .to_owned()
    };
    let behind = Gateway::with(&[("trusted_proxies", "127.0.0.1")]);
    let https = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: id.example\r\n";
    for (host, port, expected) in [
        (https, "8443", "https://id.example:8443"),
        (https, "443", "https://id.example"),
        (https, "80", "https://id.example:80"),
        (https, "1, 9443", "https://id.example:9443"),
        (https, "none", "https://id.example"),
        (https, "0", "https://id.example"),
        (https, "65536", "https://id.example"),
        ("", "80", "http://inner"),
        ("", "81", "http://inner:81"),
        ("X-Forwarded-Host: [::1]:7\r\n", "90", "http://[::1]:90"),
        ("X-Forwarded-Host: [::1]\r\n", "80", "http://[::1]"),
    ] {
        let headers = format!("{host}X-Forwarded-Port: {port}\r\n");
        assert_eq!(ask(&behind, &headers), expected, "{headers}");
    }
    let demo = Gateway::demo();
    let address = ask(&demo, "X-Forwarded-Port: 9\r\n");
    assert_eq!(address, "http://inner:8080");
}

#[test]
fn answers_404_for_unknown_paths_and_405_for_other_methods() {
    let gateway = Gateway::with(&[
        ("extra_soap_paths", "/services/UserAPI"),
        ("context_path", "legacy"),
    ]);
    let ask = |method: &str, path: &str| {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        gateway.raw(head.as_bytes())
    };
    assert_eq!(ask("GET", "/nowhere").status, 404);
    let delete = ask("DELETE", "/legacy/ws/user/v1");
    assert_eq!(
        (delete.status, delete.header("Allow")),
        (405, Some("GET, HEAD, POST"))
    );
    assert_eq!(ask("POST", "/healthz").status, 405);
    let keys = ask("GET", "/.well-known/jwks.json");
    assert_eq!(keys.header("Cache-Control"), Some("public, max-age=300"));
    let keys: serde_json::Value = serde_json::from_str(&keys.body).unwrap();
    assert_eq!(keys["keys"][0]["alg"], "ES256");
    let head = ask("HEAD", "/legacy/ws/user/v1/?wsdl");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(ask("GET", "/services/UserAPI?xsd=1").status, 200);
    assert_eq!(ask("GET", "/services/UserAPI").status, 405);
}

#[test]
fn answers_pipelined_requests_at_once_and_refuses_broken_ones() {
    let gateway = Gateway::with(&[("limits.read_timeout_s", "2")]);
    let body = show("mokamiki");
    let request = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // Old clients send a stray line break; others pipeline the beginning of the next request.
    for after in ["\r\n", "GET /hea"] {
        shows_moka(&gateway.raw(format!("{request}{after}").as_bytes()));
    }
    let reply = gateway.raw(request.repeat(5).as_bytes());
    assert_eq!(1 + reply.body.matches("HTTP/1.1 200 OK").count(), 5);
    for broken in [
        "FOO\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
    ] {
        assert_eq!(gateway.raw(broken.as_bytes()).status, 400, "{broken}");
    }
    let many = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "A: b\r\n".repeat(200)
    );
    assert_eq!(gateway.raw(many.as_bytes()).status, 431);
}
