//! Measures the speed claims of the README: `cargo bench`. Both sides of each ratio are measured in one run.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark that cannot run may panic, and it prints its results to the terminal"
)]

mod alike;
mod bare;
mod callbacks;
mod floods;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, reason = "shared with the tests, which use the rest of it")]
mod harness;
mod load;
mod partners;

use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chaingun_gateway::domain::user::Status;
use chaingun_gateway::secrets::hashing::{Hasher, Pepper};
use chaingun_gateway::store::users::{self, NewUser};
use chaingun_gateway::store::{Opening, Store, StoreError};
use harness::browser::signed_in;
use harness::process::Process;
use harness::rest::sign_in;
use harness::{Database, element, envelope};

/// The number of runs of each side of a ratio. The sides alternate.
const TURNS: usize = 5;
/// The number of users in the larger and in the smaller database.
const MANY: usize = 1_000_000;
const FEW: usize = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    if arguments.first().is_some_and(|a| a == bare::FLAG) {
        return bare::serve();
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|a| a == name);
    if wanted("throughput") {
        throughput();
    }
    if wanted("portals") {
        portals();
    }
    if wanted("callbacks") {
        callbacks::callbacks();
    }
    if wanted("alike") {
        alike::alike();
    }
    if wanted("partners") {
        partners::partners();
    }
    if wanted("signing-in") {
        signing_in();
    }
    if wanted("start") {
        start_and_memory();
    }
    if wanted("search") {
        search();
    }
    if wanted("lists") {
        lists();
    }
    if wanted("floods") {
        floods::floods();
    }
    if wanted("beside-searches") {
        floods::beside_searches();
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value at this percentile.
fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent / 100).min(values.len() - 1)]
}

fn pass_or_fail(holds: bool) -> &'static str {
    if holds { "holds" } else { "DOES NOT HOLD" }
}

/// The user name of user number `n` of [`filled`].
fn user_name(n: usize) -> String {
    format!("{}{n:07}", ["anna", "bela", "cili", "dani"][n % 4])
}

/// Opens the embedded database of a data folder.
fn store(data: &Path) -> Store {
    let location = data.join("gateway.db");
    Store::open(Opening::parse(&location.to_string_lossy(), 2, 5000).unwrap()).unwrap()
}

/// Sets the status and the password hash of these users of [`filled`].
fn give_password(data: &Path, numbers: Range<usize>, hash: &str, status: Status) {
    store(data)
        .write(|c| {
            for n in numbers.clone() {
                let id = users::by_name(c, &user_name(n))?.unwrap().id;
                users::set_password(c, id, hash, status, harness::NOW)?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

/// A fresh database with the demo's data and users called `anna0000000`, `bela0000001` and so on.
fn filled(count: usize) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    // The demo starts first: it refuses a database with other data.
    gateway(data.path()).stop();
    let store = store(data.path());
    let batch = 10_000;
    for first in (0..count).step_by(batch) {
        store
            .write(|c| {
                for n in first..(first + batch).min(count) {
                    let name = user_name(n);
                    // For every count, exactly 100 names hold the first needle and 900 the second.
                    let needle = match n % (count / 1000) {
                        0 if n % (count / 100) == 0 => "Nyuszi",
                        0 => "Makai",
                        _ => "Nagy",
                    };
                    let status = match n % (count / 1000) {
                        1 => Status::Unactivated,
                        _ => Status::Active,
                    };
                    users::insert(
                        c,
                        &NewUser {
                            uuid: &format!("{n:032x}"),
                            user_name: &name,
                            name: &format!("{needle} {name}"),
                            email: &format!("{name}@valami.hu"),
                            status,
                            now: harness::NOW,
                            ..Default::default()
                        },
                    )?;
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
    data
}

/// A gateway as a separate process, with the demo's data and the default settings.
fn gateway(data: &Path) -> Process {
    gateway_on(data, None)
}

fn gateway_on(data: &Path, database_url: Option<String>) -> Process {
    // One user makes the calls of all users of a service, so the limits are high.
    let more = [
        ("throttle.assignments_per_user", "1000000000"),
        ("throttle.assignments_per_service", "1000000000"),
    ];
    gateway_with(data, database_url, &more)
}

/// Starts a gateway like [`gateway_on`], with these settings besides the cost and the hash queue.
fn gateway_with(data: &Path, database_url: Option<String>, more: &[(&str, &str)]) -> Process {
    let usual = [("password.cost", "12"), ("limits.hash_queue", "64")];
    Process::start(data, database_url, &[&usual, more].concat(), &["--demo"])
}

fn show_user() -> String {
    envelope("showUser", "<userName>mokamiki</userName>")
}

fn throughput() {
    let data = filled(FEW);
    let process = gateway(data.path());
    let answer = process.speaker.soap(&show_user());
    assert_eq!(element(&answer.body, "code"), Some("0"), "{answer:?}");
    let request = load::request(&show_user());
    against_bare(
        "showUser over SOAP",
        &process,
        &request,
        answer.body.len(),
        0.33,
    );
    let target = format!("{REST}/users/mokamiki");
    let answer = rest(&process, &target);
    let request = load::get(&target);
    against_bare("GET of a user", &process, &request, answer.body.len(), 0.4);
}

/// Measures the calls of portals: the loginbar, the consents of a user, and assignments.
fn portals() {
    let data = filled(FEW);
    let process = gateway(data.path());
    let session = signed_in(&process.speaker, "mokamiki", "MokaMiki-1234");
    let target = "/checkSSO/loginbar.json?client_id=blic.rs.front&body%5Bparams%5D%5Bfields%5D=signature%2CuserId%2Clogin%2CloginHash";
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: gateway.test\r\nCookie: chaingun_session={}\r\n\r\n",
        session.session().unwrap()
    );
    let answer = process.speaker.raw(closing(&request).as_bytes());
    assert!(answer.body.contains("loginHash"), "{answer:?}");
    let bytes = answer.body.len();
    against_bare(
        "loginbar.json, signed in",
        &process,
        request.as_bytes(),
        bytes,
        0.4,
    );

    let request = consent(&process, "check_user_agreements", "");
    let answer = process.speaker.raw(closing(&request).as_bytes());
    assert!(answer.body.contains("missing"), "{answer:?}");
    let bytes = answer.body.len();
    against_bare(
        "check_user_agreements",
        &process,
        request.as_bytes(),
        bytes,
        0.25,
    );
    assignments("SQLite", &process);
    drop(process);

    let database = Database::fresh();
    if database.url().is_some() {
        let data = tempfile::tempdir().unwrap();
        assignments("PostgreSQL", &gateway_on(data.path(), database.url()));
    }
}

/// A call of the consent API as mokamiki.
fn consent(process: &Process, method: &str, more: &str) -> String {
    let token = sign_in(&process.speaker, "mokamiki", "MokaMiki-1234", None);
    let body = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{{\"client_id\":\"blic.rs.front\",\
         \"token\":\"{token}\",\"portal_id\":1,\"service_id\":1{more}}}}}"
    );
    format!(
        "POST /user-multi-services HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: application/json-rpc\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The request with `Connection: close`.
fn closing(request: &str) -> String {
    request.replacen("\r\n", "\r\nConnection: close\r\n", 1)
}

fn assignments(where_: &str, process: &Process) {
    let request = consent(
        process,
        "assign_user_to_service",
        ",\"user_id_in_service\":\"moka\"",
    );
    let answer = process.speaker.raw(closing(&request).as_bytes());
    assert!(answer.body.contains("\"OK\""), "{answer:?}");
    let mut rates: Vec<_> = (0..TURNS)
        .map(|_| {
            load::closed(
                process.speaker.address,
                request.as_bytes(),
                16,
                Duration::from_secs(3),
            )
        })
        .collect();
    println!(
        "assign_user_to_service on {where_}: {:.0}/s",
        median(&mut rates)
    );
}

/// The path prefix of the REST interface.
const REST: &str = "/hammy/json/user/v1";

fn rest(process: &Process, target: &str) -> harness::Reply {
    let key = "clientHashKey=demo-hash-key";
    let separator = if target.contains('?') { '&' } else { '?' };
    let reply = process.speaker.get(&format!("{target}{separator}{key}"));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

fn against_bare(what: &str, process: &Process, request: &[u8], bytes: usize, least: f64) {
    let bare = bare::Bare::start(bytes);
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..TURNS {
        for (address, rates) in [
            (process.speaker.address, &mut ours),
            (bare.address, &mut theirs),
        ] {
            rates.push(load::closed(address, request, 16, Duration::from_secs(3)));
        }
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    let ratio = ours / theirs;
    println!(
        "{what} from SQLite: {ours:.0}/s; bare hyper, {bytes} bytes: {theirs:.0}/s; ratio {ratio:.2} (at least {least}: {})",
        pass_or_fail(ratio >= least)
    );
}

/// Requests per second during the sign-ins.
const BESIDE: usize = 2000;
/// The duration of each measurement.
const WINDOW: Duration = Duration::from_secs(10);

fn signing_in() {
    let data = tempfile::tempdir().unwrap();
    let process = gateway(data.path());
    let address = process.speaker.address;
    let show = load::request(&show_user());
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let hasher = Hasher::new(12, Pepper::new(&[9; 48]));
    let hash = hasher.hash("MokaMiki-1234", [7; 16]).unwrap();
    let only_hash = |_| {
        std::hint::black_box(hasher.verify("MokaMiki-1234", Some(&hash), 0));
    };
    let envelope = envelope(
        "authenticate",
        "<userNameOrEmail>mokamiki</userNameOrEmail><password>MokaMiki-1234</password>",
    );
    let sign_in = |_| {
        let reply = process.speaker.soap(&envelope);
        assert_eq!(element(&reply.body, "code"), Some("0"), "{reply:?}");
    };
    let idle = || std::thread::sleep(WINDOW);
    let unloaded = load::open(address, &show, BESIDE, WINDOW);
    let (limit, ()) = meanwhile(cores, only_hash, idle);
    let (alone, ()) = meanwhile(2 * cores, sign_in, idle);
    let (limit_beside, _) = meanwhile(cores, only_hash, || {
        load::open(address, &show, BESIDE, WINDOW)
    });
    let (beside, loaded) = meanwhile(2 * cores, sign_in, || {
        load::open(address, &show, BESIDE, WINDOW)
    });
    let slower = loaded.p99_ms / unloaded.p99_ms;
    println!(
        "showUser at {BESIDE}/s: p99 {:.2} ms alone ({:.0}/s), {:.2} ms while sign-ins saturate the pool ({:.0}/s); \
         {slower:.1} times (at most 3: {})",
        unloaded.p99_ms,
        unloaded.rate,
        loaded.p99_ms,
        loaded.rate,
        pass_or_fail(slower <= 3.0)
    );
    for (what, ours, theirs) in [
        ("alone", alone, limit),
        ("beside showUser", beside, limit_beside),
    ] {
        let share = ours / theirs;
        println!(
            "sign-ins {what}: {ours:.2}/s; the hash by itself on {cores} cores: {theirs:.2}/s; share {share:.2} \
             (at least 0.90: {})",
            pass_or_fail(share >= 0.9)
        );
    }
}

/// Repeats `work` on `threads` threads while `other` runs. `work` gets the number of its thread. Returns how often
/// `work` ran per second, and the result of `other`.
fn meanwhile<T>(
    threads: usize,
    work: impl Fn(usize) + Sync,
    other: impl FnOnce() -> T,
) -> (f64, T) {
    let stop = AtomicBool::new(false);
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (work, stop, done) = (&work, &stop, &done);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    work(thread);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // The measurement starts when the threads have begun to work.
        while done.load(Ordering::Relaxed) < threads {
            std::thread::sleep(Duration::from_millis(10));
        }
        let (before, begun) = (done.load(Ordering::Relaxed), Instant::now());
        let other = other();
        let count = done.load(Ordering::Relaxed) - before;
        let rate = count as f64 / begun.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        (rate, other)
    })
}

fn start_and_memory() {
    let data = tempfile::tempdir().unwrap();
    gateway(data.path()).stop();
    let mut times = Vec::new();
    let mut memory = 0.0;
    for _ in 0..2 * TURNS {
        let begun = Instant::now();
        let process = gateway(data.path());
        assert_eq!(process.speaker.soap(&show_user()).status, 200);
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        memory = resident_mb(process.id());
        process.stop();
    }
    let slowest = times.iter().copied().fold(0.0, f64::max);
    println!(
        "start to first answer: {:.0} ms, the slowest of {} {slowest:.0} ms (under 100: {})",
        median(&mut times),
        2 * TURNS,
        pass_or_fail(slowest < 100.0)
    );
    println!(
        "memory when idle: {memory:.1} MB (under 30: {})",
        pass_or_fail(memory < 30.0)
    );
}

/// The resident memory of the process in megabytes.
fn resident_mb(id: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap();
    let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1024.0
}

fn search() {
    let sides = [FEW, MANY].map(filled);
    let processes = [gateway(sides[0].path()), gateway(sides[1].path())];
    let queries = [
        (
            "a name of 100 hits",
            "<limit>100</limit><name>nyuszi</name>",
            "100",
        ),
        (
            "and a status",
            "<limit>100</limit><name>nyuszi</name><statuses>ACTIVE</statuses>",
            "100",
        ),
        (
            "two characters of 100 hits",
            "<limit>100</limit><name>YU</name>",
            "100",
        ),
        (
            "one hit, of common trigrams",
            "<email>0009999@</email>",
            "1",
        ),
    ];
    for (what, query, hits) in queries {
        let request = envelope("findUsers", query);
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..40 * TURNS {
            for (process, times) in processes.iter().zip(&mut times) {
                let begun = Instant::now();
                let reply = process.speaker.soap(&request);
                times.push(begun.elapsed().as_secs_f64() * 1000.0);
                assert_eq!(element(&reply.body, "total"), Some(hits));
            }
        }
        let [few, many] = times.map(|mut t| median(&mut t));
        let ratio = many / few;
        println!(
            "findUsers, {what}: {few:.2} ms in {FEW} users, {many:.2} ms in {MANY}; {ratio:.2} times (less than 2: {})",
            pass_or_fail(ratio < 2.0)
        );
    }
}

/// Pages of 20 over REST: query, hits, and the milliseconds that the median may take.
const PAGES: [(&str, usize, f64); 10] = [
    ("", MANY + 3, 5.0),
    ("sort=name", MANY + 3, 5.0),
    ("sort=-userName", MANY + 3, 5.0),
    ("statuses=ACTIVE&sort=name", MANY - 1000 + 3, 5.0),
    ("statuses=UNACTIVATED&sort=name", 1000, 5.0),
    ("name=makai", 900, 5.0),
    ("name=makai&statuses=ACTIVE&sort=name", 900, 5.0),
    ("name=nyuszi&statuses=ACTIVE,INACTIVE&sort=-email", 100, 5.0),
    ("offset=500000", MANY + 3, 25.0),
    ("offset=500000&sort=name", MANY + 3, 25.0),
];

fn lists() {
    let data = filled(MANY);
    pages("SQLite", &gateway(data.path()));
    let database = Database::fresh();
    let Some(url) = database.url() else {
        println!("pages on PostgreSQL: set TEST_DATABASE_URL to measure them");
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let process = gateway_on(data.path(), Some(url.clone()));
    // psql runs each command in a separate transaction, because VACUUM cannot run inside a transaction.
    let filled = filled_by_sql();
    let psql = [
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        &url,
        "-c",
        &filled,
        "-c",
        "VACUUM ANALYZE users",
    ];
    let done = Command::new("psql").args(psql).status().unwrap();
    assert!(done.success(), "psql fills the table");
    pages("PostgreSQL", &process);
    process.stop();
}

fn pages(engine: &str, process: &Process) {
    for (query, hits, most) in PAGES {
        let target = format!("{REST}/users?{query}");
        let mut times = Vec::new();
        for _ in 0..10 * TURNS {
            let begun = Instant::now();
            let reply = rest(process, &target);
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            let total = format!("\"total\":{hits},");
            assert!(reply.body.contains(&total), "{query}: {reply:?}");
        }
        let time = median(&mut times);
        println!(
            "{engine}, {MANY} users, page of 20, {query:?}, {hits} hits: {time:.2} ms (under {most}: {})",
            pass_or_fail(time < most)
        );
    }
}

/// The users of [`filled`] as SQL for PostgreSQL: inserting them one by one takes a quarter of an hour.
fn filled_by_sql() -> String {
    let (hundred, thousand) = (MANY / 100, MANY / 1000);
    format!(
        "ALTER TABLE users DISABLE TRIGGER USER;
         INSERT INTO users (uuid, user_name, user_name_ci, name, name_ci, email, email_ci, client_name, status, roles,
             created_at, updated_at)
         SELECT md5(n::text), k, k, needle || ' ' || k, lower(needle) || ' ' || k, k || '@valami.hu', k || '@valami.hu',
             'Default', CASE WHEN n % {thousand} = 1 THEN 'UNACTIVATED' ELSE 'ACTIVE' END, '', 0, 0
         FROM (SELECT n, (ARRAY['anna', 'bela', 'cili', 'dani'])[1 + n % 4] || lpad(n::text, 7, '0') AS k,
                 CASE WHEN n % {hundred} = 0 THEN 'Nyuszi' WHEN n % {thousand} = 0 THEN 'Makai' ELSE 'Nagy' END AS needle
             FROM generate_series(0, {MANY} - 1) AS n) AS made;
         INSERT INTO login_names SELECT user_name_ci, id FROM users ON CONFLICT DO NOTHING;
         INSERT INTO login_names SELECT email_ci, id FROM users ON CONFLICT DO NOTHING;
         ALTER TABLE users ENABLE TRIGGER USER;
         DELETE FROM user_counts;
         INSERT INTO user_counts SELECT client_name, status, count(*), 1 FROM users GROUP BY client_name, status;"
    )
}
