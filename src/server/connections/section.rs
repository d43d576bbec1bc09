//! The regular or the reserved connections: their number by network, and the choice of one to drop.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use tokio::task::AbortHandle;

use super::connection::{Connection, Phase, Place, State};
use crate::metrics::Metrics;

/// Ticks after which a response in transfer may be dropped when slots run short.
pub(super) const SLOW_TICKS: u64 = 50;

/// The regular or the reserved connections, by network.
pub(super) struct Section {
    all: usize,
    per_network: usize,
    pub open: usize,
    pub networks: HashMap<IpAddr, BTreeMap<u64, Entry>>,
}

pub(super) struct Entry {
    pub connection: Arc<Connection>,
    /// Whether the peer is a trusted proxy.
    pub trusted: bool,
    pub task: Option<AbortHandle>,
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
    pub(super) fn name(self) -> &'static str {
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
    pub(super) fn new(all: usize, per_network: usize) -> Self {
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
    pub(super) fn make_room(
        &mut self,
        of: IpAddr,
        trusted: bool,
        now: u64,
    ) -> Result<Option<Reason>, Reason> {
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
    pub(super) fn drop_one(&mut self, of: Option<IpAddr>, now: u64) -> bool {
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

    pub(super) fn remove(&mut self, place: Place) {
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

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.networks.values().flat_map(BTreeMap::values)
    }

    /// Drops the connections for which `is_due` returns a reason.
    pub(super) fn drop_each(
        &mut self,
        metrics: &Metrics,
        is_due: impl Fn(State) -> Option<Reason>,
    ) {
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
