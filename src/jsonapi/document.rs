//! Writes JSON:API documents in the form of the samples.

use std::borrow::Cow;
use std::ptr;
use std::sync::LazyLock;

use serde::Serialize;

use super::context::{ResponseContext, Source};
use super::links::Links;
use crate::contract::common::{params_of, status_of};
use crate::contract::field::Shape;
use crate::contract::json::JsonWriter;
use crate::contract::problem::{Kind, Problem};
use crate::contract::rejection::Rejection;
use crate::contract::shape::{Number, Shaped, Structure as _, Value as _, value_at};
use crate::contract::user::FlatUser;

/// The field with the number of all hits, which an answer with links has.
pub(super) const TOTAL: &str = "total";

/// The order in which the samples show the attributes of a user. Attributes that no sample shows follow.
const SAMPLED: [&str; 6] = [
    "name",
    "clientName",
    "organizationalUnit",
    "status",
    "email",
    "roles",
];

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

/// The document of an answer.
pub(super) fn answer(context: &ResponseContext, answer: &dyn Shaped) -> Vec<u8> {
    let shape = answer.shape();
    let total = shape.position(TOTAL);
    let mut out = JsonWriter::new();
    out.object(|out| {
        out.name("data");
        data(out, context, answer);
        if let Some(Number(Some(hits))) = value_at(answer, total) {
            out.member("links", &Links::of(&context.target(), *hits));
        }
        out.name("meta");
        out.object(|out| {
            let named = total.into_iter().chain(shape.position("params"));
            answer.write_members(out, &named.collect::<Vec<_>>());
            if let Some(status) = shape.position("status") {
                answer.write_as(out, "responseStatus", status);
            }
        });
    });
    out.finish()
}

/// Writes the payload as a resource or a list of resources.
fn data(out: &mut JsonWriter, context: &ResponseContext, answer: &dyn Shaped) {
    let kind = context.route.map_or("users", |r| r.answers);
    let mut is_empty = true;
    if let Some(payload) = answer.shape().payload() {
        let order = order_of(payload.shape);
        let mut write = |out: &mut JsonWriter| {
            answer.each_in(payload.position, &mut |value| {
                is_empty = false;
                resource(out, kind, value, &order);
            });
        };
        if payload.is_list {
            return out.list(write);
        }
        write(out);
    }
    if is_empty {
        out.object(|out| {
            out.member("type", "emptyResponse");
            // JSON:API requires an id; the ID of the request is unique.
            out.member("id", &*context.request_id);
            out.name("attributes");
            out.object(|_| {});
        });
    }
}

/// The order of a user's attributes. Nearly all answers are users, so it is computed once.
static USER_ORDER: LazyLock<Vec<usize>> = LazyLock::new(|| sampled_order(FlatUser::SHAPE));

/// The positions of the attributes of a resource in the order in which they are written.
fn order_of(shape: &'static Shape) -> Cow<'static, [usize]> {
    if ptr::eq(shape, FlatUser::SHAPE) {
        Cow::Borrowed(&USER_ORDER)
    } else {
        Cow::Owned(sampled_order(shape))
    }
}

fn sampled_order(shape: &Shape) -> Vec<usize> {
    let sampled = SAMPLED.iter().filter_map(|name| shape.position(name));
    let others = shape.fields.iter().enumerate();
    let others = others.filter(|(_, field)| !field.is_id && !SAMPLED.contains(&field.name));
    sampled.chain(others.map(|(at, _)| at)).collect()
}

fn resource(out: &mut JsonWriter, kind: &str, value: &dyn Shaped, order: &[usize]) {
    out.object(|out| {
        out.member("type", kind);
        if let Some(id) = value.shape().id() {
            value.write_as(out, "id", id);
        }
        out.name("attributes");
        out.object(|out| value.write_members(out, order));
    });
}

/// The document of a refusal. Every refusal has `errors`, except the choice of an organisation, for which the sample
/// has an empty user. Refusals by operations also have `meta`.
pub(super) fn refusal(context: &ResponseContext, status: u16, rejection: &Rejection) -> Vec<u8> {
    let (_, code) = rejection.kind().rest();
    let mut out = JsonWriter::new();
    out.object(|out| {
        if rejection.kind() == Kind::Choice {
            let nobody = FlatUser::default();
            out.name("data");
            resource(out, "users", &nobody, &USER_ORDER);
        } else if !rejection.problems.is_empty() {
            let problems = rejection.problems.iter().enumerate();
            let errors = problems.map(|(at, p)| error(context, status, at, p));
            out.member("errors", &errors.collect::<Vec<_>>());
        }
        if let Some(code) = code {
            out.name("meta");
            out.object(|out| {
                out.name("params");
                params_of(rejection).write_json(out);
                out.name("responseStatus");
                status_of(rejection, code, context.language).write_json(out);
            });
        }
    });
    out.finish()
}

fn error(context: &ResponseContext, status: u16, at: usize, problem: &Problem) -> Error {
    // The ID of the request, under which the log has the refusal. Further errors append their position, because each
    // error needs its own id.
    let id = match at {
        0 => context.request_id.to_string(),
        at => format!("{}.{at}", context.request_id),
    };
    Error {
        id,
        status: status.to_string(),
        code: problem.code.as_str(),
        title: problem.code.title(context.language),
        detail: problem.describe(context.language),
        source: problem.field.as_deref().and_then(|f| context.source_of(f)),
    }
}
