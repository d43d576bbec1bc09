//! The pipeline, top to bottom: route, read the body, decode, queue, run, encode.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Bytes, Incoming as IncomingBody};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::contract::rejection::{Code, Rejection};
use crate::contract::wsdl;
use crate::exchange::{HttpRequest, Reply};
use crate::operations::{Cost, access, soap_entries};
use crate::soap::{self, Manner};

use super::{Body, Gateway};

/// The header that names a request in answers and logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers one request.
pub(super) async fn handle(
    gateway: &Arc<Gateway>,
    request: Request<IncomingBody>,
) -> Response<Body> {
    let request_id = gateway.parts.entropy.uuid();
    let head_only = request.method() == Method::HEAD;
    let reply = route(gateway, request, &request_id).await;
    let mut response = into_response(reply, &request_id);
    if head_only {
        *response.body_mut() = Body::default();
    }
    response
}

async fn route(gateway: &Arc<Gateway>, request: Request<IncomingBody>, id: &str) -> Reply {
    let path = request.uri().path();
    let path = if path.len() > 1 {
        path.trim_end_matches('/')
    } else {
        path
    };
    if gateway.config.soap_paths.iter().any(|p| p == path) {
        return match *request.method() {
            Method::POST => call(gateway, request, id).await,
            Method::GET | Method::HEAD => contract(gateway, &request),
            _ => method_not_allowed("GET, HEAD, POST"),
        };
    }
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    match path {
        "/healthz" | "/readyz" if !get => method_not_allowed("GET, HEAD"),
        "/healthz" => Reply::text(200, "ok"),
        "/readyz" => ready(gateway).await,
        _ => Reply::text(404, "Not found"),
    }
}

fn method_not_allowed(allow: &str) -> Reply {
    let mut reply = Reply::text(405, "Method not allowed");
    reply.headers.push(("Allow", allow.to_owned()));
    reply
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

/// `?wsdl` and `?xsd=1`.
fn contract(gateway: &Gateway, request: &Request<IncomingBody>) -> Reply {
    let query = request.uri().query().unwrap_or("").to_ascii_lowercase();
    let address = || {
        let base = gateway.config.public_url.clone().unwrap_or_else(|| {
            let host = request
                .headers()
                .get(header::HOST)
                .and_then(|h| h.to_str().ok());
            format!("http://{}", host.unwrap_or("localhost"))
        });
        format!("{base}{}", request.uri().path())
    };
    let xml = |text: String| Reply {
        status: 200,
        content_type: "text/xml; charset=utf-8",
        headers: Vec::new(),
        body: text.into_bytes(),
    };
    match query.as_str() {
        "wsdl" | "wsdl=" | "singlewsdl" => {
            let address = address();
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
async fn call(gateway: &Arc<Gateway>, request: Request<IncomingBody>, id: &str) -> Reply {
    let request = match read(gateway, request, id).await {
        Ok(request) => request,
        Err(reply) => return reply,
    };
    let (manner, incoming) = match soap::read(&request, &gateway.config.soap) {
        Ok(read) => read,
        Err(reply) => return reply,
    };
    // The password in a UsernameToken has to be hashed, whatever the operation costs by itself.
    let pool = match incoming.operation.cost {
        _ if incoming.credentials.username_token.is_some() => &gateway.hashing,
        Cost::Hash => &gateway.hashing,
        Cost::Write => &gateway.writing,
        Cost::Read => &gateway.reading,
    };
    let parts = Arc::clone(&gateway.parts);
    let how = manner.clone();
    let queued = pool.run(move || match access::run(&parts, incoming) {
        Ok(answer) => soap::answer(&how, answer),
        Err(rejection) => soap::refusal(&how, &rejection),
    });
    match queued {
        Ok(reply) => match reply.await {
            Ok(reply) => reply,
            Err(_) => refused(&manner, Code::InternalError, "the operation panicked"),
        },
        Err(_) => refused(&manner, Code::Busy, "a queue is full"),
    }
}

fn refused(manner: &Manner, code: Code, cause: &str) -> Reply {
    soap::refusal(manner, &Rejection::new(code).because(cause))
}

/// Reads head and body into our own form.
async fn read(
    gateway: &Gateway,
    request: Request<IncomingBody>,
    id: &str,
) -> Result<HttpRequest, Reply> {
    let (head, body) = request.into_parts();
    let limit = gateway.config.soap.body_bytes;
    let too_large = || {
        let mut reply = Reply::text(
            413,
            &format!("The request is too large: at most {limit} bytes"),
        );
        reply.headers.push(("Connection", "close".to_owned()));
        reply
    };
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(too_large());
    }
    let collected = tokio::time::timeout(
        gateway.config.read_timeout,
        Limited::new(body, limit).collect(),
    )
    .await;
    let body = match collected {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => return Err(too_large()),
        Ok(Err(_)) => return Err(Reply::text(400, "The body ended too early")),
        Err(_) => return Err(Reply::text(408, "The body did not arrive in time")),
    };
    let text = |name: HeaderName| text_of(&head.headers, &name);
    Ok(HttpRequest {
        query: head.uri.query().unwrap_or("").to_owned(),
        content_type: text(header::CONTENT_TYPE),
        content_encoding: text(header::CONTENT_ENCODING),
        accept_language: text(header::ACCEPT_LANGUAGE),
        authorization: text(header::AUTHORIZATION),
        body: body.into(),
        request_id: id.to_owned(),
    })
}

fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn into_response(reply: Reply, request_id: &str) -> Response<Body> {
    let mut response = Response::new(Body::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.reserve(8);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(reply.content_type),
    );
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
            headers.insert(name, value);
        }
    }
    response
}
