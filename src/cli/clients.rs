//! `client`: calling applications and their keys.

use std::io;

use chaingun_gateway::config::Config;
use chaingun_gateway::domain::audit_event::AuditEvent;
use chaingun_gateway::domain::client::Trust;
use chaingun_gateway::domain::one_time_token::format;
use chaingun_gateway::operations::RequestContext;
use chaingun_gateway::secrets::sha256_hex;
use chaingun_gateway::store::clients::{self, KeyedClient};
use chaingun_gateway::store::{self, AnyConnection};
use clap::Subcommand;
use serde_json::json;

use super::{Column, Output, check_name, cx, fail, open, write};

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
            let added = write(&cx, |tx| {
                let added = clients::add(tx.conn, &name, Some(&sha256_hex(&key)), trust, cx.now)?;
                let outcome = if added { "ok" } else { "exists" };
                tx.audit(AuditEvent::ClientAdded, outcome, Some(&name))?;
                Ok(added)
            })?;
            if !added {
                return fail(format!("there is a client {name:?} already"));
            }
            output.record(&[
                ("name", json!(name)),
                ("trust", json!(trust.as_str())),
                ("key", json!(key)),
            ])
        }
        ClientCommand::List => {
            let all = app.store.read(clients::all)?;
            output.table(&COLUMNS, &all)
        }
        ClientCommand::Disable { name } => {
            change(&cx, &name, AuditEvent::ClientDisabled, |c| {
                clients::set_active(c, &name, false)
            })?;
            output.done(
                &format!("{name} is disabled."),
                &[("name", json!(name)), ("active", json!(false))],
            )
        }
        ClientCommand::Enable { name } => {
            change(&cx, &name, AuditEvent::ClientEnabled, |c| {
                clients::set_active(c, &name, true)
            })?;
            output.done(
                &format!("{name} is enabled."),
                &[("name", json!(name)), ("active", json!(true))],
            )
        }
        ClientCommand::RotateKey { name, key } => {
            let key = new_key(key);
            check_key(&cx, &key)?;
            change(&cx, &name, AuditEvent::ClientKeyRotated, |c| {
                clients::set_key(c, &name, &sha256_hex(&key))
            })?;
            output.record(&[("name", json!(name)), ("key", json!(key))])
        }
    }
}

const COLUMNS: [Column<KeyedClient>; 4] = [
    ("name", |k| json!(k.client.name)),
    ("trust", |k| json!(k.client.trust.as_str())),
    ("active", |k| json!(k.client.active)),
    ("has_key", |k| json!(k.key_sha256.is_some())),
];

/// The longest name and key of a client, in characters; the contract has the same limits.
const MAX_NAME: usize = 128;
const MAX_KEY: usize = 256;

/// Rejects a key that no request can carry or that another client has.
fn check_key(cx: &RequestContext<'_>, key: &str) -> io::Result<()> {
    check_name("a key", key, MAX_KEY)?;
    let sha256 = sha256_hex(key);
    let all = cx.app.store.read(clients::all)?;
    match all.iter().find(|k| k.key_sha256.as_ref() == Some(&sha256)) {
        Some(other) => fail(format!("{:?} has this key already", other.client.name)),
        None => Ok(()),
    }
}

/// Changes a client; `step` returns whether the client exists.
fn change(
    cx: &RequestContext<'_>,
    name: &str,
    event: AuditEvent,
    step: impl Fn(&mut AnyConnection) -> store::Result<bool>,
) -> io::Result<()> {
    let is_known = write(cx, |tx| {
        let is_known = step(tx.conn)?;
        let outcome = if is_known { "ok" } else { "unknown" };
        tx.audit(event, outcome, Some(name))?;
        Ok(is_known)
    })?;
    match is_known {
        true => Ok(()),
        false => fail(format!("there is no client {name:?}; see `client list`")),
    }
}
