//! Hostile XML, one test for each kind: the exact fault comes at once, the server keeps answering, and its memory does
//! not grow.

use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::harness::process::Process;
use crate::harness::{Database, Gateway, Reply, Speaker, element, envelope};

/// The longest time for a refusal.
const AT_ONCE: Duration = Duration::from_millis(50);
/// The fault's text for a body over its limit.
const TOO_LARGE: &str = "A kérés túl nagy";

fn shown(name: &str) -> String {
    envelope("showUser", &format!("<userName>{name}</userName>"))
}

fn sent(body: &[u8], headers: &str) -> Vec<u8> {
    let head = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n{headers}\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(body).unwrap();
    sent(&gzip.finish().unwrap(), "Content-Encoding: gzip\r\n")
}

/// A request whose body has a gzip member for each piece, followed by the bytes `behind`.
fn gzipped_in(pieces: &[impl AsRef<[u8]>], behind: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for piece in pieces {
        let mut gzip = flate2::write::GzEncoder::new(&mut body, flate2::Compression::best());
        gzip.write_all(piece.as_ref()).unwrap();
        gzip.finish().unwrap();
    }
    body.extend_from_slice(behind);
    sent(&body, "Content-Encoding: gzip\r\n")
}

/// A valid envelope in this many pieces.
fn in_pieces(count: usize) -> Vec<Vec<u8>> {
    let whole = shown("mokamiki").into_bytes();
    let pieces = whole.chunks(whole.len().div_ceil(count));
    pieces.map(<[u8]>::to_vec).collect()
}

/// Asserts that the reply is the fault with this text and nothing else.
fn assert_fault(reply: &Reply, text: &str) {
    let too_large = text == TOO_LARGE;
    let (status, code, text) = match too_large {
        true => (413, "TOO_LARGE", text.to_owned()),
        false => (
            500,
            "MALFORMED",
            format!("A kérés nem értelmezhető: {text}"),
        ),
    };
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(element(&reply.body, "faultcode"), Some("S:Client"));
    assert_eq!(element(&reply.body, "code"), Some(code));
    let told = reply.body.split("<faultstring>").nth(1);
    let told = told.unwrap().split("</faultstring>").next().unwrap();
    assert_eq!(told, text);
}

/// Asserts that the request is refused with this text within [`AT_ONCE`]. Only the fastest of ten tries counts, because
/// other tests run at the same time.
fn refuses(gateway: &Speaker, request: &[u8], text: &str) {
    let quickest = (0..10)
        .map(|_| {
            let begun = Instant::now();
            assert_fault(&gateway.raw(request), text);
            begun.elapsed()
        })
        .min();
    assert!(quickest < Some(AT_ONCE), "{quickest:?}");
    let after = gateway.soap(&shown("mokamiki"));
    assert_eq!(
        element(&after.body, "code"),
        Some("0"),
        "the server still answers"
    );
}

fn doctype() -> Vec<u8> {
    sent(format!("<!DOCTYPE x>{}", shown("a")).as_bytes(), "")
}

fn entity_bomb() -> Vec<u8> {
    let ten = |of: &str| format!("&{of};").repeat(10);
    let mut bomb = "<!DOCTYPE x [<!ENTITY a0 \"lol\">".to_owned();
    for n in 1..10 {
        bomb.push_str(&format!(
            "<!ENTITY a{n} \"{}\">",
            ten(&format!("a{}", n - 1))
        ));
    }
    sent(format!("{bomb}]>{}", shown("&a9;")).as_bytes(), "")
}

fn nested() -> Vec<u8> {
    sent(shown(&"<a>".repeat(1_000_000)).as_bytes(), "")
}

/// As many nested elements as the default body limit allows.
fn nested_within_the_body_limit() -> Vec<u8> {
    sent(shown(&"<a>".repeat(340_000)).as_bytes(), "")
}

fn attributes() -> Vec<u8> {
    let attributes: String = (0..10_000).map(|n| format!(" a{n}=\"\"")).collect();
    sent(shown(&format!("<a{attributes}/>")).as_bytes(), "")
}

fn namespaces() -> Vec<u8> {
    let declared: String = (0..10_000)
        .map(|n| format!(" xmlns:a{n}=\"urn:a\""))
        .collect();
    sent(shown(&format!("<a{declared}/>")).as_bytes(), "")
}

fn siblings() -> Vec<u8> {
    sent(shown(&"<a/>".repeat(250_000)).as_bytes(), "")
}

fn long_text() -> Vec<u8> {
    sent(shown(&"a".repeat(1_000_000)).as_bytes(), "")
}

fn long_comment() -> Vec<u8> {
    sent(
        shown(&format!("<!--{}-->", "-a".repeat(500_000))).as_bytes(),
        "",
    )
}

fn references() -> Vec<u8> {
    sent(shown(&"&amp;".repeat(200_000)).as_bytes(), "")
}

fn gzip_bomb() -> Vec<u8> {
    gzipped(&vec![b' '; 50_000_000])
}

/// One test for each document, on a gateway with the default settings.
macro_rules! refused {
    ($($name:ident: $request:expr => $text:expr;)+) => {
        $(
            #[test]
            fn $name() {
                refuses(&Gateway::demo(), &$request, $text);
            }
        )+
    };
}

const TOO_DEEP: &str = "legfeljebb 32 szint mély lehet";
const TOO_LONG: &str = "egy szöveg legfeljebb 65536 bájt lehet";

refused! {
    refuses_a_doctype: doctype() => "DOCTYPE nem megengedett";
    refuses_an_entity_bomb: entity_bomb() => "DOCTYPE nem megengedett";
    refuses_an_undeclared_entity: sent(shown("&b;").as_bytes(), "") => "ismeretlen entitás";
    refuses_as_many_nested_elements_as_a_body_holds: nested_within_the_body_limit() => TOO_DEEP;
    refuses_a_million_nested_elements_for_their_size: nested() => TOO_LARGE;
    refuses_10_000_attributes: attributes() => "egy elemen legfeljebb 64 attribútum lehet";
    refuses_10_000_namespaces: namespaces() => "egyszerre legfeljebb 64 névtér lehet deklarálva";
    refuses_too_many_elements: siblings() => "legfeljebb 10000 elem lehet benne";
    refuses_a_long_text: long_text() => TOO_LONG;
    refuses_a_long_comment: long_comment() => TOO_LONG;
    refuses_a_text_of_references: references() => TOO_LONG;
    refuses_a_forbidden_character: sent(shown("a\u{1}b").as_bytes(), "") => "az XML-ben tiltott karakter";
    refuses_a_reference_to_a_forbidden_character: sent(shown("a&#1;b").as_bytes(), "") => "az XML-ben tiltott karakter";
    refuses_a_processing_instruction: sent(format!("<?php echo?>{}", shown("a")).as_bytes(), "")
        => "feldolgozási utasítás nem megengedett";
    refuses_an_element_after_the_envelope: sent(format!("{}<a/>", shown("a")).as_bytes(), "")
        => "tartalom a boríték után";
    refuses_a_text_after_the_envelope: sent(format!("{}a", shown("a")).as_bytes(), "")
        => "tartalom a boríték után";
    refuses_a_gzip_bomb: gzip_bomb() => TOO_LARGE;
    refuses_gzip_of_a_thousand_members: gzipped_in(&vec![b""; 1000], b"") => "a tömörített törzs hibás";
    refuses_gzip_of_17_members: gzipped_in(&in_pieces(17), b"") => "a tömörített törzs hibás";
    refuses_gzip_with_a_byte_after_the_last_member: gzipped_in(&in_pieces(1), b"a") => "a tömörített törzs hibás";
    refuses_gzip_with_zeros_after_the_last_member: gzipped_in(&in_pieces(1), &[0; 20]) => "a tömörített törzs hibás";
    refuses_truncated_gzip: gzipped_in(&in_pieces(1), &[0x1F, 0x8B, 8]) => "a tömörített törzs hibás";
    refuses_gzip_with_too_high_a_ratio: gzipped(shown(&" ".repeat(60_000)).replace(">", &format!(">{}", " ".repeat(20_000))).as_bytes())
        => "a tömörített törzs hibás";
    refuses_plain_text_that_is_declared_as_gzip: sent(b"not gzip at all", "Content-Encoding: gzip\r\n")
        => "a tömörített törzs hibás";
}

#[test]
fn refuses_a_million_nested_elements_for_their_depth_under_a_large_body_limit() {
    let gateway = Gateway::with(&[("limits.body_bytes", "16777216")]);
    refuses(&gateway, &nested(), TOO_DEEP);
}

#[test]
fn reads_gzip_of_16_members_and_of_much_white_space() {
    let gateway = Gateway::demo();
    let wide = shown("mokamiki").replace("><", &format!(">{}<", " ".repeat(4_000)));
    for request in [gzipped_in(&in_pieces(16), b""), gzipped(wide.as_bytes())] {
        let reply = gateway.raw(&request);
        assert_eq!(element(&reply.body, "code"), Some("0"), "{reply:?}");
    }
}

#[test]
fn refuses_a_declaration_that_contradicts_the_encoding() {
    let gateway = Gateway::demo();
    let declared = |name: &str| format!("<?xml version='1.0' encoding='{name}'?>{}", shown("é"));
    let wide = |text: String| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    for body in [
        declared("UTF-16").into_bytes(),
        declared("utf-16le").into_bytes(),
        declared("US-ASCII").into_bytes(),
        format!("\u{FEFF}{}", declared("ISO-8859-1")).into_bytes(),
        wide(declared("UTF-8")),
        wide(declared("ISO-8859-2")),
    ] {
        assert_fault(
            &gateway.raw(&sent(&body, "")),
            "a karakterkódolás hibás vagy ismeretlen",
        );
    }
    let found = gateway.raw(&sent(&wide(declared("UTF-16")), ""));
    assert_eq!(found.status, 200, "{found:?}");
}

#[test]
fn refuses_invalid_utf_8() {
    let mut latin = shown("?").into_bytes();
    let at = latin.iter().position(|b| *b == b'?').unwrap();
    latin[at] = 0xE9;
    let text = "a karakterkódolás hibás vagy ismeretlen";
    refuses(&Gateway::demo(), &sent(&latin, ""), text);
}

#[test]
fn refuses_a_truncated_document_wherever_it_ends() {
    let gateway = Gateway::demo();
    let whole = shown("mokamiki");
    let first = whole.find('>').unwrap() + 1;
    for end in (first..whole.len()).step_by(7) {
        assert_fault(
            &gateway.raw(&sent(&whole.as_bytes()[..end], "")),
            "a dokumentum csonka",
        );
    }
    let most = &whole.as_bytes()[..whole.len() - 1];
    refuses(&gateway, &sent(most, ""), "a dokumentum csonka");
}

#[test]
fn refuses_two_bodies() {
    let two = shown("a").replace("</soapenv:Body>", "</soapenv:Body><soapenv:Body/>");
    let text = "pontosan egy Body kell, benne pontosan egy művelettel";
    refuses(&Gateway::demo(), &sent(two.as_bytes(), ""), text);
}

#[test]
fn refuses_a_body_over_the_limit_with_a_length_in_chunks_and_with_expect() {
    let gateway = Gateway::demo();
    let big = shown(&" ".repeat(3_000_000));
    assert_fault(&gateway.raw(&sent(big.as_bytes(), "")), TOO_LARGE);
    let chunked = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{big}\r\n0\r\n\r\n",
        big.len()
    );
    assert_fault(&gateway.raw(chunked.as_bytes()), TOO_LARGE);
    let expecting = "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n\
                     Expect: 100-continue\r\nContent-Length: 3000000\r\n\r\n";
    assert_fault(&gateway.raw(expecting.as_bytes()), TOO_LARGE);
    let unknown = gateway.raw(&sent(b"x", "Content-Encoding: br\r\n"));
    assert_eq!(unknown.status, 415);
}

/// The resident memory of the process in kilobytes.
#[cfg(target_os = "linux")]
fn resident_kb(id: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn refuses_hostile_documents_without_memory_growth() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let process = Process::start(data.path(), database.url(), &[], &["--demo"]);
    let hostile = [
        entity_bomb(),
        nested(),
        nested_within_the_body_limit(),
        attributes(),
        namespaces(),
        siblings(),
        long_text(),
        long_comment(),
        references(),
        gzip_bomb(),
    ];
    // After some rounds the allocator has filled its per-thread caches; from then on the memory must not grow.
    let after: Vec<_> = (0..30)
        .map(|_| {
            for request in &hostile {
                assert!([500, 413].contains(&process.speaker.raw(request).status));
            }
            resident_kb(process.id())
        })
        .collect();
    let (settled, last) = (after[14], after[29]);
    assert!(last.saturating_sub(settled) < 8 * 1024, "{after:?} kB");
    assert!(last < 96 * 1024, "{after:?} kB");
    process.stop();
}
