//! The documents that the gateway serves about itself, printed when they are first asked for: most nodes never are, and
//! printing them takes longer than all the rest of a start.

use std::sync::OnceLock;

use super::ServerConfig;
use crate::contract::openapi;
use crate::docs;
use crate::exchange::Reply;
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
    /// `/openapi.json`, for the paths of this configuration.
    pub(super) fn openapi(&self, config: &ServerConfig) -> Reply {
        let print = || openapi::document(&rest_entries(), &config.rest_prefixes);
        reply("application/json", self.openapi.get_or_init(print))
    }

    /// `/docs`
    pub(super) fn page(&self, config: &ServerConfig) -> Reply {
        let print = || docs::page(&config.soap_paths, &config.rest_prefixes);
        let mut reply = reply("text/html; charset=utf-8", self.page.get_or_init(print));
        reply.headers.extend([
            ("Content-Security-Policy", POLICY.to_owned()),
            ("Referrer-Policy", "no-referrer".to_owned()),
        ]);
        reply
    }
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
