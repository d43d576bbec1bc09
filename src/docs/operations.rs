//! One operation on the page: who may call it where, its fields, its refusals and examples.

use super::examples::{self, Exchange, laid_out};
use super::html::Html;
use super::tables;
use crate::contract::problem::Code;
use crate::operations::{Body, Operation, Route};

/// Everything about one operation.
pub(super) fn operation(html: &mut Html, operation: &Operation) {
    let name = operation.name;
    html.with(
        "article",
        &[("id", name), ("aria-labelledby", &format!("{name}-title"))],
        |html| {
            html.with("h3", &[("id", &format!("{name}-title"))], |html| {
                html.line("code", name)
            });
            html.line("p", operation.doc);
            html.element("dl", |html| {
                html.line("dt", "Who may call it");
                html.line("dd", operation.access.who());
                html.line("dt", "SOAP");
                html.line("dd", if operation.soap { name } else { "–" });
                html.line("dt", "JSON-RPC");
                html.line("dd", if operation.rpc { name } else { "–" });
                if !operation.directory.is_empty() {
                    html.line("dt", "Directory");
                }
                for route in operation.directory {
                    html.element("dd", |html| {
                        html.line("code", &format!("{} {}", route.method, route.path));
                    });
                }
                html.line("dt", "REST");
                for route in operation.routes {
                    html.element("dd", |html| way(html, route));
                }
                if operation.routes.is_empty() {
                    html.line("dd", "–");
                }
            });
            html.line("h4", "Request");
            tables::fields(
                html,
                &format!("{name}: fields of the request"),
                operation.request,
            );
            html.line("h4", "Answer");
            tables::fields(
                html,
                &format!("{name}: fields of the answer"),
                operation.response,
            );
            html.line("h4", "Refusals");
            html.with("ul", &[("class", "codes")], |html| {
                for code in codes(operation) {
                    html.element("li", |html| tables::link(html, code.as_str()));
                }
            });
            let examples = examples::of(operation);
            if !examples.is_empty() {
                html.line("h4", "Examples");
                exchanges(html, &examples);
            }
        },
    );
}

/// A route, and where the fields of the request stand by it.
fn way(html: &mut Html, route: &Route) {
    html.line("code", &format!("{} {}", route.method, route.path));
    match (route.body, route.method) {
        (Body::Ignored, "GET") => return html.text(" with the other fields in the query"),
        (Body::Ignored, _) => return html.text(" without a body"),
        (Body::Optional, _) => html.text(" with a body or without"),
        (Body::Needed, _) => {}
    }
    if let Some(id) = route.id {
        html.text(" with data.id for ");
        html.line("code", id);
        if route.fresh_id {
            html.text(", made here if absent");
        }
    }
    if let Some(inside) = route.inside {
        html.text(" and the fields of ");
        html.line("code", inside);
        html.text(" as attributes");
    }
}

/// The codes of all its routes, in the order of the table.
fn codes(operation: &Operation) -> impl Iterator<Item = Code> {
    let met: Vec<Code> = operation
        .routes
        .iter()
        .flat_map(|r| operation.codes(r))
        .collect();
    Code::ALL
        .iter()
        .copied()
        .filter(move |code| met.contains(code))
}

/// Requests with their answers, folded.
pub(super) fn exchanges(html: &mut Html, exchanges: &[Exchange]) {
    for exchange in exchanges {
        html.element("details", |html| {
            html.line("summary", exchange.remark.trim());
            for (title, message) in [("Request", &exchange.request), ("Answer", &exchange.answer)] {
                html.element("figure", |html| {
                    html.line("figcaption", title);
                    let scrolls = [("tabindex", "0"), ("aria-label", title), ("role", "region")];
                    html.with("pre", &scrolls, |html| {
                        html.line("code", &laid_out(message))
                    });
                });
            }
        });
    }
}
