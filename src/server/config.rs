//! The settings of the server.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::connections::ConnectionLimits;
use super::pools::Shares;
use crate::jsonapi::JsonLimits;
use crate::soap::{Contract, SoapLimits};

/// The callers that may collect the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricsFor {
    Everyone,
    /// Callers at these addresses, if no proxy forwarded the request.
    Addresses(Vec<IpAddr>),
}

/// The settings of the server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub listen: SocketAddr,
    /// The paths of the SOAP endpoint; the first one is its main path.
    pub soap_paths: Vec<String>,
    /// The contracts of installations, each at a path of its own.
    pub contracts: Vec<Arc<Contract>>,
    /// The prefixes of the REST resources' paths.
    pub rest_prefixes: Vec<String>,
    pub json: JsonLimits,
    /// The origins of browser front ends that may call the REST API.
    pub cors_origins: Vec<String>,
    /// The callers that may collect the metrics.
    pub metrics_for: MetricsFor,
    /// The public URL of the gateway; if absent, the URL comes from each request.
    pub public_url: Option<String>,
    /// The proxies whose `X-Forwarded-*` headers are trusted.
    pub trusted_proxies: Vec<IpAddr>,
    pub soap: SoapLimits,
    /// Maximum number of connections.
    pub max_connections: usize,
    /// Maximum number of connections of one IPv4 address or IPv6 /64, and of concurrent requests of one such address
    /// behind a trusted proxy.
    pub connections_per_address: usize,
    /// Number of further connections, for probes only.
    pub reserved_connections: usize,
    /// Time for which an idle connection is kept.
    pub idle_timeout: Duration,
    /// Time limit for a request's head, for its body, and for a client that does not read the response; each of them
    /// gets the full time.
    pub read_timeout: Duration,
    /// Time for running requests to finish at shutdown.
    pub drain: Duration,
    pub read_threads: usize,
    pub search_threads: usize,
    pub write_threads: usize,
    pub hash_threads: usize,
    /// Length of the queue for reads, and of the queue for writes.
    pub queue: usize,
    /// Length of the queue for password hashes.
    pub hash_queue: usize,
    /// Length of the queue for searches.
    pub search_queue: usize,
    /// The percentage of a queue that one client address may hold, and that one account may hold.
    pub source_share: usize,
    pub account_share: usize,
    /// The longest time that a request waits for a worker.
    pub wait: Duration,
}

impl ServerConfig {
    pub(super) fn connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            all: self.max_connections,
            per_network: self.connections_per_address,
            reserved: self.reserved_connections,
            idle: self.idle_timeout,
            read: self.read_timeout,
        }
    }

    /// The rules for sharing a queue of this length.
    pub(super) fn shares(&self, queue: usize, threads_per_source: usize) -> Shares {
        Shares {
            queue,
            per_source: self.source_share,
            per_account: self.account_share,
            wait: self.wait,
            threads_per_source,
        }
    }
}
