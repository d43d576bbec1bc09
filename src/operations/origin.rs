//! The origin of a request: the party whose share of a queue the request uses. The gateway determines the origin before
//! it authenticates the request.

use std::net::IpAddr;

use super::{Cost, DecodedRequest, access};
use crate::app_context::AppContext;
use crate::domain::client::Trust;
use crate::domain::network::Network;
use crate::domain::text::canonical;

/// The maximum length of an account name, in characters; longer names are cut.
const MAX_ACCOUNT_CHARS: usize = 256;

/// The source of a request, and the account whose password the request contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The network of the client, or the name of a trusted client, because many people share its address.
    pub source: String,
    /// Whether the source is a trusted client.
    pub is_trusted: bool,
    /// The login name whose password is checked or set; `None` if no password is hashed.
    pub account: Option<String>,
}

impl Origin {
    /// The origin of a decoded request.
    #[must_use]
    pub fn of<A>(app: &AppContext, decoded: &DecodedRequest<A>) -> Self {
        let credentials = &decoded.credentials;
        let client = access::client(app, credentials.client_key.as_ref());
        let trusted = client.ok().flatten().filter(|c| c.trust == Trust::Trusted);
        let login = match (decoded.operation().cost, &credentials.username_token) {
            (Cost::Hash, _) => decoded.request.claims().subject,
            (_, Some((name, _))) => Some(name.as_str()),
            (_, None) => None,
        };
        let account = login.map(|login| {
            let short: String = login.chars().take(MAX_ACCOUNT_CHARS).collect();
            canonical(&short)
        });
        Self {
            account,
            ..Self::of_source(trusted.map(|c| c.name).as_deref(), credentials.source)
        }
    }

    /// The origin of a request that calls no operation.
    #[must_use]
    pub fn of_peer(peer: IpAddr) -> Self {
        Self::of_source(None, Some(peer))
    }

    fn of_source(trusted: Option<&str>, source: Option<IpAddr>) -> Self {
        Self {
            source: match (trusted, source) {
                (Some(client), _) => format!("client {client}"),
                (None, Some(address)) => Network::from(address).to_string(),
                (None, None) => String::new(),
            },
            is_trusted: trusted.is_some(),
            account: None,
        }
    }
}
