//! JSON:API documents, written as the samples show them.

use serde::Serialize;

use super::links::Links;
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
        Shown::Nothing
        | Shown::Result(_)
        | Shown::Visit(_)
        | Shown::Entry(_)
        | Shown::Admitted(_) => Data::One(Resource {
            kind: "emptyResponse",
            id: Some(&manner.request_id),
            attributes: Attributes::default(),
        }),
        Shown::One(user) => Data::One(resource(kind, user)),
        Shown::Page(users, hits) => {
            total = Some(hits);
            links = Some(Links::of(&manner.target, hits));
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
pub(super) fn refusal(manner: &Manner, status: u16, rejection: &Rejection) -> Vec<u8> {
    let (_, code) = rejection.kind().rest();
    let sampled = rejection.kind() == Kind::Choice;
    let errors = if sampled {
        Vec::new()
    } else {
        let problems = rejection.problems.iter().enumerate();
        problems
            .map(|(at, p)| error(manner, status, at, p))
            .collect()
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

fn error(manner: &Manner, status: u16, at: usize, problem: &Problem) -> Error {
    let id = manner.route.and_then(|r| r.id);
    let source = problem.field.as_deref().map(|field| match manner.form {
        Form::Query => {
            let named = manner.named.iter().find(|(name, _)| name == field);
            Source::Parameter(named.map_or(field, |(_, sent)| sent).to_owned())
        }
        Form::Flat => Source::Pointer(format!("/{field}")),
        Form::Resource if field == "params" => Source::Pointer("/meta/params".to_owned()),
        Form::Resource if Some(field) == id => Source::Pointer("/data/id".to_owned()),
        Form::Resource => Source::Pointer(format!("/data/attributes/{field}")),
    });
    // The request's id, which the log knows; no two errors have the same.
    let id = match at {
        0 => manner.request_id.clone(),
        at => format!("{}.{at}", manner.request_id),
    };
    Error {
        id,
        status: status.to_string(),
        code: problem.code.as_str(),
        title: title(problem.code, manner.language),
        detail: describe(problem, manner.language),
        source,
    }
}
