//! The pipeline, top to bottom: route, read the body, decode, queue, run, encode.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming as IncomingBody};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::contract::rejection::{Code, Rejection};
use crate::contract::wsdl;
use crate::directory;
use crate::exchange::{HttpRequest, Reply};
use crate::jsonapi;
use crate::jsonrpc::{self, Calls, Id, Read};
use crate::loginbar::{self, Site};
use crate::metrics;
use crate::operations::access::Incoming;
use crate::operations::{Answer, Cost, access, soap_entries};
use crate::soap;
use crate::sso;

use super::cors::Asked;
use super::partners::{arrive, look_up};
use super::source::source;
use super::{Body, Gateway, MetricsFor, documents};

/// The header that names a request in answers and logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The headers by which REST callers say who they are (SPEC §3).
const CLIENT_KEY: HeaderName = HeaderName::from_static("x-client-hash-key");
const USER_NAME: HeaderName = HeaderName::from_static("x-user-name");
/// The header by which proxies say whom they pass on.
pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The header by which browsers say whose page sent a request.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Answers one request.
pub(super) async fn handle(
    gateway: &Arc<Gateway>,
    peer: IpAddr,
    request: Request<IncomingBody>,
) -> Response<Body> {
    let request_id = gateway.parts.entropy.uuid();
    let begun = Instant::now();
    let head_only = request.method() == Method::HEAD;
    let line = tracing::enabled!(tracing::Level::DEBUG)
        .then(|| (request.method().clone(), request.uri().path().to_owned()));
    let reply = route(gateway, peer, request, &request_id).await;
    if let Some((method, path)) = line {
        // No query: other faces carry tokens there.
        tracing::debug!(
            request.id = request_id,
            %peer,
            %method,
            path,
            status = reply.status,
            bytes = reply.body.len(),
            micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
    }
    let mut response = into_response(reply, &request_id);
    if head_only {
        *response.body_mut() = Body::default();
    }
    response
}

async fn route(
    gateway: &Arc<Gateway>,
    peer: IpAddr,
    request: Request<IncomingBody>,
    id: &str,
) -> Reply {
    let path = request.uri().path();
    let path = if path.len() > 1 {
        path.trim_end_matches('/')
    } else {
        path
    };
    if gateway.config.soap_paths.iter().any(|p| p == path) {
        return match *request.method() {
            Method::POST => call(gateway, peer, request, id).await,
            Method::GET | Method::HEAD => contract(gateway, peer, &request),
            _ => method_not_allowed("GET, HEAD, POST"),
        };
    }
    let below = |prefix: &String| {
        let rest = path.strip_prefix(prefix.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
    };
    if let Some(path) = gateway.config.rest_prefixes.iter().find_map(below) {
        let asked = Asked::of(&gateway.config.cors_origins, request.headers());
        let mut reply = resource(gateway, peer, request, &path, id).await;
        if let Some(asked) = asked {
            asked.answer(&mut reply);
        }
        return reply;
    }
    let content_type = text_of(request.headers(), &header::CONTENT_TYPE);
    if path == jsonrpc::PATH || (path == "/" && jsonrpc::is_rpc(content_type.as_deref())) {
        return match *request.method() {
            Method::POST => consents(gateway, peer, request, id).await,
            _ => method_not_allowed("POST"),
        };
    }
    if let Some(page) = path.strip_prefix(loginbar::PREFIX) {
        let page = page.to_owned();
        return browse(gateway, peer, request, &page, id).await;
    }
    if directory::is_below(path) {
        return look_up(gateway, peer, request, id).await;
    }
    if sso::PATHS.contains(&path) {
        return arrive(gateway, peer, request, id).await;
    }
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    match path {
        "/healthz"
        | "/readyz"
        | "/metrics"
        | "/.well-known/jwks.json"
        | "/openapi.json"
        | "/docs"
        | "/docs.css"
            if !get =>
        {
            method_not_allowed("GET, HEAD")
        }
        "/.well-known/jwks.json" => Reply {
            status: 200,
            content_type: "application/jwk-set+json",
            headers: vec![("Cache-Control", "public, max-age=300".to_owned())],
            body: gateway
                .parts
                .tokens
                .jwks(gateway.parts.clock.now())
                .into_bytes(),
        },
        "/healthz" => Reply::text(200, "ok"),
        "/readyz" => ready(gateway).await,
        "/metrics" => metrics(gateway, peer, request.headers()).await,
        "/openapi.json" => printed(gateway, |g| g.documents.openapi(&g.config)).await,
        "/docs" => printed(gateway, |g| g.documents.page(&g.config)).await,
        "/docs.css" => documents::style(),
        _ => Reply::text(404, "Not found"),
    }
}

fn method_not_allowed(allow: &str) -> Reply {
    let mut reply = Reply::text(405, "Method not allowed");
    reply.headers.push(("Allow", allow.to_owned()));
    reply
}

/// A document, which takes a while when it is the first time.
async fn printed(gateway: &Arc<Gateway>, print: fn(&Gateway) -> Reply) -> Reply {
    let shared = Arc::clone(gateway);
    let printing = gateway.reading.run(move || print(&shared));
    let printed = match printing {
        Ok(reply) => reply.await.ok(),
        Err(_) => None,
    };
    printed.unwrap_or_else(|| Reply::text(503, "Overloaded; try again"))
}

/// What was counted; the outbox's backlog is looked up for it.
async fn metrics(gateway: &Arc<Gateway>, peer: IpAddr, headers: &HeaderMap) -> Reply {
    let may = match &gateway.config.metrics_for {
        MetricsFor::Everyone => true,
        MetricsFor::Addresses(addresses) => {
            addresses.contains(&peer) && !headers.contains_key(FORWARDED_FOR)
        }
    };
    if !may {
        return Reply::text(404, "Not found");
    }
    let shared = Arc::clone(gateway);
    let asked = gateway.reading.run(move || shared.parts.backlog());
    let backlog = match asked {
        Ok(answer) => answer.await.ok().and_then(Result::ok),
        Err(_) => None,
    };
    let Some(backlog) = backlog else {
        return Reply::text(503, "The backlog cannot be read; try again");
    };
    let queues = [
        ("read", gateway.reading.waiting()),
        ("write", gateway.writing.waiting()),
        ("hash", gateway.hashing.waiting()),
    ];
    Reply {
        status: 200,
        content_type: metrics::MEDIA_TYPE,
        headers: Vec::new(),
        body: gateway.parts.metrics.tell(&queues, &backlog).into_bytes(),
    }
}

/// Ready is whoever can ask its database.
async fn ready(gateway: &Arc<Gateway>) -> Reply {
    let parts = Arc::clone(&gateway.parts);
    let asked = gateway
        .reading
        .run(move || parts.registry.refresh(&parts.store).is_ok());
    let ready = match asked {
        Ok(answer) => answer.await == Ok(true),
        Err(_) => false,
    };
    if ready {
        Reply::text(200, "ready")
    } else {
        Reply::text(503, "not ready")
    }
}

/// The URL that a client used.
fn address(gateway: &Gateway, peer: IpAddr, request: &Request<IncomingBody>) -> String {
    let base = base(gateway, peer, request.headers());
    format!("{base}{}", request.uri().path())
}

/// The same without its path, as far as it can be known: a proxy's word counts only if the proxy is trusted.
pub(super) fn base(gateway: &Gateway, peer: IpAddr, headers: &HeaderMap) -> String {
    gateway.config.public_url.clone().unwrap_or_else(|| {
        let trusted = gateway.config.trusted_proxies.contains(&peer);
        // Each proxy appends; the last entry is the one that ours wrote.
        let forwarded = |name: &str| {
            let value = headers.get(name).filter(|_| trusted)?.to_str().ok()?;
            value.rsplit(',').next().map(|v| v.trim().to_owned())
        };
        let scheme = forwarded("x-forwarded-proto").filter(|s| s == "https");
        let host = forwarded("x-forwarded-host").or_else(|| text_of(headers, &header::HOST));
        format!(
            "{}://{}",
            scheme.as_deref().unwrap_or("http"),
            host.as_deref().unwrap_or("localhost")
        )
    })
}

/// `?wsdl` and `?xsd=1`.
fn contract(gateway: &Gateway, peer: IpAddr, request: &Request<IncomingBody>) -> Reply {
    let query = request.uri().query().unwrap_or("").to_ascii_lowercase();
    let xml = |text: String| Reply {
        status: 200,
        content_type: "text/xml; charset=utf-8",
        headers: Vec::new(),
        body: text.into_bytes(),
    };
    match query.as_str() {
        "wsdl" | "wsdl=" | "singlewsdl" => {
            let address = address(gateway, peer, request);
            xml(wsdl::wsdl(
                &soap_entries(),
                &address,
                &format!("{address}?xsd=1"),
            ))
        }
        "xsd=1" => xml(wsdl::xsd(&soap_entries())),
        "" => {
            let mut reply = Reply::text(
                405,
                "This is a SOAP endpoint: POST an envelope, or GET ?wsdl",
            );
            reply.headers.push(("Allow", "POST".to_owned()));
            reply
        }
        _ => Reply::text(404, "Not found; the contract is at ?wsdl and ?xsd=1"),
    }
}

/// One SOAP call.
async fn call(
    gateway: &Arc<Gateway>,
    peer: IpAddr,
    request: Request<IncomingBody>,
    id: &str,
) -> Reply {
    let (request, unread) = read(gateway, peer, request, id).await;
    if let Some(unread) = unread {
        return unread.reply(|r| soap::refusal(&soap::manner(&request), r));
    }
    let (manner, incoming) = match soap::read(&request, &gateway.config.soap) {
        Ok(read) => read,
        Err(reply) => return reply,
    };
    run(gateway, "soap", incoming, move |outcome| match outcome {
        Ok(answer) => soap::answer(&manner, answer),
        Err(rejection) => soap::refusal(&manner, &rejection),
    })
    .await
}

/// One REST call; the path is the one below the prefix.
async fn resource(
    gateway: &Arc<Gateway>,
    peer: IpAddr,
    request: Request<IncomingBody>,
    path: &str,
    id: &str,
) -> Reply {
    let found = jsonapi::find(request.method().as_str(), path);
    let options = *request.method() == Method::OPTIONS;
    let (request, unread) = read(gateway, peer, request, id).await;
    if let Some(unread) = unread {
        return unread.reply(|r| jsonapi::refusal(&jsonapi::manner(&request), r));
    }
    let found = match found {
        Ok(found) => found,
        Err(allow) if options && !allow.is_empty() => {
            let mut reply = Reply::empty();
            reply.headers.push(("Allow", allow.join(", ")));
            return reply;
        }
        Err(allow) => return jsonapi::not_routed(&request, &allow),
    };
    let (manner, incoming) = match jsonapi::read(&request, &found, gateway.config.json) {
        Ok(read) => read,
        Err(reply) => return reply,
    };
    run(gateway, "rest", incoming, move |outcome| match outcome {
        Ok(answer) => jsonapi::answer(&manner, &*answer),
        Err(rejection) => jsonapi::refusal(&manner, &rejection),
    })
    .await
}

/// One or several JSON-RPC calls.
async fn consents(
    gateway: &Arc<Gateway>,
    peer: IpAddr,
    request: Request<IncomingBody>,
    id: &str,
) -> Reply {
    let (request, unread) = read(gateway, peer, request, id).await;
    if let Some(unread) = unread {
        return unread.reply(|_| Reply::text(413, "The request is too large"));
    }
    let request = Arc::new(request);
    match jsonrpc::read(&request, gateway.config.json.depth) {
        Err(reply) => reply,
        Ok(Calls::One(call)) => match consent(gateway, &request, call).await {
            Some(reply) => reply,
            None => Reply::empty(),
        },
        Ok(Calls::Batch(calls)) => {
            let mut replies = Vec::with_capacity(calls.len());
            // In order, as they may build on each other.
            for call in calls {
                replies.extend(consent(gateway, &request, call).await);
            }
            batch(replies)
        }
    }
}

/// A page, or the loginbar.
async fn browse(
    gateway: &Arc<Gateway>,
    peer: IpAddr,
    request: Request<IncomingBody>,
    page: &str,
    id: &str,
) -> Reply {
    let base = base(gateway, peer, request.headers());
    let (request, unread) = read(gateway, peer, request, id).await;
    let site = site(gateway, base);
    if let Some(unread) = unread {
        return unread.reply(|r| loginbar::refusal(&site, &request, r));
    }
    match loginbar::read(&site, &request, page) {
        loginbar::Read::Reply(reply) => reply,
        loginbar::Read::Call(incoming, page) => {
            run(gateway, "page", *incoming, move |outcome| {
                page.reply(outcome)
            })
            .await
        }
    }
}

pub(super) fn site(gateway: &Gateway, base: String) -> Site<'_> {
    let parts = &gateway.parts;
    Site {
        registry: parts.registry.loaded(),
        stamper: &parts.stamper,
        sealer: &parts.sealer,
        entropy: &parts.entropy,
        base,
        session_ms: parts.rules.session_ms,
        now: parts.clock.now(),
    }
}

/// The answers of a batch as one; of notifications alone there is none.
fn batch(replies: Vec<Reply>) -> Reply {
    let bodies: Vec<_> = replies.iter().map(|r| r.body.as_slice()).collect();
    let joined = [b"[".to_vec(), bodies.join(&b','), b"]".to_vec()].concat();
    match replies.into_iter().next() {
        Some(first) => Reply {
            body: joined,
            ..first
        },
        None => Reply::empty(),
    }
}

/// One call; a notification is done and not answered.
async fn consent(gateway: &Arc<Gateway>, request: &Arc<HttpRequest>, call: Read) -> Option<Reply> {
    match call {
        Read::Refused(id, rejection) => id.map(|id| jsonrpc::refusal(request, &id, &rejection)),
        Read::Call(id, incoming) => {
            let (request, echoed) = (Arc::clone(request), id.clone().unwrap_or(Id::Null));
            let reply = run(gateway, "rpc", *incoming, move |outcome| match outcome {
                Ok(answer) => jsonrpc::answer(&echoed, &*answer),
                Err(rejection) => jsonrpc::refusal(&request, &echoed, &rejection),
            });
            let reply = reply.await;
            id.map(|_| reply)
        }
    }
}

/// Queues a call where it belongs, and has its outcome counted and written.
pub(super) async fn run(
    gateway: &Arc<Gateway>,
    face: &'static str,
    incoming: Incoming,
    write: impl Fn(Result<Box<dyn Answer>, Rejection>) -> Reply + Clone + Send + 'static,
) -> Reply {
    // The password in a UsernameToken has to be hashed, whatever the operation costs by itself.
    let (queue, pool) = match incoming.operation.cost {
        _ if incoming.credentials.username_token.is_some() => ("hash", &gateway.hashing),
        Cost::Hash => ("hash", &gateway.hashing),
        Cost::Write => ("write", &gateway.writing),
        Cost::Read => ("read", &gateway.reading),
    };
    let parts = Arc::clone(&gateway.parts);
    let (written, operation) = (write.clone(), incoming.operation.name);
    let queued = pool.run(move || {
        let begun = Instant::now();
        let outcome = access::run(&parts, incoming);
        let code = outcome
            .as_ref()
            .map_or_else(|r| r.code().as_str(), |_| "ok");
        parts.metrics.called(face, operation, code, begun.elapsed());
        written(outcome)
    });
    let refused = |code, cause: &str| write(Err(Rejection::new(code).because(cause)));
    match queued {
        Ok(reply) => match reply.await {
            Ok(reply) => reply,
            Err(_) => refused(Code::InternalError, "the operation panicked"),
        },
        Err(_) => {
            gateway.parts.metrics.shed(queue);
            refused(Code::Busy, "a queue is full")
        }
    }
}

/// Reads head and body into our own form; where the body cannot be had, the head and why.
pub(super) async fn read(
    gateway: &Gateway,
    peer: IpAddr,
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
        body: Vec::new(),
        request_id: id.to_owned(),
        source: Some(source(&gateway.config.trusted_proxies, peer, &head.headers)),
    };
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
}

impl Unread {
    /// The reply; the connection ends with it, since nobody knows what would come next.
    pub(super) fn reply(self, refuse: impl FnOnce(&Rejection) -> Reply) -> Reply {
        let mut reply = match self {
            Unread::TooLarge(limit) => {
                let cause = format!("over {limit} bytes");
                refuse(&Rejection::new(Code::TooLarge).because(cause))
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

fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    // What is no text is a wrong value, and not none.
    let value = headers.get(name)?.as_bytes();
    Some(String::from_utf8_lossy(value).into_owned())
}

fn into_response(reply: Reply, request_id: &str) -> Response<Body> {
    let mut response = Response::new(Body::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.reserve(8);
    if !reply.content_type.is_empty() {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(reply.content_type),
        );
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            // Cookies are set one by one.
            if name == header::SET_COOKIE {
                headers.append(name, value);
            } else {
                headers.insert(name, value);
            }
        }
    }
    response
}
