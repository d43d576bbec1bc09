//! `keys`: the keys that sign tokens.

use std::io;
use std::path::PathBuf;

use chaingun_gateway::clock::Clock;
use chaingun_gateway::config::Config;
use chaingun_gateway::secrets::signing_keys::{self, KeyInfo};
use clap::Subcommand;
use serde_json::json;

use super::{Column, Output, utc};

/// Commands about signing keys.
#[derive(Subcommand)]
pub enum KeysCommand {
    /// List the keys in use. The first one signs.
    List,
    /// Sign with a new key from now on. Running nodes notice within a second.
    Rotate {
        /// Remove the old key at once, which ends every token that the key signed. Use this for a leaked key.
        #[arg(long)]
        revoke: bool,
    },
}

/// Runs a command.
pub fn run(config: &Config, output: Output, command: KeysCommand) -> io::Result<()> {
    let folder: PathBuf = config.keys_dir();
    let now = Clock::System.now();
    let keys = match command {
        KeysCommand::List => signing_keys::list(&folder, config.signing, now)?,
        KeysCommand::Rotate { revoke } => {
            // The old key verifies tokens until its last token has expired, plus a minute for clock differences.
            let overlap = (config.rules.token_seconds + 60) * 1000;
            let until = if revoke { now } else { now + overlap };
            signing_keys::rotate(&folder, config.signing, now, until)?
        }
    };
    output.table(&COLUMNS, &keys)
}

const COLUMNS: [Column<KeyInfo>; 4] = [
    ("kid", |key| json!(key.kid)),
    ("algorithm", |key| json!(key.signing.as_str())),
    ("signs", |key| json!(key.signs)),
    ("checks_until", |key| json!(key.until.map(utc))),
];
