//! The client address of a request: the peer, or the address that a trusted proxy reports.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Once;

use hyper::header::{HeaderMap, HeaderName};

/// The header in which proxies report client addresses.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The network of a client: an IPv4 address, or an IPv6 /64, the smallest block that one customer gets (RFC 6177).
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

/// The address of the client. Each proxy appends the address of its own client to `X-Forwarded-For`. The function
/// reads the list from right to left, skips trusted proxies and returns the first other address. It ignores the entries
/// to the left of that address, because the client may have forged them. A malformed entry ends the search.
pub(super) fn client_ip(trusted: &[IpAddr], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    if !trusted.contains(&peer) {
        if headers.contains_key(FORWARDED_FOR) {
            warn_once(peer);
        }
        return peer;
    }
    let lines: Vec<_> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .map(|line| line.to_str().unwrap_or(""))
        .collect();
    let mut nearest = peer;
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(address) = address(hop.trim()) else {
            break;
        };
        nearest = address;
        if !trusted.contains(&address) {
            break;
        }
    }
    nearest
}

/// Headers that proxies add and that direct clients do not send.
const PROXY_HEADERS: [&str; 16] = [
    "forwarded",
    "via",
    "client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-varnish",
    "x-cloud-trace-context",
    "true-client-ip",
    "proxy-client-ip",
    "wl-proxy-client-ip",
    "cdn-loop",
    "max-forwards",
];
/// Prefixes of such headers.
const PROXY_HEADER_PREFIXES: [&str; 13] = [
    "x-forwarded",
    "x-original-",
    "x-proxy",
    "x-envoy-",
    "x-amz-cf-",
    "x-amzn-",
    "x-azure-",
    "x-arr-",
    "x-appengine-",
    "akamai-",
    "cf-",
    "fastly-",
    "fly-",
];

/// Whether any header shows that a proxy forwarded the request.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().map(HeaderName::as_str).any(|name| {
        PROXY_HEADERS.contains(&name)
            || PROXY_HEADER_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
    })
}

/// Parses an address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse().map(|address: SocketAddr| address.ip()).ok();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = bare.parse().ok().or_else(with_port);
    address.map(|address| address.to_canonical())
}

/// Warns about a proxy that is not in `trusted_proxies`: all its users then count as one client and are soon
/// throttled.
fn warn_once(peer: IpAddr) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            %peer,
            "requests with X-Forwarded-For come from an address that is not among trusted_proxies; \
             if it is a proxy, add it there: otherwise all its users count as one client"
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_ip_of(peer: &str, lines: &[&str]) -> String {
        let trusted = ["10.0.0.1", "10.0.0.2", "::1"].map(|t| t.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        client_ip(&trusted, peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn returns_the_nearest_hop_that_is_not_a_trusted_proxy() {
        assert_eq!(client_ip_of("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            client_ip_of("10.0.0.1", &["6.6.6.6, 203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(
            client_ip_of("10.0.0.1", &["6.6.6.6", "203.0.113.9, 10.0.0.2"]),
            "203.0.113.9"
        );
        assert_eq!(
            client_ip_of("10.0.0.1", &["203.0.113.9:1234"]),
            "203.0.113.9"
        );
        assert_eq!(client_ip_of("::1", &["[2001:db8::7]:1234"]), "2001:db8::7");
        assert_eq!(client_ip_of("::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(client_ip_of("::1", &["::ffff:203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn ignores_the_header_of_an_untrusted_peer_and_malformed_hops() {
        assert_eq!(client_ip_of("192.0.2.7", &["203.0.113.9"]), "192.0.2.7");
        assert_eq!(client_ip_of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client_ip_of("10.0.0.1", &["nobody"]), "10.0.0.1");
        assert_eq!(
            client_ip_of("10.0.0.1", &["6.6.6.6, unknown, 10.0.0.2"]),
            "10.0.0.2"
        );
        assert_eq!(client_ip_of("10.0.0.1", &["10.0.0.2"]), "10.0.0.2");
    }
}
