//! The address guard of callbacks. Partners choose the callback URLs, and a partner must not be able to make the
//! gateway connect to addresses that only the gateway can reach. The guard checks the resolved address that the
//! connection then uses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The addresses that callbacks may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses over https.
    Public,
    /// Public addresses over https, and this machine over http or https.
    Loopback,
    /// Public and private addresses and this machine, over http or https.
    Private,
}

/// The reason why an address or a URL is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused: {0}")]
pub(super) struct Refused(pub String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Public,
    Loopback,
    Private(&'static str),
    /// A link-local, multicast, unspecified or reserved address. No setting allows it.
    Never(&'static str),
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(v4) => kind_of_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => kind_of_v4(v4),
            None => kind_of_v6(v6),
        },
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [0, ..] => Kind::Never("an unspecified"),
        [127, ..] => Kind::Loopback,
        [169, 254, ..] => Kind::Never("a link-local"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private("a private"),
        [100, 64..=127, ..] => Kind::Private("a carrier-grade NAT"),
        [198, 18 | 19, ..] => Kind::Private("a benchmarking"),
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Kind::Never("a reserved"),
        [224..=239, ..] => Kind::Never("a multicast"),
        [240..=255, ..] => Kind::Never("a reserved"),
        _ => Kind::Public,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Kind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Never("an unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        [0xfc00..=0xfdff, ..] => Kind::Private("a unique local"),
        [0xfe80..=0xfebf, ..] => Kind::Never("a link-local"),
        [0xff00..=0xffff, ..] => Kind::Never("a multicast"),
        // Teredo and documentation addresses.
        [0x2001, 0 | 0xdb8, ..] => Kind::Never("a reserved"),
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Never("a reserved"),
    }
}

/// The IPv4 address inside an IPv6 address: mapped, compatible, translated (SIIT, NAT64) or tunnelled (6to4).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => of(high, low),
        [0, 0, 0, 0, 0xffff, 0, high, low] => of(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => of(high, low),
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

/// Whether callbacks may reach this address.
fn check(address: IpAddr, reach: Reach) -> Result<(), Refused> {
    let what = match (kind(address), reach) {
        (Kind::Public, _)
        | (Kind::Loopback, Reach::Loopback | Reach::Private)
        | (Kind::Private(_), Reach::Private) => return Ok(()),
        (Kind::Loopback, Reach::Public) => "a loopback",
        (Kind::Private(what) | Kind::Never(what), _) => what,
    };
    Err(Refused(format!("{address} is {what} address")))
}

/// Refuses a URL with a forbidden scheme or IP address, or with credentials. The resolver checks the addresses
/// of names.
pub(super) fn check_url(url: &Url, reach: Reach) -> Result<(), Refused> {
    let host = url.host_str().unwrap_or("");
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if let Some(address) = address {
        check(address, reach)?;
    }
    let here = host == "localhost" || address.is_some_and(|a| kind(a) == Kind::Loopback);
    let fine = match (url.scheme(), reach) {
        ("https", _) | ("http", Reach::Private) => true,
        ("http", Reach::Loopback) => here,
        _ => false,
    };
    if !fine {
        let scheme = url.scheme();
        return Err(Refused(format!(
            "callbacks to {host} must use https, not {scheme}"
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused("the URL contains credentials".to_owned()));
    }
    Ok(())
}

/// Whether this host name always means this machine (RFC 6761, 6.3).
pub(super) fn is_this_machine(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost")
}

/// Resolves names, and returns addresses only if callbacks may reach all of them. The connection uses the returned
/// addresses, so a name whose addresses change between two queries cannot bypass the check.
pub(super) struct Resolver(pub Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let addresses: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &addresses {
                check(address.ip(), reach)
                    .map_err(|e| Refused(format!("{} resolves to {}", name.as_str(), e.0)))?;
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str, reach: Reach) -> bool {
        check(address.parse().unwrap(), reach).is_err()
    }

    #[test]
    fn refuses_private_addresses_unless_the_setting_allows_them() {
        for public in [
            "93.184.216.34",
            "2606:2800:220:1::1",
            "::ffff:93.184.216.34",
        ] {
            assert!(!refused(public, Reach::Public), "{public}");
        }
        for loopback in [
            "127.0.0.1",
            "127.8.9.1",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
        ] {
            assert!(refused(loopback, Reach::Public), "{loopback}");
            assert!(!refused(loopback, Reach::Loopback), "{loopback}");
        }
        for private in [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "fc00::1",
            "fd12::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
        ] {
            assert!(refused(private, Reach::Public), "{private}");
            assert!(refused(private, Reach::Loopback), "{private}");
            assert!(!refused(private, Reach::Private), "{private}");
        }
        for never in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "::ffff:0:169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "64:ff9b:1::1",
        ] {
            assert!(refused(never, Reach::Private), "{never}");
        }
    }

    #[test]
    fn refuses_http_unless_the_setting_allows_it() {
        let fine = |url: &str, reach| check_url(&url.parse().unwrap(), reach).is_ok();
        assert!(fine("https://service.example/users", Reach::Public));
        assert!(!fine("http://service.example/users", Reach::Public));
        assert!(!fine("http://service.example/users", Reach::Loopback));
        assert!(fine("http://127.0.0.1:9099/users", Reach::Loopback));
        assert!(fine("http://localhost:9099/users", Reach::Loopback));
        assert!(fine("http://service.example/users", Reach::Private));
        assert!(!fine("ftp://service.example/users", Reach::Private));
        assert!(!fine("https://a:b@service.example/", Reach::Private));
        // Other spellings of 127.0.0.1.
        for url in [
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::ffff:7f00:1]/",
            "https://127.0.0.1./",
        ] {
            assert!(!fine(url, Reach::Public), "{url}");
        }
    }
}
