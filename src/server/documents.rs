//! The documents that the gateway serves about itself, printed once when it starts.

use super::ServerConfig;
use crate::contract::openapi;
use crate::docs;
use crate::exchange::Reply;
use crate::operations::rest_entries;

/// What a page may load and do: its own stylesheet, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The printed documents.
pub(super) struct Documents {
    openapi: String,
    page: String,
}

impl Documents {
    /// Prints them for the paths of this configuration.
    pub(super) fn print(config: &ServerConfig) -> Self {
        Self {
            openapi: openapi::document(&rest_entries(), &config.rest_prefixes),
            page: docs::page(&config.soap_paths, &config.rest_prefixes),
        }
    }

    /// `/openapi.json`
    pub(super) fn openapi(&self) -> Reply {
        reply("application/json", &self.openapi)
    }

    /// `/docs`
    pub(super) fn page(&self) -> Reply {
        let mut reply = reply("text/html; charset=utf-8", &self.page);
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
