//! `outbox`: queued, delivered and failed mails and callbacks. Their contents are never printed.

use std::io;

use chaingun_gateway::config::Config;
use chaingun_gateway::domain::audit_event::AuditEvent;
use chaingun_gateway::domain::outbox::OutboxState;
use chaingun_gateway::operations::{Refusal, RequestContext};
use chaingun_gateway::store::outbox::{self, Again, Row};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Output, cx, explain, open, utc};

/// Commands about the outbox.
#[derive(Subcommand)]
pub enum OutboxCommand {
    /// List mails and callbacks, the newest first.
    List {
        /// Only rows in this state.
        #[arg(long, value_parser = ["pending", "delivered", "dead"])]
        state: Option<String>,
        /// The most entries to list.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show one mail or callback.
    Show {
        /// The number in the list.
        id: i64,
    },
    /// Make rows due at once, with a full series of further attempts.
    Retry {
        /// The number in the list.
        #[arg(required_unless_present = "dead")]
        id: Option<i64>,
        /// Every dead letter.
        #[arg(long, conflicts_with = "id")]
        dead: bool,
    },
    /// Delete delivered rows or dead letters.
    Purge {
        /// The state of the rows to delete.
        #[arg(long, value_parser = ["delivered", "dead"])]
        state: String,
        /// Only rows that have been in the state for this many days.
        #[arg(long, default_value_t = 0)]
        days: u32,
        /// Confirm the deletion of dead letters, which cannot be undone.
        #[arg(long)]
        yes: bool,
    },
}

/// The columns of the list.
const HEAD: [&str; 9] = [
    "id",
    "kind",
    "state",
    "service",
    "attempts",
    "created_at",
    "due_at",
    "delivered_at",
    "last_error",
];

/// Runs a command.
pub fn run(config: &Config, output: Output, command: OutboxCommand) -> io::Result<()> {
    let app = open(config)?;
    let cx = cx(&app);
    match command {
        OutboxCommand::List { state, limit } => {
            let state = state.as_deref().and_then(OutboxState::parse);
            let found = app
                .store
                .read(|c| outbox::list(c, state, i64::from(limit)))
                .map_err(io::Error::other)?;
            let rows: Vec<_> = found.iter().map(fields).collect();
            output.table(&HEAD, &rows)
        }
        OutboxCommand::Show { id } => {
            let row = app
                .store
                .read(|c| outbox::one(c, id))
                .map_err(io::Error::other)?
                .ok_or_else(|| {
                    io::Error::other(format!("there is no {id} in the outbox; see `outbox list`"))
                })?;
            let named: Vec<_> = HEAD.into_iter().zip(fields(&row)).collect();
            output.record(&named)
        }
        OutboxCommand::Retry { id, dead: _ } => {
            let again = id.map_or(Again::Dead, Again::One);
            let count = retry(&cx, &again)?;
            match (count, id) {
                (0, Some(id)) => Err(io::Error::other(format!(
                    "{id} is not in the outbox, or was delivered; see `outbox list`"
                ))),
                _ => output.done(
                    &format!("{count} to be sent again."),
                    &[("retried", json!(count))],
                ),
            }
        }
        OutboxCommand::Purge { state, days, yes } => {
            let state = OutboxState::parse(&state).unwrap_or(OutboxState::Delivered);
            if state == OutboxState::Dead && !yes {
                return Err(io::Error::other(
                    "dead letters cannot be brought back; add --yes if that is meant",
                ));
            }
            let count = purge(&cx, state, i64::from(days))?;
            output.done(&format!("{count} purged."), &[("purged", json!(count))])
        }
    }
}

fn fields(row: &Row) -> Vec<Value> {
    vec![
        json!(row.id),
        json!(row.kind.as_str()),
        json!(row.state.as_str()),
        json!(row.service_id),
        json!(row.attempts),
        json!(utc(row.created_at)),
        json!((row.state == OutboxState::Pending).then(|| utc(row.due_at))),
        json!(row.delivered_at.map(utc)),
        json!(row.last_error),
    ]
}

fn retry(cx: &RequestContext<'_>, again: &Again) -> io::Result<usize> {
    let done = cx.write(|tx| {
        let count = outbox::retry(tx.conn, again, cx.now)?;
        tx.audit(AuditEvent::OutboxRetried, "ok", None)?;
        Ok::<_, Refusal>(count)
    });
    done.map_err(explain)
}

fn purge(cx: &RequestContext<'_>, state: OutboxState, days: i64) -> io::Result<usize> {
    let done = cx.write(|tx| {
        let count = outbox::purge(tx.conn, state, cx.now - days * 86_400_000)?;
        tx.audit(AuditEvent::OutboxPurged, state.as_str(), None)?;
        Ok::<_, Refusal>(count)
    });
    done.map_err(explain)
}
