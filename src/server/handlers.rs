//! Handles requests: a face decodes the request, an operation runs on a worker thread, and the outcome is logged,
//! counted and encoded.

use std::sync::Arc;
use std::time::Instant;

use hyper::Request;
use hyper::body::Incoming as IncomingBody;
use hyper::header::HOST;
use tracing::field::Empty;
use tracing::{Level, Span, info_span};

use crate::contract::problem::Code;
use crate::contract::rejection::Rejection;
use crate::directory::DirectoryFace;
use crate::http::{Decoded, Face, HttpRequest, Reply};
use crate::jsonapi::RestFace;
use crate::jsonrpc::{self, Calls, RpcCall};
use crate::loginbar::PageFace;
use crate::operations::{Cost, DecodedRequest, Operation, Origin, access};
use crate::soap::{Contract, SoapFace};
use crate::sso::SsoFace;

use super::gateway::Gateway;
use super::pools::{NotDone, Shed};
use super::public_url::{base, own_url};
use super::reading::{Peer, Unread, read};

/// A request that has been routed to a face.
pub(super) struct Routed<'a> {
    pub gateway: &'a Arc<Gateway>,
    pub peer: Peer<'a>,
    pub request: Request<IncomingBody>,
    /// The ID of the request in replies and logs.
    pub id: &'a Arc<str>,
}

/// A reply, and the span of the request.
pub(super) struct Answered {
    pub reply: Reply,
    /// The span for the line `answered`; none if the request reached no face, or if the log has no such lines.
    pub span: Span,
}

impl From<Reply> for Answered {
    fn from(reply: Reply) -> Self {
        let span = Span::none();
        Self { reply, span }
    }
}

/// The parent of a call's span. A single call uses the span of its request. That span is created after decoding, with
/// nearly all of its fields, because recording a field later costs as much as the rest of the span. Each call of a
/// batch has its own span inside the span of the request.
#[derive(Clone, Copy)]
enum Parent<'a> {
    /// The request with this ID.
    Request(&'a str),
    Batch(&'a Span),
}

impl Parent<'_> {
    /// The span of a call. Its outcome is recorded later: `ok`, the code of the refusal, or `reply` if no operation was
    /// called.
    fn span<F: Face>(self, operation: &str) -> Span {
        match self {
            Self::Request(id) => info_span!(
                "request",
                request.id = id,
                face = F::NAME,
                operation,
                outcome = Empty
            ),
            Self::Batch(batch) => {
                info_span!(parent: batch, "call", operation, outcome = Empty)
            }
        }
    }
}

/// One call: a decoded request, or a request that is refused before or during decoding.
struct Call<F> {
    face: F,
    request_id: Arc<str>,
    /// The name of the operation; `-` if there is none.
    operation: &'static str,
    span: Span,
}

impl<F: Face> Call<F> {
    fn new(
        face: F,
        request: &HttpRequest,
        operation: Option<&'static Operation>,
        parent: Parent<'_>,
    ) -> Self {
        let operation = operation.map_or("-", |operation| operation.name);
        Self {
            face,
            request_id: Arc::clone(&request.request_id),
            operation,
            span: parent.span::<F>(operation),
        }
    }

    /// A call that runs no operation.
    fn undecoded(face: F, request: &HttpRequest, parent: Parent<'_>) -> Self {
        let operation = face.operation();
        Self::new(face, request, operation, parent)
    }

    /// Logs a refusal, records it in the span, and encodes it.
    fn refuse(&self, rejection: &Rejection) -> Reply {
        self.span.record("outcome", rejection.code().as_str());
        self.span.in_scope(|| {
            rejection.log(F::NAME, &self.request_id, self.operation);
            self.face.refuse(rejection).with_retry_after(rejection)
        })
    }

    /// Records a success for the line `answered`, which the log has only at level debug.
    fn succeeded(&self) {
        if tracing::enabled!(Level::DEBUG) {
            self.span.record("outcome", "ok");
        }
    }

    fn answered(&self, reply: Reply) -> Answered {
        let span = match tracing::enabled!(Level::DEBUG) {
            true => self.span.clone(),
            false => Span::none(),
        };
        Answered { reply, span }
    }
}

impl Routed<'_> {
    /// Handles a SOAP request; `contract` is the contract of an installation at this path.
    pub(super) async fn soap(self, contract: Option<Arc<Contract>>) -> Answered {
        let (limits, now) = (self.gateway.config.soap, self.gateway.app.clock.now());
        self.answer(|request| SoapFace::new(request, limits, now).with_contract(contract))
            .await
    }

    /// Handles a request for this path below the prefix of the REST face.
    pub(super) async fn rest(self, path: &str) -> Answered {
        let limits = self.gateway.config.json;
        let (gateway, peer) = (self.gateway, self.peer.address);
        self.answer(|request| {
            let base_url = || base(gateway, peer, &request.headers);
            RestFace::new(request, path, base_url, limits)
        })
        .await
    }

    pub(super) async fn directory(self) -> Answered {
        let (depth, now) = (self.gateway.config.json.depth, self.gateway.app.clock.now());
        self.answer(|request| DirectoryFace::new(request, depth, now))
            .await
    }

    pub(super) async fn page(self) -> Answered {
        let app = Arc::clone(&self.gateway.app);
        let base = base(self.gateway, self.peer.address, self.request.headers());
        self.answer(|request| PageFace::new(app, request, base))
            .await
    }

    pub(super) async fn sso(self) -> Answered {
        let gateway = Arc::clone(self.gateway);
        let base = base(&gateway, self.peer.address, self.request.headers());
        self.answer(|request| {
            let own_url = own_url(&gateway, request.header(HOST).as_deref());
            SsoFace::new(Arc::clone(&gateway.app), request, base, own_url)
        })
        .await
    }

    /// Handles a call of the consent API or a batch of calls.
    pub(super) async fn rpc(self) -> Answered {
        let gateway = self.gateway;
        let (request, unread) = read(gateway, self.peer, self.request, self.id).await;
        let parent = Parent::Request(self.id);
        if let Some(unread) = unread {
            let face = |rejection: &Rejection| RpcCall::unreadable(&request, rejection.clone());
            return refuse_unread(unread, face, &request, parent);
        }
        match jsonrpc::read(&request, gateway.config.json.depth) {
            Calls::One(call) => answer(gateway, call, &request, parent).await,
            Calls::Batch(calls) => {
                let span = parent.span::<RpcCall>("-");
                let mut replies = Vec::with_capacity(calls.len());
                // The calls run in order, because a call may depend on an earlier one.
                for call in calls {
                    let answered = answer(gateway, call, &request, Parent::Batch(&span));
                    replies.push(answered.await.reply);
                }
                let reply = jsonrpc::batch(replies);
                Answered { reply, span }
            }
        }
    }

    /// Reads the request and handles it; `face` creates the face from the request's head.
    async fn answer<F: Face>(self, face: impl FnOnce(&HttpRequest) -> F) -> Answered {
        let (request, unread) = read(self.gateway, self.peer, self.request, self.id).await;
        let face = face(&request);
        let parent = Parent::Request(self.id);
        match unread {
            Some(unread) => refuse_unread(unread, |_| face, &request, parent),
            None => answer(self.gateway, face, &request, parent).await,
        }
    }
}

/// Decodes a request with its face, runs its operation and encodes the outcome.
async fn answer<F: Face>(
    gateway: &Arc<Gateway>,
    mut face: F,
    request: &HttpRequest,
    parent: Parent<'_>,
) -> Answered {
    match face.decode(request) {
        Ok(Decoded::Call(decoded)) => {
            let operation = decoded.operation();
            let call = Call::new(face, request, Some(operation), parent);
            run(gateway, call, *decoded, operation).await
        }
        Ok(Decoded::Reply(reply)) => {
            let call = Call::undecoded(face, request, parent);
            call.span.record("outcome", "reply");
            call.answered(reply)
        }
        Err(rejection) => {
            let call = Call::undecoded(face, request, parent);
            call.answered(call.refuse(&rejection))
        }
    }
}

/// Refuses a request whose body could not be read.
fn refuse_unread<F: Face>(
    unread: Unread,
    face: impl FnOnce(&Rejection) -> F,
    request: &HttpRequest,
    parent: Parent<'_>,
) -> Answered {
    let mut span = Span::none();
    let reply = unread.reply(|rejection| {
        let call = Call::undecoded(face(rejection), request, parent);
        let answered = call.answered(call.refuse(rejection));
        span = answered.span;
        answered.reply
    });
    Answered { reply, span }
}

/// Runs an operation in the queue for its cost, and counts and encodes the outcome.
async fn run<F: Face>(
    gateway: &Arc<Gateway>,
    call: Call<F>,
    decoded: DecodedRequest<F::Answer>,
    operation: &'static Operation,
) -> Answered {
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
    let queued = Instant::now();
    let outer = Arc::new(call);
    let call = Arc::clone(&outer);
    let work = move || {
        let _entered = call.span.enter();
        let begun = Instant::now();
        app.metrics.waited(queue, begun - queued);
        let outcome = access::run(&app, decoded);
        let code = match &outcome {
            Ok(_) => "ok",
            Err(rejection) => rejection.code().as_str(),
        };
        app.metrics
            .called(F::NAME, call.operation, code, begun.elapsed());
        match outcome {
            Ok(answer) => {
                call.succeeded();
                call.face.encode(answer)
            }
            Err(rejection) => call.refuse(&rejection),
        }
    };
    let done = match &fair {
        Some((pool, origin)) => pool.run(origin, work).await,
        None => gateway.reading.run(work).await,
    };
    let reply = match done {
        Ok(reply) => reply,
        Err(NotDone::Panicked) => {
            let cause = "the operation panicked";
            outer.refuse(&Rejection::new(Code::InternalError).because(cause))
        }
        Err(NotDone::Shed(shed)) => {
            let source = fair.as_ref().map_or("", |(_, origin)| &origin.source);
            let hold = shed.hold;
            let rejection = shed_rejection(gateway, queue, shed, source);
            tokio::time::sleep(hold).await;
            outer.refuse(&rejection)
        }
    };
    outer.answered(reply)
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
