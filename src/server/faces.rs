//! What each face does with a request: read it, decode it, queue the call, and write what comes of it.

use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming as IncomingBody;
use hyper::header::HOST;
use hyper::{Method, Request};

use crate::contract::problem::Code;

use crate::contract::rejection::Rejection;
use crate::http::{HttpRequest, Reply};
use crate::jsonrpc::{self, Calls, Id, Read};
use crate::loginbar::{self, Site};
use crate::operations::{Cost, DecodedRequest, Origin, access};
use crate::{directory, jsonapi, soap, sso};

use super::Gateway;
use super::pools::{NotDone, Shed};
use super::public_url::{base, own_url};
use super::reading::{Peer, read};

/// One SOAP call.
pub(super) async fn call(
    gateway: &Arc<Gateway>,
    peer: Peer<'_>,
    request: Request<IncomingBody>,
    id: &str,
) -> Reply {
    let (request, unread) = read(gateway, peer, request, id).await;
    if let Some(unread) = unread {
        return unread.reply(|r| soap::refusal(&soap::manner(&request), r));
    }
    let now = gateway.parts.clock.now();
    let (manner, incoming) = match soap::read(&request, &gateway.config.soap, now) {
        Ok(read) => read,
        Err(reply) => return reply,
    };
    run(gateway, "soap", incoming, move |outcome| match outcome {
        Ok(payload) => soap::answer(&manner, payload),
        Err(rejection) => soap::refusal(&manner, &rejection),
    })
    .await
}

/// One REST call; the path is the one below the prefix.
pub(super) async fn resource(
    gateway: &Arc<Gateway>,
    peer: Peer<'_>,
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
            return Reply::empty().with("Allow", allow.join(", "));
        }
        Err(allow) => return jsonapi::not_routed(&request, &allow),
    };
    let (manner, incoming) = match jsonapi::read(&request, &found, gateway.config.json) {
        Ok(read) => read,
        Err(reply) => return reply,
    };
    run(gateway, "rest", incoming, move |outcome| match outcome {
        Ok(payload) => jsonapi::answer(&manner, payload),
        Err(rejection) => jsonapi::refusal(&manner, &rejection),
    })
    .await
}

/// One or several JSON-RPC calls.
pub(super) async fn consents(
    gateway: &Arc<Gateway>,
    peer: Peer<'_>,
    request: Request<IncomingBody>,
    id: &str,
) -> Reply {
    let (request, unread) = read(gateway, peer, request, id).await;
    if let Some(unread) = unread {
        return unread.reply(|r| jsonrpc::unread(&request, r));
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
pub(super) async fn browse(
    gateway: &Arc<Gateway>,
    peer: Peer<'_>,
    request: Request<IncomingBody>,
    page: &str,
    id: &str,
) -> Reply {
    let base = base(gateway, peer.address, request.headers());
    let (request, unread) = read(gateway, peer, request, id).await;
    let site = site(gateway, base);
    if let Some(unread) = unread {
        return unread.reply(|r| loginbar::refusal(&site, &request, r));
    }
    match loginbar::read(&site, &request, page) {
        loginbar::Read::Reply(reply) => reply,
        loginbar::Read::Call(incoming, page) => {
            run(gateway, "page", *incoming, move |outcome| match outcome {
                Ok(reply) => reply,
                Err(rejection) => page.refused(&rejection),
            })
            .await
        }
    }
}

fn site(gateway: &Gateway, base: String) -> Site<'_> {
    let parts = &gateway.parts;
    Site {
        registry: parts.registry.loaded(),
        stamper: &parts.stamper,
        sealer: &parts.sealer,
        entropy: &parts.entropy,
        base,
        session_ms: parts.rules.session_ms,
        known_ms: parts.rules.throttle.known_ms,
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
                Ok(payload) => jsonrpc::answer(&echoed, &payload),
                Err(rejection) => jsonrpc::refusal(&request, &echoed, &rejection),
            });
            let reply = reply.await;
            id.map(|_| reply)
        }
    }
}

/// Queues a call where it belongs, and has its outcome counted and written.
async fn run<A: 'static>(
    gateway: &Arc<Gateway>,
    face: &'static str,
    incoming: DecodedRequest<A>,
    write: impl Fn(Result<A, Rejection>) -> Reply + Clone + Send + 'static,
) -> Reply {
    let operation = incoming.operation();
    // The password in a UsernameToken has to be hashed, whatever the operation costs by itself.
    let cost = match operation.cost {
        _ if incoming.credentials.username_token.is_some() => Cost::Hash,
        cost => cost,
    };
    let (queue, fair) = match cost {
        Cost::Hash => ("hash", Some(&gateway.hashing)),
        Cost::Search => ("search", Some(&gateway.searching)),
        Cost::Write => ("write", Some(&gateway.writing)),
        // Reads are so short that whoever is first may be first.
        Cost::Read => ("read", None),
    };
    let fair = fair.map(|pool| (pool, Origin::of(&gateway.parts, &incoming)));
    let parts = Arc::clone(&gateway.parts);
    let (written, operation) = (write.clone(), operation.name);
    let queued = Instant::now();
    let work = move || {
        let begun = Instant::now();
        parts.metrics.waited(queue, begun - queued);
        let outcome = access::run(&parts, incoming);
        let code = outcome
            .as_ref()
            .map_or_else(|r| r.code().as_str(), |_| "ok");
        parts.metrics.called(face, operation, code, begun.elapsed());
        written(outcome)
    };
    let done = match &fair {
        Some((pool, origin)) => pool.run(origin, work).await,
        None => gateway.reading.run(work).await,
    };
    match done {
        Ok(reply) => reply,
        Err(NotDone::Panicked) => {
            let panicked = Rejection::new(Code::InternalError);
            write(Err(panicked.because("the operation panicked")))
        }
        Err(NotDone::Shed(shed)) => {
            let source = fair.as_ref().map_or("", |(_, origin)| &origin.source);
            let rejection = refused(gateway, queue, shed, source);
            tokio::time::sleep(shed.hold).await;
            write(Err(rejection))
        }
    }
}

/// The refusal of a request that did not get its turn, counted and logged.
fn refused(gateway: &Gateway, queue: &'static str, shed: Shed, source: &str) -> Rejection {
    let reason = shed.reason.as_str();
    gateway.parts.metrics.shed(queue, reason);
    gateway.shed_log.note(queue, shed.reason, source);
    Rejection {
        wait_ms: i64::try_from(shed.retry.as_millis()).unwrap_or(i64::MAX),
        ..Rejection::new(Code::Busy).because(format!("the queue {queue}: {reason}"))
    }
}

/// A browser that a partner has sent.
pub(super) async fn arrive(
    gateway: &Arc<Gateway>,
    peer: Peer<'_>,
    request: Request<IncomingBody>,
    id: &str,
) -> Reply {
    let base = base(gateway, peer.address, request.headers());
    let (request, unread) = read(gateway, peer, request, id).await;
    let site = site(gateway, base);
    let arrival = sso::Arrival::of(&site, &request);
    if let Some(unread) = unread {
        return unread.reply(|r| arrival.refusal(r));
    }
    let own_url = own_url(gateway, request.header(HOST).as_deref());
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
    peer: Peer<'_>,
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
