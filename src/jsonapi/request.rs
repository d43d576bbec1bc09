//! Reads query, path and body into one object with the fields of the request.

use std::collections::BTreeMap;

use crate::contract::json::{Json, parse};
use crate::contract::problem::{Code, Problems, Why};
use crate::contract::rejection::{Rejection, malformed};
use crate::contract::shape::Secret;
use crate::domain::user::same_name;
use crate::http::parameters::MAX_PARAMETERS;
use crate::http::{self, Decoded, HttpRequest, Parameters};
use crate::operations::{Body, Payload};

use super::context::{Form, JsonLimits, ResponseContext};
use super::negotiation;
use super::routing::Found;

/// The query parameter with the key of the client.
const CLIENT_KEY: &str = "clientHashKey";

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
    let mut credentials = http::credentials(request, &mut problems);
    if credentials.client_key.is_none() {
        let mut keys = query.all(CLIENT_KEY);
        let key = keys.find(|key| !key.trim().is_empty());
        credentials.client_key = key.map(Secret::from);
    }
    if found.route.body == Body::Ignored {
        context.form = Form::Query;
    }
    if query.is_cut {
        return Err(malformed(Why::TooMany(MAX_PARAMETERS)));
    }
    supported(&query, found)?;
    let mut fields = match found.route.body {
        Body::Ignored => {
            // Of two values, the first one is the caller and the second one is the filter (SPEC §5).
            let user_names: Vec<_> = query
                .iter()
                .filter(|(name, _)| *name == "userName")
                .collect();
            if let ([(_, caller), _], None) = (user_names.as_slice(), &credentials.user_name) {
                credentials.user_name = http::claimed_name(caller, "userName", &mut problems);
            }
            from_query(&query, &mut context.named)
        }
        Body::Optional if request.body.is_empty() => Members::new(),
        Body::Optional | Body::Needed => {
            negotiation::sent(request)?;
            let body = parse(&request.body, limits.depth)?;
            let (form, fields) = from_body(body, found.route.id)?;
            context.form = form;
            fields
        }
    };
    for (field, text) in &found.captured {
        let named = fields.iter().find(|(name, _)| name == field);
        match named {
            Some((_, Json::Text(id))) if same_name(id, text) => {}
            // A body must not name another user than the path.
            Some(_) => problems.note(field, Why::NotTheAddressed),
            None => fields.push(((*field).to_owned(), Json::Text(text.clone()))),
        }
    }
    if let Some(id) = found.route.id.filter(|_| found.route.fresh_id) {
        let given = |value: &Json| value.text().is_none_or(|text| !text.trim().is_empty());
        if !fields
            .iter()
            .any(|(name, value)| name == id && *value != Json::Null && given(value))
        {
            fields.retain(|(name, _)| name != id);
            fields.push((id.to_owned(), Json::Text(request.request_id.clone())));
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

/// The fields of a body: of a JSON:API resource, or of the object itself.
fn from_body(body: Json, id: Option<&str>) -> Result<(Form, Members), Rejection> {
    let not_a_document = || malformed(Why::NotADocument);
    if body.get("data").is_none() {
        return match body {
            Json::Object(members) => Ok((Form::Flat, members)),
            _ => Err(not_a_document()),
        };
    }
    let data = body.get("data").ok_or_else(not_a_document)?;
    if !matches!(data, Json::Object(_)) {
        return Err(not_a_document());
    }
    let mut fields = match data.get("attributes") {
        Some(Json::Object(attributes)) => attributes.clone(),
        None | Some(Json::Null) => Vec::new(),
        Some(_) => return Err(not_a_document()),
    };
    let given = data.get("id").filter(|i| **i != Json::Null);
    if let (Some(field), Some(given)) = (id, given) {
        // The attribute outranks the id if both are sent.
        if !fields.iter().any(|(name, _)| name == field) {
            fields.push((field.to_owned(), given.clone()));
        }
    }
    if let Some(params) = body.get("meta").and_then(|meta| meta.get("params")) {
        fields.push(("params".to_owned(), params.clone()));
    }
    Ok((Form::Resource, fields))
}

/// The fields of a query: names as they are, in `filter[…]` or in `page[…]`; lists repeated or with commas.
fn from_query(query: &Parameters, named: &mut Vec<(String, String)>) -> Members {
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
        if bare != name {
            named.push((bare.to_owned(), name.to_owned()));
        }
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

/// Refuses parameters of JSON:API that the gateway does not support: related resources, sparse fields, and unknown pages
/// and filters.
fn supported(query: &Parameters, found: &Found) -> Result<(), Rejection> {
    let knows = |name: &str| {
        let bare = unbracketed(name);
        let fields = found.operation.request.fields;
        let paged = ["limit", "offset"].contains(&bare) == name.starts_with("page[");
        bare != name && paged && fields.iter().any(|f| f.name == bare)
    };
    let is_bodiless = found.route.body == Body::Ignored;
    let other = query.iter().find(|(name, _)| {
        let is_known = || knows(name) || (is_bodiless && in_params(name).is_some());
        *name == "include" || (name.contains('[') && !is_known())
    });
    match other {
        Some((name, _)) => {
            let name: String = name.chars().take(64).collect();
            let why = Some(Why::NoSuchParameter);
            Err(Rejection::field(Code::Malformed, &name, why))
        }
        None => Ok(()),
    }
}
