//! The metrics of the gateway and their output in OpenMetrics text format.

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

/// The media type of [`Metrics::encode`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the histogram buckets in seconds. The lowest suits a read from memory, and the highest a password
/// hash that waited in its queue.
const BOUNDS: [f64; 12] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0,
];

macro_rules! labels {
    ($($name:ident { $($label:ident),+ })+) => {
        $(
            #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
            struct $name { $($label: &'static str,)+ }
        )+
    };
}

labels! {
    Request { face, operation, outcome }
    Timed { operation }
    Queue { queue }
    Hashed { kind }
    State { state }
    Reason { reason }
    Shed { queue, reason }
    Delivered { kind, outcome }
    Waiting { kind, state }
    Refusal { code }
    Table { table }
}

/// The outcome of a delivery attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    Delivered,
    /// The delivery will be retried.
    Rescheduled,
    /// The message is now a dead letter.
    GivenUp,
}

/// The purpose of a password hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashKind {
    /// The hash was computed to verify a password, or as dummy work for an unknown account.
    Verified,
    /// The hash was computed to be stored.
    Created,
}

impl HashKind {
    const fn label(self) -> Hashed {
        let kind = match self {
            HashKind::Verified => "verified",
            HashKind::Created => "made",
        };
        Hashed { kind }
    }
}

/// The number of outbox rows of one kind and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    pub kind: &'static str,
    pub state: &'static str,
    pub rows: i64,
    /// The age of the oldest row, in milliseconds.
    pub oldest_ms: i64,
}

macro_rules! metrics {
    ($($field:ident: $type:ty = $new:expr, $name:literal $(in $unit:ident)?, $help:literal;)+) => {
        /// All metrics. Updating a metric takes no lock that another update could hold for long.
        pub struct Metrics {
            registry: Registry,
            $($field: $type,)+
        }

        impl Metrics {
            /// Creates the metrics with all counters at zero; `started` is the start time in seconds since 1970.
            #[must_use]
            pub fn new(started: i64) -> Self {
                let mut registry = Registry::with_prefix("chaingun");
                registry.register(
                    "build",
                    "Version of the program",
                    Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
                );
                let start = Gauge::<i64>::default();
                start.set(started);
                let help = "Start time, since 1970";
                registry.register_with_unit("start_time", help, Unit::Seconds, start);
                $(
                    let $field: $type = $new;
                    metrics!(@register registry, $field, $name, $help $(, $unit)?);
                )+
                Self { registry, $($field,)+ }
            }
        }
    };
    (@register $registry:ident, $field:ident, $name:literal, $help:literal) => {
        $registry.register($name, $help, $field.clone());
    };
    (@register $registry:ident, $field:ident, $name:literal, $help:literal, $unit:ident) => {
        $registry.register_with_unit($name, $help, Unit::$unit, $field.clone());
    };
}

// A row: the field, its type and its first value; the published name, its unit, and the help text. The output has this
// order.
metrics! {
    requests: Family<Request, Counter> = Family::default(), "requests",
        "Calls of operations, by face, operation and outcome";
    durations: Family<Timed, Histogram> = Family::new_with_constructor(histogram), "duration" in Seconds,
        "Duration of an operation, without its time in a queue";
    shed: Family<Shed, Counter> = Family::default(), "shed",
        "Calls that a worker queue refused, by queue and reason";
    queued: Family<Queue, Gauge> = Family::default(), "queued",
        "Calls that wait for a worker, by queue";
    waits: Family<Queue, Histogram> = Family::new_with_constructor(histogram), "wait" in Seconds,
        "Time that calls waited for a worker, by queue";
    connections: Family<State, Gauge> = Family::default(), "connections",
        "Open connections, by state";
    hashes: Family<Hashed, Counter> = Family::default(), "password_hashes",
        "Password hashes, by purpose";
    hash_rounds: Counter = Counter::default(), "password_hash_rounds",
        "bcrypt rounds of all password hashes";
    dropped: Family<Reason, Counter> = Family::default(), "connections_dropped",
        "Connections that the gateway dropped, by reason";
    refused: Family<Reason, Counter> = Family::default(), "connections_refused",
        "Connections and requests refused with BUSY at a connection limit, by reason";
    deliveries: Family<Delivered, Counter> = Family::default(), "deliveries",
        "Delivery attempts of mails and callbacks, by outcome";
    backlog: Family<Waiting, Gauge> = Family::default(), "outbox_rows",
        "Mails and callbacks that are not delivered, by state";
    oldest: Family<Waiting, Gauge<f64, AtomicU64>> = Family::default(), "outbox_oldest" in Seconds,
        "Age of the oldest undelivered mail or callback";
    refusals: Family<Refusal, Counter> = Family::default(), "refusals",
        "Calls refused by authentication or authorisation, by code";
    database: Gauge = Gauge::default(), "database" in Bytes,
        "Size of the database, updated once a minute";
    rows: Family<Table, Gauge> = Family::default(), "table_rows",
        "Rows of the tables that callers can grow, updated every ten minutes";
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

impl Metrics {
    /// Records the outcome and the duration of one call of an operation.
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

    /// Counts a call that a queue refused.
    pub fn shed(&self, queue: &'static str, reason: &'static str) {
        self.shed.get_or_create(&Shed { queue, reason }).inc();
    }

    /// Records how long a call waited in a queue.
    pub fn waited(&self, queue: &'static str, wait: Duration) {
        let waits = self.waits.get_or_create(&Queue { queue });
        waits.observe(wait.as_secs_f64());
    }

    /// Sets the number of connections in each state.
    pub fn set_connections(&self, counts: &[(&'static str, u32)]) {
        for (state, count) in counts {
            let connections = self.connections.get_or_create(&State { state });
            connections.set(i64::from(*count));
        }
    }

    /// Counts a connection that the gateway dropped.
    pub fn dropped(&self, reason: &'static str) {
        self.dropped.get_or_create(&Reason { reason }).inc();
    }

    /// Counts a connection or a request that was refused with BUSY because a connection limit was reached.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    /// Counts a password hash and the bcrypt rounds that it took.
    pub fn hashed(&self, kind: HashKind, rounds: u64) {
        self.hashes.get_or_create(&kind.label()).inc();
        self.hash_rounds.inc_by(rounds);
    }

    /// The number of password hashes of this kind.
    #[must_use]
    pub fn hashes(&self, kind: HashKind) -> u64 {
        self.hashes.get_or_create(&kind.label()).get()
    }

    /// The number of bcrypt rounds of all password hashes.
    #[must_use]
    pub fn hash_rounds(&self) -> u64 {
        self.hash_rounds.get()
    }

    /// Counts a delivery attempt.
    pub fn attempted(&self, kind: &'static str, attempt: Attempt) {
        let outcome = match attempt {
            Attempt::Delivered => "delivered",
            Attempt::Rescheduled => "put_off",
            Attempt::GivenUp => "given_up",
        };
        let delivered = Delivered { kind, outcome };
        self.deliveries.get_or_create(&delivered).inc();
    }

    /// Counts a refusal with this code.
    pub fn refusal(&self, code: &'static str) {
        self.refusals.get_or_create(&Refusal { code }).inc();
    }

    /// Sets the size of the database.
    pub fn database_has(&self, bytes: i64) {
        self.database.set(bytes);
    }

    /// Sets the number of rows of a table.
    pub fn table_has(&self, table: &'static str, rows: i64) {
        self.rows.get_or_create(&Table { table }).set(rows);
    }

    /// Encodes all metrics as [`MEDIA_TYPE`]. The queue lengths and the backlog are read only for this output, so the
    /// caller passes them in.
    #[must_use]
    pub fn encode(&self, queued: &[(&'static str, usize)], backlog: &[Backlog]) -> String {
        for (queue, waiting) in queued {
            let queued = self.queued.get_or_create(&Queue { queue });
            queued.set(i64::try_from(*waiting).unwrap_or(i64::MAX));
        }
        // Combinations without rows must disappear from the output.
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
    fn encodes_each_metric_with_its_labels() {
        let metrics = Metrics::new(1_601_973_889);
        for _ in 0..2 {
            metrics.called("soap", "showUser", "ok", Duration::from_micros(300));
        }
        metrics.hashed(HashKind::Verified, 16);
        metrics.hashed(HashKind::Created, 16);
        metrics.shed("hash", "full");
        metrics.waited("hash", Duration::from_millis(3));
        metrics.attempted("mail", Attempt::Rescheduled);
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
        let text = metrics.encode(&[("hash", 7)], &backlog);
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
        let text = metrics.encode(&[], &[]);
        assert!(text.contains("chaingun_connections{state=\"idle\"} 0"));
        assert!(!text.contains("outbox_rows{"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
