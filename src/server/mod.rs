//! The HTTP server: it listens, reads requests within limits, dispatches them and drains at shutdown. This is the
//! only module that imports hyper.

mod client_ip;
mod config;
mod connections;
mod cors;
mod descriptors;
mod dispatch;
mod documents;
mod fair_queue;
mod framing;
mod gateway;
mod handlers;
mod host;
mod in_flight;
mod listen;
mod pools;
mod public_url;
mod reading;
mod shed_log;
mod stream;

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

use crate::app_context::AppContext;
pub use config::{MetricsFor, ServerConfig};
use connections::{Phase, Slot, TICK};
pub use descriptors::raise as raise_descriptors;
use gateway::Gateway;
use stream::WriteTimeoutStream;

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
        let gateway = Gateway::start(config, app, listener.local_addr()?)?;
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
