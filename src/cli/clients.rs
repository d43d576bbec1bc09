//! `client`: calling applications and their keys.

use std::io;

use chaingun_gateway::config::Config;
use chaingun_gateway::domain::audit_event::AuditEvent;
use chaingun_gateway::domain::client::Trust;
use chaingun_gateway::domain::one_time_token::format;
use chaingun_gateway::operations::Refusal;
use chaingun_gateway::secrets::sha256_hex;
use chaingun_gateway::store::clients;
use clap::Subcommand;
use serde_json::json;

use super::{Output, check_name, cx, explain, open};

/// Commands about clients.
#[derive(Subcommand)]
pub enum ClientCommand {
    /// Add a client and print its key. The key is not shown again.
    Add {
        /// The client's name, which is the clientName of its users.
        name: String,
        /// trusted: the key alone is the credential. public: calls about users also need a user token.
        #[arg(long, default_value = "public", value_parser = ["trusted", "public"])]
        trust: String,
        /// Use this key instead of a random one, for example the key of a legacy installation.
        #[arg(long)]
        key: Option<String>,
    },
    /// List the clients.
    List,
    /// Disable a client, so that its calls are refused from now on.
    Disable {
        /// The client's name.
        name: String,
    },
    /// Enable a disabled client.
    Enable {
        /// The client's name.
        name: String,
    },
    /// Replace the key of a client and print the new one. The old key stops working at once.
    RotateKey {
        /// The client's name.
        name: String,
        /// Use this key instead of a random one.
        #[arg(long)]
        key: Option<String>,
    },
}

/// Runs a command.
pub fn run(config: &Config, output: Output, command: ClientCommand) -> io::Result<()> {
    let app = open(config)?;
    let cx = cx(&app);
    let new_key = |given: Option<String>| given.unwrap_or_else(|| format(app.entropy.bytes()));
    match command {
        ClientCommand::Add { name, trust, key } => {
            check_name("a client's name", &name, MAX_NAME)?;
            let key = new_key(key);
            check_key(&cx, &key)?;
            let trust = Trust::parse(&trust).unwrap_or(Trust::Public);
            let added = cx.write(|tx| {
                let added = clients::add(tx.conn, &name, Some(&sha256_hex(&key)), trust, cx.now)?;
                tx.audit(
                    AuditEvent::ClientAdded,
                    if added { "ok" } else { "exists" },
                    Some(&name),
                )?;
                Ok::<_, Refusal>(added)
            });
            if !added.map_err(explain)? {
                return Err(io::Error::other(format!(
                    "there is a client {name:?} already"
                )));
            }
            output.record(&[
                ("name", json!(name)),
                ("trust", json!(trust.as_str())),
                ("key", json!(key)),
            ])
        }
        ClientCommand::List => {
            let all = app.store.read(clients::all).map_err(io::Error::other)?;
            let rows: Vec<_> = all
                .iter()
                .map(|k| {
                    let c = &k.client;
                    let has_key = k.key_sha256.is_some();
                    vec![
                        json!(c.name),
                        json!(c.trust.as_str()),
                        json!(c.active),
                        json!(has_key),
                    ]
                })
                .collect();
            output.table(&["name", "trust", "active", "has_key"], &rows)
        }
        ClientCommand::Disable { name } => {
            set_active(&cx, &name, false)?;
            output.done(
                &format!("{name} is disabled."),
                &[("name", json!(name)), ("active", json!(false))],
            )
        }
        ClientCommand::Enable { name } => {
            set_active(&cx, &name, true)?;
            output.done(
                &format!("{name} is enabled."),
                &[("name", json!(name)), ("active", json!(true))],
            )
        }
        ClientCommand::RotateKey { name, key } => {
            let key = new_key(key);
            check_key(&cx, &key)?;
            let known = cx.write(|tx| {
                let known = clients::set_key(tx.conn, &name, &sha256_hex(&key))?;
                let outcome = if known { "ok" } else { "unknown" };
                tx.audit(AuditEvent::ClientKeyRotated, outcome, Some(&name))?;
                Ok::<_, Refusal>(known)
            });
            must_be_known(known.map_err(explain)?, &name)?;
            output.record(&[("name", json!(name)), ("key", json!(key))])
        }
    }
}

/// The longest name and key of a client, in characters; the contract has the same limits.
const MAX_NAME: usize = 128;
const MAX_KEY: usize = 256;

/// Rejects a key that no request can carry or that another client has.
fn check_key(cx: &chaingun_gateway::operations::RequestContext<'_>, key: &str) -> io::Result<()> {
    check_name("a key", key, MAX_KEY)?;
    let sha256 = sha256_hex(key);
    let all = cx.app.store.read(clients::all).map_err(io::Error::other)?;
    match all.iter().find(|k| k.key_sha256.as_ref() == Some(&sha256)) {
        Some(other) => Err(io::Error::other(format!(
            "{:?} has this key already",
            other.client.name
        ))),
        None => Ok(()),
    }
}

fn set_active(
    cx: &chaingun_gateway::operations::RequestContext<'_>,
    name: &str,
    active: bool,
) -> io::Result<()> {
    let event = if active {
        AuditEvent::ClientEnabled
    } else {
        AuditEvent::ClientDisabled
    };
    let known = cx.write(|tx| {
        let known = clients::set_active(tx.conn, name, active)?;
        let outcome = if known { "ok" } else { "unknown" };
        tx.audit(event, outcome, Some(name))?;
        Ok::<_, Refusal>(known)
    });
    must_be_known(known.map_err(explain)?, name)
}

fn must_be_known(known: bool, name: &str) -> io::Result<()> {
    if known {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "there is no client {name:?}; see `client list`"
        )))
    }
}
