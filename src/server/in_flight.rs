//! Limits the concurrent requests of one client behind trusted proxies.
//!
//! A direct client has one request per connection and a limited number of connections. Behind a proxy, many clients
//! share a connection, so requests are counted.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::client_ip::network;

/// The number of counters in each row. A client has one counter in each row, chosen by two keyed hashes. The smaller
/// counter decides, so two clients are rarely counted as one.
const COUNTERS: usize = 4096;

/// The counters of requests by client. Their number is fixed, and they need no lock.
pub(super) struct InFlight {
    most: usize,
    keys: [RandomState; 2],
    rows: [Box<[AtomicUsize]>; 2],
}

/// A counted request. Dropping the value removes the request from the count.
pub(super) struct Counted<'a>([&'a AtomicUsize; 2]);

impl InFlight {
    /// Allows each client `most` concurrent requests.
    pub(super) fn new(most: usize) -> Self {
        let row = || (0..COUNTERS).map(|_| AtomicUsize::new(0)).collect();
        Self {
            most,
            keys: [RandomState::new(), RandomState::new()],
            rows: [row(), row()],
        }
    }

    /// Counts a request of this client; returns `None` if the client is at its limit.
    pub(super) fn take(&self, client_ip: IpAddr) -> Option<Counted<'_>> {
        let network = network(client_ip);
        let [one, two] = [0, 1].map(|at| {
            let (key, row) = (self.keys.get(at)?, self.rows.get(at)?);
            let hash = usize::try_from(key.hash_one(network) % COUNTERS as u64).ok()?;
            row.get(hash)
        });
        let counted = Counted([one?, two?]);
        let counts = counted
            .0
            .map(|counter| counter.fetch_add(1, Ordering::Relaxed));
        counts
            .into_iter()
            .any(|count| count < self.most)
            .then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        for counter in self.0 {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_third_request_of_a_client_that_may_have_two() {
        let in_flight = InFlight::new(2);
        let [a, b, neighbour] =
            ["192.0.2.1", "2001:db8::1", "2001:db8::2"].map(|t| t.parse().unwrap());
        let first = in_flight.take(a);
        let second = in_flight.take(a);
        assert!(first.is_some() && second.is_some());
        assert!(in_flight.take(a).is_none());
        assert!(
            in_flight.take(a).is_none(),
            "a refused request is not counted"
        );
        let _held = [in_flight.take(b), in_flight.take(neighbour)];
        assert!(in_flight.take(b).is_none(), "one /64 is one source");
        drop(first);
        assert!(in_flight.take(a).is_some());
    }
}
