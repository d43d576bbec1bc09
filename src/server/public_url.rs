//! By which URL clients know us.

use std::borrow::Cow;
use std::net::IpAddr;

use hyper::Request;
use hyper::body::Incoming as IncomingBody;
use hyper::header::{HOST, HeaderMap, HeaderName};

use super::Gateway;
use super::host::is_host;
use crate::http::header_text;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The URL that a client used.
pub(super) fn address(gateway: &Gateway, peer: IpAddr, request: &Request<IncomingBody>) -> String {
    let base = base(gateway, peer, request.headers());
    format!("{base}{}", request.uri().path())
}

/// The same without its path, as far as it can be known: a proxy's word counts only if the proxy is trusted.
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
        format!("{scheme}://{}", host.as_deref().unwrap_or("localhost"))
    })
}

/// Whether the client used https: what a trusted proxy says, and otherwise what the public URL starts with.
pub(super) fn is_https(gateway: &Gateway, peer: IpAddr, headers: &HeaderMap) -> bool {
    let public_url = gateway.config.public_url.as_deref();
    match forwarded(gateway, peer, headers, FORWARDED_PROTO) {
        Some(scheme) => scheme == "https",
        None => public_url.is_some_and(|url| url.starts_with("https://")),
    }
}

/// What a trusted proxy says in this header. Each proxy appends; the last entry is the one that ours wrote.
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

/// The URL that we are known by, which a request cannot choose: what a partner has signed for somebody else must not be
/// brought here under that one's name. Without a public URL it is the address that we listen at, which this machine calls
/// `localhost` as well.
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
