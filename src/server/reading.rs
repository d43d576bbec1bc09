//! Reads a request off the wire into our own form, with a limit on its size and its time.

use std::net::IpAddr;

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::{Body as _, Bytes, Incoming as IncomingBody};
use hyper::header::{self, HeaderMap, HeaderName};

use crate::contract::rejection::{Code, Rejection};
use crate::exchange::{HttpRequest, Reply};

use super::Gateway;
use super::connections::{Connection, Phase};
use super::source::source;

/// The headers by which REST callers say who they are (SPEC §3).
const CLIENT_KEY: HeaderName = HeaderName::from_static("x-client-hash-key");
const USER_NAME: HeaderName = HeaderName::from_static("x-user-name");
/// The headers by which browsers say whose page sent a request, how, and what for (Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");

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
    let text = |name: HeaderName| text_of(&head.headers, &name);
    let mut request = HttpRequest {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        target: head.uri.to_string(),
        query: head.uri.query().unwrap_or("").to_owned(),
        accept: text(header::ACCEPT),
        client_key: text(CLIENT_KEY),
        user_name: text(USER_NAME),
        content_type: text(header::CONTENT_TYPE),
        content_encoding: text(header::CONTENT_ENCODING),
        accept_language: text(header::ACCEPT_LANGUAGE),
        authorization: text(header::AUTHORIZATION),
        host: text(header::HOST),
        origin: text(header::ORIGIN),
        cookie: text(header::COOKIE),
        user_agent: text(header::USER_AGENT),
        fetch_site: text(FETCH_SITE),
        fetch_mode: text(FETCH_MODE),
        fetch_dest: text(FETCH_DEST),
        purpose: text(SEC_PURPOSE).or_else(|| text(PURPOSE)),
        body: Vec::new(),
        request_id: id.to_owned(),
        source: Some(source(
            &gateway.config.trusted_proxies,
            peer.address,
            &head.headers,
        )),
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
    let asks_first = head.headers.contains_key(header::EXPECT);
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
    match read.unwrap_or(Err(Unread::Late)) {
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
}

impl Unread {
    /// The reply; the connection ends with it, since nobody knows what would come next.
    pub(super) fn reply(self, refuse: impl FnOnce(&Rejection) -> Reply) -> Reply {
        let mut reply = match self {
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
        reply.headers.push(("Connection", "close".to_owned()));
        reply
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

pub(super) fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    // What is no text is a wrong value, and not none.
    let value = headers.get(name)?.as_bytes();
    Some(String::from_utf8_lossy(value).into_owned())
}
