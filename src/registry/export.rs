//! Exports the registry as a file, without its secrets.

use std::fmt::Write as _;

use super::kind::{Kind, State};

const HEAD: &str = "\
# The registry of a gateway, as `chaingun-gateway registry export` prints it. Secrets (access_key and secret_key of
# services, secret of applications) are left out. `apply` keeps the stored secret of an entry that has none in the file.
";

/// The registry as a file. Applying this file to the same store changes nothing.
#[must_use]
pub fn export(state: &State) -> String {
    [
        HEAD.to_owned(),
        section(&state.clients),
        section(&state.organisations),
        section(&state.portals),
        section(&state.agreements),
        section(&state.services),
        section(&state.applications),
        section(&state.partners),
    ]
    .concat()
}

fn section<K: Kind>(entries: &[K]) -> String {
    let mut text = String::new();
    for entry in entries {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n[[{}]]", K::SECTION);
        for (key, value) in entry.values() {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
    }
    text
}
