//! `partner`: those that sign their users in with tokens of their own.

use std::io;
use std::path::{Path, PathBuf};

use chaingun_gateway::config::Config;
use chaingun_gateway::contract::rejection::{Code, Rejection};
use chaingun_gateway::domain::web::is_origin;
use chaingun_gateway::operations::{Call, Refusal};
use chaingun_gateway::registry::file::{LIFE_S, MAX_KEYS, MAX_LIFE_S, ORIGIN, PUBLIC_KEY};
use chaingun_gateway::secrets::{rsa_keys, sha256_hex};
use chaingun_gateway::store::clients;
use chaingun_gateway::store::partners::{self, Partner};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Output, call, check_name, explain, open};

/// The longest name of a partner, and of what its users come from, in characters, as in the registry file.
const MAX_NAME: usize = 128;

/// Commands about partners.
#[derive(Subcommand)]
pub enum PartnerCommand {
    /// Add a partner: whoever it signs a token for, with one of its keys, is signed in.
    Add(AddArgs),
    /// List the partners, with the fingerprints of their keys.
    List,
    /// Give a partner another key; the ones it has go on counting, unless --only says otherwise.
    RotateKey {
        /// How it names itself in its tokens (iss).
        iss: String,
        /// Its new public RSA key, in PEM.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Drop every other key at once: what was signed with them is refused from now on.
        #[arg(long)]
        only: bool,
    },
}

/// What `partner add` is told.
#[derive(Args)]
#[command(after_help = "Example:\n  \
    chaingun-gateway partner add apekx --key apekx.pub.pem --state-id apekx --redirect-origin https://school.example.org\n\n\
    The schools its users come from are organisations with that state_id as their channel: \
    chaingun-gateway org add some-school 'Some School' --channel apekx --external-id S-1")]
pub struct AddArgs {
    /// How it names itself in its tokens (iss).
    iss: String,
    /// Its public RSA key of 2048 to 8192 bits, in PEM; several while one replaces the other.
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// What its users may come from (state_id); its own name if nothing is said.
    #[arg(long, value_name = "ID")]
    state_id: Vec<String>,
    /// Where its users may be sent on to beside this gateway, like https://school.example.org.
    #[arg(long, value_name = "ORIGIN")]
    redirect_origin: Vec<String>,
    /// The longest, in seconds, that its tokens may be good for.
    #[arg(long, value_name = "SECONDS", default_value_t = LIFE_S, value_parser = clap::value_parser!(i64).range(1..=MAX_LIFE_S))]
    max_life: i64,
}

/// Carries a command out.
pub fn run(config: &Config, output: Output, command: PartnerCommand) -> io::Result<()> {
    let parts = open(config)?;
    let call = call(&parts);
    match command {
        PartnerCommand::Add(args) => {
            let partner = partner(args)?;
            change(
                &call,
                &partner.iss,
                "partner_added",
                |stored| match stored {
                    Some(_) => Err(format!("there is a partner {:?} already", partner.iss)),
                    None => Ok(partner.clone()),
                },
            )?;
            shown(output, &partner)
        }
        PartnerCommand::List => {
            let all = parts.store.read(partners::all).map_err(io::Error::other)?;
            let rows: Vec<_> = all
                .iter()
                .map(|p| {
                    vec![
                        json!(p.iss),
                        json!(p.state_ids),
                        json!(p.redirect_origins),
                        json!(p.max_life_s),
                        json!(fingerprints(p)),
                    ]
                })
                .collect();
            let head = ["iss", "state_ids", "redirect_origins", "max_life_s", "keys"];
            output.table(&head, &rows)
        }
        PartnerCommand::RotateKey { iss, key, only } => {
            let new = public_key(&key)?;
            let partner = change(&call, &iss, "partner_key_rotated", |stored| {
                let mut partner = stored
                    .cloned()
                    .ok_or_else(|| format!("there is no partner {iss:?}; see `partner list`"))?;
                let mut keys = rsa_keys::split(&partner.public_keys);
                keys.retain(|old| !only && *old != new);
                // The newest first: it is the one that most tokens are signed with.
                keys.insert(0, new.clone());
                if keys.len() > MAX_KEYS {
                    return Err(format!(
                        "{iss:?} has {MAX_KEYS} keys, and no partner has more; drop the old ones with --only"
                    ));
                }
                partner.public_keys = keys.concat();
                Ok(partner)
            })?;
            shown(output, &partner)
        }
    }
}

/// Makes a partner be what becomes of the one that is stored, and has every node notice.
fn change(
    call: &Call<'_>,
    iss: &str,
    event: &str,
    become_of: impl Fn(Option<&Partner>) -> Result<Partner, String>,
) -> io::Result<Partner> {
    let changed = call.parts.store.write(|c| {
        clients::hold_registry(c)?;
        let all = partners::all(c)?;
        let stored = all.iter().find(|p| p.iss == iss);
        let partner =
            become_of(stored).map_err(|cause| Rejection::new(Code::InvalidField).because(cause))?;
        partners::put(c, &partner)?;
        clients::touch(c)?;
        call.audit(c, event, "ok", Some(iss))?;
        Ok::<_, Refusal>(partner)
    });
    changed.map_err(explain)
}

fn partner(args: AddArgs) -> io::Result<Partner> {
    check_name("a partner's name", &args.iss, MAX_NAME)?;
    let mut state_ids = args.state_id;
    if state_ids.is_empty() {
        state_ids.push(args.iss.clone());
    }
    for id in &state_ids {
        check_name("a state_id", id, MAX_NAME)?;
    }
    if let Some(wrong) = args.redirect_origin.iter().find(|o| !is_origin(o)) {
        return Err(io::Error::other(format!("{wrong:?} must be {ORIGIN}")));
    }
    if args.key.len() > MAX_KEYS {
        return Err(io::Error::other(format!(
            "a partner has {MAX_KEYS} keys at most"
        )));
    }
    let keys: io::Result<String> = args.key.iter().map(|file| public_key(file)).collect();
    Ok(Partner {
        iss: args.iss,
        public_keys: keys?,
        state_ids,
        redirect_origins: args.redirect_origin,
        max_life_s: args.max_life,
    })
}

/// Reads a public key; what else stands in the file is not told, since it may be the private one.
fn public_key(file: &Path) -> io::Result<String> {
    let told = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| io::Error::new(error.kind(), format!("{told}: {error}")))?;
    rsa_keys::public_key(&text)
        .ok_or_else(|| io::Error::other(format!("{told}: must be {PUBLIC_KEY}")))
}

/// What people compare keys by: the first 16 digits of the SHA-256 of the PEM text that is kept.
fn fingerprints(partner: &Partner) -> Vec<String> {
    rsa_keys::split(&partner.public_keys)
        .iter()
        .map(|key| sha256_hex(key).chars().take(16).collect())
        .collect()
}

fn shown(output: Output, partner: &Partner) -> io::Result<()> {
    output.record(&[
        ("iss", json!(partner.iss)),
        ("state_ids", json!(partner.state_ids)),
        ("redirect_origins", json!(partner.redirect_origins)),
        ("max_life_s", json!(partner.max_life_s)),
        ("keys", json!(fingerprints(partner))),
    ])
}
