//! `migrate`: applies migrations and reports rows that break current rules.

use std::io;
use std::sync::Arc;
use std::thread;

use chaingun_gateway::app_context::AppContext;
use chaingun_gateway::config::Config;
use chaingun_gateway::store::findings::{self, Finding};
use chaingun_gateway::store::{Store, StoreError, migrate};
use serde_json::json;

use super::{Output, visible};

/// Applies the migrations and prints every finding.
pub fn migrate(config: &Config, output: Output) -> io::Result<()> {
    std::fs::create_dir_all(&config.data_dir)?;
    let applied = migrate::apply(&config.opening)?;
    let sentence = match applied.as_slice() {
        [] => "The database is up to date.".to_owned(),
        names => format!("Applied {}.", names.join(", ")),
    };
    output.done(&sentence, &[("applied", json!(applied))])?;
    let store = Store::open(config.opening.clone())?;
    let mut printed = Ok(());
    let read = store.read_apart::<_, StoreError>(|c| {
        findings::each(c, config.rules.for_findings(), &mut |finding| {
            if printed.is_ok() {
                printed = print(output, &finding);
            }
        })
    });
    read.map_err(io::Error::other).and(printed)
}

fn print(output: Output, finding: &Finding) -> io::Result<()> {
    let Finding { kind, place, text } = finding;
    output.done(
        &visible(&format!("Finding: {place}: {text}")),
        &[
            ("finding", json!(kind)),
            ("place", json!(place)),
            ("text", json!(text)),
        ],
    )
}

/// Counts the findings in the background of a server, and logs the number if it is not zero.
pub fn count_in_background(app: Arc<AppContext>) -> io::Result<()> {
    let count = move || {
        let mut count = 0_usize;
        let read = app.store.read_apart::<_, StoreError>(|c| {
            findings::each(c, app.rules.for_findings(), &mut |_| count += 1)
        });
        match read {
            Ok(()) if count > 0 => tracing::warn!(
                findings = count,
                "rows of the database violate current rules; `chaingun-gateway migrate` lists them"
            ),
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(cause = %error, "the database could not be checked for rows that violate current rules");
            }
        }
    };
    let thread = thread::Builder::new().name("findings".to_owned());
    thread.spawn(count).map(drop)
}
