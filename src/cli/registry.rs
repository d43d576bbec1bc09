//! `apply` and `registry`: the registry as one file.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chaingun_gateway::config::Config;
use chaingun_gateway::delivery::{Reach, always_refused};
use chaingun_gateway::parts::Parts;
use chaingun_gateway::registry::apply::{Applier, ApplyError};
use chaingun_gateway::registry::export::export;
use chaingun_gateway::registry::file::{self, Watch};
use chaingun_gateway::registry::plan::{Change, Line, Plan, State, Wishes};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{OPERATOR, Output, open, visible};

/// What `apply` is told.
#[derive(Args)]
pub struct ApplyArgs {
    /// The registry file, like examples/registry.toml.
    file: PathBuf,
    /// Show what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Remove what the file does not name; never the client Default.
    #[arg(long)]
    prune: bool,
    /// Remove also what users depend on: organisations with members, services they are assigned to, agreements they
    /// accepted.
    #[arg(long, requires = "prune")]
    force: bool,
}

/// Commands about the registry as a whole.
#[derive(Subcommand)]
pub enum RegistryCommand {
    /// Print the registry as a file for `apply`, without its secrets.
    Export,
}

/// Applies a file; what is wrong with it, if anything is, comes back as lines.
pub fn apply(config: &Config, output: Output, args: &ApplyArgs) -> io::Result<Vec<String>> {
    let parts = open(config)?;
    let wishes = Wishes {
        prune: args.prune,
        force: args.force,
    };
    let applier = applier(&parts, OPERATOR);
    let planned = match args.dry_run {
        true => applier.plan(&args.file, wishes),
        false => applier.apply(&args.file, wishes),
    };
    let file = args.file.display();
    match planned {
        Ok(plan) => {
            for warning in warnings(&args.file, &plan.watch, config.callbacks.reach) {
                writeln!(io::stderr(), "chaingun-gateway: warning: {warning}")?;
            }
            print(output, &plan).map(|()| Vec::new())
        }
        Err(ApplyError::Mistakes(mistakes)) => Ok(mistakes
            .iter()
            .map(|mistake| format!("{file}: {}", visible(&mistake.0)))
            .collect()),
        Err(ApplyError::Io(error)) => Err(io::Error::new(error.kind(), format!("{file}: {error}"))),
        Err(ApplyError::Store(error)) => Err(io::Error::other(error)),
    }
}

/// What a file may say and its operator should know of: callbacks that are never made, and applications that may call
/// without their secret.
fn warnings(file: &Path, watch: &Watch, reach: Reach) -> Vec<String> {
    let refused = watch.callbacks.iter().filter_map(|(place, id, url)| {
        let reason = always_refused(url, reach)?;
        Some(format!(
            "{place}.callback_url: every callback of service {id} will be refused: {reason}; see the setting \
             callbacks.allow_private"
        ))
    });
    let plain = watch.plain.iter().map(|(place, client_id)| {
        format!(
            "{place}.plain_calls: {client_id} need not prove itself: whoever has a user's token can claim an id that nobody \
             holds, and have the service remove it"
        )
    });
    let told = file.display();
    refused
        .chain(plain)
        .map(|warning| format!("{told}: {}", visible(&warning)))
        .collect()
}

/// What is wrong with a file by itself, whatever is in the store; and what its operator should know of.
pub fn check(path: &Path, reach: Reach) -> (Vec<String>, Vec<String>) {
    let told = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return (vec![format!("{told}: {error}")], Vec::new()),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let (mistakes, warnings) = match file::read(&text, folder) {
        Ok((named, mistakes)) => (mistakes, warnings(path, &named.watch(), reach)),
        Err(mistake) => (vec![mistake], Vec::new()),
    };
    let lines = mistakes.iter();
    let lines = lines.map(|mistake| format!("{told}: {}", visible(&mistake.0)));
    (lines.collect(), warnings)
}

/// Carries a command out.
pub fn run(config: &Config, command: RegistryCommand) -> io::Result<()> {
    let RegistryCommand::Export = command;
    let parts = open(config)?;
    let state = parts.store.read(State::read).map_err(io::Error::other)?;
    write!(io::stdout(), "{}", export(&state))
}

fn applier<'a>(parts: &'a Parts, by: &'a str) -> Applier<'a> {
    Applier {
        store: &parts.store,
        sealer: &parts.sealer,
        by,
        now: parts.clock.now(),
    }
}

fn print(output: Output, plan: &Plan) -> io::Result<()> {
    for line in &plan.lines {
        let (sign, word) = match line.change {
            Change::Added => ('+', "added"),
            Change::Changed => ('~', "changed"),
            Change::Removed => ('-', "removed"),
        };
        output.done(
            format!("{sign} {}", told(line)).trim_end(),
            &[
                ("change", json!(word)),
                ("kind", json!(line.kind)),
                ("name", json!(line.name)),
                ("fields", json!(line.fields)),
            ],
        )?;
    }
    output.done(
        &format!("= {} unchanged", plan.left),
        &[("change", json!("left")), ("count", json!(plan.left))],
    )
}

fn told(line: &Line) -> String {
    let fields = line.fields.join(" ");
    format!("{} {} {fields}", line.kind, visible(&line.name))
}

/// Applies the file of a server that starts, whose callbacks reach so far.
pub fn start_with(parts: &Parts, file: &Path, reach: Reach) -> io::Result<()> {
    reload(parts, file, reach, "start").map_err(|error| {
        let file = file.display();
        io::Error::other(format!("{file}: {error}"))
    })
}

/// Applies the file and has this node notice; nothing is removed.
fn reload(parts: &Parts, file: &Path, reach: Reach, by: &str) -> Result<(), ApplyError> {
    let plan = applier(parts, by).apply(file, Wishes::default())?;
    for warning in warnings(file, &plan.watch, reach) {
        tracing::warn!(warning, "the registry file deserves a look");
    }
    let (changes, left) = (plan.lines.len(), plan.left);
    tracing::info!(file = %file.display(), changes, left, "the registry file is applied");
    Ok(parts.registry.refresh(&parts.store)?)
}

/// Applies the file again at each SIGHUP from now on; the handler is in place on return.
#[cfg(unix)]
pub fn reload_at_hangup(parts: Arc<Parts>, file: Option<PathBuf>, reach: Reach) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            let Some(file) = file.clone() else {
                tracing::info!("SIGHUP; the setting registry names no file, so nothing is applied");
                continue;
            };
            let parts = Arc::clone(&parts);
            // One after another; the database is waited for beside the runtime.
            let done = tokio::task::spawn_blocking(move || again(&parts, &file, reach)).await;
            if let Err(error) = done {
                tracing::error!(cause = %error, "the registry file was not applied");
            }
        }
    });
    Ok(())
}

/// Elsewhere there is no such signal.
#[cfg(not(unix))]
pub fn reload_at_hangup(_: Arc<Parts>, _: Option<PathBuf>, _: Reach) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn again(parts: &Parts, file: &Path, reach: Reach) {
    let told = file.display();
    match reload(parts, file, reach, "SIGHUP") {
        Ok(()) => {}
        Err(ApplyError::Mistakes(mistakes)) => {
            for mistake in mistakes {
                tracing::error!(file = %told, mistake = mistake.0, "the registry file was not applied");
            }
        }
        Err(error) => {
            tracing::error!(file = %told, cause = %error, "the registry file was not applied");
        }
    }
}
