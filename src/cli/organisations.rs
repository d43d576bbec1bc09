//! `org`: organisations.

use std::io;

use chaingun_gateway::config::Config;
use chaingun_gateway::contract::problem::Code;
use chaingun_gateway::contract::rejection::Rejection;
use chaingun_gateway::domain::audit_event::AuditEvent;
use chaingun_gateway::domain::organisation::JoinPolicy;
use chaingun_gateway::store::organisations::{self, Organisation};
use clap::Subcommand;
use serde_json::json;

use super::{Column, Output, check_display_name, check_name, cx, fail, open, write};

/// Commands about organisations.
#[derive(Subcommand)]
pub enum OrgCommand {
    /// Add an organisation.
    Add {
        /// The organisation's id: any text, for example hammy, dbx-2020-0403 or a UUID.
        uuid: String,
        /// The organisation's name.
        name: String,
        /// Let users join by themselves.
        #[arg(long)]
        open: bool,
        /// The partner system that has another id for the organisation (state_id of its users).
        #[arg(long, requires = "external_id")]
        channel: Option<String>,
        /// The id in that system (school_id of its users).
        #[arg(long, requires = "channel")]
        external_id: Option<String>,
    },
    /// List the organisations.
    List,
}

/// Runs a command.
pub fn run(config: &Config, output: Output, command: OrgCommand) -> io::Result<()> {
    let app = open(config)?;
    match command {
        OrgCommand::Add {
            uuid,
            name,
            open,
            channel,
            external_id,
        } => {
            check_name("an organisation's id", &uuid, 128)?;
            check_display_name("an organisation's name", &name, 128)?;
            let known_as = channel.as_deref().zip(external_id.as_deref());
            if let Some((channel, external_id)) = known_as {
                check_name("a channel", channel, 128)?;
                check_name("an organisation's external id", external_id, 128)?;
            }
            let cx = cx(&app);
            let join_policy = if open {
                JoinPolicy::Open
            } else {
                JoinPolicy::Closed
            };
            let added = write(&cx, |tx| {
                if let Some((channel, external_id)) = known_as
                    && let Some(other) =
                        organisations::by_external_id(tx.conn, channel, external_id)?
                {
                    let cause = format!("organisation {:?} has this external id", other.uuid);
                    return Err(Rejection::new(Code::InvalidField).because(cause).into());
                }
                let added = organisations::add(tx.conn, &uuid, &name, join_policy, cx.now)?;
                if added && known_as.is_some() {
                    organisations::set_external_id(tx.conn, &uuid, known_as)?;
                }
                let outcome = if added { "ok" } else { "exists" };
                tx.audit(AuditEvent::OrganisationAdded, outcome, Some(&uuid))?;
                Ok(added)
            })?;
            if !added {
                return fail(format!("there is an organisation {uuid:?} already"));
            }
            output.done(
                &format!("{uuid} is added."),
                &[
                    ("uuid", json!(uuid)),
                    ("name", json!(name)),
                    ("open", json!(open)),
                    ("channel", json!(channel)),
                    ("external_id", json!(external_id)),
                ],
            )
        }
        OrgCommand::List => {
            let all = app.store.read(organisations::all)?;
            output.table(&COLUMNS, &all)
        }
    }
}

const COLUMNS: [Column<Organisation>; 5] = [
    ("uuid", |o| json!(o.uuid)),
    ("name", |o| json!(o.name)),
    ("join", |o| json!(o.join_policy.as_str())),
    ("channel", |o| json!(o.channel)),
    ("external_id", |o| json!(o.external_id)),
];
