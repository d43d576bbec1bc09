//! Reads a request into the protocol-independent form, with limits on its size and time.

use std::net::IpAddr;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::{Body as _, Bytes, Incoming as IncomingBody};
use hyper::header;

use crate::contract::problem::Code;
use crate::contract::rejection::Rejection;
use crate::http::{HttpRequest, Reply, body};

use super::client_ip::client_ip;
use super::connections::{Connection, Phase};
use super::gateway::Gateway;

/// The sender of a request and the connection it uses.
#[derive(Clone, Copy)]
pub(super) struct Peer<'a> {
    pub address: IpAddr,
    pub connection: &'a Connection,
    /// The connection has a reserved slot, or its client has too many requests in progress. Only probes are answered;
    /// every other request gets BUSY.
    pub is_over_limit: bool,
}

/// Reads head and body. If the body cannot be read, the result has the head and the reason.
pub(super) async fn read(
    gateway: &Gateway,
    peer: Peer<'_>,
    request: Request<IncomingBody>,
    id: &Arc<str>,
) -> (HttpRequest, Option<Unread>) {
    let (head, mut body) = request.into_parts();
    let trusted = &gateway.config.trusted_proxies;
    let mut request = HttpRequest {
        method: head.method,
        uri: head.uri,
        client_ip: Some(client_ip(trusted, peer.address, &head.headers)),
        headers: head.headers,
        body: Vec::new(),
        request_id: Arc::clone(id),
    };
    if peer.is_over_limit {
        return (request, Some(Unread::Busy));
    }
    if body.is_end_stream() {
        return (request, None);
    }
    peer.connection.begin_or_end(Phase::Body).await;
    let limit = gateway.config.soap.body_bytes;
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    // A client that sent `Expect: 100-continue` is refused before it sends the body.
    let asks_first = request.headers.contains_key(header::EXPECT);
    let read = async {
        if announced <= limit {
            return collect(&mut body, announced, limit).await;
        }
        if !asks_first {
            skim(&mut body, limit).await;
        }
        Err(Unread::TooLarge(limit))
    };
    let read = tokio::time::timeout(gateway.config.read_timeout, read).await;
    peer.connection.begin_or_end(Phase::Busy).await;
    let coding = request.header(header::CONTENT_ENCODING).unwrap_or_default();
    let decoded = read.unwrap_or(Err(Unread::Late)).and_then(|bytes| {
        body::decode(bytes, &coding, limit).map_err(|r| Unread::NotDecoded(Box::new(r)))
    });
    match decoded {
        Ok(body) => {
            request.body = body;
            (request, None)
        }
        Err(unread) => (request, Some(unread)),
    }
}

/// The reason why a body was not read.
pub(super) enum Unread {
    /// The body is larger than this many bytes.
    TooLarge(usize),
    Broken,
    Late,
    /// See [`Peer::is_over_limit`].
    Busy,
    /// The content coding is unknown or broken, or the inflated body is too large.
    NotDecoded(Box<Rejection>),
}

impl Unread {
    /// The reply. If the body was not read to its end, the reply closes the connection, because the start of the next
    /// request is unknown.
    pub(super) fn reply(self, refuse: impl FnOnce(&Rejection) -> Reply) -> Reply {
        let reply = match self {
            Unread::NotDecoded(rejection) => {
                let reply = refuse(&rejection);
                return match rejection.code() {
                    Code::UnsupportedMediaType => reply.with("Accept-Encoding", body::CODINGS),
                    _ => reply,
                };
            }
            Unread::TooLarge(limit) => {
                let cause = format!("over {limit} bytes");
                refuse(&Rejection::new(Code::TooLarge).because(cause))
            }
            Unread::Busy => {
                let cause = "no connection is free, or the source has too many requests";
                refuse(&Rejection::new(Code::Busy).because(cause))
            }
            Unread::Broken => Reply::text(400, "The body ended too early"),
            Unread::Late => Reply::text(408, "The body did not arrive in time"),
        };
        reply.with("Connection", "close")
    }
}

/// The factor by which an oversized body may exceed the limit and still be read and discarded. Most clients send the
/// whole body before they read the response; otherwise they would see only a broken connection.
const SKIM: usize = 16;

async fn collect(
    body: &mut IncomingBody,
    announced: usize,
    limit: usize,
) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::with_capacity(announced);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > limit {
            skim(body, limit).await;
            return Err(Unread::TooLarge(limit));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

async fn skim(body: &mut IncomingBody, limit: usize) {
    let mut left = limit.saturating_mul(SKIM);
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        if length > left {
            return;
        }
        left -= length;
    }
}
