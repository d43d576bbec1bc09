//! Measures how much floods by other clients slow a client down: calls that hash passwords, connections, and searches.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chaingun_gateway::domain::client::Trust;
use chaingun_gateway::domain::user::Status;
use chaingun_gateway::secrets::hashing::{Hasher, Pepper};
use chaingun_gateway::secrets::sha256_hex;
use chaingun_gateway::store::{StoreError, clients};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::process::Process;
use crate::harness::{NOW, Reply, rest};
use crate::{
    FEW, MANY, REST, WINDOW, closing, filled, gateway, gateway_with, give_password, load,
    meanwhile, median, pass_or_fail, percentile, show_user, store, user_name,
};

/// The address of the attacker. All other requests come from 127.0.0.1.
const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// The number of connections of the attacker in a flood of calls.
const CALLING: usize = 80;
/// The number of connections of the attacker in a flood of connections.
const HOLDING: usize = 1_100;
/// The seconds of sign-ins during each flood of calls. The environment variable `FLOOD_SECONDS` overrides the number
/// for a short trial.
const SECONDS: u64 = 30;
/// The time from the start of a flood to the first measurement, and the longest wait for the throttle to refuse calls.
const BEGINNING: Duration = Duration::from_secs(2);
const USING_UP: Duration = Duration::from_secs(120);
/// The number of accounts that sign in by turns, and the number of sign-ins that are measured without a flood.
const ACCOUNTS: usize = 10;
const ALONE: usize = 30;
const PASSWORD: &str = "MokaMiki-1234";

/// Measures floods of calls that hash passwords, and a flood of connections.
pub fn floods() {
    let unthrottled = [
        ("throttle.guesses_per_source", "1000000"),
        ("throttle.mails_per_source", "1000000"),
    ];
    for (throttle, settings) in [
        (Throttle::Default, &[][..]),
        (Throttle::None, &unthrottled[..]),
    ] {
        for (what, attack) in [
            ("wrong passwords", sign_in_of_nobody as Attack),
            ("registrations", registration),
            ("password changes", change_with_wrong_password),
        ] {
            // Each flood gets a fresh gateway, because the throttle remembers the earlier flood.
            let data = filled(FEW);
            let process = gateway_with(data.path(), None, settings);
            let hash = hash(data.path());
            give_password(data.path(), 0..ACCOUNTS, &hash, Status::Active);
            beside_calls(&process, what, attack, throttle);
            process.stop();
        }
    }
    beside_connections();
}

fn hash(data: &Path) -> String {
    let pepper = Pepper::load(&data.join("keys/pepper.key"), None).unwrap();
    Hasher::new(12, pepper).hash(PASSWORD, [7; 16]).unwrap()
}

/// The throttle per address during a flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Throttle {
    /// The default limits. The flood has reached them when the measurement starts.
    Default,
    /// No limits, so that every call waits for a hash.
    None,
}

/// Returns the request of this number.
type Attack = fn(usize) -> String;

fn sign_in_of_nobody(n: usize) -> String {
    let body = format!("{{\"userNameOrEmail\":\"nobody{n}\",\"password\":\"Rossz-Jelszo-1\"}}");
    call("/password/authenticate", &body)
}

fn registration(n: usize) -> String {
    let body = format!(
        "{{\"username\":\"new{n}\",\"name\":\"New {n}\",\"email\":\"new{n}@valami.hu\",\"password\":\"ValaKi-1234\",\
         \"organizationUuid\":\"hammy\"}}"
    );
    call("/register", &body)
}

/// A password change with a wrong old password, for an account that does not sign in here.
fn change_with_wrong_password(n: usize) -> String {
    let user_name = user_name(ACCOUNTS + n % (FEW - ACCOUNTS));
    let body = format!(
        "{{\"userName\":\"{user_name}\",\"oldPassword\":\"Rossz-Jelszo-1\",\"password\":\"MegUjabb-1234\"}}"
    );
    call("/password/change", &body)
}

/// A REST call without a client key on a persistent connection.
fn call(path: &str, body: &str) -> String {
    format!(
        "POST {REST}{path} HTTP/1.1\r\nHost: gateway.test\r\n{}Content-Length: {}\r\n\r\n{body}",
        rest::FLAT,
        body.len()
    )
}

/// Sends one request on a new connection; returns the reply and the milliseconds until it was complete.
fn timed(process: &Process, request: &str) -> (Reply, f64) {
    let begun = Instant::now();
    let reply = process.speaker.raw(closing(request).as_bytes());
    (reply, begun.elapsed().as_secs_f64() * 1000.0)
}

/// Signs in one of the accounts.
fn signed_in(process: &Process, n: usize) -> (Reply, f64) {
    let login = user_name(n % ACCOUNTS);
    let body = format!("{{\"userNameOrEmail\":\"{login}\",\"password\":\"{PASSWORD}\"}}");
    timed(process, &call("/password/authenticate", &body))
}

/// The median of sign-ins without a flood, in milliseconds.
fn alone(process: &Process) -> f64 {
    let mut times: Vec<_> = (0..ALONE)
        .map(|n| {
            let (reply, time) = signed_in(process, n);
            assert_eq!(reply.status, 200, "{reply:?}");
            time
        })
        .collect();
    median(&mut times)
}

/// Measures sign-ins, one after another, before and during a flood of calls.
fn beside_calls(process: &Process, what: &str, attack: Attack, throttle: Throttle) {
    let alone = alone(process);
    let seconds = std::env::var("FLOOD_SECONDS").map_or(SECONDS, |text| text.parse().unwrap());
    let (address, serial, heard) = (
        process.speaker.address,
        Arc::new(AtomicUsize::new(0)),
        Arc::new(Heard::default()),
    );
    let calling = {
        let heard = Arc::clone(&heard);
        move |_| keep_calling(address, attack, Arc::clone(&serial), Arc::clone(&heard))
    };
    let (mut times, tried) = beside(CALLING, calling, || {
        std::thread::sleep(BEGINNING);
        let (begun, throttled) = (Instant::now(), || heard.throttled.load(Ordering::Relaxed));
        while throttle == Throttle::Default && throttled() == 0 && begun.elapsed() < USING_UP {
            std::thread::sleep(Duration::from_millis(100));
        }
        heard.reset();
        let (begun, mut times, mut tried) = (Instant::now(), Vec::new(), 0);
        while begun.elapsed() < Duration::from_secs(seconds) {
            let (reply, time) = signed_in(process, tried);
            tried += 1;
            times.extend((reply.status == 200).then_some(time));
        }
        (times, tried)
    });
    let succeeded = times.len() as f64 * 100.0 / tried as f64;
    let holds = succeeded >= 95.0;
    if times.is_empty() {
        times.push(f64::INFINITY);
    }
    let (usual, p95) = (median(&mut times), percentile(&mut times, 95));
    let ratio = usual / alone;
    println!(
        "sign-ins beside {what} from another address on {CALLING} connections, {}: {tried} tried, {succeeded:.1} % succeeded \
         (at least 95: {}); median {usual:.0} ms, p95 {p95:.0} ms, alone {alone:.0} ms; ratio {ratio:.2} (at most 3: {}); \
         {}",
        match throttle {
            Throttle::Default => "throttled as usual",
            Throttle::None => "not throttled",
        },
        pass_or_fail(holds),
        pass_or_fail(ratio <= 3.0),
        heard.tell(seconds)
    );
}

/// Counts the answers to a flood of calls.
#[derive(Default)]
struct Heard {
    busy: AtomicUsize,
    throttled: AtomicUsize,
    others: AtomicUsize,
}

impl Heard {
    fn counters(&self) -> [&AtomicUsize; 3] {
        [&self.busy, &self.throttled, &self.others]
    }

    fn count(&self, status: &[u8]) {
        let counter = match status {
            b"503" => &self.busy,
            b"429" => &self.throttled,
            _ => &self.others,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn reset(&self) {
        for counter in self.counters() {
            counter.store(0, Ordering::Relaxed);
        }
    }

    fn tell(&self, seconds: u64) -> String {
        let [busy, throttled, others] = self
            .counters()
            .map(|counter| counter.load(Ordering::Relaxed) as f64 / seconds as f64);
        format!(
            "the flood heard BUSY {busy:.0}/s, TOO_MANY_ATTEMPTS {throttled:.0}/s, and {others:.1} other answers a second"
        )
    }
}

/// Runs `count` futures on a separate thread while `other` runs. `one` makes the future of each number.
fn beside<F: Future<Output = ()> + 'static, T>(
    count: usize,
    one: impl Fn(usize) -> F + Send,
    other: impl FnOnce() -> T,
) -> T {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    std::thread::scope(|scope| {
        // If `other` panics, `stop` is dropped, and this ends the thread, too.
        let stop = stop;
        scope.spawn(move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build().unwrap();
            let tasks = tokio::task::LocalSet::new();
            for at in 0..count {
                tasks.spawn_local(one(at));
            }
            let _ = tasks.block_on(&runtime, stopped);
        });
        let result = other();
        drop(stop);
        result
    })
}

/// Opens a connection from the attacker's address.
async fn connect(to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(ATTACKER, 0))?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The pause after a failed attempt to connect.
const NO_CONNECTION: Duration = Duration::from_millis(10);

/// Sends one call after another without a pause, and ignores Retry-After.
async fn keep_calling(to: SocketAddr, attack: Attack, serial: Arc<AtomicUsize>, heard: Arc<Heard>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(mut stream) = connect(to).await else {
            tokio::time::sleep(NO_CONNECTION).await;
            continue;
        };
        loop {
            let call = attack(serial.fetch_add(1, Ordering::Relaxed));
            if stream.write_all(call.as_bytes()).await.is_err() {
                break;
            }
            let mut got = 0;
            while load::answer_length(&buffer[..got]).is_none_or(|length| got < length) {
                match stream.read(&mut buffer[got..]).await {
                    Ok(read) if read > 0 => got += read,
                    _ => break,
                }
            }
            if got < 12 {
                break;
            }
            heard.count(&buffer[9..12]);
        }
    }
}

/// The bytes sent on held connections: half of the connections are idle, the others hold an incomplete request.
const HELD: [&str; 4] = [
    "",
    "GET /healthz HTTP/1.1\r\nHost: gateway.test\r\n\r\n",
    "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: gateway.te",
    "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n<a>",
];

/// Holds a connection, and opens a new one when the gateway closes it.
async fn keep_holding(to: SocketAddr, at: usize, opened: Arc<AtomicUsize>) {
    let mut buffer = vec![0; 1024];
    loop {
        let Ok(mut stream) = connect(to).await else {
            tokio::time::sleep(NO_CONNECTION).await;
            continue;
        };
        opened.fetch_add(1, Ordering::Relaxed);
        let _ = stream.write_all(HELD[at % HELD.len()].as_bytes()).await;
        while matches!(stream.read(&mut buffer).await, Ok(read) if read > 0) {}
    }
}

/// The number of probes, and also of sign-ins, during a flood of connections.
const ROUNDS: usize = 50;
/// The time limit of each answer, in milliseconds.
const SLOWEST: f64 = 1_000.0;

/// Measures probes and sign-ins while the attacker holds as many connections as it can.
fn beside_connections() {
    rlimit::increase_nofile_limit(16_384).unwrap();
    let data = filled(FEW);
    let process = gateway(data.path());
    let hash = hash(data.path());
    give_password(data.path(), 0..ACCOUNTS, &hash, Status::Active);
    let alone = alone(&process);
    let (address, opened) = (process.speaker.address, Arc::new(AtomicUsize::new(0)));
    let holding = {
        let opened = Arc::clone(&opened);
        move |at| keep_holding(address, at, Arc::clone(&opened))
    };
    let probe = "GET /healthz HTTP/1.1\r\nHost: gateway.test\r\n\r\n";
    let asked = beside(HOLDING, holding, || {
        std::thread::sleep(BEGINNING);
        let (begun, before) = (Instant::now(), opened.load(Ordering::Relaxed));
        let asked: Vec<_> = (0..ROUNDS)
            .map(|n| [timed(&process, probe), signed_in(&process, n)])
            .collect();
        let again = opened.load(Ordering::Relaxed) - before;
        println!(
            "{HOLDING} idle and half-sent connections of another address, reopened {:.0} times a second \
             (a sign-in alone: {alone:.0} ms):",
            again as f64 / begun.elapsed().as_secs_f64()
        );
        asked
    });
    for (at, what) in ["/healthz", "sign-ins"].into_iter().enumerate() {
        let answered = asked.iter().filter(|both| both[at].0.status == 200).count();
        let mut times: Vec<_> = asked.iter().map(|both| both[at].1).collect();
        let (usual, slowest) = (median(&mut times), percentile(&mut times, 100));
        println!(
            "{what} beside them, on new connections: {answered} of {ROUNDS} answered, median {usual:.1} ms, slowest \
             {slowest:.1} ms (all within {SLOWEST} ms: {})",
            pass_or_fail(answered == ROUNDS && slowest <= SLOWEST)
        );
    }
    process.stop();
}

/// Requests per second during the searches.
const SHOWN: usize = 1_000;
/// The largest allowed p99 of these requests, in milliseconds.
const SHOWN_P99: f64 = 50.0;
/// Searches: a description, the number of clients that repeat the search, and the query.
const SEARCHES: [(&str, usize, &str); 4] = [
    ("a name that 999,000 users have", 2, "name=nagy"),
    ("a name that 25,000 users have", 2, "name=dani00"),
    ("a name that 900 users have", 2, "name=makai"),
    (
        "a page far down the hits of such a name",
        4,
        "offset=500000&name=nagy",
    ),
];

/// Measures showUser at a fixed rate while clients repeat a search.
pub fn beside_searches() {
    let data = filled(MANY);
    let clients = SEARCHES.map(|(_, clients, _)| clients);
    add_clients(data.path(), clients.into_iter().max().unwrap());
    let process = gateway(data.path());
    let address = process.speaker.address;
    let show = load::request(&show_user());
    for (what, clients, query) in SEARCHES {
        let alone = load::open(address, &show, SHOWN, WINDOW);
        let busy = AtomicUsize::new(0);
        let search = |client: usize| {
            let request = format!(
                "GET {REST}/users?{query} HTTP/1.1\r\nHost: gateway.test\r\nX-Client-Hash-Key: {}\r\n\r\n",
                client_key(client)
            );
            match timed(&process, &request).0 {
                reply if reply.status == 503 => {
                    busy.fetch_add(1, Ordering::Relaxed);
                }
                reply => assert_eq!(reply.status, 200, "{reply:?}"),
            }
        };
        let (rate, loaded) = meanwhile(clients, search, || {
            load::open(address, &show, SHOWN, WINDOW)
        });
        let answered = loaded.answered * 100.0;
        println!(
            "showUser at {SHOWN}/s in {MANY} users: p99 {:.2} ms alone, {:.2} ms beside {clients} clients that search for \
             {what} ({query}, {rate:.1}/s, {} BUSY) (under {SHOWN_P99} ms: {}); {answered:.2} % answered (100: {})",
            alone.p99_ms,
            loaded.p99_ms,
            busy.load(Ordering::Relaxed),
            pass_or_fail(loaded.p99_ms < SHOWN_P99),
            pass_or_fail(loaded.answered >= 1.0)
        );
    }
    process.stop();
}

fn client_key(client: usize) -> String {
    format!("searching-key-{client}")
}

/// Adds trusted clients. Each has its own share of the search queue and threads.
fn add_clients(data: &Path, count: usize) {
    store(data)
        .write(|c| {
            for client in 0..count {
                let key = sha256_hex(&client_key(client));
                let name = format!("Searching {client}");
                clients::add(c, &name, Some(&key), Trust::Trusted, NOW)?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}
