//! XML that means harm: an exact fault each, and the server goes on answering.

use crate::harness::{Gateway, element, envelope};

fn faults(gateway: &Gateway, body: &[u8], words: &str) {
    let reply = gateway.post("text/xml; charset=utf-8", body);
    assert_eq!(reply.status, 500, "{reply:?}");
    assert_eq!(
        element(&reply.body, "faultcode"),
        Some("S:Client"),
        "{reply:?}"
    );
    assert_eq!(element(&reply.body, "code"), Some("MALFORMED"), "{reply:?}");
    assert!(reply.body.contains(words), "{words} in {reply:?}");
    let after = gateway.soap(&envelope("showUser", "<userName>mokamiki</userName>"));
    assert_eq!(after.status, 200, "the server still answers");
}

fn shown(name: &str) -> String {
    envelope("showUser", &format!("<userName>{name}</userName>"))
}

#[test]
fn refuses_a_doctype_and_with_it_every_entity_bomb() {
    let gateway = Gateway::demo();
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    faults(
        &gateway,
        format!("{bomb}{}", shown("&b;")).as_bytes(),
        "DOCTYPE",
    );
    faults(&gateway, shown("&b;").as_bytes(), "ismeretlen entitás");
}

#[test]
fn refuses_deep_wide_and_long_documents() {
    let gateway = Gateway::with(&[("limits.body_bytes", "16777216")]);
    faults(
        &gateway,
        shown(&"<a>".repeat(1_000_000)).as_bytes(),
        "32 szint",
    );
    let attributes: String = (0..10_000).map(|n| format!(" a{n}=\"\"")).collect();
    faults(
        &gateway,
        shown(&format!("<a{attributes}/>")).as_bytes(),
        "64 attribútum",
    );
    let namespaces: String = (0..10_000)
        .map(|n| format!(" xmlns:a{n}=\"urn:a\""))
        .collect();
    faults(
        &gateway,
        shown(&format!("<a{namespaces}/>")).as_bytes(),
        "jól formált",
    );
    faults(
        &gateway,
        shown(&"<a/>".repeat(20_000)).as_bytes(),
        "10000 elem",
    );
    faults(
        &gateway,
        shown(&"a".repeat(100_000)).as_bytes(),
        "65536 bájt",
    );
}

#[test]
fn refuses_what_is_not_xml() {
    let gateway = Gateway::demo();
    faults(&gateway, shown("a\u{1}b").as_bytes(), "tiltott karakter");
    faults(&gateway, shown("a&#1;b").as_bytes(), "tiltott karakter");
    let mut latin = shown("?").into_bytes();
    let at = latin.iter().position(|b| *b == b'?').unwrap();
    latin[at] = 0xE9;
    faults(&gateway, &latin, "karakterkódolás");
    faults(
        &gateway,
        format!("<?php echo?>{}", shown("a")).as_bytes(),
        "feldolgozási utasítás",
    );
    faults(
        &gateway,
        format!("{}<a/>", shown("a")).as_bytes(),
        "a boríték után",
    );
    faults(
        &gateway,
        format!("{}a", shown("a")).as_bytes(),
        "a boríték után",
    );
    let whole = shown("mokamiki");
    faults(&gateway, &whole.as_bytes()[..whole.len() - 20], "csonka");
    let two = whole.replace("</soapenv:Body>", "</soapenv:Body><soapenv:Body/>");
    faults(&gateway, two.as_bytes(), "pontosan egy Body");
}

#[test]
fn refuses_a_body_over_the_limit_also_when_it_only_unfolds_to_that() {
    use std::io::Write as _;
    let gateway = Gateway::demo();
    let big = shown(&" ".repeat(3_000_000));
    assert_eq!(gateway.soap(&big).status, 413);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(big.as_bytes()).unwrap();
    let bomb = gzip.finish().unwrap();
    let head = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Encoding: gzip\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        bomb.len()
    );
    assert_eq!(gateway.raw(&[head.as_bytes(), &bomb].concat()).status, 413);
}
