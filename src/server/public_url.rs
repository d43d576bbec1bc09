//! By which URL clients know us.

use std::net::IpAddr;

use hyper::Request;
use hyper::body::Incoming as IncomingBody;
use hyper::header::{self, HeaderMap};

use super::Gateway;
use super::reading::text_of;

/// The URL that a client used.
pub(super) fn address(gateway: &Gateway, peer: IpAddr, request: &Request<IncomingBody>) -> String {
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
