//! Overload: the gateway refuses requests that do not fit into a queue and answers all others.

use std::sync::mpsc;

use crate::harness::{Gateway, element, envelope};

#[test]
fn refuses_sign_ins_over_the_queue_with_retry_after_and_still_answers_reads() {
    // One hash thread, one place in its queue, and hashes so slow that all other requests arrive during the first one.
    let settings = [
        ("limits.hash_queue", "1"),
        ("threads.hash", "1"),
        ("password.cost", "10"),
    ];
    let gateway = Gateway::with(&settings);
    let sign_in = envelope(
        "authenticate",
        "<userNameOrEmail>nobody</userNameOrEmail><password>MokaMiki-1234</password>",
    );
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let tell = tell.clone();
            scope.spawn(|| {
                let tell = tell;
                tell.send(gateway.soap(&sign_in)).unwrap();
            });
        }
        drop(tell);
        let first = told.recv().unwrap();
        assert_eq!(first.status, 503, "{first:?}");
        assert_eq!(first.header("Retry-After"), Some("1"));
        assert_eq!(element(&first.body, "faultcode"), Some("S:Server"));
        assert_eq!(element(&first.body, "code"), Some("BUSY"));
        let shown = gateway.soap(&envelope("showUser", "<userName>mokamiki</userName>"));
        assert_eq!(element(&shown.body, "code"), Some("0"));
        let rest: Vec<_> = told.iter().collect();
        let answered = rest
            .iter()
            .filter(|r| r.body.contains("BAD_CREDENTIALS"))
            .count();
        let busy = rest.iter().filter(|r| r.status == 503).count();
        assert!(answered >= 1, "a queued sign-in is answered");
        assert_eq!(answered + busy, 7);
    });
    let after = gateway.soap(&sign_in);
    assert_eq!(after.status, 200, "{after:?}");
}

#[test]
fn drops_an_idle_connection_for_a_new_one() {
    let gateway = Gateway::with(&[("limits.connections", "1")]);
    let idle = std::net::TcpStream::connect(gateway.address).unwrap();
    let shown = gateway.soap(&envelope("showUser", "<userName>mokamiki</userName>"));
    assert_eq!(element(&shown.body, "code"), Some("0"));
    drop(idle);
}

#[test]
fn answers_408_when_a_body_does_not_arrive() {
    let gateway = Gateway::with(&[("limits.read_timeout_s", "1")]);
    let head = "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n<a>";
    let reply = gateway.raw(head.as_bytes());
    assert_eq!(reply.status, 408, "{reply:?}");
}

#[test]
fn drops_a_connection_whose_client_does_not_read_its_answers() {
    use std::io::{Read as _, Write as _};
    let gateway = Gateway::with(&[("limits.connections", "1"), ("limits.read_timeout_s", "1")]);
    let mut slow = std::net::TcpStream::connect(gateway.address).unwrap();
    let asks = "GET /hammy/ws/user/v1?wsdl HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3000);
    // Send until the buffers are full: the gateway cannot send all answers to a client that does not read.
    slow.set_write_timeout(Some(std::time::Duration::from_millis(200)))
        .unwrap();
    let _ = slow.write_all(asks.as_bytes());
    // Others get BUSY until the slow connection is dropped.
    let begun = std::time::Instant::now();
    loop {
        let shown = gateway.soap(&envelope("showUser", "<userName>mokamiki</userName>"));
        if shown.status == 200 {
            break;
        }
        assert_eq!(element(&shown.body, "code"), Some("BUSY"), "{shown:?}");
        assert!(begun.elapsed().as_secs() < 10);
    }
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    let whole = "</wsdl:definitions>";
    let answered = String::from_utf8_lossy(&rest).matches(whole).count();
    assert!(answered < 3000, "{answered}");
}
