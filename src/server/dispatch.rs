//! Routes requests by path and method, and answers those that need no operation.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming as IncomingBody};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};

use crate::app_context::AppContext;
use crate::contract::wsdl::{self, Schema};
use crate::http::{self, MediaType, Reply};
use crate::operations::{Origin, soap_entries};
use crate::soap::Contract;
use crate::{directory, jsonrpc, metrics, sso, web};

use super::client_ip::{client_ip, is_forwarded};
use super::config::MetricsFor;
use super::connections::{Connection, Unframed};
use super::cors::CorsRequest;
use super::documents::Documents;
use super::gateway::Gateway;
use super::handlers::{Answered, Routed};
use super::public_url::{address, is_https};
use super::reading::Peer;
use super::{documents, host};

/// The body of every reply.
pub(super) type Body = Full<Bytes>;

/// The header with the ID of the request. Log lines contain the same ID.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The HSTS header of replies over https (RFC 6797): browsers use only https for a year.
const HTTPS_FOR_A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Answers one request.
pub(super) async fn handle(
    gateway: &Arc<Gateway>,
    connection: &Connection,
    mut request: Request<IncomingBody>,
) -> Response<Body> {
    let address = connection.peer();
    let request_id = gateway.app.entropy.request_id();
    let head_only = request.method() == Method::HEAD;
    let line = tracing::enabled!(tracing::Level::DEBUG).then(|| {
        (
            Instant::now(),
            request.method().clone(),
            request.uri().path().to_owned(),
        )
    });
    let over_https = is_https(gateway, address, request.headers());
    let counted = forwarded_source(gateway, address, request.headers())
        .map(|source| gateway.in_flight.take(source));
    let is_over_its_limit = matches!(counted, Some(None));
    if is_over_its_limit {
        gateway.app.metrics.refused("source_limit");
    }
    let peer = Peer {
        address,
        connection,
        is_over_limit: connection.is_reserved() || is_over_its_limit,
    };
    let Answered { reply, span } = match refused(connection, &mut request) {
        None => route(gateway, peer, request, &request_id).await,
        Some(reply) => last(reply).into(),
    };
    drop(counted);
    if let Some((begun, method, path)) = line {
        let span = match span.is_none() {
            true => tracing::info_span!("request", request.id = &*request_id),
            false => span,
        };
        // The query is not logged, because it may contain a token.
        tracing::debug!(
            parent: &span,
            request.id = &*request_id,
            peer = %address,
            %method,
            path,
            status = reply.status,
            bytes = reply.body.len(),
            micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
    }
    let mut response = into_response(reply, &request_id, over_https);
    if head_only {
        *response.body_mut() = Body::default();
    }
    response
}

/// The reply to a request with invalid framing or an invalid host, on any path.
fn refused(connection: &Connection, request: &mut Request<IncomingBody>) -> Option<Reply> {
    let is_old = request.version() < Version::HTTP_11;
    let (status, line) = match connection.unframed() {
        Some(Unframed::Encoded) if is_old => (400, "HTTP/1.0 has no transfer encodings"),
        Some(Unframed::Encoded) => (501, "The only transfer encoding is chunked, once"),
        Some(Unframed::Twice) => {
            let line = "A request has a Content-Length or a Transfer-Encoding, not both";
            (400, line)
        }
        None => (400, host::resolve_host(request).err()?),
    };
    Some(Reply::text(status, line))
}

/// The client address that a trusted proxy reports.
fn forwarded_source(gateway: &Gateway, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    let trusted = &gateway.config.trusted_proxies;
    let source = trusted
        .contains(&peer)
        .then(|| client_ip(trusted, peer, headers))?;
    (source != peer).then_some(source)
}

fn media_type(headers: &HeaderMap) -> MediaType<'_> {
    MediaType::new(http::header_text(headers, header::CONTENT_TYPE).unwrap_or_default())
}

async fn route(
    gateway: &Arc<Gateway>,
    peer: Peer<'_>,
    request: Request<IncomingBody>,
    id: &Arc<str>,
) -> Answered {
    let path = request.uri().path().to_owned();
    let path = match path.trim_end_matches('/') {
        "" => path.as_str(),
        path => path,
    };
    let routed = |request| Routed {
        gateway,
        peer,
        request,
        id,
    };
    let contract = gateway.config.contracts.iter().find(|c| c.path == path);
    if contract.is_some() || gateway.config.soap_paths.iter().any(|p| p == path) {
        return match *request.method() {
            Method::POST => routed(request).soap(contract.cloned()).await,
            Method::GET | Method::HEAD if peer.is_over_limit => busy().into(),
            Method::GET | Method::HEAD => {
                contract_document(gateway, peer.address, contract, &request).into()
            }
            _ => Reply::method_not_allowed("GET, HEAD, POST").into(),
        };
    }
    let below = |prefix: &String| {
        let rest = path.strip_prefix(prefix.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    };
    if let Some(path) = gateway.config.rest_prefixes.iter().find_map(below) {
        let asked = CorsRequest::of(&gateway.config.cors_origins, request.headers());
        let mut answered = routed(request).rest(path).await;
        if let Some(asked) = asked {
            asked.answer(&mut answered.reply);
        }
        return answered;
    }
    if path == jsonrpc::PATH || (path == "/" && jsonrpc::is_rpc(&media_type(request.headers()))) {
        return match *request.method() {
            Method::POST => routed(request).rpc().await,
            _ => Reply::method_not_allowed("POST").into(),
        };
    }
    if path.starts_with(web::PREFIX) {
        return routed(request).page().await;
    }
    if directory::is_below(path) {
        return routed(request).directory().await;
    }
    if sso::PATHS.contains(&path) {
        return routed(request).sso().await;
    }
    if peer.is_over_limit && !PROBES.contains(&path) {
        return busy().into();
    }
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_get && (PROBES.contains(&path) || DOCUMENTS.contains(&path)) {
        return Reply::method_not_allowed("GET, HEAD").into();
    }
    let document = document(gateway, peer.address, path, request.headers());
    document.await.into()
}

/// The paths that are answered even if no slot is free.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

const DOCUMENTS: [&str; 4] = [
    "/.well-known/jwks.json",
    "/openapi.json",
    "/docs",
    "/docs.css",
];

/// The reply of a probe or a document.
async fn document(gateway: &Arc<Gateway>, peer: IpAddr, path: &str, headers: &HeaderMap) -> Reply {
    match path {
        "/.well-known/jwks.json" => {
            let keys = gateway.app.tokens.jwks(gateway.app.clock.now());
            Reply::new(200, "application/jwk-set+json", keys)
                .with("Cache-Control", "public, max-age=300")
        }
        "/healthz" => Reply::text(200, "ok"),
        "/readyz" => ready(gateway).await,
        "/metrics" => metrics(gateway, peer, headers).await,
        "/openapi.json" => {
            printed(gateway, peer, Documents::openapi, |g| {
                g.documents.print_openapi(&g.config)
            })
            .await
        }
        "/docs" => {
            printed(gateway, peer, Documents::page, |g| {
                g.documents.print_page(&g.config)
            })
            .await
        }
        "/docs.css" => documents::style(),
        _ => Reply::text(404, "Not found"),
    }
}

/// The reply to a request that exceeds a connection limit.
fn busy() -> Reply {
    last(Reply::text(503, "Overloaded; try again").with("Retry-After", "1"))
}

/// The reply, with the header that closes the connection.
fn last(reply: Reply) -> Reply {
    reply.with("Connection", "close")
}

/// A document of the gateway. Printing a document on the first request takes long, so this work runs in the queue for
/// searches, where it delays no read.
async fn printed(
    gateway: &Arc<Gateway>,
    peer: IpAddr,
    known: fn(&Documents) -> Option<Reply>,
    print: fn(&Gateway) -> Reply,
) -> Reply {
    if let Some(reply) = known(&gateway.documents) {
        return reply;
    }
    let (shared, origin) = (Arc::clone(gateway), Origin::of_peer(peer));
    match gateway.searching.run(&origin, move || print(&shared)).await {
        Ok(reply) => reply,
        Err(_) => Reply::text(503, "Overloaded; try again"),
    }
}

/// The longest time that a probe waits for the store.
const PROBE_WAIT: Duration = Duration::from_secs(2);

/// Runs a query on the thread for probes; `None` if the store does not answer in time.
async fn probe<T: Send + 'static>(
    gateway: &Arc<Gateway>,
    ask: impl FnOnce(&AppContext) -> T + Send + 'static,
) -> Option<T> {
    let app = Arc::clone(&gateway.app);
    let asked = gateway.probing.run(move || ask(&app));
    tokio::time::timeout(PROBE_WAIT, asked).await.ok()?.ok()
}

/// The reply with the metrics. One of them is the backlog of the outbox, which is read from the store.
async fn metrics(gateway: &Arc<Gateway>, peer: IpAddr, headers: &HeaderMap) -> Reply {
    let may = match &gateway.config.metrics_for {
        MetricsFor::Everyone => true,
        MetricsFor::Addresses(addresses) => addresses.contains(&peer) && !is_forwarded(headers),
    };
    if !may {
        return Reply::text(404, "Not found");
    }
    let backlog = probe(gateway, AppContext::backlog)
        .await
        .and_then(Result::ok);
    let Some(backlog) = backlog else {
        return Reply::text(503, "The backlog cannot be read; try again");
    };
    let counts = gateway.connections.count();
    gateway.app.metrics.set_connections(&counts);
    let queues = [
        ("read", gateway.reading.waiting()),
        ("search", gateway.searching.waiting()),
        ("write", gateway.writing.waiting()),
        ("hash", gateway.hashing.waiting()),
    ];
    let body = gateway.app.metrics.encode(&queues, &backlog);
    Reply::new(200, metrics::MEDIA_TYPE, body)
}

/// The reply of /readyz: whether the node reaches its database.
async fn ready(gateway: &Arc<Gateway>) -> Reply {
    match probe(gateway, AppContext::is_ready).await {
        Some(true) => Reply::text(200, "ready"),
        _ => Reply::text(503, "not ready"),
    }
}

/// The reply to `?wsdl`, `?singleWsdl` and `?xsd=1`. Other parts of the query are ignored, because some clients add
/// their own.
fn contract_document(
    gateway: &Gateway,
    peer: IpAddr,
    contract: Option<&Arc<Contract>>,
    request: &Request<IncomingBody>,
) -> Reply {
    let query = request.uri().query().unwrap_or("").to_ascii_lowercase();
    let xml = |text: String| Reply::new(200, "text/xml; charset=utf-8", text);
    let address = || address(gateway, peer, request);
    let own = || {
        query.split('&').find_map(|part| match part {
            "wsdl" | "wsdl=" => {
                let address = address();
                let schema = format!("{address}?xsd=1");
                Some(wsdl::wsdl(&soap_entries(), &address, Schema::At(&schema)))
            }
            "singlewsdl" | "singlewsdl=" => {
                Some(wsdl::wsdl(&soap_entries(), &address(), Schema::Inline))
            }
            "xsd=1" => Some(wsdl::xsd(&soap_entries())),
            _ => None,
        })
    };
    let document = match contract {
        Some(contract) => contract.document(&query, &address()),
        None => own(),
    };
    match document {
        Some(document) => xml(document),
        None if query.is_empty() => {
            let line = "This is a SOAP endpoint: POST an envelope, or GET ?wsdl";
            Reply::text(405, line).with("Allow", "POST")
        }
        None => {
            let line = "Not found; the contract is at ?wsdl, ?singleWsdl and ?xsd=1";
            Reply::text(404, line)
        }
    }
}

fn into_response(reply: Reply, request_id: &str, over_https: bool) -> Response<Body> {
    let mut response = Response::new(Body::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.reserve(9);
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
    if over_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_FOR_A_YEAR);
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            // Each cookie needs its own header.
            if name == header::SET_COOKIE {
                headers.append(name, value);
            } else {
                headers.insert(name, value);
            }
        }
    }
    response
}
