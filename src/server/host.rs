//! The host of a request (RFC 9112 §3.2 and §3.3), checked before any face sees the request.

use std::net::Ipv6Addr;

use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Uri, Version};

/// Checks the host of a request. The authority of an absolute target replaces the `Host` header, and the target keeps
/// only its path and query, so that later code sees a single host.
///
/// # Errors
/// The text of the 400 response.
pub(super) fn resolve_host<B>(request: &mut Request<B>) -> Result<(), &'static str> {
    let mut lines = request.headers().get_all(header::HOST).iter();
    match (lines.next(), lines.next()) {
        (None, _) if request.version() < Version::HTTP_11 => {}
        (None, _) => return Err("The Host header is missing"),
        (Some(_), Some(_)) => return Err("There is more than one Host header"),
        (Some(host), None) if host.to_str().is_ok_and(is_host) => {}
        (Some(_), None) => return Err("The Host header is not a host, or a host and a port"),
    }
    // The target of CONNECT is only an authority; no route answers it.
    let Some(authority) = request.uri().authority().cloned() else {
        return Ok(());
    };
    if *request.method() == Method::CONNECT {
        return Ok(());
    }
    let wrong = "The request target is not an http or https URL with a valid host";
    let scheme = request.uri().scheme_str();
    if !matches!(scheme, Some("http" | "https")) || !is_host(authority.as_str()) {
        return Err(wrong);
    }
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| wrong)?;
    let target = request.uri().path_and_query().cloned();
    *request.uri_mut() = target.map_or_else(Uri::default, Uri::from);
    request.headers_mut().insert(header::HOST, host);
    Ok(())
}

/// Whether `text` is `uri-host [ ":" port ]` (RFC 3986) with a non-empty host.
pub(super) fn is_host(text: &str) -> bool {
    let (host_is_valid, after) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((literal, after)) => (literal.parse::<Ipv6Addr>().is_ok(), after),
            None => return false,
        },
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (name, after) = text.split_at(end);
            (is_name(name), after)
        }
    };
    host_is_valid && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port))
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Whether `text` is a `reg-name`, which includes IPv4 addresses.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let allowed = match byte {
            b'%' => {
                let mut digit = || bytes.next().is_some_and(|b| b.is_ascii_hexdigit());
                digit() && digit()
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte),
        };
        if !allowed {
            return false;
        }
    }
    !text.is_empty()
}
