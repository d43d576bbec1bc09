//! The administrative commands.

pub mod audit;
pub mod clients;
pub mod contract;
pub mod file_modes;
pub mod findings;
pub mod keys;
pub mod mail;
pub mod organisations;
pub mod outbox;
pub mod partners;
mod profiles;
pub mod registry;
pub mod users;

use std::cell::Cell;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use chaingun_gateway::app_context::AppContext;
use chaingun_gateway::config::Config;
use chaingun_gateway::contract::messages::Language;
use chaingun_gateway::contract::time::utc;
use chaingun_gateway::domain::client::{Client, DEFAULT_CLIENT, Trust};
use chaingun_gateway::domain::hidden::visible;
use chaingun_gateway::domain::names::flaw_of_display_name;
use chaingun_gateway::domain::text::is_line;
use chaingun_gateway::entropy::Entropy;
use chaingun_gateway::operations::{Refusal, RequestContext, Transaction};
use chaingun_gateway::store::profiles::Profile;
use chaingun_gateway::{app, clock::Clock};
use serde_json::Value;

pub use audit::AuditCommand;
pub use clients::ClientCommand;
pub use contract::ContractCommand;
pub use keys::KeysCommand;
pub use mail::MailCommand;
pub use organisations::OrgCommand;
pub use outbox::OutboxCommand;
pub use partners::PartnerCommand;
pub use registry::{ApplyArgs, RegistryCommand};
pub use users::UserCommand;

/// The operator at the command line, as the actor in the audit log.
const OPERATOR: &str = "command line";

/// A column of a table: its name, and its value in a row.
type Column<T> = (&'static str, fn(&T) -> Value);

/// The format of results.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// JSON instead of text.
    pub json: bool,
}

impl Output {
    /// Prints one record of names and values.
    fn record(self, fields: &[(&str, Value)]) -> io::Result<()> {
        if self.json {
            let object: serde_json::Map<_, _> = fields
                .iter()
                .map(|(k, v)| ((*k).to_owned(), v.clone()))
                .collect();
            return writeln!(io::stdout(), "{}", Value::Object(object));
        }
        let width = fields.iter().map(|(k, _)| k.len()).max().unwrap_or(0);
        for (name, value) in fields {
            writeln!(io::stdout(), "{name:width$}  {}", plain(value))?;
        }
        Ok(())
    }

    /// Prints one row as a record.
    fn row<T>(self, columns: &[Column<T>], row: &T) -> io::Result<()> {
        let fields = columns.iter().map(|(name, value)| (*name, value(row)));
        self.record(&fields.collect::<Vec<_>>())
    }

    /// Prints rows below a header line, or one JSON object per line.
    fn table<T>(self, columns: &[Column<T>], rows: &[T]) -> io::Result<()> {
        if self.json {
            return rows.iter().try_for_each(|row| self.row(columns, row));
        }
        let head: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let texts = |row| {
            columns
                .iter()
                .map(|(_, value)| plain(&value(row)))
                .collect()
        };
        let lines: Vec<Vec<String>> = std::iter::once(head)
            .chain(rows.iter().map(texts))
            .collect();
        let width = |at: usize| {
            let cells = lines.iter().filter_map(|line| line.get(at));
            cells.map(|text| text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        for line in &lines {
            let cells = line.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(text, width)| format!("{text:<width$}"))
                .collect();
            writeln!(io::stdout(), "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }

    /// Prints a sentence, or a record as JSON.
    fn done(self, sentence: &str, fields: &[(&str, Value)]) -> io::Result<()> {
        if self.json {
            self.record(fields)
        } else {
            writeln!(io::stdout(), "{sentence}")
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => visible(text),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Rejects an invalid name, and a name that is longer than the contract allows.
fn check_name(what: &str, text: &str, max: usize) -> io::Result<()> {
    if is_line(text) && text.chars().count() <= max {
        return Ok(());
    }
    fail(format!(
        "{what} must be 1 to {max} characters on one line, without blanks at the ends"
    ))
}

/// Rejects an invalid display name, and a display name that is longer than the contract allows.
fn check_display_name(what: &str, text: &str, max: usize) -> io::Result<()> {
    check_name(what, text, max)?;
    match flaw_of_display_name(text) {
        None => Ok(()),
        Some(_) => fail(format!(
            "{what} must be readable: no hidden or unassigned characters, and no accents without a letter"
        )),
    }
}

/// Opens the configured store.
fn open(config: &Config) -> io::Result<Arc<AppContext>> {
    app::build(config, Clock::System, Entropy::System)
}

/// A call of the operator, who may do everything.
fn cx(app: &AppContext) -> RequestContext<'_> {
    RequestContext {
        app,
        now: app.clock.now(),
        request_id: OPERATOR,
        language: Language::English,
        client: Some(Client {
            name: DEFAULT_CLIENT.to_owned(),
            trust: Trust::Trusted,
            active: true,
        }),
        user: None,
        verified_token: None,
        session: None,
        source: None,
        known_browser: None,
        owes_hash: Cell::new(false),
        profile: Profile::default(),
        on_behalf_of: Some(OPERATOR.to_owned()),
    }
}

/// A refusal as a message for the operator.
fn explain(refusal: Refusal) -> io::Error {
    let rejection = refusal.into_rejection();
    let mut texts: Vec<_> = rejection
        .problems
        .iter()
        .map(|p| p.describe(Language::English))
        .collect();
    texts.extend(rejection.cause);
    io::Error::other(texts.join("; "))
}

/// Runs a step of the operator in one transaction.
fn write<T>(
    cx: &RequestContext<'_>,
    step: impl FnMut(&mut Transaction<'_>) -> Result<T, Refusal>,
) -> io::Result<T> {
    cx.write(step).map_err(explain)
}

/// Prints a line.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

/// Fails with a message for the operator.
fn fail<T>(message: impl Into<String>) -> io::Result<T> {
    Err(io::Error::other(message.into()))
}

/// The first line of standard input, without its line break.
fn secret_from_stdin() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().take(4096).read_to_string(&mut text)?;
    let line = text.lines().next().unwrap_or("").to_owned();
    if line.is_empty() {
        return fail("standard input is empty; write the password to it");
    }
    Ok(line)
}
