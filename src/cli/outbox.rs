//! `outbox`: queued, delivered and failed mails and callbacks. Their contents are never printed.

use std::io;

use chaingun_gateway::config::Config;
use chaingun_gateway::domain::audit_event::AuditEvent;
use chaingun_gateway::domain::outbox::OutboxState;
use chaingun_gateway::store::outbox::{self, RetryTarget, Row};
use clap::Subcommand;
use serde_json::json;

use super::{Column, Output, cx, fail, open, utc, write};

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
    /// Make a pending mail or callback a dead letter, so that it is not tried again.
    GiveUp {
        /// The number in the list.
        id: i64,
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

const COLUMNS: [Column<Row>; 9] = [
    ("id", |row| json!(row.id)),
    ("kind", |row| json!(row.kind.as_str())),
    ("state", |row| json!(row.state.as_str())),
    ("service", |row| json!(row.service_id)),
    ("attempts", |row| json!(row.attempts)),
    ("created_at", |row| json!(utc(row.created_at))),
    ("due_at", |row| {
        json!((row.state == OutboxState::Pending).then(|| utc(row.due_at)))
    }),
    ("delivered_at", |row| json!(row.delivered_at.map(utc))),
    ("last_error", |row| json!(row.last_error)),
];

/// Runs a command.
pub fn run(config: &Config, output: Output, command: OutboxCommand) -> io::Result<()> {
    let app = open(config)?;
    let cx = cx(&app);
    match command {
        OutboxCommand::List { state, limit } => {
            let state = state.as_deref().and_then(OutboxState::parse);
            let limit = i64::from(limit);
            let rows = app.store.read(|c| outbox::list(c, state, limit))?;
            output.table(&COLUMNS, &rows)
        }
        OutboxCommand::Show { id } => match app.store.read(|c| outbox::one(c, id))? {
            Some(row) => output.row(&COLUMNS, &row),
            None => fail(format!("the outbox has no row {id}; see `outbox list`")),
        },
        OutboxCommand::Retry { id, dead: _ } => {
            let target = id.map_or(RetryTarget::Dead, RetryTarget::One);
            let count = write(&cx, |tx| {
                let count = outbox::retry(tx.conn, &target, cx.now)?;
                tx.audit(AuditEvent::OutboxRetried, "ok", None)?;
                Ok(count)
            })?;
            match (count, id) {
                (0, Some(id)) => fail(format!(
                    "{id} is not in the outbox, or was delivered; see `outbox list`"
                )),
                _ => output.done(
                    &format!("Rows to send again: {count}."),
                    &[("retried", json!(count))],
                ),
            }
        }
        OutboxCommand::GiveUp { id } => {
            let is_pending = write(&cx, |tx| {
                let is_pending = outbox::give_up(tx.conn, id, cx.now)?;
                if is_pending {
                    tx.audit(AuditEvent::OutboxGivenUp, "ok", None)?;
                }
                Ok(is_pending)
            })?;
            if !is_pending {
                return fail(format!(
                    "{id} is not pending in the outbox; see `outbox list`"
                ));
            }
            output.done("Rows given up: 1.", &[("given_up", json!(1))])
        }
        OutboxCommand::Purge { state, days, yes } => {
            let state = OutboxState::parse(&state).unwrap_or(OutboxState::Delivered);
            if state == OutboxState::Dead && !yes {
                return fail("deleted dead letters cannot be restored; add --yes to delete them");
            }
            let before = cx.now - i64::from(days) * 86_400_000;
            let count = write(&cx, |tx| {
                let count = outbox::purge(tx.conn, state, before)?;
                tx.audit(AuditEvent::OutboxPurged, state.as_str(), None)?;
                Ok(count)
            })?;
            output.done(
                &format!("Rows deleted: {count}."),
                &[("purged", json!(count))],
            )
        }
    }
}
