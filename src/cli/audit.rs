//! `audit`: the audit log.

use std::io;

use chaingun_gateway::config::Config;
use chaingun_gateway::store::audit::{self, Listed};
use clap::Subcommand;
use serde_json::json;

use super::{Column, Output, open, utc};

/// Commands about the audit log.
#[derive(Subcommand)]
pub enum AuditCommand {
    /// List entries, the newest first. Refusals of unauthenticated callers are counted by minute, network, event and
    /// code; a row of such refusals has their count and one sample.
    List {
        /// Only entries about this user, and counted refusals whose sample is about this user.
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
        .read(|c| audit::list(c, user.as_deref(), i64::from(limit)))?;
    output.table(&COLUMNS, &entries)
}

const COLUMNS: [Column<Listed>; 10] = [
    ("at", |e| json!(utc(e.at))),
    ("event", |e| json!(e.event)),
    ("outcome", |e| json!(e.outcome)),
    ("client", |e| json!(e.client_name)),
    ("actor", |e| json!(e.actor)),
    ("on_behalf_of", |e| json!(e.on_behalf_of)),
    ("subject", |e| json!(e.subject)),
    ("request_id", |e| json!(e.request_id)),
    ("count", |e| json!(e.times)),
    ("network", |e| json!(e.network)),
];
