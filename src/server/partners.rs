//! Requests of partners and portals: browsers that partners send, and calls of the directory.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming as IncomingBody;

use crate::exchange::Reply;
use crate::{directory, sso};

use super::Gateway;
use super::dispatch::{base, read, run, site};

/// A browser that a partner has sent.
pub(super) async fn arrive(
    gateway: &Arc<Gateway>,
    peer: IpAddr,
    request: Request<IncomingBody>,
    id: &str,
) -> Reply {
    let base = base(gateway, peer, request.headers());
    let (request, unread) = read(gateway, peer, request, id).await;
    let site = site(gateway, base);
    let arrival = sso::Arrival::of(&site, &request);
    if let Some(unread) = unread {
        return unread.reply(|r| arrival.refusal(r));
    }
    let own_url = own_url(gateway, request.host.as_deref());
    match arrival.read(&site, &request, &own_url) {
        Ok(incoming) => {
            run(gateway, "sso", *incoming, move |outcome| {
                arrival.reply(outcome)
            })
            .await
        }
        Err(reply) => reply,
    }
}

/// One call of the directory.
pub(super) async fn look_up(
    gateway: &Arc<Gateway>,
    peer: IpAddr,
    request: Request<IncomingBody>,
    id: &str,
) -> Reply {
    let (request, unread) = read(gateway, peer, request, id).await;
    let asked = directory::Asked::of(&request, gateway.parts.clock.now());
    if let Some(unread) = unread {
        return unread.reply(|r| asked.refusal(r));
    }
    let asked = Arc::new(asked);
    match asked.read(&request, gateway.config.json.depth) {
        Ok(incoming) => {
            run(gateway, "directory", *incoming, move |outcome| {
                asked.reply(outcome)
            })
            .await
        }
        Err(reply) => reply,
    }
}

/// The URL that we are known by, which a request cannot choose: what a partner has signed for somebody else must not be
/// brought here under that one's name. Without a public URL it is the address that we listen at, which this machine calls
/// `localhost` as well.
fn own_url(gateway: &Gateway, host: Option<&str>) -> String {
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
