//! One connection and its phase. Requests change the phase without a lock.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// The phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Phase {
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
    pub(super) const ALL: [(Phase, &'static str); 8] = [
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
pub(super) struct State(u64);

impl State {
    pub(super) fn new(phase: Phase, since: u64) -> Self {
        Self(since << 3 | phase as u64)
    }

    pub(super) fn phase(self) -> Phase {
        let at = usize::try_from(self.0 & 7).unwrap_or_default();
        Phase::ALL
            .get(at)
            .map_or(Phase::Dropped, |(phase, _)| *phase)
    }

    pub(super) fn since(self) -> u64 {
        self.0 >> 3
    }
}

/// The reason why the head of a request was cut short; see `server::framing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::server) enum Unframed {
    /// The transfer coding is not exactly `chunked`.
    Encoded = 1,
    /// The head has both a transfer coding and a length.
    Twice = 2,
}

/// An open connection. Requests change its phase without a lock.
pub(in crate::server) struct Connection {
    peer: IpAddr,
    state: AtomicU64,
    unframed: AtomicU8,
    now: Arc<AtomicU64>,
    pub(super) place: Place,
}

/// The key of a connection in the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub network: IpAddr,
    pub number: u64,
    pub reserved: bool,
}

impl Connection {
    /// A new connection from this address. `now` is the clock of its table.
    pub(super) fn new(peer: IpAddr, now: Arc<AtomicU64>, place: Place) -> Self {
        let state = State::new(Phase::New, now.load(Ordering::Relaxed));
        Self {
            peer,
            state: AtomicU64::new(state.0),
            unframed: AtomicU8::new(0),
            now,
            place,
        }
    }

    /// The address of the client or of its proxy.
    pub(in crate::server) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Whether the connection has a reserved slot, in which only probes are answered.
    pub(in crate::server) fn is_reserved(&self) -> bool {
        self.place.reserved
    }

    pub(in crate::server) fn phase(&self) -> Phase {
        self.state().phase()
    }

    /// Begins a phase. Returns false if the connection was dropped in the meantime; the caller must then stop.
    pub(in crate::server) fn begin(&self, phase: Phase) -> bool {
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

    /// Begins a phase. The function never returns for a dropped connection: the table aborts the task.
    pub(in crate::server) async fn begin_or_end(&self, phase: Phase) {
        if !self.begin(phase) {
            std::future::pending::<()>().await;
        }
    }

    /// Records why the head was cut short.
    pub(in crate::server) fn cut(&self, why: Unframed) {
        self.unframed.store(why as u8, Ordering::Relaxed);
    }

    /// The reason why the head was cut short, if it was.
    pub(in crate::server) fn unframed(&self) -> Option<Unframed> {
        match self.unframed.load(Ordering::Relaxed) {
            1 => Some(Unframed::Encoded),
            2 => Some(Unframed::Twice),
            _ => None,
        }
    }

    pub(super) fn state(&self) -> State {
        State(self.state.load(Ordering::Acquire))
    }

    pub(super) fn replace(&self, now: State, next: State) -> Result<(), State> {
        let (order, failed) = (Ordering::AcqRel, Ordering::Acquire);
        let replaced = self.state.compare_exchange(now.0, next.0, order, failed);
        replaced.map(drop).map_err(State)
    }
}
