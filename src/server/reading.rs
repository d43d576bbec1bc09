//! Reads a request off the wire into our own form, with a limit on its size and its time.

use std::net::IpAddr;

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::{Body as _, Bytes, Incoming as IncomingBody};
use hyper::header;

use crate::contract::problem::Code;

use crate::contract::rejection::Rejection;
use crate::http::{HttpRequest, Reply, body};

use super::Gateway;
use super::connections::{Connection, Phase};
use super::source::source;

/// Where a request came from, and on which connection.
#[derive(Clone, Copy)]
pub(super) struct Peer<'a> {
    pub address: IpAddr,
    pub connection: &'a Connection,
    /// There is no place for its requests; only probes are answered.
    pub is_told_busy: bool,
}

/// Reads head and body into our own form; where the body cannot be had, the head and why.
pub(super) async fn read(
    gateway: &Gateway,
    peer: Peer<'_>,
    request: Request<IncomingBody>,
    id: &str,
) -> (HttpRequest, Option<Unread>) {
    let (head, mut body) = request.into_parts();
    let trusted = &gateway.config.trusted_proxies;
    let mut request = HttpRequest {
        method: head.method,
        uri: head.uri,
        client_ip: Some(source(trusted, peer.address, &head.headers)),
        headers: head.headers,
        body: Vec::new(),
        request_id: id.to_owned(),
    };
    if peer.is_told_busy {
        return (request, Some(Unread::Busy));
    }
    if body.is_end_stream() {
        return (request, None);
    }
    peer.connection.begin_or_end(Phase::Body).await;
    let limit = gateway.config.soap.body_bytes;
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    // Who waits for our consent to send is refused before sending anything.
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

/// Why a body was not read.
pub(super) enum Unread {
    /// It is over this many bytes.
    TooLarge(usize),
    Broken,
    Late,
    /// There is no place for the request.
    Busy,
    /// Its content coding is unknown or broken, or it inflates to too much.
    NotDecoded(Box<Rejection>),
}

impl Unread {
    /// The reply. Where the body was not read to its end the connection ends too, since nobody knows what would come next.
    pub(super) fn reply(self, refuse: impl FnOnce(&Rejection) -> Reply) -> Reply {
        let reply = match self {
            Unread::NotDecoded(rejection) => return refuse(&rejection),
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

/// How many times its limit a body that is too large is read on, and thrown away: most clients send
/// everything before they look at the answer, and would otherwise see nothing but a broken connection.
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
