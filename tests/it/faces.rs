//! Rules for all faces: content codings, percent encoding, and credentials in headers.

use std::io::Write as _;
use std::sync::Barrier;
use std::sync::mpsc::channel;

use chaingun_gateway::store::StoreError;
use chaingun_gateway::store::users::{self, NewUser};

use crate::harness::browser::Browser;
use crate::harness::rest::sign_in;
use crate::harness::{Gateway, Reply, envelope};

const KEY: &str = "X-Client-Hash-Key: demo-hash-key\r\n";

fn send(gateway: &Gateway, line: &str, headers: &str, body: &[u8]) -> Reply {
    let head = format!(
        "{line} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    gateway.raw(&[head.as_bytes(), body].concat())
}

fn gzipped(body: &str) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(body.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

fn zlib(body: &str) -> Vec<u8> {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(body.as_bytes()).unwrap();
    zlib.finish().unwrap()
}

fn raw_deflate(body: &str) -> Vec<u8> {
    let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    raw.write_all(body.as_bytes()).unwrap();
    raw.finish().unwrap()
}

/// One call for each face: the request line, the headers and the body.
fn calls(gateway: &Gateway) -> Vec<(&'static str, String, String)> {
    let mut browser = Browser::default();
    browser.get(gateway, "login.html");
    let cookies: Vec<_> = browser
        .cookies
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let json = "Content-Type: application/json\r\n";
    vec![
        (
            "POST /hammy/ws/user/v1",
            "Content-Type: text/xml\r\n".to_owned(),
            envelope("showUser", "<userName>mokamiki</userName>"),
        ),
        (
            "POST /hammy/json/user/v1/password/authenticate",
            json.to_owned(),
            "{\"userNameOrEmail\":\"mokamiki\",\"password\":\"MokaMiki-1234\"}".to_owned(),
        ),
        (
            "POST /user-multi-services",
            json.to_owned(),
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nothing\"}".to_owned(),
        ),
        (
            "POST /checkSSO/login.html",
            format!("{form}Cookie: {}\r\n", cookies.join("; ")),
            format!(
                "csrf_token={}&userNameOrEmail=mokamiki&password=MokaMiki-1234",
                browser.csrf_token
            ),
        ),
        (
            "POST /user/v1/create",
            format!("{KEY}{json}"),
            "{\"request\":{\"firstName\":\"Anna\",\"email\":\"wrong\"}}".to_owned(),
        ),
        (
            "POST /v2/user/session/create",
            format!("Accept: application/json\r\n{form}"),
            "token=a.b.c".to_owned(),
        ),
    ]
}

/// The status and length of a reply, which are equal for two equal calls.
fn shape(reply: &Reply) -> (u16, usize) {
    (reply.status, reply.body.len())
}

#[test]
fn inflates_gzip_and_deflate_on_every_face() {
    let gateway = Gateway::demo();
    for (line, headers, body) in calls(&gateway) {
        let plain = send(&gateway, line, &headers, body.as_bytes());
        for coding in ["gzip", "x-gzip", "GZIP"] {
            let headers = format!("{headers}Content-Encoding: {coding}\r\n");
            let inflated = send(&gateway, line, &headers, &gzipped(&body));
            assert_eq!(
                shape(&inflated),
                shape(&plain),
                "{line}: {inflated:?}, {plain:?}"
            );
        }
        for bytes in [zlib(&body), raw_deflate(&body)] {
            let headers = format!("{headers}Content-Encoding: deflate\r\n");
            let inflated = send(&gateway, line, &headers, &bytes);
            assert_eq!(shape(&inflated), shape(&plain), "{line}: {inflated:?}");
        }
        let headers = format!("{headers}Content-Encoding: identity\r\n");
        let same = send(&gateway, line, &headers, body.as_bytes());
        assert_eq!(shape(&same), shape(&plain), "{line}");
    }
}

#[test]
fn refuses_other_content_codings_with_415_on_every_face() {
    let gateway = Gateway::demo();
    for (line, headers, body) in calls(&gateway) {
        for coding in ["br", "gzip, gzip", "gzip, deflate"] {
            let headers = format!("{headers}Content-Encoding: {coding}\r\n");
            let reply = send(&gateway, line, &headers, body.as_bytes());
            assert_eq!(reply.status, 415, "{line}: {reply:?}");
            let codings = reply.header("Accept-Encoding");
            assert_eq!(codings, Some("gzip, deflate"), "{line}: {reply:?}");
        }
    }
    // A refusal of the media type does not list the accepted codings.
    let reply = gateway.post("application/json", b"{}");
    assert_eq!((reply.status, reply.header("Accept-Encoding")), (415, None));
}

#[test]
fn refuses_broken_excessive_and_too_large_gzip_on_every_face() {
    let gateway = Gateway::demo();
    // An inflated body may have at most one megabyte, and at most 200 times its compressed size.
    let large = gzipped(&" ".repeat(3_000_000));
    let bomb = gzipped(&" ".repeat(1_000_000));
    for (line, headers, _) in calls(&gateway) {
        let headers = format!("{headers}Content-Encoding: gzip\r\n");
        // SOAP 1.1 sends faults with status 500, and JSON-RPC sends errors with status 200.
        let broken = match line {
            "POST /hammy/ws/user/v1" => 500,
            "POST /user-multi-services" => 200,
            _ => 400,
        };
        for (body, status) in [(&b"no gzip"[..], broken), (&bomb, broken), (&large, 413)] {
            let reply = send(&gateway, line, &headers, body);
            assert_eq!(reply.status, status, "{line}: {reply:?}");
        }
    }
}

#[test]
fn decodes_invalid_utf_8_alike_in_paths_queries_and_forms() {
    let gateway = Gateway::demo();
    let get = |path: &str| send(&gateway, &format!("GET {path}"), KEY, b"");
    let user = get("/hammy/json/user/v1/users/%FF");
    assert_eq!(user.status, 404, "{user:?}");
    assert!(user.body.contains("USER_NOT_FOUND"), "{user:?}");
    let list = get("/hammy/json/user/v1/users?name=%FF");
    assert!(list.body.contains("\"total\":0"), "{list:?}");
    let identity = get("/user/v1/get/externalId/%FF/externalIdProvider/a/externalIdType/b");
    assert_eq!(identity.status, 404, "{identity:?}");
    assert!(
        identity.body.contains("EXTERNALID_NOT_FOUND"),
        "{identity:?}"
    );
}

#[test]
fn reads_x_user_name_alike_on_every_face() {
    let gateway = Gateway::demo();
    let rest = "/hammy/json/user/v1/users/mokamiki";
    let identity = "/user/v1/get/externalId/1/externalIdProvider/a/externalIdType/b";
    for (path, found, refused) in [(rest, 200, 422), (identity, 404, 400)] {
        let with = |name: &str| {
            let headers = format!("{KEY}X-User-Name: {name}\r\n");
            send(&gateway, &format!("GET {path}"), &headers, b"")
        };
        assert_eq!(
            with("").status,
            found,
            "{path}: the gateway ignores a blank name"
        );
        assert_eq!(with("  ").status, found, "{path}");
        let long = with(&"a".repeat(300));
        assert_eq!(long.status, refused, "{path}: {long:?}");
        assert!(long.body.contains("X-User-Name"), "{path}: {long:?}");
    }
}

#[test]
fn refuses_identities_that_contradict_each_other_on_every_face() {
    let gateway = Gateway::demo();
    let rest = "GET /hammy/json/user/v1/users/mokamiki";
    let directory = "GET /user/v1/get/externalId/1/channel/a/idType/b";
    let twice = |name: &str, one: &str, other: &str| {
        format!("{name}: {one}\r\n{name}:\r\n{name}: {other}\r\n")
    };
    for (line, refused, fine) in [(rest, 422, 200), (directory, 400, 404)] {
        let key = |one, other| twice("X-Client-Hash-Key", one, other);
        let user = |one, other| format!("{KEY}{}", twice("X-User-Name", one, other));
        let told = |headers: &str| send(&gateway, line, headers, b"");
        assert_eq!(told(&key("demo-hash-key", " demo-hash-key ")).status, fine);
        assert_eq!(told(&user("mokamiki", "mokamiki")).status, fine);
        let token = format!("{KEY}{}", twice("Authorization", "JWT a.b.c", "JWT a.b.d"));
        for (field, headers) in [
            ("X-Client-Hash-Key", key("demo-hash-key", "demo-portal-key")),
            ("X-Client-Hash-Key", key("wrong", "demo-hash-key")),
            ("X-User-Name", user("mokamiki", "admin")),
            ("Authorization", token),
        ] {
            let reply = told(&headers);
            assert_eq!(reply.status, refused, "{line} {headers}: {reply:?}");
            assert!(reply.body.contains(field), "{line} {headers}: {reply:?}");
        }
    }
    let query = |headers: &str, query: &str| {
        let line = format!("GET /hammy/json/user/v1/users?{query}");
        send(&gateway, &line, headers, b"").status
    };
    assert_eq!(query(KEY, "clientHashKey=demo-hash-key"), 200);
    assert_eq!(
        query(KEY, "clientHashKey=&clientHashKey=demo-portal-key"),
        422
    );
    let keys = "clientHashKey=demo-hash-key&clientHashKey=demo-portal-key";
    assert_eq!(query("", keys), 422);
    let named = format!("{KEY}X-User-Name: mokamiki\r\n");
    assert_eq!(query(&named, "userName=MokaMiki&userName=moka"), 200);
    assert_eq!(query(&named, "userName=admin&userName=moka"), 422);

    let json = "Content-Type: application/json\r\n";
    let call = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get_user_services\",\"params\":{}}";
    let xml = envelope("showUser", "<userName>mokamiki</userName>");
    for (line, headers, body) in [
        (
            "POST /hammy/ws/user/v1",
            "Content-Type: text/xml\r\n",
            xml.as_str(),
        ),
        ("POST /user-multi-services", json, call),
    ] {
        let told = |one: &str, other: &str| {
            let headers = format!("{headers}{}", twice("Authorization", one, other));
            send(&gateway, line, &headers, body.as_bytes()).body
        };
        let text = "has several different values; send only one";
        let hungarian = "több, egymástól eltérő értéke van";
        let refused = told("Basic YTpi", "Basic YTpj");
        assert!(
            refused.contains(text) || refused.contains(hungarian),
            "{line}: {refused}"
        );
        assert!(
            !told("Basic YTpi", "Basic YTpi").contains("INVALID_FIELD"),
            "{line}"
        );
    }
}

#[test]
fn refuses_too_many_query_parameters() {
    let gateway = Gateway::demo();
    let list = |count: usize| {
        let query = "&statuses=ACTIVE".repeat(count);
        send(
            &gateway,
            &format!("GET /hammy/json/user/v1/users?{query}"),
            KEY,
            b"",
        )
    };
    assert_eq!(list(100).status, 200);
    let refused = list(101);
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.contains("100"), "{refused:?}");
}

#[test]
fn sends_the_true_wait_in_retry_after_over_soap_rest_and_pages() {
    let gateway = Gateway::demo();
    let wait = |reply: &Reply| reply.header("Retry-After").map(str::to_owned);
    let calls = calls(&gateway);
    let (soap, rest, page) = (
        envelope(
            "authenticate",
            "<userNameOrEmail>mokamiki</userNameOrEmail><password>wrong</password>",
        ),
        "{\"userNameOrEmail\":\"mokamiki\",\"password\":\"wrong\"}",
        calls[3].2.replace("MokaMiki-1234", "wrong"),
    );
    // After five failures the next attempt is delayed by a second, and the delay doubles.
    for _ in 0..7 {
        send(&gateway, calls[1].0, &calls[1].1, rest.as_bytes());
        gateway.app.clock.advance(5_000);
    }
    send(&gateway, calls[1].0, &calls[1].1, rest.as_bytes());
    let expected = wait(&send(&gateway, calls[1].0, &calls[1].1, rest.as_bytes()));
    let seconds: i64 = expected.as_deref().unwrap().parse().unwrap();
    assert!(seconds > 1, "{seconds}");
    for (at, body) in [(0, &soap), (3, &page)] {
        let reply = send(&gateway, calls[at].0, &calls[at].1, body.as_bytes());
        assert_eq!(wait(&reply), expected, "{}: {reply:?}", calls[at].0);
    }
}

#[test]
fn sends_the_true_wait_in_retry_after_to_a_source_of_forged_partner_tokens() {
    let gateway = Gateway::with(&[("throttle.guesses_per_source", "1")]);
    let calls = calls(&gateway);
    let (line, headers, body) = &calls[5];
    let arrive = || send(&gateway, line, headers, body.as_bytes());
    let seconds = |reply: &Reply| {
        reply
            .header("Retry-After")
            .map(|s| s.parse::<i64>().unwrap())
    };
    let first = arrive();
    assert_eq!((first.status, seconds(&first)), (400, None), "{first:?}");
    for _ in 0..4 {
        arrive();
        gateway.app.clock.advance(5_000);
    }
    arrive();
    let refused = arrive();
    assert_eq!(refused.status, 429, "{refused:?}");
    let wait = seconds(&refused).unwrap();
    assert!(wait > 2, "{refused:?}");
    gateway.app.clock.advance(2_000);
    assert_eq!(seconds(&arrive()), Some(wait - 2));
}

#[test]
fn sends_retry_after_when_the_directory_queue_is_full() {
    // A trusted client may hold half of the queue.
    let gateway = Gateway::with(&[("limits.queue", "4")]);
    let calls = calls(&gateway);
    let (line, headers, _) = &calls[4];
    let (held, release) = (Barrier::new(2), Barrier::new(2));
    let names: Vec<String> = (0..6).map(|at| format!("anna{at}@example.org")).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // On both databases the calls wait until this transaction, which takes their names, ends.
            let written = gateway.app.store.write(|c| {
                for name in &names {
                    let new = NewUser {
                        uuid: name,
                        user_name: name,
                        name,
                        email: name,
                        ..NewUser::default()
                    };
                    users::insert(c, &new)?;
                }
                held.wait();
                release.wait();
                Ok::<_, StoreError>(())
            });
            written.unwrap();
        });
        held.wait();
        let (tell, told) = channel();
        for name in &names {
            let (gateway, tell) = (&gateway, tell.clone());
            let body = format!(
                "{{\"request\":{{\"firstName\":\"Anna\",\"userName\":\"{name}\",\"email\":\"{name}\"}}}}"
            );
            scope.spawn(move || tell.send(send(gateway, line, headers, body.as_bytes())));
        }
        // One call runs and at most two calls wait, so three calls are refused before the transaction ends.
        let refused: Vec<Reply> = told.iter().take(3).collect();
        release.wait();
        for reply in refused {
            assert_eq!(reply.status, 503, "{reply:?}");
            assert_eq!(reply.header("Retry-After"), Some("1"), "{reply:?}");
            assert!(reply.body.contains("\"BUSY\""), "{reply:?}");
        }
    });
}

#[test]
fn sends_the_longest_wait_of_a_batch_in_retry_after() {
    let gateway = Gateway::with(&[("throttle.assignments_per_user", "1")]);
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", Some("default"));
    let token = token.strip_prefix("JWT ").unwrap();
    let call = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"assign_user_to_service\",\"params\":{{\
         \"client_id\":\"konto.onet.pl.front\",\"token\":\"{token}\",\"portal_id\":1,\"service_id\":1,\
         \"user_id_in_service\":\"moka\"}}}}"
    );
    let json = "Content-Type: application/json\r\n";
    let ask = |body: &str| send(&gateway, "POST /user-multi-services", json, body.as_bytes());
    let first = ask(&call);
    assert!(first.body.contains("\"OK\""), "{first:?}");
    assert_eq!(first.header("Retry-After"), None);
    let single = ask(&call);
    assert!(single.body.contains("TOO_MANY_ATTEMPTS"), "{single:?}");
    assert!(single.header("Retry-After").is_some(), "{single:?}");
    let unknown = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"nothing\"}";
    let batch = ask(&format!("[{unknown},{call}]"));
    assert_eq!(batch.header("Retry-After"), single.header("Retry-After"));
}
