//! Fair queues: while one source floods a queue, sign-ins, searches and probes of others go on.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use chaingun_gateway::store::{Engine, StoreError};

use crate::harness::rest::{FLAT, PORTAL, ask, sign_in as token_of};
use crate::harness::{Gateway, Reply, element, envelope};

/// The number of hash threads in these tests.
const THREADS: usize = 2;
/// The number of connections of the flood.
const CONNECTIONS: usize = 80;
/// The number of sign-ins of another caller during the flood.
const TRIES: usize = 20;

/// A gateway that takes the callers' addresses from X-Forwarded-For, and whose rate limits are too high to stop a flood
/// before a password is hashed.
fn gateway() -> Gateway {
    Gateway::with(&[
        ("trusted_proxies", "127.0.0.1"),
        ("threads.hash", "2"),
        ("password.cost", "7"),
        ("throttle.guesses", "1000000"),
        ("throttle.guesses_per_source", "1000000"),
        ("throttle.mails", "1000000"),
        ("throttle.mails_per_source", "1000000"),
    ])
}

/// A REST call from this address on a persistent connection.
fn call(from: &str, path: &str, body: &str) -> String {
    format!(
        "POST /hammy/json/user/v1{path} HTTP/1.1\r\nHost: gateway.test\r\nX-Forwarded-For: {from}\r\n{FLAT}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn sign_in(from: &str, login: &str, password: &str) -> String {
    let body = format!("{{\"userNameOrEmail\":\"{login}\",\"password\":\"{password}\"}}");
    call(from, "/password/authenticate", &body)
}

/// Runs `other` while `connections` connections send requests without a pause. `attack` makes each request from a new
/// number.
fn during_flood<T>(
    gateway: &Gateway,
    connections: usize,
    attack: impl Fn(usize) -> String + Sync,
    other: impl FnOnce() -> T,
) -> T {
    let serial = AtomicUsize::new(0);
    let one = async || {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let connected = tokio::net::TcpStream::connect(gateway.address).await;
        let mut stream = connected.unwrap();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let call = attack(serial.fetch_add(1, Ordering::Relaxed));
            stream.write_all(call.as_bytes()).await.unwrap();
            let mut answer = String::new();
            while !is_whole(&answer) {
                let read = stream.read(&mut buffer).await.unwrap();
                assert!(read > 0, "the gateway closed the connection: {answer}");
                answer.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        }
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    std::thread::scope(|scope| {
        // The end of this scope drops the sender, which stops the flood, even when the test fails.
        let stop = stop;
        scope.spawn(|| {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = run_concurrently(connections, &one) => {}
                    _ = stopped => {}
                }
            });
        });
        // Wait until the queue is full.
        await_metrics(gateway, "chaingun_shed_total{queue=\"hash\"");
        let result = other();
        drop(stop);
        result
    })
}

/// Runs `count` futures at the same time.
async fn run_concurrently<F: Future<Output = ()>>(count: usize, one: &impl Fn() -> F) {
    let mut all: Vec<_> = (0..count).map(|_| Box::pin(one())).collect();
    std::future::poll_fn(|context| {
        for f in &mut all {
            let _ = f.as_mut().poll(context);
        }
        std::task::Poll::Pending
    })
    .await
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|l| l.strip_prefix("Content-Length: "));
    length.is_none_or(|l| body.len() >= l.parse().unwrap())
}

/// Calls a function on drop, even when the test fails.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn metrics(gateway: &Gateway) -> String {
    gateway.app.metrics.encode(&[], &[])
}

/// Waits until /metrics contains the text. The gateway always answers /metrics, whatever waits in the queues.
fn await_metrics(gateway: &Gateway, text: &str) {
    let begun = Instant::now();
    while !gateway.get("/metrics").body.contains(text) {
        assert!(begun.elapsed().as_secs() < 60, "{}", metrics(gateway));
        std::thread::yield_now();
    }
}

/// The number of finished calls with a hash.
fn hashed(gateway: &Gateway) -> usize {
    ["authenticate", "registerUser", "changePassword"]
        .iter()
        .filter_map(|operation| {
            let start = format!("chaingun_duration_seconds_count{{operation=\"{operation}\"}} ");
            let text = metrics(gateway);
            let line = text.lines().find_map(|l| l.strip_prefix(&start))?;
            line.parse::<usize>().ok()
        })
        .sum()
}

/// Signs in again and again during a flood. At least 95 % of the sign-ins must succeed while fewer than 6 × [`THREADS`]
/// other calls finish, and the median sign-in while fewer than 3 × [`THREADS`] finish. The time is counted in finished
/// calls and not in seconds, because other tests may keep the machine busy.
fn assert_signs_in_during(
    gateway: &Gateway,
    connections: usize,
    from: &str,
    attack: impl Fn(usize) -> String + Sync,
) {
    let usual =
        sign_in(from, "mokamiki", "MokaMiki-1234").replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let waited: Vec<Option<usize>> = during_flood(gateway, connections, attack, || {
        let one = || {
            let before = hashed(gateway);
            let reply = gateway.raw(usual.as_bytes());
            // The sign-in itself does not count.
            (reply.status == 200).then(|| hashed(gateway) - before - 1)
        };
        (0..TRIES).map(|_| one()).collect()
    });
    let mut before: Vec<usize> = waited.iter().flatten().copied().collect();
    before.sort_unstable();
    let in_time = before.iter().filter(|n| **n < 6 * THREADS).count() * 100 / TRIES;
    assert!(in_time >= 95, "{in_time} %; calls before each: {waited:?}");
    let median = before[before.len() / 2];
    assert!(
        median < 3 * THREADS,
        "{median}; calls before each: {waited:?}"
    );
}

#[test]
fn signs_in_while_another_address_sends_sign_ins_on_80_connections() {
    let attack = |n: usize| sign_in("203.0.113.2", &format!("u{}", n % 50), "Wrong-1234");
    assert_signs_in_during(&gateway(), CONNECTIONS, "203.0.113.3", attack);
}

#[test]
fn signs_in_while_another_address_sends_registrations_on_80_connections() {
    let attack = |n: usize| {
        let body = format!(
            "{{\"username\":\"r{n}\",\"name\":\"R\",\"email\":\"r{n}@valami.hu\",\"password\":\"ValaKi1234\",\
             \"organizationUuid\":\"hammy\"}}"
        );
        call("203.0.113.2", "/register", &body)
    };
    assert_signs_in_during(&gateway(), CONNECTIONS, "203.0.113.3", attack);
}

#[test]
fn signs_in_while_another_address_sends_password_changes_on_80_connections() {
    let attack = |n: usize| {
        let body = format!(
            "{{\"userName\":\"u{}\",\"oldPassword\":\"Wrong-1234\",\"password\":\"MegUjabb-1234\"}}",
            n % 50
        );
        call("203.0.113.2", "/password/change", &body)
    };
    assert_signs_in_during(&gateway(), CONNECTIONS, "203.0.113.3", attack);
}

#[test]
fn signs_in_while_128_addresses_send_sign_ins_for_one_other_account() {
    let attack = |n: usize| sign_in(&format!("198.51.100.{}", n % 128), "u1", "Wrong-1234");
    assert_signs_in_during(&gateway(), 128, "203.0.113.3", attack);
}

#[test]
fn signs_in_while_another_address_sends_sign_ins_for_the_same_account() {
    let attack = |_| sign_in("203.0.113.2", "mokamiki", "Wrong-1234");
    assert_signs_in_during(&gateway(), CONNECTIONS, "203.0.113.3", attack);
}

/// Runs `then` while `count` threads are inside `hold`.
fn while_held<T>(count: usize, hold: impl Fn(&dyn Fn()) + Sync, then: impl FnOnce() -> T) -> T {
    let (held, released) = (Barrier::new(count + 1), Barrier::new(count + 1));
    std::thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                hold(&|| {
                    held.wait();
                    released.wait();
                });
            });
        }
        held.wait();
        let _release = OnDrop(|| {
            released.wait();
        });
        then()
    })
}

/// The number of database connections for searches; other reads have the same number.
const SEARCHERS: usize = 4;

#[test]
fn shows_users_and_answers_probes_while_searches_fill_their_share() {
    // A trusted client has half of the 8 places.
    let gateway = Gateway::with(&[("limits.search_queue", "8")]);
    let search = envelope("findUsers", "<userName>moka</userName>");
    let hold = |wait: &dyn Fn()| {
        let held = gateway.app.store.search(|_| {
            wait();
            Ok::<_, StoreError>(())
        });
        held.unwrap();
    };
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let searches: Vec<_> = while_held(SEARCHERS, hold, || {
            let ask = || gateway.soap(&search);
            let mut searches = vec![scope.spawn(ask)];
            await_metrics(&gateway, "chaingun_wait_seconds_count{queue=\"search\"} 1");
            searches.extend((0..4).map(|_| scope.spawn(ask)));
            await_metrics(&gateway, "chaingun_queued{queue=\"search\"} 4");
            let sixth = gateway.soap(&search);
            assert_eq!(sixth.status, 503, "{sixth:?}");
            assert_eq!(element(&sixth.body, "code"), Some("BUSY"));
            assert_eq!(sixth.header("Retry-After"), Some("1"));
            let shown = gateway.soap(&envelope("showUser", "<userName>mokamiki</userName>"));
            assert_eq!(element(&shown.body, "code"), Some("0"));
            assert_eq!(gateway.get("/readyz").body, "ready\n");
            let shed = "chaingun_shed_total{queue=\"search\",reason=\"source_share\"} 1";
            assert!(gateway.get("/metrics").body.contains(shed));
            searches
        });
        searches.into_iter().map(|s| s.join().unwrap()).collect()
    });
    for reply in replies {
        assert_eq!(element(&reply.body, "total"), Some("1"), "{reply:?}");
    }
}

#[test]
fn leaves_a_search_thread_to_other_clients() {
    let gateway = Gateway::demo();
    let search = envelope("findUsers", "<userName>moka</userName>");
    let hold = |wait: &dyn Fn()| {
        let held = gateway.app.store.search(|_| {
            wait();
            Ok::<_, StoreError>(())
        });
        held.unwrap();
    };
    std::thread::scope(|scope| {
        while_held(SEARCHERS, hold, || {
            for _ in 0..2 {
                scope.spawn(|| gateway.soap(&search));
            }
            await_metrics(&gateway, "chaingun_queued{queue=\"search\"} 1");
            // The gateway prints /docs on these threads, too, at the first request for it.
            assert_eq!(gateway.get("/docs").status, 200);
        });
    });
}

#[test]
fn answers_probes_while_every_search_and_read_thread_is_busy() {
    // The demo has two threads of each kind.
    let gateway = Gateway::demo();
    let token = token_of(&gateway, "mokamiki", "MokaMiki-1234", None);
    let search = envelope("findUsers", "<userName>moka</userName>");
    let show = envelope("showUser", "<userName>mokamiki</userName>");
    let as_user = format!("{PORTAL}Authorization: {token}\r\n");
    let hold_search = |wait: &dyn Fn()| {
        let held = gateway.app.store.search(|_| {
            wait();
            Ok::<_, StoreError>(())
        });
        held.unwrap();
    };
    let hold_read = |wait: &dyn Fn()| {
        let held = gateway.app.store.read(|_| {
            wait();
            Ok::<_, StoreError>(())
        });
        held.unwrap();
    };
    std::thread::scope(|scope| {
        while_held(SEARCHERS, hold_search, || {
            while_held(SEARCHERS, hold_read, || {
                let begun = Instant::now();
                // Each source may occupy one of the two search threads.
                scope.spawn(|| gateway.soap(&search));
                scope.spawn(|| ask(&gateway, "GET", "/users?name=moka", &as_user, ""));
                for _ in 0..2 {
                    scope.spawn(|| gateway.soap(&show));
                }
                await_metrics(&gateway, "chaingun_wait_seconds_count{queue=\"search\"} 2");
                await_metrics(&gateway, "chaingun_wait_seconds_count{queue=\"read\"} 2");
                for path in ["/healthz", "/readyz", "/metrics"] {
                    assert_eq!(gateway.get(path).status, 200, "{path}");
                }
                // The requests wait ten seconds for a connection of the store; the probes have their own connection.
                assert!(begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());
            });
        });
    });
}

#[test]
fn answers_not_ready_when_the_store_hangs() {
    let gateway = Gateway::demo();
    assert_eq!(gateway.get("/readyz").body, "ready\n");
    let hold = |wait: &dyn Fn()| {
        let held = gateway.app.store.probe(|_| {
            wait();
            Ok::<_, StoreError>(())
        });
        held.unwrap();
    };
    while_held(1, hold, || {
        let probes = ["/readyz", "/metrics"];
        let begun = Instant::now();
        let replies: Vec<Reply> = std::thread::scope(|scope| {
            let asked = probes.map(|path| scope.spawn(|| gateway.get(path)));
            asked.into_iter().map(|a| a.join().unwrap()).collect()
        });
        // A probe waits two seconds for the store, and the store waits ten seconds for a free connection.
        assert!(begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());
        assert_eq!(
            (replies[0].status, replies[0].body.as_str()),
            (503, "not ready\n")
        );
        assert_eq!(replies[1].status, 503, "{:?}", replies[1]);
        assert_eq!(gateway.get("/healthz").body, "ok\n");
    });
    assert_eq!(gateway.get("/readyz").body, "ready\n");
}

#[test]
fn refuses_a_sign_in_that_waited_too_long() {
    let gateway = Gateway::with(&[("threads.hash", "1"), ("limits.wait_s", "1")]);
    let writers = match gateway.app.store.engine() {
        Engine::Sqlite => 1,
        Engine::Postgres => 4,
    };
    let hold = |wait: &dyn Fn()| {
        let held = gateway.app.store.write(|_| {
            wait();
            Ok::<_, StoreError>(())
        });
        held.unwrap();
    };
    let request = "<userNameOrEmail>mokamiki</userNameOrEmail><password>MokaMiki-1234</password>";
    let request = envelope("authenticate", request);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let sign_ins: Vec<_> = while_held(writers, hold, || {
            // The first sign-in waits for the database and occupies the only thread.
            let sign_ins = (0..2).map(|_| scope.spawn(|| gateway.soap(&request).status));
            let sign_ins = sign_ins.collect();
            let shed = "chaingun_shed_total{queue=\"hash\",reason=\"deadline\"} 1";
            await_metrics(&gateway, shed);
            sign_ins
        });
        sign_ins.into_iter().map(|s| s.join().unwrap()).collect()
    });
    assert!(
        statuses.contains(&200) && statuses.contains(&503),
        "{statuses:?}"
    );
}
