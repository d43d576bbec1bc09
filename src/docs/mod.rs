//! The documentation for people: one page, written from the catalogue, the shapes and the rejection table.

mod examples;
mod html;
mod operations;
mod tables;

use html::Html;

use crate::contract::SERVICE;
use crate::operations::CATALOG;

pub use examples::CONVERSATIONS;

/// The stylesheet of the page.
pub const STYLE: &str = include_str!("style.css");

/// The page, for a gateway that answers at these paths.
#[must_use]
pub fn page(soap_paths: &[String], rest_prefixes: &[String]) -> String {
    let mut html = Html::default();
    html.raw("<!DOCTYPE html>\n");
    html.with("html", &[("lang", "en")], |html| {
        html.raw(HEAD);
        html.element("body", |html| {
            html.raw("<a class=\"skip\" href=\"#content\">Skip to the content</a>\n");
            html.element("header", |html| {
                html.line("h1", SERVICE);
                html.line(
                    "p",
                    "The user API of the Chaingun Gateway, over SOAP and as JSON:API resources.",
                );
            });
            contents(html);
            html.with("main", &[("id", "content")], |html| {
                section(html, "addresses", "Addresses", |html| {
                    addresses(html, soap_paths, rest_prefixes)
                });
                section(html, "callers", "Who is calling", callers);
                section(html, "operations", "Operations", |html| {
                    html.line(
                        "p",
                        "Fields are named as SOAP has them. A resource has status and params in meta, a user's userName as \
                         its id and the other fields as attributes; where there is nothing to show, it is an emptyResponse. \
                         A body may also be one flat object with the fields, sent as application/json.",
                    );
                    html.line(
                        "p",
                        "In the examples {{…}} stands for what is different each time; everything else is word for word what \
                         is answered, broken into lines for reading.",
                    );
                    for operation in CATALOG.iter().filter(|o| o.is_published()) {
                        operations::operation(html, operation);
                    }
                });
                section(html, "types", "Types", tables::types);
                section(html, "codes", "Message codes", tables::codes);
                section(html, "faults", "Requests that cannot be read", |html| {
                    html.line(
                        "p",
                        "Over SOAP these are faults, whose detail names the message code.",
                    );
                    operations::exchanges(html, &examples::conversation("faults"));
                });
            });
            html.raw("<footer><p>Printed from the program that serves it.</p></footer>\n");
        });
    });
    html.finish()
}

const HEAD: &str = "<head>\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
<meta name=\"color-scheme\" content=\"light dark\">\n<title>ChaingunUserAPI</title>\n\
<link rel=\"stylesheet\" href=\"/docs.css\">\n</head>\n";

/// The sections of the page, but for the operations, which are listed one by one.
const SECTIONS: [(&str, &str); 6] = [
    ("addresses", "Addresses"),
    ("callers", "Who is calling"),
    ("operations", "Operations"),
    ("types", "Types"),
    ("codes", "Message codes"),
    ("faults", "Requests that cannot be read"),
];

fn contents(html: &mut Html) {
    html.with("nav", &[("aria-label", "Contents")], |html| {
        html.element("ul", |html| {
            for (id, title) in SECTIONS {
                html.element("li", |html| {
                    html.with("a", &[("href", &format!("#{id}"))], |html| html.text(title));
                    if id == "operations" {
                        html.element("ul", |html| {
                            for operation in CATALOG.iter().filter(|o| o.is_published()) {
                                html.element("li", |html| tables::link(html, operation.name));
                            }
                        });
                    }
                });
            }
        });
    });
}

fn section(html: &mut Html, id: &str, title: &str, inside: impl FnOnce(&mut Html)) {
    let named = format!("{id}-title");
    html.with(
        "section",
        &[("id", id), ("aria-labelledby", &named)],
        |html| {
            html.with("h2", &[("id", &named)], |html| html.text(title));
            inside(html);
        },
    );
}

fn addresses(html: &mut Html, soap_paths: &[String], rest_prefixes: &[String]) {
    let heads = ["Path", "What is there"];
    html.table("Where the service answers", &heads, |html| {
        for path in soap_paths {
            html.row(
                |html| html.line("code", path),
                &["SOAP 1.1 and 1.2, by POST"],
            );
            let wsdl = format!("{path}?wsdl");
            let what = "The WSDL, which leads to its schema";
            html.row(|html| html.link(&wsdl, &wsdl), &[what]);
        }
        for prefix in rest_prefixes {
            let below = format!("{prefix}/…");
            html.row(|html| html.line("code", &below), &["JSON:API resources"]);
        }
        for (path, what) in [
            (
                "/v2/user/session/create",
                "Where partners send their users with a token; /v1/… as well",
            ),
            (
                "/user/v1/…",
                "The directory: create, update, get/externalId/…, role/assign",
            ),
            ("/orguser/v1/…", "The directory: memberrole/assign"),
        ] {
            html.row(|html| html.line("code", path), &[what]);
        }
        for (path, what) in [
            ("/openapi.json", "The resources as an OpenAPI document"),
            ("/.well-known/jwks.json", "The key that checks our tokens"),
            ("/healthz", "Whether the process lives"),
            ("/readyz", "Whether it reaches its database"),
        ] {
            html.row(|html| html.link(path, path), &[what]);
        }
    });
}

fn callers(html: &mut Html) {
    html.table(
        "How a request says who is calling",
        &["What", "Over SOAP", "As a resource"],
        |html| {
            let rows = [
                [
                    "client key",
                    "requestMeta/clientHashKey",
                    "the header X-Client-Hash-Key, or the query parameter clientHashKey",
                ],
                [
                    "user's token",
                    "the HTTP header Authorization: JWT …; or a WS-Security UsernameToken with the password as text",
                    "the header Authorization: JWT …, or Bearer …",
                ],
                ["acting for", "requestMeta/userName", "the header X-User-Name"],
                [
                    "language",
                    "the HTTP header Accept-Language, Hungarian unless it prefers English",
                    "the same",
                ],
            ];
            for [what, soap, rest] in rows {
                html.row(|html| html.text(what), &[soap, rest]);
            }
        },
    );
    html.line(
        "p",
        "The key of a trusted client is its credential. A public client sends a user's token besides. Users see themselves \
         and may change their own name; administrators may do everything.",
    );
}
