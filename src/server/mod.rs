//! The HTTP server: it listens, reads requests within limits, dispatches them and drains at shutdown. This is the
//! only module that imports hyper.

mod client_ip;
mod connections;
mod cors;
mod descriptors;
mod dispatch;
mod documents;
mod fair_queue;
mod framing;
mod handlers;
mod host;
mod in_flight;
mod listen;
mod pools;
mod public_url;
mod reading;
mod stream;

use std::convert::Infallible;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

use crate::app_context::AppContext;
use crate::jsonapi::JsonLimits;
use crate::soap::SoapLimits;
use connections::{ConnectionLimits, Connections, Phase, Slot, TICK};
pub use descriptors::raise as raise_descriptors;
use documents::Documents;
use in_flight::InFlight;
use pools::{FairPool, Pool, Shares, ShedLog};
use stream::WriteTimeoutStream;

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
    /// The prefixes of the REST resources' paths.
    pub rest_prefixes: Vec<String>,
    pub json: JsonLimits,
    /// The origins of browser front ends that may call the REST face.
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
    /// Time for a request's head, again for its body, and for a client that does not read its response.
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
    fn connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            all: self.max_connections,
            per_network: self.connections_per_address,
            reserved: self.reserved_connections,
            idle: self.idle_timeout,
            read: self.read_timeout,
        }
    }

    /// The rules for sharing a queue of this length.
    fn shares(&self, queue: usize, threads_per_source: usize) -> Shares {
        Shares {
            queue,
            per_source: self.source_share,
            per_account: self.account_share,
            wait: self.wait,
            threads_per_source,
        }
    }
}

/// Length of the queue for probes.
const PROBE_QUEUE: usize = 16;

/// The state that handlers share.
pub(crate) struct Gateway {
    app: Arc<AppContext>,
    config: ServerConfig,
    documents: Documents,
    /// The address that the server listens at.
    address: SocketAddr,
    connections: Arc<Connections>,
    /// The running requests that came through trusted proxies.
    in_flight: InFlight,
    reading: Pool,
    searching: FairPool,
    writing: FairPool,
    hashing: FairPool,
    /// A separate pool for /readyz and /metrics, so that probes never wait behind requests.
    probing: Pool,
    shed_log: ShedLog,
}

/// A server that is bound but does not serve yet.
pub struct Server {
    listener: TcpListener,
    gateway: Arc<Gateway>,
}

impl Server {
    /// Binds the address and starts the worker threads.
    ///
    /// # Errors
    /// The address cannot be bound, or the threads cannot be started.
    pub async fn bind(config: ServerConfig, app: Arc<AppContext>) -> std::io::Result<Self> {
        let listener = listen::listen(config.listen)?;
        let (search, write, hash) = (
            config.search_threads,
            config.write_threads,
            config.hash_threads,
        );
        let gateway = Gateway {
            reading: Pool::start("read", config.read_threads, config.queue, config.wait)?,
            searching: FairPool::start(
                "search",
                search,
                config.shares(config.search_queue, search - 1),
            )?,
            writing: FairPool::start("write", write, config.shares(config.queue, write))?,
            hashing: FairPool::start("hash", hash, config.shares(config.hash_queue, hash))?,
            probing: Pool::start("probe", 1, PROBE_QUEUE, config.wait)?,
            shed_log: ShedLog::default(),
            documents: Documents::default(),
            connections: Arc::new(Connections::new(config.connection_limits())),
            in_flight: InFlight::new(config.connections_per_address),
            address: listener.local_addr()?,
            app,
            config,
        };
        Ok(Self {
            listener,
            gateway: Arc::new(gateway),
        })
    }

    /// The bound address, with the actual port if port 0 was configured.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` resolves, then lets running requests finish.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let (gateway, listener) = (self.gateway, self.listener);
        let config = &gateway.config;
        let table = &gateway.connections;
        let metrics = &gateway.app.metrics;
        let graceful = GracefulShutdown::new();
        let http = http();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => accepted,
                _ = ticks.tick(), if !table.is_empty() => {
                    table.sweep(metrics);
                    continue;
                }
            };
            let (stream, peer) = match accepted {
                Ok((stream, peer)) => (stream, peer.ip().to_canonical()),
                Err(error) => {
                    // The usual cause is a lack of file descriptors: close one connection, or wait until others end.
                    tracing::warn!(cause = %error, "a connection could not be accepted");
                    let wait = if table.drop_one(metrics) { 1 } else { 50 };
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    continue;
                }
            };
            let trusted = config.trusted_proxies.contains(&peer);
            let Some(slot) = table.open(metrics, peer, trusted) else {
                refuse(stream);
                continue;
            };
            let connection = Arc::clone(slot.connection());
            let task = serve(&gateway, &graceful, &http, stream, slot);
            table.serve(&connection, task);
        }
        drop(listener);
        table.drop_idle(metrics);
        let finished = async {
            let ended = graceful.shutdown();
            tokio::pin!(ended);
            loop {
                tokio::select! {
                    () = &mut ended => return,
                    _ = ticks.tick() => table.sweep(metrics),
                }
            }
        };
        if tokio::time::timeout(config.drain, finished).await.is_err() {
            tracing::warn!("requests were still running at the end of drain_s and are cut off");
        }
    }
}

/// The response to a connection that gets no slot, not even a reserved one.
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";

/// Answers BUSY to a connection that gets no slot. The answer may be lost.
fn refuse(stream: TcpStream) {
    // Tokio does not know yet whether the stream is writable, so the write goes directly to the socket.
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(BUSY.as_bytes());
    }
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.title_case_headers(true)
        // The connection table enforces the time limits for heads and for idle connections.
        .header_read_timeout(None)
        // A client may close its write side after the request and still wait for the response.
        .half_close(true)
        .max_headers(100)
        .max_buf_size(64 * 1024);
    http
}

/// Serves one connection in its own task.
fn serve(
    gateway: &Arc<Gateway>,
    graceful: &GracefulShutdown,
    http: &http1::Builder,
    stream: TcpStream,
    slot: Slot,
) -> AbortHandle {
    let _ = stream.set_nodelay(true);
    let gateway = Arc::clone(gateway);
    let connection = Arc::clone(slot.connection());
    let stream = WriteTimeoutStream::new(
        stream,
        Arc::clone(&connection),
        gateway.config.read_timeout,
        gateway.config.soap.body_bytes,
    );
    let service = service_fn(move |request| {
        let (gateway, connection) = (Arc::clone(&gateway), Arc::clone(&connection));
        async move {
            connection.begin_or_end(Phase::Busy).await;
            let response = dispatch::handle(&gateway, &connection, request).await;
            connection.begin(Phase::Sending);
            Ok::<_, Infallible>(response)
        }
    });
    let served = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
    let task = tokio::spawn(async move {
        // An aborted connection is not an error of the gateway.
        let _ = served.await;
        drop(slot);
    });
    task.abort_handle()
}

/// The body of every reply.
type Body = Full<Bytes>;
