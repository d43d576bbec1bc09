//! The documents that the gateway serves about itself, printed when they are first asked for: most nodes never are, and
//! printing them takes longer than all the rest of a start.

use std::sync::OnceLock;

use super::ServerConfig;
use crate::contract::openapi;
use crate::docs;
use crate::http::Reply;
use crate::operations::rest_entries;

/// What a page may load and do: its own stylesheet, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The documents that are printed by now.
#[derive(Default)]
pub(super) struct Documents {
    openapi: OnceLock<String>,
    page: OnceLock<String>,
}

impl Documents {
    /// `/openapi.json`, if it has been printed.
    pub(super) fn openapi(&self) -> Option<Reply> {
        self.openapi.get().map(|text| openapi_reply(text))
    }

    /// The same, for the paths of this configuration; printed if need be.
    pub(super) fn print_openapi(&self, config: &ServerConfig) -> Reply {
        let print = || openapi::document(&rest_entries(), &config.rest_prefixes);
        openapi_reply(self.openapi.get_or_init(print))
    }

    /// `/docs`, if it has been printed.
    pub(super) fn page(&self) -> Option<Reply> {
        self.page.get().map(|text| page_reply(text))
    }

    /// The same, printed if need be.
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

/// `/docs.css`
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
