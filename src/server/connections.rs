//! The table of open connections. It counts them by network, knows the phase of each, and drops connections when
//! slots run short.
//!
//! Every connection is accepted. At a limit, the new connection replaces one that has no complete request in
//! progress. If there is none, the new connection gets a reserved slot, which answers probes and refuses all other
//! requests with BUSY.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use crate::metrics::Metrics;

use super::client_ip::network;

/// The time unit of the table, and the interval between two checks for expired connections.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// Ticks for a client to close a finished connection.
const CLOSING_TICKS: u64 = 20;
/// Ticks after which a response in transfer may be dropped when slots run short.
const SLOW_TICKS: u64 = 50;
/// Ticks between two log lines about the same fact.
const QUIET_TICKS: u64 = 600;

/// The phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The client has sent nothing yet.
    New,
    /// The connection is idle after a response.
    Idle,
    /// A part of a request's head has arrived.
    Head,
    /// The head has arrived, the body has not.
    Body,
    /// A complete request is in progress.
    Busy,
    /// The response is being sent.
    Sending,
    /// The response is sent, and the client is expected to close the connection.
    Closing,
    /// The connection lost its slot. No further request is read from it.
    Dropped,
}

impl Phase {
    const ALL: [(Phase, &'static str); 8] = [
        (Phase::New, "new"),
        (Phase::Idle, "idle"),
        (Phase::Head, "head"),
        (Phase::Body, "body"),
        (Phase::Busy, "busy"),
        (Phase::Sending, "sending"),
        (Phase::Closing, "closing"),
        (Phase::Dropped, "dropped"),
    ];
}

/// A phase and the tick in which it began, in one word, so that both change atomically.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State(u64);

impl State {
    fn new(phase: Phase, since: u64) -> Self {
        Self(since << 3 | phase as u64)
    }

    fn phase(self) -> Phase {
        let at = usize::try_from(self.0 & 7).unwrap_or_default();
        Phase::ALL
            .get(at)
            .map_or(Phase::Dropped, |(phase, _)| *phase)
    }

    fn since(self) -> u64 {
        self.0 >> 3
    }
}

/// The reason why the head of a request was cut short; see [`super::framing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Unframed {
    /// The transfer coding is not exactly `chunked`.
    Encoded = 1,
    /// The head has both a transfer coding and a length.
    Twice = 2,
}

/// An open connection. Requests change its phase without a lock.
pub(super) struct Connection {
    peer: IpAddr,
    state: AtomicU64,
    unframed: AtomicU8,
    now: Arc<AtomicU64>,
    place: Place,
}

/// The key of a connection in the table.
#[derive(Debug, Clone, Copy)]
struct Place {
    network: IpAddr,
    number: u64,
    reserved: bool,
}

impl Connection {
    /// The address of the client or of its proxy.
    pub(super) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Whether the connection has a reserved slot, in which only probes are answered.
    pub(super) fn is_reserved(&self) -> bool {
        self.place.reserved
    }

    pub(super) fn phase(&self) -> Phase {
        self.state().phase()
    }

    /// Begins a phase. Returns false if the connection was dropped in the meantime; the caller must then stop.
    pub(super) fn begin(&self, phase: Phase) -> bool {
        let next = State::new(phase, self.now.load(Ordering::Relaxed));
        let mut now = self.state();
        while now.phase() != Phase::Dropped {
            match self.replace(now, next) {
                Ok(()) => return true,
                Err(other) => now = other,
            }
        }
        false
    }

    /// Begins a phase. For a dropped connection it never returns: the table aborts the task.
    pub(super) async fn begin_or_end(&self, phase: Phase) {
        if !self.begin(phase) {
            std::future::pending::<()>().await;
        }
    }

    /// Records why the head was cut short.
    pub(super) fn cut(&self, why: Unframed) {
        self.unframed.store(why as u8, Ordering::Relaxed);
    }

    /// The reason why the head was cut short, if it was.
    pub(super) fn unframed(&self) -> Option<Unframed> {
        match self.unframed.load(Ordering::Relaxed) {
            1 => Some(Unframed::Encoded),
            2 => Some(Unframed::Twice),
            _ => None,
        }
    }

    fn state(&self) -> State {
        State(self.state.load(Ordering::Acquire))
    }

    fn replace(&self, now: State, next: State) -> Result<(), State> {
        let (order, failed) = (Ordering::AcqRel, Ordering::Acquire);
        let replaced = self.state.compare_exchange(now.0, next.0, order, failed);
        replaced.map(drop).map_err(State)
    }
}

/// The limits on the number of connections and on their time without a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectionLimits {
    /// Maximum number in total.
    pub all: usize,
    /// Maximum number of one network.
    pub per_network: usize,
    /// Further connections, for probes only.
    pub reserved: usize,
    /// Time for which an idle connection is kept.
    pub idle: Duration,
    /// Time for a head.
    pub read: Duration,
}

/// The regular or the reserved connections, by network.
struct Section {
    all: usize,
    per_network: usize,
    open: usize,
    networks: HashMap<IpAddr, BTreeMap<u64, Entry>>,
}

struct Entry {
    connection: Arc<Connection>,
    /// Whether the peer is a trusted proxy.
    trusted: bool,
    task: Option<AbortHandle>,
}

/// The reason why a connection is dropped or refused with BUSY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The network is at its limit.
    Address,
    /// The total limit is reached.
    Slots,
    Idle,
    Read,
    /// The client did not close the connection.
    Closing,
    /// The server shuts down.
    Stop,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Reason::Address => "address_limit",
            Reason::Slots => "slots_short",
            Reason::Idle => "idle_timeout",
            Reason::Read => "read_timeout",
            Reason::Closing => "closing_timeout",
            Reason::Stop => "stop",
        }
    }
}

impl Section {
    fn new(all: usize, per_network: usize) -> Self {
        Self {
            all,
            per_network,
            open: 0,
            networks: HashMap::new(),
        }
    }

    /// Makes room for one more connection. Returns the reason if another connection was dropped for it.
    ///
    /// # Errors
    /// The reason why no connection can be dropped.
    fn make_room(&mut self, of: IpAddr, trusted: bool, now: u64) -> Result<Option<Reason>, Reason> {
        let held = self.networks.get(&of).map_or(0, BTreeMap::len);
        if !trusted && held >= self.per_network {
            let dropped = self.drop_one(Some(of), now);
            return dropped
                .then_some(Some(Reason::Address))
                .ok_or(Reason::Address);
        }
        if self.open >= self.all {
            let dropped = self.drop_one(None, now);
            return dropped.then_some(Some(Reason::Slots)).ok_or(Reason::Slots);
        }
        Ok(None)
    }

    /// Drops the oldest connection without a request in progress: of this network, or of the network with the most
    /// connections.
    fn drop_one(&mut self, of: Option<IpAddr>, now: u64) -> bool {
        loop {
            let networks = self.networks.iter();
            let found = networks
                .filter(|(network, _)| of.is_none_or(|of| of == **network))
                .flat_map(|(_, held)| held.values().map(move |entry| (held.len(), entry)))
                .filter_map(|(held, entry)| {
                    let state = entry.connection.state();
                    // Slow responses come last. Connections of proxies come after those of clients, because many
                    // people share them.
                    let is_slow = match state.phase() {
                        Phase::Busy | Phase::Dropped => return None,
                        Phase::Sending if now < state.since() + SLOW_TICKS => return None,
                        phase => phase == Phase::Sending,
                    };
                    let place = entry.connection.place;
                    let rank = (
                        is_slow,
                        entry.trusted,
                        Reverse(held),
                        state.since(),
                        place.number,
                    );
                    Some((rank, state, place))
                })
                .min_by_key(|(rank, ..)| *rank);
            let Some((_, state, place)) = found else {
                return false;
            };
            // The connection may have begun a request since its state was read.
            if self.drop_as(place, state) {
                return true;
            }
        }
    }

    /// Drops a connection if its state is unchanged.
    fn drop_as(&mut self, place: Place, state: State) -> bool {
        let entries = self.networks.get_mut(&place.network);
        let Some(entry) = entries.and_then(|entries| entries.get(&place.number)) else {
            return false;
        };
        let dropped = State::new(Phase::Dropped, state.since());
        if entry.connection.replace(state, dropped).is_err() {
            return false;
        }
        if let Some(task) = &entry.task {
            task.abort();
        }
        self.remove(place);
        true
    }

    fn remove(&mut self, place: Place) {
        let Some(entries) = self.networks.get_mut(&place.network) else {
            return;
        };
        if entries.remove(&place.number).is_some() {
            self.open -= 1;
        }
        if entries.is_empty() {
            self.networks.remove(&place.network);
        }
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.networks.values().flat_map(BTreeMap::values)
    }

    /// Drops the connections for which `is_due` returns a reason.
    fn drop_each(&mut self, metrics: &Metrics, is_due: impl Fn(State) -> Option<Reason>) {
        let due = self.entries().filter_map(|entry| {
            let state = entry.connection.state();
            is_due(state).map(|reason| (entry.connection.place, state, reason))
        });
        let due: Vec<_> = due.collect();
        for (place, state, reason) in due {
            if self.drop_as(place, state) {
                metrics.dropped(reason.name());
            }
        }
    }
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
        let connection = Arc::new(Connection {
            peer,
            state: AtomicU64::new(State::new(Phase::New, now).0),
            unframed: AtomicU8::new(0),
            now: Arc::clone(&self.now),
            place,
        });
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
        // A phase may have begun at the end of its tick, so a full tick more must pass.
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
    fn takes_an_ipv6_network_for_one_address() {
        let table = table();
        // The oldest of all, which a shortage of slots would drop.
        let other = open(&table, "2001:db8:0:1::1", Phase::Idle);
        let first = open(&table, "2001:db8::1", Phase::Idle);
        let _second = open(&table, "2001:db8::2", Phase::Idle);
        let _third = open(&table, "2001:db8::3", Phase::Idle);
        assert!(is_dropped(&first) && !is_dropped(&other));
    }

    #[test]
    fn drops_slow_answers_last_and_requests_that_are_worked_on_never() {
        let table = table();
        let busy = open(&table, "192.0.2.1", Phase::Busy);
        let sending = open(&table, "192.0.2.1", Phase::Sending);
        let half = open(&table, "192.0.2.2", Phase::Body);
        let new = open(&table, "192.0.2.3", Phase::Busy);
        assert!(is_dropped(&half), "although its network holds less");
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
