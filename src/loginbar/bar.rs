//! `loginbar.json`: the signed-in user, for scripts of the applications' own pages.

use std::fmt::Write as _;
use std::sync::Arc;

use percent_encoding::utf8_percent_encode;
use serde::Serialize;
use serde_json::json;

use super::reading::{Page, Read, decoded};
use crate::contract::json::JsonWriter;
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

/// The fields of the answer if the request names none.
const DEFAULT_FIELDS: &str = "login";

/// The period in which `hash` and `secondaryIdHash` stay the same, in milliseconds.
const HASH_WINDOW_MS: i64 = 3_600_000;

/// One request for the loginbar, before its user is known.
struct Bar {
    /// The ID of the application, as it was sent.
    client_id: Option<String>,
    secret: Option<String>,
    /// The origin that may read the answer.
    origin: Option<String>,
    fields: String,
    base: String,
    now: i64,
}

/// The path of the loginbar, below [`PREFIX`].
pub(super) const PATH: &str = "loginbar.json";

/// Reads a request for the loginbar.
pub(super) fn read(site: &Site<'_>, request: &HttpRequest) -> Read {
    let Some(registry) = &site.registry else {
        return Read::Refused(Rejection::new(Code::NotReady), Arc::new(RefusedBar));
    };
    let query = Parameters::of(request.query());
    let client_id = query
        .get("client_id")
        .filter(|id| id.len() <= MAX_CLIENT_ID);
    let application = client_id.and_then(|id| registry.application(id));
    if query.get("client_id").is_some() && application.is_none() {
        return Read::Reply(error(400, "Unknown client_id"));
    }
    let page_origin = request.header(ORIGIN);
    let allowed = application.and_then(|a| {
        a.origins
            .iter()
            .find(|o| Some(o.as_str()) == page_origin.as_deref())
    });
    let secret = application.and_then(|a| {
        let binding = Binding::ApplicationSecret(&a.client_id);
        site.sealer.open(binding, a.secret.as_deref()?)
    });
    let fields = query.get("body[params][fields]").unwrap_or(DEFAULT_FIELDS);
    let bar = Bar {
        client_id: client_id.map(str::to_owned),
        secret,
        origin: allowed.cloned(),
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
            Read::Call(call, bar)
        }
        Method::OPTIONS => Read::Reply(bar.preflight()),
        _ => Read::Reply(bar.with_cors(Reply::method_not_allowed("GET, HEAD, OPTIONS"))),
    }
}

impl Page for Bar {
    fn refused(&self, rejection: &Rejection) -> Reply {
        self.with_cors(RefusedBar.refused(rejection))
    }
}

/// Writes refusals before the application of the request is known.
pub(super) struct RefusedBar;

impl Page for RefusedBar {
    fn refused(&self, rejection: &Rejection) -> Reply {
        let (status, _) = rejection.kind().rest();
        error(status, "Try again later")
    }
}

impl Bar {
    fn reply(&self, visitor: Option<&Visitor>) -> Reply {
        let mut out = JsonWriter::new();
        out.object(|out| {
            out.name("result");
            out.object(|out| {
                out.name("config");
                out.object(|out| match visitor {
                    Some(_) => out.member("logout", &self.url("logout.html")),
                    None => out.member("login", &self.url("login.html")),
                });
                if let Some(visitor) = visitor {
                    out.name("data");
                    out.object(|out| self.write_data(out, visitor));
                }
            });
        });
        self.with_cors(json_reply(200, out.finish()))
    }

    /// The URL of a page for the same application.
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

    /// Writes the requested data of a user, in the order of the original sample. A requested field without a value is
    /// null.
    fn write_data(&self, out: &mut JsonWriter, visitor: &Visitor) {
        let (user, profile) = (&visitor.user, &visitor.profile);
        let mut data = Data {
            out,
            wanted: self.fields.split(',').map(str::trim).collect(),
        };
        data.field("login", || user.login());
        if data.wants("userId") {
            data.out.member("userId", &user.id);
            // The sample has the UUID beside the number.
            data.out.member("userUUID", &user.uuid);
        }
        data.field("secondaryId", || profile.secondary_id);
        data.field("external", || profile.external.as_deref());
        data.field("channel", || profile.channel.as_deref());
        data.field("counter", || profile.counter.unwrap_or(0));
        let visits = profile.last_visit_counter;
        data.field("lastVisitCounter", || visits.unwrap_or(0));
        data.field("lastVisit", || utc(visitor.session.seen_at));
        data.field("galvatar", || user.uuid.replace('-', ""));
        data.field("avatar", || profile.avatar.as_deref());
        data.field("date", || utc(self.now));
        data.field("hash", || self.hourly_hash(Some(user.id)));
        let secondary_id = profile.secondary_id;
        data.field("secondaryIdHash", || self.hourly_hash(secondary_id));
        data.field("loginHash", || self.hash(&user.login().to_lowercase()));
        if data.wants("signature") {
            let number = profile.signature_number.as_deref().unwrap_or("1");
            let name = profile.signature_name.as_ref().unwrap_or(&user.user_name);
            data.out.name("signature");
            data.out.object(|out| {
                out.member("number", number);
                out.member("name", name);
            });
        }
    }

    /// The HMAC of a text under the application's secret; `None` for an application without a secret.
    fn hash(&self, text: &str) -> Option<String> {
        let secret = self.secret.as_deref()?;
        Some(hmac_sha512_hex(secret, text))
    }

    /// The hash of an ID and the current hour.
    fn hourly_hash(&self, id: Option<i64>) -> Option<String> {
        let window = self.now.div_euclid(HASH_WINDOW_MS);
        self.hash(&format!("{}:{window}", id?))
    }

    /// Adds the CORS headers, so that only pages of the application's origins can read the reply.
    fn with_cors(&self, reply: Reply) -> Reply {
        match &self.origin {
            Some(origin) => reply
                .with("Access-Control-Allow-Origin", origin)
                .with("Access-Control-Allow-Credentials", "true"),
            None => reply,
        }
    }

    fn preflight(&self) -> Reply {
        let mut reply = Reply::empty();
        reply = reply
            .with("Allow", "GET, HEAD, OPTIONS")
            .with("Vary", "Origin");
        if self.origin.is_some() {
            reply = reply
                .with("Access-Control-Allow-Methods", "GET")
                .with("Access-Control-Allow-Headers", "Accept, Content-Type")
                .with("Access-Control-Max-Age", "600");
        }
        self.with_cors(reply)
    }
}

/// The data of a user, of which only the requested fields are written.
struct Data<'a> {
    out: &'a mut JsonWriter,
    /// The names of the requested fields.
    wanted: Vec<&'a str>,
}

impl Data<'_> {
    fn wants(&self, field: &str) -> bool {
        self.wanted.contains(&field)
    }

    fn field<T: Serialize>(&mut self, name: &str, value: impl FnOnce() -> T) {
        if self.wants(name) {
            self.out.member(name, &value());
        }
    }
}

fn json_reply(status: u16, body: Vec<u8>) -> Reply {
    Reply::new(status, "application/json; charset=utf-8", body).with("Vary", "Origin, Cookie")
}

fn error(status: u16, message: &str) -> Reply {
    let body = json!({ "error": { "message": message } });
    json_reply(status, body.to_string().into_bytes())
}
