//! The fault loop: nodes are killed again and again and services fail at random. Each service still gets a callback for
//! every user that left it, in order. `FAULTS=1000` sets the number of users; the default is 80.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::Shell;
use crate::harness::process::Process;
use crate::harness::receiver::{Receiver, answer};
use crate::harness::rest::{KEY, RESOURCE, ask, try_to_sign_in};
use crate::harness::{Database, Reply, Speaker};

/// The time for which a node runs before it is killed.
const LIFE: Duration = Duration::from_millis(200);
const SERVICES: [i64; 3] = [11, 12, 13];
/// The number of groups of users. The groups leave at the same time; the users of a group leave one after the other.
const PORTALS: usize = 4;
const PASSWORD: &str = "ValaKi1234";

/// The status with which a service answers its request of this number. Failures are spread evenly, and every run is the
/// same.
fn status_of_request(nth: usize) -> &'static str {
    let scattered = (nth as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    match scattered % 16 {
        0 | 1 => "500 Internal Server Error",
        2 => "503 Service Unavailable",
        // The service closes the connection without an answer.
        3 => "",
        _ => "200 OK",
    }
}

fn receiver() -> Receiver {
    Receiver::start(|nth| match status_of_request(nth) {
        "" => String::new(),
        status => answer(status, ""),
    })
}

/// A node that is killed and started again.
struct Node {
    process: Mutex<Process>,
    /// The address; locked while the node is down.
    address: RwLock<std::net::SocketAddr>,
}

/// The folder and the database that all nodes share.
struct SharedData {
    data: tempfile::TempDir,
    database: Database,
}

impl SharedData {
    fn start(&self) -> Process {
        let settings = [
            ("callbacks.allow_private", "loopback"),
            ("outbox.first_retry_ms", "10"),
            // One user leaves more often than the default allows.
            ("throttle.assignments_per_user", "1000000"),
        ];
        let folder = self.data.path().join("data");
        Process::start(&folder, self.database.url(), &settings, &["--demo"])
    }

    fn run(&self, arguments: &[&str]) -> crate::cli::Ended {
        let shell = Shell {
            data: self.data.path(),
            database: &self.database,
        };
        shell.run(arguments)
    }

    /// Configures the services, each with its own callback path.
    fn configure(&self, receiver: &Receiver) {
        let services: String = SERVICES
            .iter()
            .map(|id| {
                format!(
                    "[[services]]\nid = {id}\nportal = 1\nname = \"Service {id}\"\n\
                     callback_url = \"{}/{id}\"\naccess_key = \"gateway\"\nsecret_key = \"a-secret-of-the-service\"\n",
                    receiver.url()
                )
            })
            .collect();
        std::fs::write(self.data.path().join("registry.toml"), services).unwrap();
        let applied = self.run(&["apply", "registry.toml"]);
        assert_eq!(applied.code, 0, "{}", applied.err);
    }
}

impl Node {
    fn new(process: Process) -> Self {
        Self {
            address: RwLock::new(process.speaker.address),
            process: Mutex::new(process),
        }
    }

    fn speaker(&self) -> Speaker {
        Speaker {
            address: *self.address.read().unwrap(),
        }
    }

    fn kill_and_start(&self, shared: &SharedData) {
        let mut address = self.address.write().unwrap();
        let mut process = self.process.lock().unwrap();
        process.kill();
        *process = shared.start();
        *address = process.speaker.address;
    }
}

/// Asks the nodes in turn until one answers.
fn until_answered<T>(nodes: &[Node], mut asked: impl FnMut(&Speaker) -> Option<T>) -> T {
    nodes
        .iter()
        .cycle()
        .find_map(|node| asked(&node.speaker()))
        .unwrap()
}

/// The document of a reply; none if the reply is cut off or has status 500 or 503.
fn complete(reply: &Reply) -> Option<Value> {
    let document: Value = serde_json::from_str(&reply.body).ok()?;
    (reply.status != 503 && reply.status != 500).then_some(document)
}

fn consent(nodes: &[Node], token: &str, method: &str, service: i64, name: &str) {
    let mut params = json!({"token": token, "client_id": "konto.onet.pl.front", "portal_id": 1, "service_id": service});
    if method == "assign_user_to_service" {
        params["user_id_in_service"] = name.into();
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let head = format!(
        "POST /user-multi-services HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    until_answered(nodes, |node| {
        let answer = complete(&node.raw(head.as_bytes()))?;
        // Internal errors are retried; any other error is a mistake in this test.
        let failed = answer["error"]["code"] == -32603 || answer["error"]["code"] == -32000;
        assert!(failed || answer["result"] == "OK", "{answer}");
        (!failed).then_some(())
    });
}

/// Creates a user whose user name begins with `name`; returns the user name and a token.
fn create(nodes: &[Node], name: &str) -> (String, String) {
    let mut tries = 0..;
    until_answered(nodes, |node| {
        // The user may exist although the answer was lost, so each try has a new name.
        let name = format!("{name}x{}", tries.next()?);
        let send = |path: &str, kind: &str, id: &str, attributes: Value| {
            let body = json!({"data": {"type": kind, "id": id, "attributes": attributes}});
            let headers = format!("{KEY}{RESOURCE}");
            let reply = ask(node, "POST", path, &headers, &body.to_string());
            let document = complete(&reply)?;
            assert_eq!(reply.status, 200, "{reply:?}");
            Some(document)
        };
        let user = json!({"name": "Valaki", "email": format!("{name}@valami.hu"),
            "passwordResetGuidChannel": "RESPONSE"});
        let made = send("/users", "users", &name, user)?;
        let opened =
            json!({"passwordResetGuid": made["meta"]["params"][0]["value"], "password": PASSWORD});
        send("/password/change", "changePasswordRequest", &name, opened)?;
        let reply = try_to_sign_in(node, &name, PASSWORD, None);
        complete(&reply)?;
        assert_eq!(reply.status, 200, "{reply:?}");
        let token = reply.header("Authorization").unwrap();
        Some((name, token.strip_prefix("JWT ").unwrap().to_owned()))
    })
}

fn delete(nodes: &[Node], name: &str) {
    until_answered(nodes, |node| {
        let reply = ask(node, "DELETE", &format!("/users/{name}"), KEY, "");
        complete(&reply)?;
        assert!([200, 404].contains(&reply.status), "{reply:?}");
        Some(())
    });
}

/// Makes users leave one after the other; returns the callbacks that each service must get, in order.
fn leave(nodes: &[Node], portal: usize, left: &AtomicUsize, all: usize) -> Vec<(i64, String)> {
    let mut owed = Vec::new();
    let resident = format!("lako{portal}");
    let (_, token) = create(nodes, &resident);
    loop {
        let nth = left.fetch_add(1, Ordering::SeqCst);
        if nth >= all {
            return owed;
        }
        let name = format!("{portal}-{nth:05}");
        if nth.is_multiple_of(10) {
            // A deleted account leaves all its services.
            let guest = format!("vendeg{nth}");
            let (guest, token) = create(nodes, &guest);
            for service in SERVICES {
                consent(nodes, &token, "assign_user_to_service", service, &name);
                owed.push((service, name.clone()));
            }
            delete(nodes, &guest);
        } else {
            let service = SERVICES[nth % SERVICES.len()];
            consent(nodes, &token, "assign_user_to_service", service, &name);
            consent(nodes, &token, "delete_user_from_service", service, &name);
            owed.push((service, name));
        }
    }
}

/// The service, and the user's ID in that service, of each request that was answered with 200.
fn delivered(receiver: &Receiver) -> Vec<(i64, String)> {
    receiver
        .lines()
        .iter()
        .enumerate()
        .filter(|(nth, _)| status_of_request(*nth) == "200 OK")
        .map(|(_, line)| {
            let mut path = line.split(' ').nth(1).unwrap().split('/').skip(2);
            let service = path.next().unwrap().parse().unwrap();
            (service, path.next().unwrap().to_owned())
        })
        .collect()
}

fn faults(nodes: usize) {
    let all = std::env::var("FAULTS").map_or(80, |n| n.parse().unwrap());
    let shared = SharedData {
        data: tempfile::tempdir().unwrap(),
        database: Database::fresh(),
    };
    let receiver = receiver();
    // The first start creates the demo's data.
    shared.start().stop();
    shared.configure(&receiver);
    let nodes: Vec<_> = (0..nodes).map(|_| Node::new(shared.start())).collect();
    let left = AtomicUsize::new(0);
    let mut killed = 0;
    let owed: Vec<Vec<(i64, String)>> = std::thread::scope(|scope| {
        let (tell, over) = channel::<()>();
        let portals: Vec<_> = (0..PORTALS)
            .map(|portal| {
                let (tell, nodes, left) = (tell.clone(), &nodes, &left);
                scope.spawn(move || {
                    let _tell = tell;
                    leave(nodes, portal, left, all)
                })
            })
            .collect();
        drop(tell);
        // The kills go on after the last user has left, because the deliveries go on, too.
        let kills = 3 + all / 50;
        for node in nodes.iter().cycle() {
            if over.recv_timeout(LIFE) == Err(RecvTimeoutError::Disconnected) {
                if killed >= kills {
                    break;
                }
                std::thread::park_timeout(LIFE);
            }
            node.kill_and_start(&shared);
            killed += 1;
        }
        portals.into_iter().map(|p| p.join().unwrap()).collect()
    });

    // Claims of killed nodes expire after a while.
    let wanted: BTreeSet<_> = owed.iter().flatten().cloned().collect();
    let pending = || {
        let listed = shared.run(&["outbox", "list", "--state", "pending", "--json"]);
        let rows = listed.records();
        rows.iter().filter(|row| row["kind"] == "callback").count()
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(120);
    while pending() > 0 {
        assert!(
            std::time::Instant::now() < deadline,
            "{} callbacks are still waiting",
            pending()
        );
    }
    let heard = delivered(&receiver);
    let told: BTreeSet<_> = heard.iter().cloned().collect();
    let missing: Vec<_> = wanted.difference(&told).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let unasked: Vec<_> = told.difference(&wanted).collect();
    assert!(unasked.is_empty(), "{unasked:?}");
    let dead = shared.run(&["outbox", "list", "--state", "dead", "--json"]);
    assert_eq!(dead.records().len(), 0);

    for node in nodes {
        node.process.into_inner().unwrap().stop();
    }
}

#[test]
fn delivers_every_callback_when_a_node_is_killed_again_and_again() {
    faults(1);
}

/// Two nodes need PostgreSQL.
#[test]
fn delivers_every_callback_when_two_nodes_are_killed_again_and_again() {
    if Database::fresh().url().is_some() {
        faults(2);
    }
}
