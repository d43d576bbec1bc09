//! `audit`: the audit log.

use std::io;

use chaingun_gateway::config::Config;
use chaingun_gateway::store::audit;
use clap::Subcommand;
use serde_json::json;

use super::{Output, open, utc};

/// Commands about the audit log.
#[derive(Subcommand)]
pub enum AuditCommand {
    /// List entries, the newest first. Refusals of unauthenticated callers are counted by minute, network, event and
    /// code; such a row has their count and a sample.
    List {
        /// Only entries about this user; of counted refusals those with this user as the sample.
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// The most entries to list.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}

/// Runs a command.
pub fn run(config: &Config, output: Output, command: AuditCommand) -> io::Result<()> {
    let app = open(config)?;
    let AuditCommand::List { user, limit } = command;
    let entries = app
        .store
        .read(|c| audit::list(c, user.as_deref(), i64::from(limit)))
        .map_err(io::Error::other)?;
    let rows: Vec<_> = entries
        .into_iter()
        .map(|e| {
            vec![
                json!(utc(e.at)),
                json!(e.event),
                json!(e.outcome),
                json!(e.client_name),
                json!(e.actor),
                json!(e.on_behalf_of),
                json!(e.subject),
                json!(e.request_id),
                json!(e.times),
                json!(e.network),
            ]
        })
        .collect();
    output.table(
        &[
            "at",
            "event",
            "outcome",
            "client",
            "actor",
            "on_behalf_of",
            "subject",
            "request_id",
            "count",
            "network",
        ],
        &rows,
    )
}
