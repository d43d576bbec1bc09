//! JSON:API documents, written as the samples show them.

use serde::Serialize;

use super::{Form, Manner};
use crate::contract::common::Param;
use crate::contract::messages::{describe, title};
use crate::contract::rejection::{Kind, Problem, Rejection};
use crate::contract::user::UserView;
use crate::operations::{Answer, Shown};

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Links>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Meta<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    One(Resource<'a>),
    Many(Vec<Resource<'a>>),
}

#[derive(Serialize)]
struct Resource<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    attributes: Attributes<'a>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Attributes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organizational_unit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<&'a [String]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<i64>,
    params: Vec<Pair<'a>>,
    response_status: Status,
}

#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Status {
    code: i32,
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Message {
    severity: &'static str,
    code: &'static str,
    description: String,
}

#[derive(Serialize)]
struct Error {
    id: String,
    status: String,
    code: &'static str,
    title: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Pointer(String),
    Parameter(String),
}

#[derive(Serialize)]
struct Links {
    #[serde(rename = "self")]
    this: String,
    first: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    last: String,
}

fn bytes(document: &Document<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    // Texts and numbers in a buffer: nothing here can fail.
    let _ = serde_json::to_writer(&mut out, document);
    out
}

/// The document of an answer.
pub(super) fn answer(manner: &Manner, answer: &dyn Answer) -> Vec<u8> {
    let kind = manner.route.map_or("users", |r| r.answers);
    let mut total = None;
    let mut links = None;
    let data = match answer.shown() {
        // The request's id is as fresh as an id can be.
        Shown::Nothing => Data::One(Resource {
            kind: "emptyResponse",
            id: Some(&manner.request_id),
            attributes: Attributes::default(),
        }),
        Shown::One(user) => Data::One(resource(kind, user)),
        Shown::Page(users, hits) => {
            total = Some(hits);
            links = Some(page_links(&manner.target, hits));
            Data::Many(users.into_iter().map(|u| resource(kind, u)).collect())
        }
    };
    bytes(&Document {
        data: Some(data),
        errors: Vec::new(),
        links,
        meta: Some(Meta {
            total,
            params: pairs(answer.params()),
            response_status: Status {
                code: 0,
                messages: Vec::new(),
            },
        }),
    })
}

fn resource<'a>(kind: &'a str, user: UserView<'a>) -> Resource<'a> {
    Resource {
        kind,
        id: user.user_name,
        attributes: Attributes {
            name: user.name,
            client_name: user.client_name,
            organizational_unit: user.organizational_unit,
            status: user.status,
            email: user.email,
            roles: Some(user.roles),
        },
    }
}

fn pairs(params: &[Param]) -> Vec<Pair<'_>> {
    params
        .iter()
        .map(|p| Pair {
            key: &p.key,
            value: &p.value,
        })
        .collect()
}

/// The document of a refusal: `meta` where an operation refused, `errors` always, but for the sampled
/// choice of organisation, which has an empty user instead.
pub(super) fn refusal(manner: &Manner, rejection: &Rejection) -> Vec<u8> {
    let (status, code) = rejection.kind().rest();
    let sampled = rejection.kind() == Kind::Choice;
    let errors = if sampled {
        Vec::new()
    } else {
        let problems = rejection.problems.iter();
        problems.map(|p| error(manner, status, p)).collect()
    };
    let data = sampled.then(|| {
        Data::One(Resource {
            kind: "users",
            id: None,
            attributes: Attributes {
                roles: Some(&[]),
                ..Attributes::default()
            },
        })
    });
    let meta = code.map(|code| Meta {
        total: None,
        params: pairs(&rejection.params),
        response_status: Status {
            code,
            messages: rejection
                .problems
                .iter()
                .map(|problem| Message {
                    severity: "ERROR",
                    code: problem.code.as_str(),
                    description: describe(problem, manner.language),
                })
                .collect(),
        },
    });
    bytes(&Document {
        data,
        errors,
        links: None,
        meta,
    })
}

fn error(manner: &Manner, status: u16, problem: &Problem) -> Error {
    let id = manner.route.and_then(|r| r.id);
    let source = problem.field.as_deref().map(|field| match manner.form {
        Form::Query => Source::Parameter(field.to_owned()),
        Form::Flat => Source::Pointer(format!("/{field}")),
        Form::Resource if Some(field) == id => Source::Pointer("/data/id".to_owned()),
        Form::Resource => Source::Pointer(format!("/data/attributes/{field}")),
    });
    Error {
        id: manner.request_id.clone(),
        status: status.to_string(),
        code: problem.code.as_str(),
        title: title(problem.code, manner.language),
        detail: describe(problem, manner.language),
        source,
    }
}

/// Where the pages of a list are, by the target that was asked for.
fn page_links(target: &str, hits: i64) -> Links {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let number = |names: [&str; 2], default: i64| {
        let given = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut given = given.filter(|(name, _)| names.contains(&unbracketed(name).as_str()));
        given
            .find_map(|(_, value)| value.parse().ok())
            .unwrap_or(default)
    };
    let limit = number(
        ["limit", "page[limit]"],
        crate::operations::user::find_users::DEFAULT_LIMIT,
    );
    let offset = number(["offset", "page[offset]"], 0);
    let kept: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .filter(|pair| {
            let name = unbracketed(pair.split('=').next().unwrap_or(""));
            // A key in a link would travel further than the request that carried it.
            ![
                "limit",
                "offset",
                "page[limit]",
                "page[offset]",
                "clientHashKey",
            ]
            .contains(&name.as_str())
        })
        .collect();
    let at = |offset: i64| {
        let mut pairs: Vec<String> = kept.iter().map(|p| (*p).to_owned()).collect();
        pairs.push(format!("limit={limit}"));
        pairs.push(format!("offset={offset}"));
        format!("{path}?{}", pairs.join("&"))
    };
    let last = match limit {
        ..=0 => 0,
        limit => (hits - 1).max(0) / limit * limit,
    };
    Links {
        this: at(offset),
        first: at(0),
        prev: (offset > 0).then(|| at((offset - limit).max(0))),
        next: (limit > 0 && offset + limit < hits).then(|| at(offset + limit)),
        last: at(last),
    }
}

fn unbracketed(name: &str) -> String {
    name.replace("%5B", "[")
        .replace("%5D", "]")
        .replace("%5b", "[")
        .replace("%5d", "]")
}
