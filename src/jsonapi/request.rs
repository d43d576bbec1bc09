//! Reads query, path and body into one object with the fields of the request.

use std::collections::BTreeMap;

use crate::contract::json::{Json, parse};
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::{Rejection, malformed};
use crate::contract::shape::Secret;
use crate::domain::user::same_name;
use crate::http::parameters::MAX_PARAMETERS;
use crate::http::{self, Decoded, HttpRequest, Parameters};
use crate::operations::{Body, ClaimedName, Credentials, Payload, USERS};

use super::context::{JsonLimits, ResponseContext, Source};
use super::negotiation;
use super::routing::Found;

/// The query parameter with the key of the client.
const CLIENT_KEY: &str = "clientHashKey";

/// The headers that a refusal may name as its field.
const USER_NAME: &str = "X-User-Name";
const AUTHORIZATION: &str = "Authorization";

/// The members of an object that is being built.
type Members = Vec<(String, Json)>;

/// Reads the whole request.
pub(super) fn read(
    request: &HttpRequest,
    found: &Found,
    limits: JsonLimits,
    context: &mut ResponseContext,
) -> Result<Decoded<Payload>, Rejection> {
    let query = Parameters::of(request.query());
    let mut problems = Problems::none(limits.refuse_unknown);
    let mut credentials = http::credentials(request, &mut problems)?;
    place_headers(&credentials, context);
    for key in query.all(CLIENT_KEY).filter(|key| !key.trim().is_empty()) {
        match &credentials.client_key {
            Some(known) if known.reveal().trim() != key.trim() => {
                return Err(http::ambiguous(CLIENT_KEY));
            }
            Some(_) => {}
            None => {
                context.place_parameter(CLIENT_KEY, CLIENT_KEY);
                credentials.client_key = Some(Secret::from(key));
            }
        }
    }
    if query.is_cut {
        return Err(malformed(Why::TooMany(MAX_PARAMETERS)));
    }
    check_parameters(&query, found, context)?;
    let mut fields = match found.route.body {
        Body::Ignored => {
            // Of two values, the first one is the caller and the second one is the filter (SPEC §5).
            let user_names: Vec<_> = query
                .iter()
                .filter(|(name, _)| *name == "userName")
                .collect();
            if let [(_, caller), _] = user_names.as_slice() {
                let caller = ClaimedName::read(caller, "userName", &mut problems);
                let names = credentials.user_name.as_ref().zip(caller.as_ref());
                if names.is_some_and(|(one, other)| !same_name(one.as_str(), other.as_str())) {
                    return Err(http::ambiguous("userName"));
                }
                credentials.user_name = credentials.user_name.or(caller);
            }
            from_query(&query, context)
        }
        Body::Optional if request.body.is_empty() => Members::new(),
        Body::Optional | Body::Needed => {
            negotiation::sent(request)?;
            let body = parse(&request.body, limits.depth)?;
            from_body(body, found, context)?
        }
    };
    for (field, text) in &found.captured {
        fields.retain(|(name, value)| name != field || !is_blank(value));
        let named = fields.iter().find(|(name, _)| name == field);
        match named {
            Some((_, Json::Text(id))) if same_name(id, text) => {}
            // A body must not name another user than the path.
            Some(_) => return Err(other_id(field, Why::DiffersFromUrl)),
            None => fields.push(((*field).to_owned(), Json::Text(text.clone()))),
        }
    }
    if let Some(id) = found.route.id.filter(|_| found.route.fresh_id) {
        fields.retain(|(name, value)| name != id || !is_blank(value));
        if !fields.iter().any(|(name, _)| name == id) {
            fields.push((id.to_owned(), Json::Text(request.request_id.to_string())));
        }
    }
    let object = match found.route.inside {
        Some(inside) => Json::Object(vec![(inside.to_owned(), Json::Object(fields))]),
        None => Json::Object(fields),
    };
    let decoded = (found.operation.decode_json)(&object, &mut problems);
    let language = context.language;
    Ok(Decoded::call(
        request,
        decoded,
        problems,
        credentials,
        language,
    ))
}

/// Notes the headers that refusals may name.
fn place_headers(sent: &Credentials, context: &mut ResponseContext) {
    context.place(USER_NAME, Source::Header(USER_NAME));
    if sent.client_key.is_some() {
        context.place(CLIENT_KEY, Source::Header("X-Client-Hash-Key"));
    }
    if sent.authorization.is_some() {
        context.place(AUTHORIZATION, Source::Header(AUTHORIZATION));
    }
}

/// Whether a value is null or a text of blanks.
fn is_blank(value: &Json) -> bool {
    *value == Json::Null || value.text().is_some_and(|text| text.trim().is_empty())
}

/// The refusal of a request that names another resource in this field than in its address or its id.
fn other_id(field: &str, why: Why) -> Rejection {
    Rejection::field(Code::IdMismatch, field, Some(why))
}

/// The fields of a body: of a JSON:API resource, or of the object itself.
fn from_body(
    mut body: Json,
    found: &Found,
    context: &mut ResponseContext,
) -> Result<Members, Rejection> {
    let not_a_document = || malformed(Why::NotADocument);
    let shape = found.shape();
    let name_of = |sent: &str| {
        shape
            .find(sent)
            .map_or(sent, |(_, field)| field.name)
            .to_owned()
    };
    let Some(mut data) = body.take("data") else {
        let Json::Object(members) = body else {
            return Err(not_a_document());
        };
        for (sent, _) in &members {
            context.place_member(&name_of(sent), "", sent);
        }
        return Ok(members);
    };
    if !matches!(data, Json::Object(_)) {
        return Err(not_a_document());
    }
    check_type(&data, found, context)?;
    let attributes = data.take("attributes");
    let parent = match attributes {
        Some(Json::Object(_)) => "/data/attributes",
        _ => "/data",
    };
    let mut fields = match attributes {
        Some(Json::Object(attributes)) => attributes,
        None | Some(Json::Null) => Vec::new(),
        Some(_) => return Err(not_a_document()),
    };
    for (sent, _) in &fields {
        context.place_member(&name_of(sent), parent, sent);
    }
    let given = data.take("id").filter(|id| *id != Json::Null);
    if let (Some(field), Some(given)) = (found.route.id, given) {
        let attribute = fields.iter().find(|(name, _)| name_of(name) == field);
        match attribute {
            Some((_, attribute)) if is_other_user(found, attribute, &given) => {
                return Err(other_id(field, Why::NotTheId));
            }
            // In other resources than users, the attribute outranks the id if both are sent.
            Some(_) => {}
            None => {
                context.place_member(field, "/data", "id");
                fields.push((field.to_owned(), given));
            }
        }
    }
    if let Some(params) = body.take("meta").and_then(|mut meta| meta.take("params")) {
        context.place_member("params", "/meta", "params");
        fields.push(("params".to_owned(), params));
    }
    for field in shape.fields {
        if context.source_of(field.name).is_none() {
            context.place(field.name, Source::Pointer(parent.to_owned()));
        }
    }
    Ok(fields)
}

/// Whether the attribute and the id of a user name two users.
fn is_other_user(found: &Found, attribute: &Json, id: &Json) -> bool {
    let names = attribute.text().zip(id.text());
    found.route.is_of_user()
        && !is_blank(attribute)
        && !is_blank(id)
        && names.is_none_or(|(attribute, id)| !same_name(attribute.trim(), id.trim()))
}

/// Checks the `type` of a resource (JSON:API 1.1, Document Structure and Conflict).
fn check_type(data: &Json, found: &Found, context: &mut ResponseContext) -> Result<(), Rejection> {
    let sent = data.get("type");
    match sent {
        Some(_) => context.place_member("type", "/data", "type"),
        None => context.place("type", Source::Pointer("/data".to_owned())),
    }
    let takes = found.route.takes;
    let preferred = takes.first().copied().unwrap_or(USERS);
    match sent.and_then(Json::text).filter(|kind| !kind.is_empty()) {
        Some(kind) if takes.is_empty() || takes.contains(&kind) => Ok(()),
        Some(_) => {
            let why = Some(Why::TypeExpected(preferred));
            Err(Rejection::field(Code::TypeMismatch, "type", why))
        }
        None => {
            let why = Some(Why::TypeNeeded(preferred));
            Err(Rejection::field(Code::Malformed, "type", why))
        }
    }
}

/// The fields of a query: names as they are, in `filter[…]` or in `page[…]`; lists repeated or with commas.
fn from_query(query: &Parameters, context: &mut ResponseContext) -> Members {
    let mut fields = Members::new();
    let mut params: BTreeMap<u16, Members> = BTreeMap::new();
    for (name, value) in query.iter() {
        if let Some((at, member)) = in_params(name) {
            let text = Json::Text(value.to_owned());
            params
                .entry(at)
                .or_default()
                .push((member.to_owned(), text));
            continue;
        }
        let bare = unbracketed(name);
        context.place_parameter(bare, name);
        let text = Json::Text(value.to_owned());
        match bare {
            CLIENT_KEY => {}
            "clientNames" | "statuses" => {
                let entries = value.split(',').map(|v| Json::Text(v.to_owned()));
                match fields.iter_mut().find(|(n, _)| n == bare) {
                    Some((_, Json::List(list))) => list.extend(entries),
                    _ => fields.push((bare.to_owned(), Json::List(entries.collect()))),
                }
            }
            "userName" => match fields.iter_mut().find(|(n, _)| n == bare) {
                Some((_, earlier)) => *earlier = text,
                None => fields.push((bare.to_owned(), text)),
            },
            _ => fields.push((bare.to_owned(), text)),
        }
    }
    if !params.is_empty() {
        let params = params.into_values().map(Json::Object).collect();
        let meta = Json::Object(vec![("params".to_owned(), Json::List(params))]);
        fields.push(("requestMeta".to_owned(), meta));
    }
    fields
}

/// The position and the member that a parameter like `params[0].key` or `params[0][key]` stands for.
fn in_params(name: &str) -> Option<(u16, &str)> {
    let (at, member) = name.strip_prefix("params[")?.split_once(']')?;
    let dotted = member.strip_prefix('.');
    let bracketed = || member.strip_prefix('[')?.strip_suffix(']');
    let member = dotted.or_else(bracketed)?;
    let is_number = !at.is_empty() && at.bytes().all(|b| b.is_ascii_digit());
    let at = at.parse().ok().filter(|_| is_number)?;
    ["key", "value"].contains(&member).then_some((at, member))
}

/// The field that a query parameter stands for, by its own name, in `filter[…]` or in `page[…]`.
fn unbracketed(name: &str) -> &str {
    let inside = |family: &str| name.strip_prefix(family)?.strip_suffix(']');
    inside("filter[").or(inside("page[")).unwrap_or(name)
}

/// Refuses parameters of JSON:API that the gateway does not support: related resources, sparse fields, unknown pages
/// and filters, and other names of lower-case letters alone, which JSON:API reserves (JSON:API 1.1, Query Parameters).
fn check_parameters(
    query: &Parameters,
    found: &Found,
    context: &mut ResponseContext,
) -> Result<(), Rejection> {
    let is_bodiless = found.route.body == Body::Ignored;
    let fields = found.operation.request.fields;
    let is_field = |name: &str| is_bodiless && fields.iter().any(|field| field.name == name);
    let is_supported = |name: &str| {
        let bare = unbracketed(name);
        let is_reserved = !name.bytes().any(|b| !b.is_ascii_lowercase());
        if bare != name {
            let paged = ["limit", "offset"].contains(&bare) == name.starts_with("page[");
            return paged && is_field(bare);
        }
        if name.contains('[') {
            return is_bodiless && in_params(name).is_some();
        }
        !is_reserved || is_field(name)
    };
    match query.iter().find(|(name, _)| !is_supported(name)) {
        Some((name, _)) => {
            context.place_parameter(name, name);
            let why = Some(Why::NoSuchParameter);
            let name: String = name.chars().take(64).collect();
            Err(Rejection::field(Code::Malformed, &name, why))
        }
        None => Ok(()),
    }
}
