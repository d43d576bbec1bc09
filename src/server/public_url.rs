//! The URL of the gateway as clients see it.

use std::borrow::Cow;
use std::net::IpAddr;

use hyper::Request;
use hyper::body::Incoming as IncomingBody;
use hyper::header::{HOST, HeaderMap, HeaderName};

use super::gateway::Gateway;
use super::host::is_host;
use crate::http::header_text;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// The URL of the request, without its query.
pub(super) fn address(gateway: &Gateway, peer: IpAddr, request: &Request<IncomingBody>) -> String {
    let base = base(gateway, peer, request.headers());
    format!("{base}{}", request.uri().path())
}

/// The base URL of the request, without a path. Headers of a proxy count only if the proxy is trusted.
pub(super) fn base(gateway: &Gateway, peer: IpAddr, headers: &HeaderMap) -> String {
    gateway.config.public_url.clone().unwrap_or_else(|| {
        let forwarded_host = forwarded(gateway, peer, headers, FORWARDED_HOST);
        let host = forwarded_host
            .filter(|host| is_host(host))
            .map(str::to_owned)
            .or_else(|| header_text(headers, HOST).map(Cow::into_owned));
        let scheme = match is_https(gateway, peer, headers) {
            true => "https",
            false => "http",
        };
        let host = host.as_deref().unwrap_or("localhost");
        let port = forwarded(gateway, peer, headers, FORWARDED_PORT);
        match port.and_then(|port| port.parse().ok()) {
            Some(port) => format!("{scheme}://{}", with_port(host, scheme, port)),
            None => format!("{scheme}://{host}"),
        }
    })
}

/// The host with this port instead of its own. The default port of the scheme is left out.
fn with_port(host: &str, scheme: &str, port: u16) -> String {
    let name = match host.rsplit_once(':') {
        // A colon before the bracket is part of an IPv6 address.
        Some((name, after)) if !after.contains(']') => name,
        _ => host,
    };
    match (scheme, port) {
        (_, 0) => host.to_owned(),
        ("https", 443) | ("http", 80) => name.to_owned(),
        _ => format!("{name}:{port}"),
    }
}

/// Whether the client used https: by the header of a trusted proxy, otherwise by the scheme of the public URL.
pub(super) fn is_https(gateway: &Gateway, peer: IpAddr, headers: &HeaderMap) -> bool {
    let public_url = gateway.config.public_url.as_deref();
    match forwarded(gateway, peer, headers, FORWARDED_PROTO) {
        Some(scheme) => scheme == "https",
        None => public_url.is_some_and(|url| url.starts_with("https://")),
    }
}

/// The value that a trusted proxy set in this header. Each proxy appends an entry, so the last entry comes from the
/// trusted proxy.
fn forwarded<'a>(
    gateway: &Gateway,
    peer: IpAddr,
    headers: &'a HeaderMap,
    name: HeaderName,
) -> Option<&'a str> {
    if !gateway.config.trusted_proxies.contains(&peer) {
        return None;
    }
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next().map(str::trim)
}

/// The URL of the gateway as the `aud` claim must name it. A request cannot choose this URL: otherwise an attacker
/// could replay here a token that a partner signed for another system. Without a public URL, the result is the
/// listening address. If that is a loopback address and the request names `localhost` with the same port, the result is
/// `localhost` with that port.
pub(super) fn own_url(gateway: &Gateway, host: Option<&str>) -> String {
    if let Some(url) = &gateway.config.public_url {
        return url.clone();
    }
    let address = gateway.address;
    let local = format!("localhost:{}", address.port());
    if address.ip().is_loopback() && host == Some(local.as_str()) {
        return format!("http://{local}");
    }
    format!("http://{address}")
}
