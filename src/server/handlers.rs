//! Handles requests: a face decodes the request, an operation runs on a worker thread, and the outcome is logged,
//! counted and encoded.

use std::sync::Arc;
use std::time::Instant;

use hyper::Request;
use hyper::body::Incoming as IncomingBody;
use hyper::header::HOST;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use crate::contract::problem::Code;
use crate::contract::rejection::Rejection;
use crate::directory::DirectoryFace;
use crate::http::{Decoded, Face, HttpRequest, Reply};
use crate::jsonapi::RestFace;
use crate::jsonrpc::{self, Calls, RpcCall};
use crate::loginbar::PageFace;
use crate::operations::{Cost, DecodedRequest, Operation, Origin, access};
use crate::soap::SoapFace;
use crate::sso::SsoFace;

use super::gateway::Gateway;
use super::pools::{NotDone, Shed};
use super::public_url::{base, own_url};
use super::reading::{Peer, read};

/// A request that has been routed to a face.
pub(super) struct Routed<'a> {
    pub gateway: &'a Arc<Gateway>,
    pub peer: Peer<'a>,
    pub request: Request<IncomingBody>,
    /// The ID of the request in replies and logs.
    pub id: &'a str,
}

/// The span of a request, which every log line about the request carries. The handlers record its face, its operation
/// and its outcome: `ok`, the code of the refusal, or `reply` if no operation ran. A filtered-out span costs nothing.
pub(super) fn span(id: &str) -> Span {
    info_span!(
        "request",
        request.id = id,
        face = Empty,
        operation = Empty,
        outcome = Empty
    )
}

/// The span of one call in a batch, inside the span of the request.
fn call_span() -> Span {
    info_span!("call", operation = Empty, outcome = Empty)
}

impl Routed<'_> {
    pub(super) async fn soap(self) -> Reply {
        let (limits, now) = (self.gateway.config.soap, self.gateway.app.clock.now());
        self.answer(|request| SoapFace::new(request, limits, now))
            .await
    }

    /// Handles a request for this path below the prefix of the REST face.
    pub(super) async fn rest(self, path: &str) -> Reply {
        let limits = self.gateway.config.json;
        self.answer(|request| RestFace::new(request, path, limits))
            .await
    }

    pub(super) async fn directory(self) -> Reply {
        let (depth, now) = (self.gateway.config.json.depth, self.gateway.app.clock.now());
        self.answer(|request| DirectoryFace::new(request, depth, now))
            .await
    }

    pub(super) async fn page(self) -> Reply {
        let app = Arc::clone(&self.gateway.app);
        let base = base(self.gateway, self.peer.address, self.request.headers());
        self.answer(|request| PageFace::new(app, request, base))
            .await
    }

    pub(super) async fn sso(self) -> Reply {
        let gateway = Arc::clone(self.gateway);
        let base = base(&gateway, self.peer.address, self.request.headers());
        self.answer(|request| {
            let own_url = own_url(&gateway, request.header(HOST).as_deref());
            SsoFace::new(Arc::clone(&gateway.app), request, base, own_url)
        })
        .await
    }

    /// Handles a call of the consent API or a batch of calls.
    pub(super) async fn rpc(self) -> Reply {
        Span::current().record("face", RpcCall::NAME);
        let gateway = self.gateway;
        let (request, unread) = read(gateway, self.peer, self.request, self.id).await;
        if let Some(unread) = unread {
            return unread.reply(|rejection| {
                let call = RpcCall::unreadable(&request, rejection.clone());
                refuse_unread(&call, &request, rejection)
            });
        }
        match jsonrpc::read(&request, gateway.config.json.depth) {
            Calls::One(call) => answer(gateway, call, &request).await,
            Calls::Batch(calls) => {
                let mut replies = Vec::with_capacity(calls.len());
                // The calls run in order, because a call may depend on an earlier one.
                for call in calls {
                    let answered = answer(gateway, call, &request).instrument(call_span());
                    replies.push(answered.await);
                }
                jsonrpc::batch(replies)
            }
        }
    }

    /// Reads the request and handles it; `face` creates the face from the request's head.
    async fn answer<F: Face>(self, face: impl FnOnce(&HttpRequest) -> F) -> Reply {
        Span::current().record("face", F::NAME);
        let (request, unread) = read(self.gateway, self.peer, self.request, self.id).await;
        let face = face(&request);
        match unread {
            Some(unread) => unread.reply(|r| refuse_unread(&face, &request, r)),
            None => answer(self.gateway, face, &request).await,
        }
    }
}

/// Decodes a request with its face, runs its operation and encodes the outcome.
async fn answer<F: Face>(gateway: &Arc<Gateway>, mut face: F, request: &HttpRequest) -> Reply {
    match face.decode(request) {
        Ok(Decoded::Call(decoded)) => run(gateway, face, *decoded).await,
        Ok(Decoded::Reply(reply)) => {
            Span::current().record("outcome", "reply");
            reply
        }
        Err(rejection) => refuse_unread(&face, request, &rejection),
    }
}

/// Records the name of the operation in the span and returns it; `-` if the operation is unknown.
fn named(operation: Option<&'static Operation>) -> &'static str {
    let name = operation.map_or("-", |operation| operation.name);
    Span::current().record("operation", name);
    name
}

/// Refuses a request that could not be decoded.
fn refuse_unread<F: Face>(face: &F, request: &HttpRequest, rejection: &Rejection) -> Reply {
    let operation = named(face.operation());
    refuse(face, &request.request_id, operation, rejection)
}

/// Logs a refusal, records it in the span, and encodes it.
fn refuse<F: Face>(face: &F, request_id: &str, operation: &str, rejection: &Rejection) -> Reply {
    Span::current().record("outcome", rejection.code().as_str());
    rejection.log(F::NAME, request_id, operation);
    face.refuse(rejection).with_retry_after(rejection)
}

/// Runs an operation in the queue for its cost, and counts and encodes the outcome.
async fn run<F: Face>(
    gateway: &Arc<Gateway>,
    face: F,
    decoded: DecodedRequest<F::Answer>,
) -> Reply {
    let operation = decoded.operation();
    // A UsernameToken needs a password hash, whatever the cost of the operation.
    let cost = match operation.cost {
        _ if decoded.credentials.username_token.is_some() => Cost::Hash,
        cost => cost,
    };
    let (queue, fair) = match cost {
        Cost::Hash => ("hash", Some(&gateway.hashing)),
        Cost::Search => ("search", Some(&gateway.searching)),
        Cost::Write => ("write", Some(&gateway.writing)),
        // Reads are short, so they need no fair queue.
        Cost::Read => ("read", None),
    };
    let fair = fair.map(|pool| (pool, Origin::of(&gateway.app, &decoded)));
    let app = Arc::clone(&gateway.app);
    let request_id = decoded.request_id.clone();
    let outer = Arc::new((face, request_id, named(Some(operation))));
    let inner = Arc::clone(&outer);
    let (queued, span) = (Instant::now(), Span::current());
    let work = move || {
        let _entered = span.enter();
        let (face, request_id, operation) = &*inner;
        let begun = Instant::now();
        app.metrics.waited(queue, begun - queued);
        let outcome = access::run(&app, decoded);
        let code = match &outcome {
            Ok(_) => "ok",
            Err(rejection) => rejection.code().as_str(),
        };
        app.metrics
            .called(F::NAME, operation, code, begun.elapsed());
        match outcome {
            Ok(answer) => {
                span.record("outcome", code);
                face.encode(answer)
            }
            Err(rejection) => refuse(face, request_id, operation, &rejection),
        }
    };
    let done = match &fair {
        Some((pool, origin)) => pool.run(origin, work).await,
        None => gateway.reading.run(work).await,
    };
    let rejection = match done {
        Ok(reply) => return reply,
        Err(NotDone::Panicked) => {
            Rejection::new(Code::InternalError).because("the operation panicked")
        }
        Err(NotDone::Shed(shed)) => {
            let source = fair.as_ref().map_or("", |(_, origin)| &origin.source);
            let hold = shed.hold;
            let rejection = shed_rejection(gateway, queue, shed, source);
            tokio::time::sleep(hold).await;
            rejection
        }
    };
    let (face, request_id, operation) = &*outer;
    refuse(face, request_id, operation, &rejection)
}

/// Counts and logs a request that a queue refused, and returns the refusal.
fn shed_rejection(gateway: &Gateway, queue: &'static str, shed: Shed, source: &str) -> Rejection {
    let reason = shed.reason.as_str();
    gateway.app.metrics.shed(queue, reason);
    gateway.shed_log.note(queue, shed.reason, source);
    Rejection {
        wait_ms: i64::try_from(shed.retry.as_millis()).unwrap_or(i64::MAX),
        ..Rejection::new(Code::Busy).because(format!("the queue {queue}: {reason}"))
    }
}
