//! The table of open connections. It counts them by network, knows the phase of each, and drops connections when
//! slots run short.
//!
//! Every connection is accepted. At a limit, the new connection replaces one that has no complete request in
//! progress. If there is none, the new connection gets a reserved slot, which answers probes and refuses all other
//! requests with BUSY.

mod connection;
mod section;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use crate::metrics::Metrics;

use super::client_ip::network;
pub(super) use connection::{Connection, Phase, Unframed};
use connection::{Place, State};
use section::{Entry, Reason, Section};

/// The time unit of the table, and the interval between two checks for expired connections.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// Number of ticks that a client has to close a finished connection.
const CLOSING_TICKS: u64 = 20;
/// Minimum number of ticks between two log lines about connection limits.
const QUIET_TICKS: u64 = 600;

/// The limits on the number of connections and on their time without a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectionLimits {
    /// Maximum number of connections in total.
    pub all: usize,
    /// Maximum number of connections from one network.
    pub per_network: usize,
    /// Further connections, for probes only.
    pub reserved: usize,
    /// Time for which an idle connection is kept.
    pub idle: Duration,
    /// Time limit for the head of a request.
    pub read: Duration,
}

struct Sections {
    ordinary: Section,
    reserved: Section,
    next: u64,
    /// The tick of the last log line about dropped connections, and the number of drops since then.
    logged_at: Option<u64>,
    unlogged: u64,
}

/// The table. Its lock is taken when a connection opens or closes, and never for a request.
pub(super) struct Connections {
    sections: Mutex<Sections>,
    idle_ticks: u64,
    read_ticks: u64,
    started: Instant,
    /// The current tick, counted from the start.
    now: Arc<AtomicU64>,
}

fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX >> 4)
}

impl Connections {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        // One network may hold at most half of the reserved slots, so that probes of other networks get through.
        let reserved = Section::new(limits.reserved, limits.reserved.div_ceil(2));
        Self {
            sections: Mutex::new(Sections {
                ordinary: Section::new(limits.all, limits.per_network),
                reserved,
                next: 0,
                logged_at: None,
                unlogged: 0,
            }),
            idle_ticks: ticks(limits.idle),
            read_ticks: ticks(limits.read),
            started: Instant::now(),
            now: Arc::default(),
        }
    }

    fn sections(&self) -> MutexGuard<'_, Sections> {
        self.sections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) -> u64 {
        let now = ticks(self.started.elapsed());
        self.now.store(now, Ordering::Relaxed);
        now
    }

    /// Assigns a new connection a regular or a reserved slot; returns `None` if neither is free.
    pub(super) fn open(
        self: &Arc<Self>,
        metrics: &Metrics,
        peer: IpAddr,
        trusted: bool,
    ) -> Option<Slot> {
        let now = self.tick();
        let network = network(peer);
        let mut guard = self.sections();
        let sections = &mut *guard;
        let mut reserved = false;
        let room = sections.ordinary.make_room(network, trusted, now);
        match room {
            Ok(None) => {}
            Ok(Some(reason)) => {
                metrics.dropped(reason.name());
                sections.log(now, reason, network);
            }
            Err(reason) => {
                reserved = true;
                metrics.refused(reason.name());
                sections.log(now, reason, network);
                if sections.reserved.make_room(network, false, now).is_err() {
                    return None;
                }
            }
        }
        let number = sections.next;
        sections.next += 1;
        let place = Place {
            network,
            number,
            reserved,
        };
        let connection = Arc::new(Connection::new(peer, Arc::clone(&self.now), place));
        let section = sections.section(reserved);
        section.open += 1;
        section.networks.entry(network).or_default().insert(
            number,
            Entry {
                connection: Arc::clone(&connection),
                trusted,
                task: None,
            },
        );
        Some(Slot {
            table: Arc::clone(self),
            connection,
        })
    }

    /// Registers the task that serves a connection, so that dropping the connection aborts the task.
    pub(super) fn serve(&self, connection: &Connection, task: AbortHandle) {
        let place = connection.place;
        let mut sections = self.sections();
        let networks = &mut sections.section(place.reserved).networks;
        let entries = networks.get_mut(&place.network);
        if let Some(entry) = entries.and_then(|entries| entries.get_mut(&place.number)) {
            entry.task = Some(task);
        }
    }

    /// Drops connections that exceeded their time limit.
    pub(super) fn sweep(&self, metrics: &Metrics) {
        let now = self.tick();
        // A phase may have begun at the end of its tick, so one more full tick must pass.
        let over = |state: State, ticks: u64| now > state.since() + ticks;
        self.drop_each(metrics, |state| match state.phase() {
            Phase::New | Phase::Head => over(state, self.read_ticks).then_some(Reason::Read),
            Phase::Idle => over(state, self.idle_ticks).then_some(Reason::Idle),
            Phase::Closing => over(state, CLOSING_TICKS).then_some(Reason::Closing),
            _ => None,
        });
    }

    /// Drops one connection without a request in progress to free its file descriptor.
    pub(super) fn drop_one(&self, metrics: &Metrics) -> bool {
        let now = self.tick();
        let dropped = self.sections().ordinary.drop_one(None, now);
        if dropped {
            metrics.dropped(Reason::Slots.name());
        }
        dropped
    }

    /// Drops all connections without a request, because the server shuts down.
    pub(super) fn drop_idle(&self, metrics: &Metrics) {
        self.drop_each(metrics, |state| match state.phase() {
            Phase::New | Phase::Idle | Phase::Closing => Some(Reason::Stop),
            _ => None,
        });
    }

    fn drop_each(&self, metrics: &Metrics, is_due: impl Fn(State) -> Option<Reason>) {
        let mut sections = self.sections();
        sections.ordinary.drop_each(metrics, &is_due);
        sections.reserved.drop_each(metrics, &is_due);
    }

    pub(super) fn is_empty(&self) -> bool {
        let sections = self.sections();
        sections.ordinary.open + sections.reserved.open == 0
    }

    /// The number of connections in each phase.
    pub(super) fn count(&self) -> [(&'static str, u32); 7] {
        let [counts @ .., _] = Phase::ALL.map(|(phase, name)| {
            let sections = self.sections();
            let entries = sections
                .ordinary
                .entries()
                .chain(sections.reserved.entries());
            let of_phase = entries.filter(|entry| entry.connection.phase() == phase);
            (name, u32::try_from(of_phase.count()).unwrap_or(u32::MAX))
        });
        counts
    }
}

impl Sections {
    fn section(&mut self, reserved: bool) -> &mut Section {
        match reserved {
            true => &mut self.reserved,
            false => &mut self.ordinary,
        }
    }

    /// Logs dropped and refused connections, at most once a minute.
    fn log(&mut self, now: u64, reason: Reason, network: IpAddr) {
        self.unlogged += 1;
        if self
            .logged_at
            .is_none_or(|logged_at| now >= logged_at + QUIET_TICKS)
        {
            tracing::warn!(
                reason = reason.name(),
                %network,
                connections = self.unlogged,
                open = self.ordinary.open,
                "a connection limit is reached: idle connections are dropped, or new ones are refused with BUSY; this \
                 line is written at most once a minute"
            );
            self.logged_at = Some(now);
            self.unlogged = 0;
        }
    }
}

/// A connection's slot in the table; dropping it frees the slot.
pub(super) struct Slot {
    table: Arc<Connections>,
    connection: Arc<Connection>,
}

impl Slot {
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let place = self.connection.place;
        self.table.sections().section(place.reserved).remove(place);
    }
}

#[cfg(test)]
mod tests {
    use super::section::SLOW_TICKS;
    use super::*;

    /// A table of three connections, two for one network, and two reserved ones.
    fn table() -> Arc<Connections> {
        Arc::new(Connections::new(ConnectionLimits {
            all: 3,
            per_network: 2,
            reserved: 2,
            idle: Duration::from_secs(2),
            read: Duration::from_secs(1),
        }))
    }

    fn open(table: &Arc<Connections>, peer: &str, phase: Phase) -> Option<Slot> {
        let trusted = peer == "192.0.2.99";
        let slot = table.open(&Metrics::new(0), peer.parse().unwrap(), trusted)?;
        assert!(slot.connection.begin(phase));
        Some(slot)
    }

    fn is_dropped(slot: &Option<Slot>) -> bool {
        slot.as_ref().unwrap().connection.phase() == Phase::Dropped
    }

    #[test]
    fn counts_an_ipv6_network_as_one_address() {
        let table = table();
        // This connection is the oldest, so a shortage of slots would drop it.
        let other = open(&table, "2001:db8:0:1::1", Phase::Idle);
        let first = open(&table, "2001:db8::1", Phase::Idle);
        let _second = open(&table, "2001:db8::2", Phase::Idle);
        let _third = open(&table, "2001:db8::3", Phase::Idle);
        assert!(is_dropped(&first) && !is_dropped(&other));
    }

    #[test]
    fn drops_slow_answers_last_and_never_a_request_in_progress() {
        let table = table();
        let busy = open(&table, "192.0.2.1", Phase::Busy);
        let sending = open(&table, "192.0.2.1", Phase::Sending);
        let half = open(&table, "192.0.2.2", Phase::Body);
        let new = open(&table, "192.0.2.3", Phase::Busy);
        assert!(
            is_dropped(&half),
            "although its network has fewer connections"
        );
        assert!(
            open(&table, "192.0.2.4", Phase::New)
                .unwrap()
                .connection
                .is_reserved()
        );
        let now = SLOW_TICKS + 1;
        let room = table
            .sections()
            .ordinary
            .make_room("192.0.2.5".parse().unwrap(), false, now);
        assert_eq!(room, Ok(Some(Reason::Slots)));
        assert!(is_dropped(&sending) && !is_dropped(&busy) && !is_dropped(&new));
    }

    #[test]
    fn drops_a_connection_that_its_client_does_not_close_in_time() {
        let mut table = table();
        let time = TICK * u32::try_from(CLOSING_TICKS + 1).unwrap();
        Arc::get_mut(&mut table).unwrap().started -= time;
        let closing = open(&table, "192.0.2.1", Phase::Busy);
        table.now.store(0, Ordering::Relaxed);
        assert!(closing.as_ref().unwrap().connection.begin(Phase::Closing));
        table.sweep(&Metrics::new(0));
        assert!(is_dropped(&closing));
    }

    #[test]
    fn drops_the_connection_that_is_idle_for_longest() {
        let table = table();
        let first = open(&table, "192.0.2.1", Phase::Idle);
        let second = open(&table, "192.0.2.1", Phase::Idle);
        table.now.store(7, Ordering::Relaxed);
        assert!(first.as_ref().unwrap().connection.begin(Phase::Idle));
        assert!(table.drop_one(&Metrics::new(0)));
        assert!(is_dropped(&second) && !is_dropped(&first));
    }

    #[test]
    fn drops_slow_answers_after_idle_connections() {
        let table = table();
        let slow = open(&table, "192.0.2.1", Phase::Sending);
        let idle = open(&table, "192.0.2.2", Phase::Idle);
        let _busy = open(&table, "192.0.2.3", Phase::Busy);
        let now = SLOW_TICKS + 1;
        let new = "192.0.2.4".parse().unwrap();
        let room = table.sections().ordinary.make_room(new, false, now);
        assert_eq!(room, Ok(Some(Reason::Slots)));
        assert!(is_dropped(&idle) && !is_dropped(&slow));
    }

    #[test]
    fn drops_connections_of_proxies_after_those_of_clients() {
        let table = table();
        let pool: Vec<_> = (0..2)
            .map(|_| open(&table, "192.0.2.99", Phase::Idle))
            .collect();
        let client = open(&table, "192.0.2.1", Phase::Idle);
        let _new = open(&table, "192.0.2.2", Phase::Busy);
        assert!(is_dropped(&client) && !pool.iter().any(is_dropped));
        let _new = open(&table, "192.0.2.3", Phase::Busy);
        assert!(pool.iter().any(is_dropped));
    }

    #[test]
    fn keeps_one_network_from_taking_every_reserved_slot() {
        let table = table();
        let _busy = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|p| open(&table, p, Phase::Busy));
        let _probe = open(&table, "192.0.2.1", Phase::Busy).unwrap();
        assert!(open(&table, "192.0.2.1", Phase::Busy).is_none());
        assert!(open(&table, "192.0.2.2", Phase::Busy).is_some());
        // Dropped and closed connections hold no slot.
        assert_eq!(table.sections().reserved.open, 1);
    }

    #[test]
    fn begins_no_request_on_a_dropped_connection() {
        let table = table();
        let slot = open(&table, "192.0.2.1", Phase::Head).unwrap();
        assert!(table.drop_one(&Metrics::new(0)));
        assert!(!slot.connection.begin(Phase::Busy));
        drop(slot);
        assert!(table.is_empty());
    }
}
