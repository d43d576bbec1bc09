//! XML that means harm: an exact fault each, and the server goes on answering.

use std::time::{Duration, Instant};

use crate::harness::process::Process;
use crate::harness::{Database, Gateway, Reply, element, envelope};

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
    let gateway = Gateway::demo();
    let too_large = |reply: &Reply| {
        assert_eq!(reply.status, 413, "{reply:?}");
        assert_eq!(element(&reply.body, "faultcode"), Some("S:Client"));
        assert_eq!(element(&reply.body, "code"), Some("TOO_LARGE"));
    };
    let big = shown(&" ".repeat(3_000_000));
    too_large(&gateway.soap(&big));
    too_large(&gateway.raw(&gzipped(big.as_bytes())));
    let chunked = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{big}\r\n0\r\n\r\n",
        big.len()
    );
    too_large(&gateway.raw(chunked.as_bytes()));
    let expecting = "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n\
                     Expect: 100-continue\r\nContent-Length: 3000000\r\n\r\n";
    too_large(&gateway.raw(expecting.as_bytes()));
    let broken = gateway.raw(&compressed("gzip", b"not gzip at all"));
    assert_eq!(element(&broken.body, "code"), Some("MALFORMED"));
    assert_eq!(gateway.raw(&compressed("br", b"x")).status, 415);
}

fn compressed(coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Encoding: {coding}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(body).unwrap();
    compressed("gzip", &gzip.finish().unwrap())
}

/// Kilobytes of the process that lie in memory.
#[cfg(target_os = "linux")]
fn resident_kb(id: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn none_of_it_takes_time_or_memory() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let process = Process::start(data.path(), database.url(), &[], &["--demo"]);
    let post = |body: &str| {
        let head = format!(
            "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        format!("{head}{body}").into_bytes()
    };
    let wide: String = (0..10_000).map(|n| format!(" a{n}=\"\"")).collect();
    let spaces: String = (0..10_000)
        .map(|n| format!(" xmlns:a{n}=\"urn:a\""))
        .collect();
    let laughs = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;\">]>";
    let hostile = [
        (
            "a DOCTYPE with entities",
            post(&format!("{laughs}{}", shown("&c;"))),
        ),
        (
            "1,000,000 nested elements",
            post(&shown(&"<a>".repeat(1_000_000))),
        ),
        (
            "as many as the body takes",
            post(&shown(&"<a>".repeat(340_000))),
        ),
        ("10,000 attributes", post(&shown(&format!("<a{wide}/>")))),
        ("10,000 namespaces", post(&shown(&format!("<a{spaces}/>")))),
        ("siblings", post(&shown(&"<a/>".repeat(250_000)))),
        ("a long text", post(&shown(&"a".repeat(1_000_000)))),
        (
            "a long comment",
            post(&shown(&format!("<!--{}", "-a".repeat(500_000)))),
        ),
        ("references", post(&shown(&"&amp;".repeat(200_000)))),
        ("a gzip bomb", gzipped(&vec![b' '; 50_000_000])),
    ];
    let mut after = Vec::new();
    let mut quickest = vec![Duration::MAX; hostile.len()];
    for _ in 0..5 {
        for ((what, request), quickest) in hostile.iter().zip(&mut quickest) {
            for _ in 0..3 {
                let begun = Instant::now();
                let reply = process.speaker.raw(request);
                assert!([500, 413].contains(&reply.status), "{what}: {reply:?}");
                let code = element(&reply.body, "faultcode");
                assert_eq!(code, Some("S:Client"), "{what}");
                *quickest = begun.elapsed().min(*quickest);
            }
        }
        after.push(resident_kb(process.id()));
    }
    // The quickest of all, since other tests run beside this one.
    for ((what, _), quickest) in hostile.iter().zip(quickest) {
        let limit = Duration::from_millis(50);
        assert!(quickest < limit, "{what} took {quickest:?}");
    }
    // A round sends some 25 MB. The allocator keeps some of it for each thread; were any of it lost, three
    // rounds would show three times as much.
    assert!(
        after[4].saturating_sub(after[1]) < 32 * 1024 && after[4] < 128 * 1024,
        "memory grew: {after:?} kB"
    );
    process.stop();
}
