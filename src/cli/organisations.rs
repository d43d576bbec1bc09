//! `org`: organisations.

use std::io;

use chaingun_gateway::config::Config;
use chaingun_gateway::operations::Refusal;
use chaingun_gateway::store::organisations;
use clap::Subcommand;
use serde_json::json;

use super::{Output, call, check_name, explain, open};

/// Commands about organisations.
#[derive(Subcommand)]
pub enum OrgCommand {
    /// Add an organisation.
    Add {
        /// Its id; any text, for example hammy, dbx-2020-0403 or a UUID.
        uuid: String,
        /// Its name.
        name: String,
        /// Let anyone join by itself.
        #[arg(long)]
        open: bool,
    },
    /// List the organisations.
    List,
}

/// Carries a command out.
pub fn run(config: &Config, output: Output, command: OrgCommand) -> io::Result<()> {
    let parts = open(config)?;
    match command {
        OrgCommand::Add { uuid, name, open } => {
            check_name("an organisation's id", &uuid, 128)?;
            check_name("an organisation's name", &name, 128)?;
            let call = call(&parts);
            let added = parts.store.write(|c| {
                let added = organisations::add(c, &uuid, &name, open, call.now)?;
                let outcome = if added { "ok" } else { "exists" };
                call.audit(c, "organisation_added", outcome, Some(&uuid))?;
                Ok::<_, Refusal>(added)
            });
            if !added.map_err(explain)? {
                return Err(io::Error::other(format!(
                    "there is an organisation {uuid:?} already"
                )));
            }
            output.done(
                &format!("{uuid} is added."),
                &[
                    ("uuid", json!(uuid)),
                    ("name", json!(name)),
                    ("open", json!(open)),
                ],
            )
        }
        OrgCommand::List => {
            let all = parts
                .store
                .read(organisations::all)
                .map_err(io::Error::other)?;
            let rows: Vec<_> = all
                .iter()
                .map(|o| vec![json!(o.uuid), json!(o.name), json!(o.join_policy)])
                .collect();
            output.table(&["uuid", "name", "join"], &rows)
        }
    }
}
