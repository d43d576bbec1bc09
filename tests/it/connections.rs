//! The connection table: idle and half-sent connections are dropped when another client needs a slot.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::harness::process::Process;
use crate::harness::{Gateway, Reply, element, envelope};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: a.test\r\n\r\n";
const HALF_HEAD: &str = "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a.te";
const HALF_BODY: &str = "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/xml\r\n\
                         Content-Length: 100\r\n\r\n<a>";

/// A connection from 127.0.0.`last` with a receive buffer of `receive_buffer` bytes.
fn connect(last: u8, to: SocketAddr, receive_buffer: u32) -> std::io::Result<TcpStream> {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
    }
    let stream = RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(receive_buffer)?;
            let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
            socket.bind(SocketAddr::new(from, 0))?;
            socket.connect(to).await?.into_std()
        })
    })?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// Connections of one address.
struct Peer<'a> {
    gateway: &'a Gateway,
    last: u8,
}

impl Peer<'_> {
    fn open(&self) -> TcpStream {
        connect(self.last, self.gateway.address, 65_536).unwrap()
    }

    fn sending(&self, bytes: &str) -> TcpStream {
        let mut stream = self.open();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    }

    /// A connection that the gateway keeps alive after one answer.
    fn kept(&self) -> TcpStream {
        let mut stream = self.open();
        assert!(is_usable(&mut stream));
        stream
    }

    fn ask(&self, request: &str) -> Reply {
        let mut stream = self.sending(request);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
        Reply {
            status: status.unwrap_or(0),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    fn get(&self, path: &str, headers: &str) -> Reply {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: a.test\r\n{headers}Connection: close\r\n\r\n"
        ))
    }

    /// The value of a metric with this name and these labels.
    fn metric(&self, sample: &str) -> u64 {
        let text = self.get("/metrics", "").body;
        let line = text.lines().find_map(|l| l.strip_prefix(sample));
        line.and_then(|value| value.trim().parse().ok())
            .unwrap_or(0)
    }

    /// Waits until the metric has this value.
    fn await_metric(&self, sample: &str, value: u64) {
        let begun = Instant::now();
        while self.metric(sample) != value {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{sample} {value}"
            );
        }
    }
}

/// One peer for each address 127.0.0.`last`.
fn peers<const N: usize>(gateway: &Gateway, lasts: [u8; N]) -> [Peer<'_>; N] {
    lasts.map(|last| Peer { gateway, last })
}

/// Reads the whole answer.
fn answer(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

fn is_usable(stream: &mut TcpStream) -> bool {
    let mut answer = [0; 4096];
    let sent = stream.write_all(HEALTH.as_bytes());
    sent.is_ok()
        && matches!(stream.read(&mut answer), Ok(n) if answer[..n].starts_with(b"HTTP/1.1 200 "))
}

/// Waits until the gateway closes the connection; returns false if bytes arrive instead.
fn is_closed(stream: &mut TcpStream) -> bool {
    !matches!(stream.read(&mut [0; 1]), Ok(n) if n > 0)
}

fn posted(body: &str, headers: &str) -> String {
    format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/xml\r\n{headers}\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn sign_in(headers: &str) -> String {
    let body = envelope(
        "authenticate",
        "<userNameOrEmail>mokamiki</userNameOrEmail><password>MokaMiki-1234</password>",
    );
    posted(&body, headers)
}

fn show(headers: &str) -> String {
    posted(
        &envelope("showUser", "<userName>mokamiki</userName>"),
        headers,
    )
}

/// A gateway with limits that are low enough for a test, and with these further settings.
fn small(more: &[(&'static str, &'static str)]) -> Gateway {
    let mut settings = vec![
        ("metrics_for", "*"),
        ("limits.connections", "24"),
        ("limits.connections_per_address", "12"),
        ("limits.reserved_connections", "4"),
    ];
    settings.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    settings.extend_from_slice(more);
    Gateway::with(&settings)
}

#[test]
fn drops_the_oldest_idle_connection_of_an_address_over_its_limit() {
    let gateway = small(&[]);
    let [two, three] = peers(&gateway, [2, 3]);
    let mut others: Vec<_> = (0..4).map(|_| three.kept()).collect();
    let mut first = two.kept();
    let mut rest: Vec<_> = (1..12).map(|_| two.kept()).collect();
    rest.push(two.kept());
    assert!(is_closed(&mut first), "the oldest is dropped");
    for stream in rest.iter_mut().chain(&mut others) {
        assert!(is_usable(stream), "no other is dropped");
    }
    let dropped = "chaingun_connections_dropped_total{reason=\"address_limit\"}";
    assert_eq!(three.metric(dropped), 1);
    assert_eq!(three.metric("chaingun_connections{state=\"idle\"}"), 16);
}

#[test]
fn drops_half_sent_requests_like_idle_connections() {
    for bytes in [HALF_HEAD, HALF_BODY, "", "\r\n"] {
        let gateway = small(&[]);
        let two = Peer {
            gateway: &gateway,
            last: 2,
        };
        let mut half: Vec<_> = (0..12).map(|_| two.sending(bytes)).collect();
        let mut one_more = two.kept();
        assert!(is_closed(&mut half[0]), "{bytes:?}");
        assert!(is_usable(&mut one_more), "{bytes:?}");
    }
}

#[test]
fn drops_a_connection_of_the_largest_holder_when_slots_run_short() {
    let gateway = small(&[
        ("limits.connections", "8"),
        ("limits.connections_per_address", "6"),
    ]);
    let [two, three, four] = peers(&gateway, [2, 3, 4]);
    let mut oldest = three.kept();
    let mut most: Vec<_> = (0..6).map(|_| two.sending(HALF_HEAD)).collect();
    let mut other = three.kept();
    let mut newest = four.kept();
    assert!(is_closed(&mut most[0]));
    for stream in [&mut oldest, &mut other, &mut newest] {
        assert!(is_usable(stream));
    }
    let dropped = "chaingun_connections_dropped_total{reason=\"slots_short\"}";
    assert!(four.metric(dropped) >= 1);
}

#[test]
fn answers_busy_to_an_address_whose_connections_are_all_busy() {
    let settings = [
        ("limits.connections_per_address", "2"),
        ("threads.hash", "1"),
        ("password.cost", "13"),
    ];
    let gateway = small(&settings);
    let [two, three] = peers(&gateway, [2, 3]);
    let working: Vec<_> = (0..2).map(|_| two.sending(&sign_in(""))).collect();
    three.await_metric("chaingun_connections{state=\"busy\"}", 3);
    let told = two.ask(&show(""));
    assert_eq!(told.status, 503, "{told:?}");
    assert_eq!(told.header("Retry-After"), Some("1"));
    assert_eq!(told.header("Connection"), Some("close"));
    assert_eq!(element(&told.body, "code"), Some("BUSY"));
    let paths = [
        "/hammy/json/user/v1/users/mokamiki",
        "/hammy/ws/user/v1?wsdl",
        "/checkSSO/login.html",
        "/docs",
        "/nowhere",
        "/user/v1/get/externalId/42/externalIdProvider/apekx/externalIdType/apekx",
        "/v1/user/session/create",
    ];
    for path in paths {
        let told = two.get(path, "");
        assert_eq!(told.status, 503, "{path} {told:?}");
        assert_eq!(told.header("Retry-After"), Some("1"), "{path} {told:?}");
        assert_eq!(told.header("Connection"), Some("close"), "{path} {told:?}");
    }
    let rpc = "POST /user-multi-services HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n{}";
    let told = two.ask(rpc);
    assert!(told.body.contains("\"BUSY\""), "{told:?}");
    assert_eq!(told.header("Connection"), Some("close"), "{told:?}");
    assert_eq!(two.get("/healthz", "").status, 200);
    let shown = three.ask(&show(""));
    assert_eq!(element(&shown.body, "code"), Some("0"), "{shown:?}");
    for mut stream in working {
        let answer = answer(&mut stream);
        assert_eq!(element(&answer, "code"), Some("0"), "{answer}");
    }
}

#[test]
fn answers_only_probes_when_every_slot_is_busy() {
    let settings = [
        ("limits.connections", "2"),
        ("threads.hash", "1"),
        ("password.cost", "13"),
    ];
    let gateway = small(&settings);
    let [two, three] = peers(&gateway, [2, 3]);
    // Send sign-ins until no slot is free. Before that, a `showUser` request may take a slot instead of a sign-in.
    let mut working = Vec::new();
    while three.ask(&show("")).status == 200 {
        working.push(two.sending(&sign_in("")));
    }
    // Half-sent requests do not occupy reserved slots, either.
    let half: Vec<_> = (0..20).map(|_| two.sending(HALF_HEAD)).collect();
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(three.get(path, "").status, 200, "{path}");
    }
    let told = three.ask(&show(""));
    assert_eq!(told.status, 503, "{told:?}");
    assert_eq!(element(&told.body, "code"), Some("BUSY"));
    let answers = working.iter_mut().map(answer);
    let signed_in = answers.filter(|answer| element(answer, "code") == Some("0"));
    // On a slow machine a sign-in may end, and free its slot, before the last sign-in is sent.
    assert!(signed_in.count() >= 2);
    drop(half);
    let shown = three.ask(&show(""));
    assert_eq!(element(&shown.body, "code"), Some("0"), "{shown:?}");
}

#[test]
fn exempts_a_trusted_proxy_from_the_limit_of_an_address() {
    let settings = [
        ("trusted_proxies", "127.0.0.2"),
        ("limits.connections_per_address", "2"),
    ];
    let gateway = small(&settings);
    let [two, three] = peers(&gateway, [2, 3]);
    let mut pool: Vec<_> = (0..10).map(|_| two.kept()).collect();
    let mut direct: Vec<_> = (0..3).map(|_| three.kept()).collect();
    assert!(pool.iter_mut().all(is_usable));
    assert!(is_closed(&mut direct[0]));
}

#[test]
fn limits_simultaneous_requests_of_a_source_behind_a_trusted_proxy() {
    let settings = [
        ("trusted_proxies", "127.0.0.2"),
        ("limits.connections_per_address", "2"),
        ("threads.hash", "1"),
        ("password.cost", "12"),
    ];
    let gateway = small(&settings);
    let [two, three] = peers(&gateway, [2, 3]);
    let source = "X-Forwarded-For: 2001:db8::1\r\n";
    let working: Vec<_> = (0..2).map(|_| two.sending(&sign_in(source))).collect();
    three.await_metric("chaingun_connections{state=\"busy\"}", 3);
    let neighbour = "X-Forwarded-For: 2001:db8::2\r\n";
    let told = two.ask(&show(neighbour));
    assert_eq!(told.status, 503, "{told:?}");
    assert_eq!(element(&told.body, "code"), Some("BUSY"));
    let shown = two.ask(&show("X-Forwarded-For: 2001:db8:0:1::1\r\n"));
    assert_eq!(element(&shown.body, "code"), Some("0"), "{shown:?}");
    for mut stream in working {
        let answer = answer(&mut stream);
        assert_eq!(element(&answer, "code"), Some("0"), "{answer}");
    }
    let shown = two.ask(&show(source));
    assert_eq!(element(&shown.body, "code"), Some("0"), "{shown:?}");
}

#[test]
fn closes_idle_connections_and_half_sent_requests_after_their_timeouts() {
    let gateway = small(&[
        ("limits.idle_timeout_s", "2"),
        ("limits.read_timeout_s", "1"),
    ]);
    let two = Peer {
        gateway: &gateway,
        last: 2,
    };
    let begun = Instant::now();
    let mut kept = two.kept();
    let mut half = [two.open(), two.sending(HALF_HEAD)];
    assert!(half.iter_mut().all(is_closed));
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let again = Instant::now();
    assert!(is_usable(&mut kept));
    assert!(is_closed(&mut kept));
    assert!(again.elapsed() >= Duration::from_secs(2));
    for (reason, count) in [("idle_timeout", 1), ("read_timeout", 2)] {
        let sample = format!("chaingun_connections_dropped_total{{reason=\"{reason}\"}}");
        assert_eq!(two.metric(&sample), count, "{reason}");
    }
}

#[test]
fn closes_idle_connections_at_once_at_a_stop() {
    let gateway = small(&[("drain_s", "20")]);
    let two = Peer {
        gateway: &gateway,
        last: 2,
    };
    let mut open = [two.open(), two.kept()];
    let begun = Instant::now();
    drop(gateway);
    assert!(open.iter_mut().all(is_closed));
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn raises_the_limit_on_files_and_warns_of_a_low_one() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start_with_files("-Sn 64", data.path(), &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let line = limits.lines().find(|l| l.starts_with("Max open files"));
    let limits: Vec<_> = line.unwrap().split_whitespace().collect();
    assert_eq!(limits[3], limits[4], "the soft limit equals the hard limit");
    assert!(!process.stop().contains("too few file descriptors"));

    let process = Process::start_with_files("-n 512", data.path(), &[]);
    assert!(process.stop().contains("too few file descriptors"));
    let few = [("limits.connections", "100")];
    let process = Process::start_with_files("-n 512", data.path(), &few);
    assert!(!process.stop().contains("too few file descriptors"));
}

#[test]
fn answers_others_when_connections_reach_the_limit_on_files() {
    let data = tempfile::tempdir().unwrap();
    let many = [("limits.connections_per_address", "1024")];
    let process = Process::start_with_files("-n 200", data.path(), &many);
    let to = process.speaker.address;
    let held: Vec<_> = (0..300).map(|_| connect(2, to, 4096).unwrap()).collect();
    for _ in 0..10 {
        let begun = Instant::now();
        assert_eq!(process.speaker.get("/healthz").status, 200);
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
    drop(held);
    process.stop();
}

/// Occupies a connection in one of five ways, depending on `at`.
fn hold(stream: &mut TcpStream, at: usize) {
    let slow = "GET /openapi.json HTTP/1.1\r\nHost: a.test\r\n\r\n".repeat(20);
    let bytes = [HALF_HEAD, HALF_BODY, HEALTH, "", slow.as_str()][at % 5];
    let _ = stream.set_write_timeout(Some(Duration::from_millis(20)));
    // Errors do not matter: the gateway may have dropped the connection, and the buffers may be full.
    let _ = stream.write_all(bytes.as_bytes());
}

#[test]
fn answers_within_a_second_beside_1100_idle_or_half_sent_connections() {
    // This process holds both ends of every connection, so it needs many file descriptors.
    rlimit::increase_nofile_limit(16_384).unwrap();
    let gateway = Gateway::with(&[("metrics_for", "*")]);
    let mut held = Vec::with_capacity(1100);
    for at in 0..1100 {
        let mut stream = connect(2, gateway.address, 4096).unwrap();
        hold(&mut stream, at);
        held.push(stream);
    }
    let three = Peer {
        gateway: &gateway,
        last: 3,
    };
    let mut longest = [Duration::ZERO; 2];
    for round in held.chunks_exact_mut(25).take(40) {
        // The attacker replaces the connections that it loses.
        for (at, stream) in round.iter_mut().enumerate() {
            *stream = connect(2, gateway.address, 4096).unwrap();
            hold(stream, at);
        }
        let begun = Instant::now();
        let health = three.get("/healthz", "");
        longest[0] = longest[0].max(begun.elapsed());
        assert_eq!(health.status, 200, "{health:?}");
        let begun = Instant::now();
        let signed_in = three.ask(&sign_in(""));
        longest[1] = longest[1].max(begun.elapsed());
        assert_eq!(element(&signed_in.body, "code"), Some("0"), "{signed_in:?}");
    }
    eprintln!(
        "longest of 40: /healthz {:?}, sign-in {:?}",
        longest[0], longest[1]
    );
    assert!(
        longest.iter().all(|took| *took < Duration::from_secs(1)),
        "{longest:?}"
    );
    let of_one = three.metric("chaingun_connections_dropped_total{reason=\"address_limit\"}");
    assert!(of_one >= 1100 - 256, "{of_one}");
}
