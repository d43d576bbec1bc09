//! `apply` and `registry`: the registry as a file.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chaingun_gateway::background::registry_file::{applier, warnings};
use chaingun_gateway::config::Config;
use chaingun_gateway::delivery::Reach;
use chaingun_gateway::registry::apply::ApplyError;
use chaingun_gateway::registry::export::export;
use chaingun_gateway::registry::file;
use chaingun_gateway::registry::kind::{ApplyOptions, State};
use chaingun_gateway::registry::plan::{Change, Plan, PlannedChange};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{OPERATOR, Output, open, visible};

/// The arguments of `apply`.
#[derive(Args)]
pub struct ApplyArgs {
    /// The registry file, like examples/registry.toml.
    file: PathBuf,
    /// Show the changes without making them.
    #[arg(long)]
    dry_run: bool,
    /// Remove entries that the file does not name, but never the client Default.
    #[arg(long)]
    prune: bool,
    /// Remove entries even if users depend on them: organisations with members, services with assigned users, accepted
    /// agreements.
    #[arg(long, requires = "prune")]
    force: bool,
}

/// Commands about the registry as a whole.
#[derive(Subcommand)]
pub enum RegistryCommand {
    /// Print the registry as a file for `apply`, without its secrets.
    Export,
}

/// Applies a file. Returns the faults of the file as lines.
pub fn apply(config: &Config, output: Output, args: &ApplyArgs) -> io::Result<Vec<String>> {
    let app = open(config)?;
    let options = ApplyOptions {
        prune: args.prune,
        force: args.force,
    };
    let applier = applier(&app, OPERATOR);
    let planned = match args.dry_run {
        true => applier.plan(&args.file, options),
        false => applier.apply(&args.file, options),
    };
    let file = args.file.display();
    match planned {
        Ok(plan) => {
            for warning in warnings(&args.file, &plan.to_review, config.callbacks.reach) {
                writeln!(io::stderr(), "chaingun-gateway: warning: {warning}")?;
            }
            print(output, &plan).map(|()| Vec::new())
        }
        Err(ApplyError::Mistakes(mistakes)) => Ok(mistakes
            .iter()
            .map(|mistake| format!("{file}: {}", visible(&mistake.0)))
            .collect()),
        Err(ApplyError::Io(error)) => Err(io::Error::new(error.kind(), format!("{file}: {error}"))),
        Err(ApplyError::Store(error)) => Err(error.into()),
    }
}

/// The faults of a file that can be found without the database, and the warnings about the file.
pub fn check(path: &Path, reach: Reach) -> (Vec<String>, Vec<String>) {
    let file = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return (vec![format!("{file}: {error}")], Vec::new()),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let (mistakes, warnings) = match file::read(&text, folder) {
        Ok((named, mistakes)) => (mistakes, warnings(path, &named.entries_to_review(), reach)),
        Err(mistake) => (vec![mistake], Vec::new()),
    };
    let lines = mistakes.iter();
    let lines = lines.map(|mistake| format!("{file}: {}", visible(&mistake.0)));
    (lines.collect(), warnings)
}

/// Runs a command.
pub fn run(config: &Config, command: RegistryCommand) -> io::Result<()> {
    let RegistryCommand::Export = command;
    let app = open(config)?;
    let state = app.store.read(State::read)?;
    write!(io::stdout(), "{}", export(&state))
}

fn print(output: Output, plan: &Plan) -> io::Result<()> {
    for line in &plan.lines {
        let (sign, word) = match line.change {
            Change::Added => ('+', "added"),
            Change::Changed => ('~', "changed"),
            Change::Removed => ('-', "removed"),
        };
        output.done(
            format!("{sign} {}", text_of(line)).trim_end(),
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

fn text_of(line: &PlannedChange) -> String {
    let fields = line.fields.join(" ");
    format!("{} {} {fields}", line.kind, visible(&line.name))
}
