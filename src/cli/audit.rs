//! `audit`: who did what to whom.

use std::io;

use chaingun_gateway::config::Config;
use chaingun_gateway::store::audit;
use clap::Subcommand;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::{Output, open};

/// Commands about the audit log.
#[derive(Subcommand)]
pub enum AuditCommand {
    /// List entries, the newest first.
    List {
        /// Only what was done to this user.
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
        ],
        &rows,
    )
}

/// Milliseconds since 1970 as RFC 3339 has it, in UTC.
fn utc(millis: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_else(|| millis.to_string())
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn writes_utc() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(1_601_973_889_007), "2020-10-06T08:44:49.007Z");
    }
}
