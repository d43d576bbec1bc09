//! HTTP framing (RFC 9112 §6): a request whose body has no clear end is refused, which prevents request smuggling.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::harness::{Gateway, Reply, element, envelope};

/// A chunked body of one chunk.
fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

fn posted(gateway: &Gateway, version: &str, headers: &[&str], body: &str) -> Reply {
    let mut request = format!(
        "POST /hammy/ws/user/v1 HTTP/{version}\r\nHost: a.test\r\nContent-Type: text/xml\r\n"
    );
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    request.push_str(body);
    gateway.raw(request.as_bytes())
}

#[test]
fn refuses_any_transfer_encoding_but_chunked_with_501_and_closes() {
    let gateway = Gateway::demo();
    let show = chunked(&envelope("showUser", "<userName>mokamiki</userName>"));
    for headers in [
        &["Transfer-Encoding: gzip, chunked"][..],
        &["Transfer-Encoding: gzip"],
        &["Transfer-Encoding: identity"],
        &["Transfer-Encoding: chunked, gzip"],
        &["Transfer-Encoding: chunked, chunked"],
        &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: xchunked"],
        &["Transfer-Encoding: chunked;q=1"],
        &["Transfer-Encoding: \"chunked\""],
        &["Transfer-Encoding:"],
        &["tRANSFER-eNCODING: gzip"],
        &["Transfer-Encoding:\tgzip\t"],
    ] {
        // The smuggled second request gets no answer.
        let body = format!("{show}GET /healthz HTTP/1.1\r\nHost: a.test\r\n\r\n");
        let reply = posted(&gateway, "1.1", headers, &body);
        assert_eq!(reply.status, 501, "{headers:?} {reply:?}");
        assert_eq!(reply.header("Connection"), Some("close"), "{reply:?}");
        assert!(reply.header("X-Request-Id").is_some(), "{reply:?}");
        assert!(!reply.body.contains("HTTP/1.1"), "{reply:?}");
    }
    for header in [
        "Transfer-Encoding: chunked",
        "transfer-encoding:CHUNKED",
        "Transfer-Encoding: \t chunked \t",
    ] {
        let reply = posted(&gateway, "1.1", &[header, "Connection: close"], &show);
        assert_eq!(
            element(&reply.body, "code"),
            Some("0"),
            "{header} {reply:?}"
        );
    }
}

#[test]
fn refuses_a_transfer_encoding_with_a_content_length_or_in_http_1_0() {
    let gateway = Gateway::demo();
    let show = chunked(&envelope("showUser", "<userName>mokamiki</userName>"));
    let length = format!("Content-Length: {}", show.len());
    for (version, headers) in [
        ("1.1", &[&length, "Transfer-Encoding: chunked"][..]),
        ("1.1", &["Transfer-Encoding: chunked", &length]),
        ("1.1", &["Content-Length: 0", "Transfer-Encoding: chunked"]),
        ("1.0", &["Transfer-Encoding: chunked"]),
        ("1.0", &["Transfer-Encoding: gzip"]),
    ] {
        let reply = posted(&gateway, version, headers, &show);
        assert_eq!(reply.status, 400, "{version} {headers:?} {reply:?}");
        assert_eq!(reply.header("Connection"), Some("close"), "{reply:?}");
        assert!(reply.header("X-Request-Id").is_some(), "{reply:?}");
    }
}

#[test]
fn refuses_a_transfer_encoding_however_its_head_is_split_into_packets() {
    let gateway = Gateway::demo();
    let head = "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip\r\n\r\n";
    for at in 1..head.len() {
        let mut stream = TcpStream::connect(gateway.address).unwrap();
        stream.set_nodelay(true).unwrap();
        let (first, rest) = head.split_at(at);
        stream.write_all(first.as_bytes()).unwrap();
        // A round trip on another connection gives the gateway time to read the first part.
        assert_eq!(gateway.get("/healthz").status, 200);
        stream.write_all(rest.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 501 "), "{at}: {answer}");
    }
}
