//! `loginbar.json`: who is signed in, for scripts of the applications' own pages.

use std::fmt::Write as _;
use std::sync::Arc;

use percent_encoding::utf8_percent_encode;
use serde::Serialize;
use serde_json::json;

use super::{Page, Read, decoded};
use crate::contract::messages::Language;
use crate::contract::problem::Code;
use crate::contract::rejection::Rejection;
use crate::contract::time::utc;
use crate::http::header::ORIGIN;
use crate::http::{HttpRequest, Method, Parameters, Reply};
use crate::operations::browser::Visitor;
use crate::operations::browser::show_visitor::ShowVisitorRequest;
use crate::secrets::keyed_hashes::hmac_sha512_hex;
use crate::secrets::sealing::Binding;
use crate::web::{Cookies, ESCAPED, MAX_CLIENT_ID, PREFIX, Site};

/// The fields that are given when none are asked for.
const DEFAULT_FIELDS: &str = "login";

/// How long `hash` and `secondaryIdHash` stay as they are.
const HASH_WINDOW_MS: i64 = 3_600_000;

/// The answer to one request, but for whose browser it is.
struct Bar {
    /// As it was sent.
    client_id: Option<String>,
    secret: Option<String>,
    /// The origin that may read the answer.
    origin: Option<String>,
    fields: String,
    base: String,
    now: i64,
}

/// What is told of a user: what was asked for, in the order of the document's sample. What is asked for and not there is
/// null.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<i64>,
    // Comes with the number, as in the sample.
    #[serde(rename = "userUUID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    user_uuid: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secondary_id: Option<Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counter: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_visit_counter: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_visit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    galvatar: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secondary_id_hash: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_hash: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<Signature<'a>>,
}

#[derive(Serialize)]
struct Signature<'a> {
    number: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Known<'a> {
    config: Config,
    data: Data<'a>,
}

/// Where to sign out or in.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Config {
    Logout(String),
    Login(String),
}

#[derive(Serialize)]
struct Unknown {
    config: Config,
}

#[derive(Serialize)]
struct Answered<T> {
    result: T,
}

/// The path of the loginbar, below [`PREFIX`].
pub(super) const PATH: &str = "loginbar.json";

/// Reads a request for it.
pub(super) fn read(site: &Site<'_>, request: &HttpRequest) -> Read {
    let Some(registry) = &site.registry else {
        return Read::Refused(Rejection::new(Code::NotReady), Arc::new(Unread));
    };
    let query = Parameters::of(request.query());
    let client_id = query
        .get("client_id")
        .filter(|id| id.len() <= MAX_CLIENT_ID);
    let application = client_id.and_then(|id| registry.application(id));
    if query.get("client_id").is_some() && application.is_none() {
        return Read::Reply(error(400, "Unknown client_id"));
    }
    let asking = request.header(ORIGIN);
    let listed = application.and_then(|a| {
        a.origins
            .iter()
            .find(|o| Some(o.as_str()) == asking.as_deref())
    });
    let secret = application.and_then(|a| {
        let binding = Binding::ApplicationSecret(&a.client_id);
        site.sealer.open(binding, a.secret.as_deref()?)
    });
    let fields = query.get("body[params][fields]").unwrap_or(DEFAULT_FIELDS);
    let bar = Bar {
        client_id: client_id.map(str::to_owned),
        secret,
        origin: listed.cloned(),
        fields: fields.to_owned(),
        base: site.base.clone(),
        now: site.now,
    };
    match request.method {
        Method::GET | Method::HEAD => {
            let (bar, cookies) = (Arc::new(bar), Cookies::of(&site.base));
            let shown = Arc::clone(&bar);
            let show = move |visitor: Option<Visitor>| shown.reply(visitor.as_ref());
            let language = Language::default();
            let call = decoded::<ShowVisitorRequest>(&[], language, request, cookies, show);
            Read::Call(Box::new(call), bar)
        }
        Method::OPTIONS => Read::Reply(bar.preflight()),
        _ => Read::Reply(bar.allowed(Reply::method_not_allowed("GET, HEAD, OPTIONS"))),
    }
}

impl Page for Bar {
    fn refused(&self, rejection: &Rejection) -> Reply {
        self.allowed(Unread.refused(rejection))
    }
}

/// The loginbar of an application that is not known yet.
pub(super) struct Unread;

impl Page for Unread {
    fn refused(&self, rejection: &Rejection) -> Reply {
        let (status, _) = rejection.kind().rest();
        error(status, "Try again later")
    }
}

impl Bar {
    fn reply(&self, visitor: Option<&Visitor>) -> Reply {
        let body = match visitor {
            Some(visitor) => written(Known {
                config: Config::Logout(self.url("logout.html")),
                data: self.data(visitor),
            }),
            None => written(Unknown {
                config: Config::Login(self.url("login.html")),
            }),
        };
        self.allowed(json_reply(200, body))
    }

    fn wants(&self, field: &str) -> bool {
        self.fields.split(',').any(|f| f.trim() == field)
    }

    /// A page of ours for the same application.
    fn url(&self, page: &str) -> String {
        let mut url = format!("{}{PREFIX}{page}", self.base);
        if let Some(client_id) = &self.client_id {
            let _ = write!(
                url,
                "?client_id={}",
                utf8_percent_encode(client_id, ESCAPED)
            );
        }
        url
    }

    /// What is asked for of a user.
    fn data<'a>(&self, visitor: &'a Visitor) -> Data<'a> {
        let (user, profile) = (&visitor.user, &visitor.profile);
        let name = profile.signature_name.as_ref().unwrap_or(&user.user_name);
        let number = profile.signature_number.as_deref().unwrap_or("1");
        Data {
            login: self.wants("login").then_some(user.login()),
            user_id: self.wants("userId").then_some(user.id),
            user_uuid: self.wants("userId").then_some(&user.uuid),
            secondary_id: self.wants("secondaryId").then_some(profile.secondary_id),
            external: self
                .wants("external")
                .then_some(profile.external.as_deref()),
            channel: self.wants("channel").then_some(profile.channel.as_deref()),
            counter: self.wants("counter").then(|| profile.counter.unwrap_or(0)),
            last_visit_counter: self
                .wants("lastVisitCounter")
                .then(|| profile.last_visit_counter.unwrap_or(0)),
            last_visit: self
                .wants("lastVisit")
                .then(|| utc(visitor.session.seen_at)),
            galvatar: self.wants("galvatar").then(|| user.uuid.replace('-', "")),
            avatar: self.wants("avatar").then_some(profile.avatar.as_deref()),
            date: self.wants("date").then(|| utc(self.now)),
            hash: self.wants("hash").then(|| self.windowed(Some(user.id))),
            secondary_id_hash: self
                .wants("secondaryIdHash")
                .then(|| self.windowed(profile.secondary_id)),
            login_hash: self
                .wants("loginHash")
                .then(|| self.hash(&user.login().to_lowercase())),
            signature: self
                .wants("signature")
                .then_some(Signature { number, name }),
        }
    }

    /// What only the application and we can tell of a text; nothing for an application without a secret.
    fn hash(&self, text: &str) -> Option<String> {
        let secret = self.secret.as_deref()?;
        Some(hmac_sha512_hex(secret, text))
    }

    /// The same of a number, in this hour.
    fn windowed(&self, id: Option<i64>) -> Option<String> {
        let window = self.now.div_euclid(HASH_WINDOW_MS);
        self.hash(&format!("{}:{window}", id?))
    }

    /// Lets the application's own page read a reply, and nobody else's.
    fn allowed(&self, mut reply: Reply) -> Reply {
        if let Some(origin) = &self.origin {
            let mut add = |name, value: &str| reply.headers.push((name, value.to_owned()));
            add("Access-Control-Allow-Origin", origin);
            add("Access-Control-Allow-Credentials", "true");
        }
        reply
    }

    fn preflight(&self) -> Reply {
        let mut reply = Reply::empty();
        let mut add = |name, value: &str| reply.headers.push((name, value.to_owned()));
        add("Allow", "GET, HEAD, OPTIONS");
        add("Vary", "Origin");
        if self.origin.is_some() {
            add("Access-Control-Allow-Methods", "GET");
            add("Access-Control-Allow-Headers", "Accept, Content-Type");
            add("Access-Control-Max-Age", "600");
        }
        self.allowed(reply)
    }
}

fn written<T: Serialize>(result: T) -> Vec<u8> {
    // Texts and numbers can always be written.
    serde_json::to_vec(&Answered { result }).unwrap_or_default()
}

fn json_reply(status: u16, body: Vec<u8>) -> Reply {
    Reply {
        status,
        content_type: "application/json; charset=utf-8",
        headers: vec![("Vary", "Origin, Cookie".to_owned())],
        body,
    }
}

fn error(status: u16, message: &str) -> Reply {
    let body = json!({ "error": { "message": message } });
    json_reply(status, body.to_string().into_bytes())
}
