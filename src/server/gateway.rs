//! The state that all requests share.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::config::ServerConfig;
use super::connections::Connections;
use super::documents::Documents;
use super::in_flight::InFlight;
use super::pools::{FairPool, Pool};
use super::shed_log::ShedLog;
use crate::app_context::AppContext;

/// Length of the queue for probes.
const PROBE_QUEUE: usize = 16;

/// The state that handlers share.
pub(super) struct Gateway {
    pub app: Arc<AppContext>,
    pub config: ServerConfig,
    pub documents: Documents,
    /// The address that the server listens on.
    pub address: SocketAddr,
    pub connections: Arc<Connections>,
    /// The running requests that came through trusted proxies.
    pub in_flight: InFlight,
    pub reading: Pool,
    pub searching: FairPool,
    pub writing: FairPool,
    pub hashing: FairPool,
    /// A separate pool for /readyz and /metrics, so that probes never wait behind requests.
    pub probing: Pool,
    pub shed_log: ShedLog,
}

impl Gateway {
    /// Starts the worker threads.
    ///
    /// # Errors
    /// The system cannot start a thread.
    pub(super) fn start(
        config: ServerConfig,
        app: Arc<AppContext>,
        address: SocketAddr,
    ) -> io::Result<Self> {
        let fair = |name, threads, queue, threads_per_source| {
            FairPool::start(name, threads, config.shares(queue, threads_per_source))
        };
        let (search, write) = (config.search_threads, config.write_threads);
        let hash = config.hash_threads;
        Ok(Self {
            reading: Pool::start("read", config.read_threads, config.queue, config.wait)?,
            searching: fair("search", search, config.search_queue, search - 1)?,
            writing: fair("write", write, config.queue, write)?,
            hashing: fair("hash", hash, config.hash_queue, hash)?,
            probing: Pool::start("probe", 1, PROBE_QUEUE, config.wait)?,
            shed_log: ShedLog::default(),
            documents: Documents::default(),
            connections: Arc::new(Connections::new(config.connection_limits())),
            in_flight: InFlight::new(config.connections_per_address),
            address,
            app,
            config,
        })
    }
}
