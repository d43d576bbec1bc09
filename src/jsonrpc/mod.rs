//! The JSON-RPC 2.0 face of the consent API (SPEC §8). Each method has the name of its operation. The face holds
//! no rule about users.

mod message;

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::contract::json::{Json, parse};
use crate::contract::messages::Language;
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::{Rejection, malformed};
use crate::http::header::ACCEPT;
use crate::http::{self, Decoded, Face, HttpRequest, MediaType, Reply, accept};
use crate::operations::{CATALOG, Credentials, Operation, Payload};

use message::Id;

/// The path of the consent API. The path `/` is an alias, see [`is_rpc`].
pub const PATH: &str = "/user-multi-services";
/// The media type of the protocol; `application/json` is accepted as well.
const MEDIA_TYPE: &str = "application/json-rpc";
/// The maximum number of calls in a batch.
pub const MAX_BATCH: usize = 50;

/// The calls in a body.
#[derive(Debug)]
pub enum Calls {
    One(RpcCall),
    Batch(Vec<RpcCall>),
}

/// One call of a body, or the reason why it cannot be read.
#[derive(Debug)]
pub struct RpcCall {
    /// `None` for a notification, which is not answered.
    id: Option<Id>,
    language: Language,
    request_id: Arc<str>,
    /// The reply if there is nothing to answer.
    silence: Silence,
    /// Whether the body itself could not be read.
    is_unreadable: bool,
    /// The operation and its parameters.
    call: Result<(&'static Operation, Json), Rejection>,
}

/// The form of a reply without a body. Clients that speak `application/json-rpc` accept 200 alone (JSON-RPC over HTTP);
/// other clients expect 204.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    Ok,
    NoContent,
}

impl Silence {
    fn of(request: &HttpRequest) -> Self {
        let names_rpc = |range: &MediaType<'_>| range.is_one_of(&[MEDIA_TYPE]);
        let accept = request.header(ACCEPT).unwrap_or_default();
        let accepts_rpc = !accept.trim().is_empty() && accept::accepts(&accept, names_rpc);
        match is_rpc(&request.media_type()) || accepts_rpc {
            true => Self::Ok,
            false => Self::NoContent,
        }
    }

    fn reply(self) -> Reply {
        match self {
            Self::Ok => Reply::new(200, message::CONTENT_TYPE, Vec::new()),
            Self::NoContent => Reply::empty(),
        }
    }
}

impl RpcCall {
    /// A call that is refused for this reason.
    fn refused(request: &HttpRequest, id: Option<Id>, rejection: Rejection) -> Self {
        Self {
            id,
            language: request.language(),
            request_id: Arc::clone(&request.request_id),
            silence: Silence::of(request),
            is_unreadable: false,
            call: Err(rejection),
        }
    }

    /// The refusal of a body whose calls could not be read.
    #[must_use]
    pub fn unreadable(request: &HttpRequest, rejection: Rejection) -> Self {
        Self {
            is_unreadable: true,
            ..Self::refused(request, Some(Id::Null), rejection)
        }
    }
}

impl Face for RpcCall {
    const NAME: &'static str = "rpc";
    type Answer = Payload;

    fn operation(&self) -> Option<&'static Operation> {
        self.call.as_ref().ok().map(|(operation, _)| *operation)
    }

    fn decode(&mut self, request: &HttpRequest) -> Result<Decoded<Payload>, Rejection> {
        let (operation, params) = self.call.as_ref().map_err(Clone::clone)?;
        let mut problems = Problems::none(false);
        let decoded = (operation.decode_json)(params, &mut problems);
        // The token is a parameter; only the application's secret may be in a header.
        let application = http::credentials(request, &mut Problems::none(false))?.application;
        let credentials = Credentials {
            source: request.client_ip,
            application,
            ..Credentials::default()
        };
        let language = self.language;
        Ok(Decoded::call(
            request,
            decoded,
            problems,
            credentials,
            language,
        ))
    }

    fn encode(&self, payload: Payload) -> Reply {
        match &self.id {
            Some(id) => message::answer(id, &payload),
            None => self.silence.reply(),
        }
    }

    fn refuse(&self, rejection: &Rejection) -> Reply {
        match (rejection.code(), &self.id) {
            (_, None) => self.silence.reply(),
            (Code::TooLarge, _) if self.is_unreadable => {
                Reply::text(413, "The request is too large")
            }
            (Code::UnsupportedMediaType, _) if self.is_unreadable => {
                let line = "Send application/json-rpc or application/json, in UTF-8";
                Reply::text(415, line)
            }
            (Code::Malformed, _) if self.is_unreadable => message::unparseable(),
            (_, Some(id)) => message::refusal(id, self.language, &self.request_id, rejection),
        }
    }
}

/// Joins the replies of a batch. The joined reply is empty if all calls are notifications.
#[must_use]
pub fn batch(replies: Vec<Reply>) -> Reply {
    let (mut silent, replies): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|r| r.body.is_empty());
    if replies.is_empty() {
        return silent.pop().unwrap_or_else(Reply::empty);
    }
    let bodies: Vec<_> = replies.iter().map(|r| r.body.as_slice()).collect();
    let body = [b"[", bodies.join(&b',').as_slice(), b"]"].concat();
    let mut reply = Reply::new(200, message::CONTENT_TYPE, body);
    let waits = replies.into_iter().flat_map(|r| r.headers);
    let waits = waits.filter(|(name, _)| *name == "Retry-After");
    // A client that repeats the batch repeats every call, so the longest wait counts.
    reply
        .headers
        .extend(waits.max_by_key(|(_, seconds)| seconds.parse().unwrap_or(0_i64)));
    reply
}

/// Whether the media type shows that a request for the path `/` is a JSON-RPC call.
#[must_use]
pub fn is_rpc(media_type: &MediaType<'_>) -> bool {
    media_type.is_one_of(&[MEDIA_TYPE])
}

/// Reads the calls in a body.
#[must_use]
pub fn read(request: &HttpRequest, depth: usize) -> Calls {
    let media_type = request.media_type();
    let is_known = media_type.is_one_of(&[MEDIA_TYPE, "application/json"]);
    if !is_known || !media_type.is_utf8() {
        let rejection = Rejection::new(Code::UnsupportedMediaType).because(media_type.name());
        return Calls::One(RpcCall::unreadable(request, rejection));
    }
    match parse(&request.body, depth) {
        Err(rejection) => Calls::One(RpcCall::unreadable(request, rejection)),
        Ok(Json::List(calls)) if calls.is_empty() || calls.len() > MAX_BATCH => {
            let rejection = malformed(Why::BatchSize(MAX_BATCH));
            Calls::One(RpcCall::refused(request, Some(Id::Null), rejection))
        }
        Ok(Json::List(calls)) => {
            let texts: Vec<&RawValue> = serde_json::from_str(text_of(request)).unwrap_or_default();
            let texts = texts.into_iter().map(RawValue::get);
            let calls = calls.into_iter().zip(texts);
            Calls::Batch(calls.map(|(c, text)| call(request, c, text)).collect())
        }
        Ok(single) => Calls::One(call(request, single, text_of(request))),
    }
}

/// The body as a text, without a byte order mark.
fn text_of(request: &HttpRequest) -> &str {
    let text = std::str::from_utf8(&request.body).unwrap_or("");
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

/// Reads one call, whose text is `text`.
fn call(request: &HttpRequest, mut json: Json, text: &str) -> RpcCall {
    let invalid = |id| RpcCall::refused(request, Some(id), malformed(Why::NotACall));
    let Json::Object(_) = json else {
        return invalid(Id::Null);
    };
    let id = match json.get("id") {
        None => None,
        Some(id) => match Id::read(id, text) {
            Some(id) => Some(id),
            None => return invalid(Id::Null),
        },
    };
    let named = json.get("method").and_then(Json::text);
    let (Some("2.0"), Some(method)) = (json.get("jsonrpc").and_then(Json::text), named) else {
        return invalid(id.unwrap_or(Id::Null));
    };
    let operation = CATALOG.iter().find(|o| o.rpc && o.name == method);
    let Some(operation) = operation else {
        return RpcCall::refused(request, id, Rejection::new(Code::NoSuchOperation));
    };
    let params = match json.take("params") {
        None => Json::Object(Vec::new()),
        Some(params @ Json::Object(_)) => params,
        // Parameters by position are not supported.
        Some(Json::List(_)) => {
            let code = Code::InvalidField;
            let why = Some(Why::NamesNeeded);
            return RpcCall::refused(request, id, Rejection::field(code, "params", why));
        }
        Some(_) => return invalid(id.unwrap_or(Id::Null)),
    };
    RpcCall {
        call: Ok((operation, params)),
        ..RpcCall::refused(request, id, Rejection::new(Code::InternalError))
    }
}
