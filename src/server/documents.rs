//! The documents that the gateway serves about itself. They are printed on first request: most nodes never serve
//! them, and printing them takes longer than the rest of the start.

use std::sync::OnceLock;

use super::config::ServerConfig;
use crate::contract::openapi;
use crate::docs;
use crate::http::Reply;
use crate::operations::rest_entries;

/// The content security policy: the page may load its own stylesheet and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The printed documents.
#[derive(Default)]
pub(super) struct Documents {
    openapi: OnceLock<String>,
    page: OnceLock<String>,
}

impl Documents {
    /// `/openapi.json`, if it is already printed.
    pub(super) fn openapi(&self) -> Option<Reply> {
        self.openapi.get().map(|text| openapi_reply(text))
    }

    /// `/openapi.json` with the paths of this configuration; printed on the first call.
    pub(super) fn print_openapi(&self, config: &ServerConfig) -> Reply {
        let print = || openapi::document(&rest_entries(), &config.rest_prefixes);
        openapi_reply(self.openapi.get_or_init(print))
    }

    /// `/docs`, if it is already printed.
    pub(super) fn page(&self) -> Option<Reply> {
        self.page.get().map(|text| page_reply(text))
    }

    /// `/docs`; printed on the first call.
    pub(super) fn print_page(&self, config: &ServerConfig) -> Reply {
        let print = || docs::page(&config.soap_paths, &config.rest_prefixes);
        page_reply(self.page.get_or_init(print))
    }
}

fn openapi_reply(text: &str) -> Reply {
    reply("application/json", text)
}

fn page_reply(text: &str) -> Reply {
    let mut reply = reply("text/html; charset=utf-8", text);
    reply.headers.extend([
        ("Content-Security-Policy", POLICY.to_owned()),
        ("Referrer-Policy", "no-referrer".to_owned()),
    ]);
    reply
}

/// `/docs.css`.
pub(super) fn style() -> Reply {
    reply("text/css; charset=utf-8", docs::STYLE)
}

fn reply(content_type: &'static str, text: &str) -> Reply {
    Reply {
        status: 200,
        content_type,
        headers: Vec::new(),
        body: text.as_bytes().to_vec(),
    }
}
