//! What is counted and timed while the program runs, and how it is told to whoever collects it.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// The media type of [`Metrics::tell`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the durations that are told apart, in seconds: from a read out of memory to a hash that had to wait.
const BOUNDS: [f64; 12] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    face: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Queue {
    queue: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Hashed {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Shed {
    queue: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivered {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Waiting {
    kind: &'static str,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Table {
    table: &'static str,
}

/// What became of an attempt to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    Delivered,
    /// It will be tried again.
    PutOff,
    /// It is a dead letter.
    GivenUp,
}

/// What a password hash was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashKind {
    /// To compare a password with a stored hash, or for an account that is not there.
    Verified,
    /// To be stored.
    Made,
}

impl HashKind {
    const fn label(self) -> Hashed {
        let kind = match self {
            HashKind::Verified => "verified",
            HashKind::Made => "made",
        };
        Hashed { kind }
    }
}

/// Rows of the outbox of one kind, in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    pub kind: &'static str,
    pub state: &'static str,
    pub rows: i64,
    /// How long ago the oldest of them came in, in milliseconds.
    pub oldest_ms: i64,
}

/// Everything that is counted. Counting takes no lock that another count could hold for long.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Timed, Histogram>,
    shed: Family<Shed, Counter>,
    queued: Family<Queue, Gauge>,
    waits: Family<Queue, Histogram>,
    hashes: Family<Hashed, Counter>,
    hash_rounds: Counter,
    connections: Family<State, Gauge>,
    dropped: Family<Reason, Counter>,
    refused: Family<Reason, Counter>,
    deliveries: Family<Delivered, Counter>,
    backlog: Family<Waiting, Gauge>,
    oldest: Family<Waiting, Gauge<f64, AtomicU64>>,
    refusals: Family<Refusal, Counter>,
    database: Gauge,
    rows: Family<Table, Gauge>,
}

impl Metrics {
    /// Nothing counted yet; `started` is the time in seconds since 1970.
    #[must_use]
    pub fn new(started: i64) -> Self {
        let mut registry = Registry::with_prefix("chaingun");
        let mut metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            shed: Family::default(),
            queued: Family::default(),
            waits: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            hashes: Family::default(),
            hash_rounds: Counter::default(),
            connections: Family::default(),
            dropped: Family::default(),
            refused: Family::default(),
            deliveries: Family::default(),
            backlog: Family::default(),
            oldest: Family::default(),
            refusals: Family::default(),
            database: Gauge::default(),
            rows: Family::default(),
            registry: Registry::default(),
        };
        registry.register(
            "build",
            "The program",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        let start = Gauge::<i64>::default();
        start.set(started);
        let seconds = || Unit::Seconds;
        registry.register_with_unit(
            "start_time",
            "When it started, since 1970",
            seconds(),
            start,
        );
        let m = &metrics;
        registry.register(
            "requests",
            "Calls of operations, by what came of them",
            m.requests.clone(),
        );
        registry.register_with_unit(
            "duration",
            "Time of an operation, without its wait",
            seconds(),
            m.durations.clone(),
        );
        registry.register(
            "shed",
            "Calls that were refused because they did not get their turn",
            m.shed.clone(),
        );
        registry.register("queued", "Calls that wait for a worker", m.queued.clone());
        registry.register_with_unit(
            "wait",
            "Time that calls waited for a worker",
            seconds(),
            m.waits.clone(),
        );
        registry.register(
            "connections",
            "Connections that are open, by what they are used for",
            m.connections.clone(),
        );
        registry.register(
            "password_hashes",
            "Password hashes, by what they were for",
            m.hashes.clone(),
        );
        registry.register(
            "password_hash_rounds",
            "bcrypt rounds of all password hashes",
            m.hash_rounds.clone(),
        );
        registry.register(
            "connections_dropped",
            "Connections that the gateway closed by itself",
            m.dropped.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections and requests that were told BUSY for want of a place",
            m.refused.clone(),
        );
        registry.register(
            "deliveries",
            "Attempts to deliver mails and callbacks",
            m.deliveries.clone(),
        );
        registry.register(
            "outbox_rows",
            "Mails and callbacks that are not delivered",
            m.backlog.clone(),
        );
        registry.register_with_unit(
            "outbox_oldest",
            "Age of the oldest of them",
            seconds(),
            m.oldest.clone(),
        );
        registry.register(
            "refusals",
            "Calls that were refused for want of a right or a sign-in, by code",
            m.refusals.clone(),
        );
        registry.register_with_unit(
            "database",
            "Size of the database; looked up once a minute",
            Unit::Bytes,
            m.database.clone(),
        );
        registry.register(
            "table_rows",
            "Rows of the tables that callers can make grow; looked up once in ten minutes",
            m.rows.clone(),
        );
        metrics.registry = registry;
        metrics
    }

    /// Counts and times one call of an operation.
    pub fn called(
        &self,
        face: &'static str,
        operation: &'static str,
        outcome: &'static str,
        took: Duration,
    ) {
        let request = Request {
            face,
            operation,
            outcome,
        };
        self.requests.get_or_create(&request).inc();
        let durations = self.durations.get_or_create(&Timed { operation });
        durations.observe(took.as_secs_f64());
    }

    /// Counts a call that did not get its turn in a queue.
    pub fn shed(&self, queue: &'static str, reason: &'static str) {
        self.shed.get_or_create(&Shed { queue, reason }).inc();
    }

    /// Notes how long a call waited in a queue.
    pub fn waited(&self, queue: &'static str, wait: Duration) {
        let waits = self.waits.get_or_create(&Queue { queue });
        waits.observe(wait.as_secs_f64());
    }

    /// Sets how many connections are in each state.
    pub fn set_connections(&self, counts: &[(&'static str, u32)]) {
        for (state, count) in counts {
            let connections = self.connections.get_or_create(&State { state });
            connections.set(i64::from(*count));
        }
    }

    /// Counts a connection that the gateway closes by itself.
    pub fn dropped(&self, reason: &'static str) {
        self.dropped.get_or_create(&Reason { reason }).inc();
    }

    /// Counts a connection or a request for which there is no place.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    /// Counts a password hash and the bcrypt rounds that it took.
    pub fn hashed(&self, kind: HashKind, rounds: u64) {
        self.hashes.get_or_create(&kind.label()).inc();
        self.hash_rounds.inc_by(rounds);
    }

    /// How many password hashes of this kind there were.
    #[must_use]
    pub fn hashes(&self, kind: HashKind) -> u64 {
        self.hashes.get_or_create(&kind.label()).get()
    }

    /// How many bcrypt rounds all password hashes took.
    #[must_use]
    pub fn hash_rounds(&self) -> u64 {
        self.hash_rounds.get()
    }

    /// Counts an attempt to deliver.
    pub fn attempted(&self, kind: &'static str, attempt: Attempt) {
        let outcome = match attempt {
            Attempt::Delivered => "delivered",
            Attempt::PutOff => "put_off",
            Attempt::GivenUp => "given_up",
        };
        let delivered = Delivered { kind, outcome };
        self.deliveries.get_or_create(&delivered).inc();
    }

    /// Counts a refusal with this code.
    pub fn refusal(&self, code: &'static str) {
        self.refusals.get_or_create(&Refusal { code }).inc();
    }

    /// Notes the size of the database.
    pub fn database_has(&self, bytes: i64) {
        self.database.set(bytes);
    }

    /// Notes how many rows a table has.
    pub fn table_has(&self, table: &'static str, rows: i64) {
        self.rows.get_or_create(&Table { table }).set(rows);
    }

    /// Everything, as [`MEDIA_TYPE`] has it, with what is only looked at when it is asked for.
    #[must_use]
    pub fn tell(&self, queued: &[(&'static str, usize)], backlog: &[Backlog]) -> String {
        for (queue, waiting) in queued {
            let queued = self.queued.get_or_create(&Queue { queue });
            queued.set(i64::try_from(*waiting).unwrap_or(i64::MAX));
        }
        // What is empty now is not told as it was.
        self.backlog.clear();
        self.oldest.clear();
        for rows in backlog {
            let waiting = Waiting {
                kind: rows.kind,
                state: rows.state,
            };
            self.backlog.get_or_create(&waiting).set(rows.rows);
            let age = Duration::from_millis(u64::try_from(rows.oldest_ms).unwrap_or(0));
            self.oldest.get_or_create(&waiting).set(age.as_secs_f64());
        }
        let mut text = String::with_capacity(16 * 1024);
        // Writing into memory cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_was_counted() {
        let metrics = Metrics::new(1_601_973_889);
        for _ in 0..2 {
            metrics.called("soap", "showUser", "ok", Duration::from_micros(300));
        }
        metrics.hashed(HashKind::Verified, 16);
        metrics.hashed(HashKind::Made, 16);
        metrics.shed("hash", "full");
        metrics.waited("hash", Duration::from_millis(3));
        metrics.attempted("mail", Attempt::PutOff);
        metrics.set_connections(&[("idle", 1)]);
        metrics.dropped("idle_timeout");
        metrics.refused("slots_short");
        metrics.refusal("BAD_CREDENTIALS");
        metrics.database_has(4096);
        metrics.table_has("users", 7);
        let backlog = [Backlog {
            kind: "mail",
            state: "pending",
            rows: 3,
            oldest_ms: 1500,
        }];
        let text = metrics.tell(&[("hash", 7)], &backlog);
        for line in [
            "chaingun_requests_total{face=\"soap\",operation=\"showUser\",outcome=\"ok\"} 2",
            "chaingun_duration_seconds_bucket{le=\"0.00025\",operation=\"showUser\"} 0",
            "chaingun_duration_seconds_bucket{le=\"0.0005\",operation=\"showUser\"} 2",
            "chaingun_shed_total{queue=\"hash\",reason=\"full\"} 1",
            "chaingun_wait_seconds_bucket{le=\"0.0025\",queue=\"hash\"} 0",
            "chaingun_wait_seconds_bucket{le=\"0.005\",queue=\"hash\"} 1",
            "chaingun_queued{queue=\"hash\"} 7",
            "chaingun_password_hashes_total{kind=\"verified\"} 1",
            "chaingun_password_hashes_total{kind=\"made\"} 1",
            "chaingun_password_hash_rounds_total 32",
            "chaingun_connections{state=\"idle\"} 1",
            "chaingun_connections_dropped_total{reason=\"idle_timeout\"} 1",
            "chaingun_connections_refused_total{reason=\"slots_short\"} 1",
            "chaingun_deliveries_total{kind=\"mail\",outcome=\"put_off\"} 1",
            "chaingun_outbox_rows{kind=\"mail\",state=\"pending\"} 3",
            "chaingun_outbox_oldest_seconds{kind=\"mail\",state=\"pending\"} 1.5",
            "chaingun_refusals_total{code=\"BAD_CREDENTIALS\"} 1",
            "chaingun_database_bytes 4096",
            "chaingun_table_rows{table=\"users\"} 7",
            "chaingun_start_time_seconds 1601973889",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        metrics.set_connections(&[("idle", 0)]);
        let text = metrics.tell(&[], &[]);
        assert!(text.contains("chaingun_connections{state=\"idle\"} 0"));
        assert!(!text.contains("outbox_rows{"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
