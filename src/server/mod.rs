//! HTTP itself: listen, read within limits, dispatch, drain; the only module that imports hyper.

mod cors;
mod dispatch;
mod documents;
mod faces;
mod host;
mod patience;
pub mod pools;
mod public_url;
mod reading;
mod source;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::jsonapi::JsonLimits;
use crate::parts::Parts;
use crate::soap::SoapLimits;
use documents::Documents;
use patience::Patient;
use pools::Pool;

/// Who may collect the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricsFor {
    Everyone,
    /// Who asks from one of these addresses, and not through a proxy.
    Addresses(Vec<IpAddr>),
}

/// What the server needs to know.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub listen: SocketAddr,
    /// The SOAP endpoint's path, and the others it answers at.
    pub soap_paths: Vec<String>,
    /// What the paths of the REST resources start with.
    pub rest_prefixes: Vec<String>,
    pub json: JsonLimits,
    /// Origins of browser front ends that may call the REST face.
    pub cors_origins: Vec<String>,
    /// Who may collect the metrics.
    pub metrics_for: MetricsFor,
    /// The URL clients know us by; taken from the request where there is none.
    pub public_url: Option<String>,
    /// Proxies whose word about the URL, and about whom they pass on, is believed.
    pub trusted_proxies: Vec<IpAddr>,
    pub soap: SoapLimits,
    /// Connections at the same time.
    pub max_connections: usize,
    /// Time for a request's head, once more for its body, and for a peer that does not read on.
    pub read_timeout: Duration,
    /// Time that running requests get to finish at shutdown.
    pub drain: Duration,
    pub read_threads: usize,
    pub write_threads: usize,
    pub hash_threads: usize,
    /// Requests that may wait in each queue.
    pub queue: usize,
    /// Sign-ins and the like that may wait.
    pub hash_queue: usize,
}

/// Everything a request is handled with.
pub(crate) struct Gateway {
    parts: Arc<Parts>,
    config: ServerConfig,
    documents: Documents,
    /// Where it listens.
    address: SocketAddr,
    reading: Pool,
    writing: Pool,
    hashing: Pool,
}

/// A server that listens but does not yet serve.
pub struct Server {
    listener: TcpListener,
    gateway: Arc<Gateway>,
}

impl Server {
    /// Binds the address and starts the worker threads.
    ///
    /// # Errors
    /// An address that cannot be had, or no threads.
    pub async fn bind(config: ServerConfig, parts: Arc<Parts>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let gateway = Gateway {
            reading: Pool::start("read", config.read_threads, config.queue)?,
            writing: Pool::start("write", config.write_threads, config.queue)?,
            hashing: Pool::start("hash", config.hash_threads, config.hash_queue)?,
            documents: Documents::default(),
            address: listener.local_addr()?,
            parts,
            config,
        };
        Ok(Self {
            listener,
            gateway: Arc::new(gateway),
        })
    }

    /// The address that was bound; with port 0 the one that was given.
    ///
    /// # Errors
    /// What the system reports.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` resolves, then lets running requests finish.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let drain = self.gateway.config.drain;
        let slots = Arc::new(Semaphore::new(self.gateway.config.max_connections));
        let graceful = GracefulShutdown::new();
        let mut http = http1::Builder::new();
        http.title_case_headers(true)
            .timer(TokioTimer::new())
            .header_read_timeout(self.gateway.config.read_timeout)
            // A client may close its half after its request, and still wait for the answer.
            .half_close(true)
            .max_headers(100)
            .max_buf_size(64 * 1024);
        tokio::pin!(stop);
        loop {
            // Waiting for a slot before accepting leaves the rest in the system's own queue.
            let slot = tokio::select! {
                () = &mut stop => break,
                slot = Arc::clone(&slots).acquire_owned() => slot,
            };
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, most likely: give those in use time to end.
                    tracing::warn!(cause = %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let _ = stream.set_nodelay(true);
            let connected = self.gateway.parts.metrics.connected();
            let stream = Patient::new(stream, self.gateway.config.read_timeout);
            let gateway = Arc::clone(&self.gateway);
            let service = service_fn(move |request| {
                let gateway = Arc::clone(&gateway);
                async move { Ok::<_, Infallible>(dispatch::handle(&gateway, peer.ip(), request).await) }
            });
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                // A peer that breaks off is its own business.
                let _ = connection.await;
                drop((slot, connected));
            });
        }
        drop(self.listener);
        if tokio::time::timeout(drain, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("requests were still running when the drain time was over");
        }
    }
}

/// The body of every reply.
type Body = Full<Bytes>;
