//! HTTP rules that hold for every face: the Host header, half-closed connections, /metrics and HSTS.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::harness::{Gateway, Reply, Speaker, element, envelope};

/// One path of every face, and an unknown path.
const PATHS: [&str; 12] = [
    "/hammy/ws/user/v1?wsdl",
    "/hammy/json/user/v1/users/mokamiki",
    "/hammy/user/v1/users/mokamiki",
    "/json_rpc",
    "/checkSSO/login.html",
    "/user/v1/get/externalId/42/externalIdProvider/apekx/externalIdType/apekx",
    "/v1/user/session/create",
    "/healthz",
    "/metrics",
    "/docs",
    "/.well-known/jwks.json",
    "/nowhere",
];

fn ask(gateway: &Speaker, line: &str, headers: &[&str]) -> Reply {
    let mut head = format!("{line}\r\nConnection: close\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    gateway.raw(head.as_bytes())
}

#[test]
fn refuses_a_missing_doubled_or_invalid_host_on_every_path() {
    let gateway = Gateway::demo();
    for path in PATHS {
        let line = format!("GET {path} HTTP/1.1");
        for headers in [
            &[][..],
            &["Host: a.test", "Host: a.test"],
            &["Host: a.test", "Host: b.test"],
            &["Host:"],
            &["Host: a b"],
        ] {
            let reply = ask(&gateway, &line, headers);
            assert_eq!(reply.status, 400, "{path} {headers:?} {reply:?}");
            assert_eq!(reply.header("Connection"), Some("close"), "{reply:?}");
            assert!(reply.header("X-Request-Id").is_some(), "{reply:?}");
        }
    }
}

#[test]
fn refuses_a_host_with_invalid_characters_or_port() {
    let gateway = Gateway::demo();
    for host in [
        "user@a.test",
        "a.test:port",
        "a.test:65536",
        "a.test:80:80",
        "a.test:-1",
        "[::1",
        "[::g]",
        "::1",
        "[::1]x",
        "a.test/path",
        "a.test?query",
        "a.test#fragment",
        "a\\b",
        "a%2",
        "a%zz",
        "<script>",
        "\"a\"",
        "a\u{e9}.test",
        "a.test, b.test",
        ":80",
    ] {
        let host = format!("Host: {host}");
        let reply = ask(&gateway, "GET /healthz HTTP/1.1", &[&host]);
        assert_eq!(reply.status, 400, "{host} {reply:?}");
    }
    for host in [
        "a.test",
        "A.TEST:8080",
        "a.test:",
        "127.0.0.1:1",
        "[::1]",
        "[2001:db8::7]:8080",
        "a_b.test",
        "a%2db.test",
        "localhost:65535",
    ] {
        let host = format!("Host: {host}");
        let reply = ask(&gateway, "GET /healthz HTTP/1.1", &[&host]);
        assert_eq!(reply.status, 200, "{host} {reply:?}");
    }
}

#[test]
fn accepts_http_1_0_without_host_and_refuses_an_invalid_host() {
    let gateway = Gateway::demo();
    let line = "GET /healthz HTTP/1.0";
    assert_eq!(ask(&gateway, line, &[]).status, 200);
    assert_eq!(ask(&gateway, line, &["Host: a.test"]).status, 200);
    assert_eq!(ask(&gateway, line, &["Host: a b"]).status, 400);
    let two = ["Host: a.test", "Host: a.test"];
    assert_eq!(ask(&gateway, line, &two).status, 400);
}

#[test]
fn replaces_the_host_by_the_authority_of_an_absolute_target() {
    let gateway = Gateway::demo();
    let line = "GET http://target.test:81/hammy/ws/user/v1?wsdl HTTP/1.1";
    let reply = ask(&gateway, line, &["Host: header.test"]);
    assert!(
        reply
            .body
            .contains("location=\"http://target.test:81/hammy/ws/user/v1\""),
        "{reply:?}"
    );
    assert!(!reply.body.contains("header.test"));
    // The links of a list are absolute.
    let line = "GET http://target.test/hammy/json/user/v1/users?limit=1 HTTP/1.1";
    let key = "X-Client-Hash-Key: demo-hash-key";
    let list = ask(&gateway, line, &["Host: header.test", key]);
    assert_eq!(list.status, 200, "{list:?}");
    let link = "\"first\":\"http://target.test/hammy/json/user/v1/users?limit=1&offset=0\"";
    assert!(list.body.contains(link), "{list:?}");
    assert!(!list.body.contains("header.test"), "{list:?}");
    // The Host header and the authority are checked, too.
    assert_eq!(
        ask(&gateway, "GET http://a.test/healthz HTTP/1.1", &[]).status,
        400
    );
    for target in [
        "http://user@a.test/healthz",
        "http://a.test:99999/healthz",
        "ftp://a.test/healthz",
    ] {
        let line = format!("GET {target} HTTP/1.1");
        let reply = ask(&gateway, &line, &["Host: a.test"]);
        assert_eq!(reply.status, 400, "{line} {reply:?}");
    }
}

#[test]
fn ignores_an_invalid_forwarded_host() {
    let gateway = Gateway::with(&[("trusted_proxies", "127.0.0.1")]);
    for (forwarded, used) in [
        ("proxy.test", "http://proxy.test/"),
        ("a\"b", "http://a.test/"),
        ("user@b.test", "http://a.test/"),
        ("b.test/path", "http://a.test/"),
    ] {
        let header = format!("X-Forwarded-Host: {forwarded}");
        let line = "GET /hammy/ws/user/v1?wsdl HTTP/1.1";
        let reply = ask(&gateway, line, &["Host: a.test", &header]);
        assert!(reply.body.contains(used), "{forwarded}: {reply:?}");
    }
}

#[test]
fn answers_a_client_that_closes_its_sending_half() {
    // The hash takes so long that the gateway sees the end of input before the answer is ready.
    let gateway = Gateway::with(&[("password.cost", "10")]);
    let sign_in = envelope(
        "authenticate",
        "<userNameOrEmail>mokamiki</userNameOrEmail><password>MokaMiki-1234</password>",
    );
    let request = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/xml\r\n\
         Content-Length: {}\r\n\r\n{sign_in}",
        sign_in.len()
    );
    for _ in 0..5 {
        let mut stream = TcpStream::connect(gateway.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(element(&answer, "code"), Some("0"), "{answer:?}");
    }
    // The gateway refuses half a body with 400, and sends no answer to half a head.
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    stream
        .write_all(&request.as_bytes()[..request.len() - 9])
        .unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer:?}");
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    stream.write_all(&request.as_bytes()[..30]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "");
}

#[test]
fn delivers_a_refusal_while_the_client_is_still_sending() {
    let gateway = Gateway::demo();
    let long = format!("GET /{} HTTP/1.1\r\nHost: a.test\r\n", "a".repeat(60_000));
    let many = format!(
        "GET / HTTP/1.1\r\nHost: a.test\r\n{}",
        "X-Y: z\r\n".repeat(20_000)
    );
    let wide = format!(
        "GET / HTTP/1.1\r\nHost: a.test\r\nX: {}",
        "a".repeat(300_000)
    );
    let garbage = "\0".repeat(300_000);
    for (bytes, status) in [(&many, 431), (&wide, 431), (&garbage, 400)] {
        for _ in 0..10 {
            let mut stream = TcpStream::connect(gateway.address).unwrap();
            let mut reading = stream.try_clone().unwrap();
            reading
                .set_read_timeout(Some(Duration::from_secs(10)))
                .unwrap();
            let sent = stream.write_all(bytes.as_bytes());
            assert!(sent.is_ok(), "{status}: {sent:?}");
            let mut answer = String::new();
            reading.read_to_string(&mut answer).unwrap();
            let wanted = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&wanted), "{answer}");
            assert!(
                answer.to_ascii_lowercase().contains("connection: close"),
                "{answer}"
            );
        }
    }
    assert_eq!(
        gateway
            .raw(format!("{long}Connection: close\r\n\r\n").as_bytes())
            .status,
        404
    );
}

#[test]
fn refuses_metrics_to_forwarded_requests() {
    let gateway = Gateway::demo();
    assert_eq!(gateway.get("/metrics").status, 200);
    for header in [
        "Forwarded: for=203.0.113.9",
        "Via: 1.1 proxy",
        "X-Real-IP: 203.0.113.9",
        "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-Host: a.test",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Port: 443",
        "X-Forwarded-Server: proxy",
        "X-Forwarded: for=203.0.113.9",
        "X-Forwarded-Prefix:",
        "X-Original-Forwarded-For: 203.0.113.9",
        "X-Original-URL: /metrics",
        "X-Client-IP: 203.0.113.9",
        "X-Cluster-Client-IP: 203.0.113.9",
        "X-Originating-IP: 203.0.113.9",
        "X-Remote-Addr: 203.0.113.9",
        "X-Remote-IP: 203.0.113.9",
        "Client-IP: 203.0.113.9",
        "True-Client-IP: 203.0.113.9",
        "CF-Connecting-IP: 203.0.113.9",
        "CF-Ray: 1",
        "CDN-Loop: cloudflare",
        "Fastly-Client-IP: 203.0.113.9",
        "Fly-Client-IP: 203.0.113.9",
        "Proxy-Client-IP: 203.0.113.9",
        "WL-Proxy-Client-IP: 203.0.113.9",
        "X-ProxyUser-Ip: 203.0.113.9",
        "X-Envoy-External-Address: 203.0.113.9",
        "X-Amzn-Trace-Id: Root=1",
        "X-Amz-Cf-Id: 1",
        "X-Azure-ClientIP: 203.0.113.9",
        "X-Azure-Ref: 1",
        "X-ARR-LOG-ID: 1",
        "X-AppEngine-User-IP: 203.0.113.9",
        "X-Cloud-Trace-Context: 1",
        "X-Varnish: 1",
        "X-Proxy-Id: 1",
        "Akamai-Origin-Hop: 1",
        "Max-Forwards: 9",
    ] {
        let reply = ask(&gateway, "GET /metrics HTTP/1.1", &["Host: a.test", header]);
        assert_eq!(reply.status, 404, "{header} {reply:?}");
        assert!(!reply.body.contains("chaingun_"), "{header}");
    }
    // A Prometheus collector sends these headers.
    let collector = ["Host: a.test", "X-Prometheus-Scrape-Timeout-Seconds: 10"];
    assert_eq!(
        ask(&gateway, "GET /metrics HTTP/1.1", &collector).status,
        200
    );
}

#[test]
fn sends_hsts_on_every_reply_over_https_and_on_none_over_http() {
    let demanded = Some("max-age=31536000");
    let name = "Strict-Transport-Security";
    let public = Gateway::with(&[("public_url", "https://id.example.org")]);
    for path in PATHS {
        let reply = public.get(path);
        assert_eq!(reply.header(name), demanded, "{path} {reply:?}");
        let lines = reply.head.lines().filter(|l| l.starts_with(name));
        assert_eq!(lines.count(), 1, "{reply:?}");
    }
    let errors = [
        ask(&public, "GET /healthz HTTP/1.1", &[]),
        ask(&public, "DELETE /healthz HTTP/1.1", &["Host: a.test"]),
        ask(
            &public,
            "POST / HTTP/1.1",
            &["Host: a.test", "Transfer-Encoding: gzip"],
        ),
        public.post("text/xml", b"<a"),
        public.post("text/xml", &vec![b'a'; 2_000_000]),
    ];
    for reply in &errors {
        assert!(
            reply.status >= 400 || reply.body.contains("ault"),
            "{reply:?}"
        );
        assert_eq!(reply.header(name), demanded, "{reply:?}");
    }

    let proxied = Gateway::with(&[("trusted_proxies", "127.0.0.1")]);
    let both = [
        ("public_url", "https://id.example.org"),
        ("trusted_proxies", "127.0.0.1"),
    ];
    let both = Gateway::with(&both);
    let direct = Gateway::demo();
    for path in PATHS {
        let line = format!("GET {path} HTTP/1.1");
        let over = |gateway: &Gateway, scheme| {
            let header = format!("X-Forwarded-Proto: {scheme}");
            let reply = ask(gateway, &line, &["Host: a.test", &header]);
            reply.header(name).map(str::to_owned)
        };
        assert_eq!(over(&proxied, "https").as_deref(), demanded, "{path}");
        assert_eq!(over(&proxied, "http"), None, "{path}");
        assert_eq!(over(&both, "https").as_deref(), demanded, "{path}");
        assert_eq!(over(&both, "http"), None, "{path}");
        assert_eq!(over(&direct, "https"), None, "{path}");
        assert_eq!(direct.get(path).header(name), None, "{path}");
    }
}
