//! The connection table: who holds connections without using them loses them when others need one.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::harness::process::Process;
use crate::harness::{Gateway, Reply, element, envelope};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: a.test\r\n\r\n";
const HALF_HEAD: &str = "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a.te";
const HALF_BODY: &str = "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/xml\r\n\
                         Content-Length: 100\r\n\r\n<a>";

/// A connection from 127.0.0.`last`, which takes so many bytes before they are read.
fn connect(last: u8, to: SocketAddr, takes: u32) -> std::io::Result<TcpStream> {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
    }
    let stream = RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(takes)?;
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

    /// One that has had an answer and is kept.
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

    /// The value of the sample of this name and these labels.
    fn metric(&self, sample: &str) -> u64 {
        let text = self.get("/metrics", "").body;
        let line = text.lines().find_map(|l| l.strip_prefix(sample));
        line.and_then(|value| value.trim().parse().ok())
            .unwrap_or(0)
    }

    /// Returns when the sample has this value.
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

/// The addresses 127.0.0.`lasts`.
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

/// Whether the gateway has closed it; waits for that.
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

/// Limits so small that a test can reach them.
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
fn an_address_over_its_limit_loses_its_own_oldest_idle_connection() {
    let gateway = small(&[]);
    let [two, three] = peers(&gateway, [2, 3]);
    let mut others: Vec<_> = (0..4).map(|_| three.kept()).collect();
    let mut first = two.kept();
    let mut rest: Vec<_> = (1..12).map(|_| two.kept()).collect();
    rest.push(two.kept());
    assert!(is_closed(&mut first), "the oldest goes");
    for stream in rest.iter_mut().chain(&mut others) {
        assert!(is_usable(stream), "and no other does");
    }
    let dropped = "chaingun_connections_dropped_total{reason=\"address_limit\"}";
    assert_eq!(three.metric(dropped), 1);
    assert_eq!(three.metric("chaingun_connections{state=\"idle\"}"), 16);
}

#[test]
fn half_sent_requests_are_dropped_like_idle_connections() {
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
fn when_slots_run_short_the_address_that_holds_most_loses_its_oldest_idle_connection() {
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
fn an_address_whose_connections_are_all_busy_is_told_busy() {
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
fn when_every_slot_is_busy_probes_are_answered_and_all_others_are_told_busy() {
    let settings = [
        ("limits.connections", "2"),
        ("threads.hash", "1"),
        ("password.cost", "13"),
    ];
    let gateway = small(&settings);
    let [two, three] = peers(&gateway, [2, 3]);
    // A request that is asked before they are busy may take the place of one.
    let mut working = Vec::new();
    while three.ask(&show("")).status == 200 {
        working.push(two.sending(&sign_in("")));
    }
    // Half-sent requests hold no reserved slot for long either.
    let half: Vec<_> = (0..20).map(|_| two.sending(HALF_HEAD)).collect();
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(three.get(path, "").status, 200, "{path}");
    }
    let told = three.ask(&show(""));
    assert_eq!(told.status, 503, "{told:?}");
    assert_eq!(element(&told.body, "code"), Some("BUSY"));
    let answers = working.iter_mut().map(answer);
    let signed_in = answers.filter(|answer| element(answer, "code") == Some("0"));
    assert_eq!(signed_in.count(), 2);
    drop(half);
    let shown = three.ask(&show(""));
    assert_eq!(element(&shown.body, "code"), Some("0"), "{shown:?}");
}

#[test]
fn a_trusted_proxy_may_hold_more_connections_than_an_address() {
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
fn a_source_behind_a_trusted_proxy_has_a_bounded_number_of_requests_at_a_time() {
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
fn an_idle_connection_lasts_for_its_timeout_and_a_new_or_half_sent_one_for_the_time_to_read() {
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
fn idle_connections_do_not_delay_a_stop() {
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
fn the_limit_on_files_is_raised_and_too_low_a_one_is_warned_of() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start_with_files("-Sn 64", data.path(), &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let line = limits.lines().find(|l| l.starts_with("Max open files"));
    let limits: Vec<_> = line.unwrap().split_whitespace().collect();
    assert_eq!(limits[3], limits[4], "the soft limit is the hard one");
    assert!(!process.stop().contains("too few file descriptors"));

    let process = Process::start_with_files("-n 512", data.path(), &[]);
    assert!(process.stop().contains("too few file descriptors"));
    let few = [("limits.connections", "100")];
    let process = Process::start_with_files("-n 512", data.path(), &few);
    assert!(!process.stop().contains("too few file descriptors"));
}

#[test]
fn connections_beyond_the_limit_on_files_do_not_shut_out_others() {
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

/// What somebody does with a connection that keeps it from others, by turns.
fn hold(stream: &mut TcpStream, at: usize) {
    let slow = "GET /openapi.json HTTP/1.1\r\nHost: a.test\r\n\r\n".repeat(20);
    let bytes = [HALF_HEAD, HALF_BODY, HEALTH, "", slow.as_str()][at % 5];
    let _ = stream.set_write_timeout(Some(Duration::from_millis(20)));
    // What does not fit is not waited for, and what was dropped is nobody's loss.
    let _ = stream.write_all(bytes.as_bytes());
}

#[test]
fn eleven_hundred_idle_or_half_sent_connections_of_one_address_do_not_delay_another() {
    // Both ends of every connection are in this process.
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
        // The address goes on: what it loses it opens again.
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
