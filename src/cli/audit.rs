//! `audit`: who did what to whom, and what was refused.

use std::io;

use chaingun_gateway::config::Config;
use chaingun_gateway::store::audit;
use clap::Subcommand;
use serde_json::json;

use super::{Output, open, utc};

/// Commands about the audit log.
#[derive(Subcommand)]
pub enum AuditCommand {
    /// List entries, the newest first. Refusals of callers who proved nothing are counted by the minute, network, event and
    /// code; such a row has their number, and one of them as a sample.
    List {
        /// Only what was done to this user; of refusals that are counted, those with it as their sample.
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// The most entries to list.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}

/// Carries a command out.
pub fn run(config: &Config, output: Output, command: AuditCommand) -> io::Result<()> {
    let parts = open(config)?;
    let AuditCommand::List { user, limit } = command;
    let entries = parts
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
