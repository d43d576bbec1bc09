//! The format of the registry file, and its validation.

use std::collections::HashMap;
use std::hash::Hash;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::kind::{Kind, RegistryFile};
use super::kinds::organisation::compared_external_id;
use super::reader::{FileEntry, TableReader, ValidationError};
use crate::store::agreements::Agreement;
use crate::store::applications::Application;
use crate::store::clients::KeyedClient;
use crate::store::organisations::Organisation;
use crate::store::partners::Partner;
use crate::store::portals::Portal;
use crate::store::services::RequiringService;

/// Valid entries that the operator should check.
#[derive(Debug, Clone, Default)]
pub struct EntriesToReview {
    /// Callback URLs: the place in the file, the service and the URL.
    pub callbacks: Vec<(String, i64, String)>,
    /// Applications that may call without their secret: the place in the file and the id.
    pub plain: Vec<(String, String)>,
    /// Partners: the place in the file, the `iss` and the longest lifetime of their tokens, in seconds.
    pub lives: Vec<(String, String, i64)>,
}

impl RegistryFile {
    /// The entries that the operator should check.
    #[must_use]
    pub fn entries_to_review(&self) -> EntriesToReview {
        let called = self
            .services
            .iter()
            .filter_map(|FileEntry { place, entry, .. }| {
                let url = entry.callback_url.clone()?;
                Some((place.clone(), entry.id, url))
            });
        let plain = self.applications.iter().filter(|p| p.entry.plain_calls);
        let lives = self.partners.iter().map(|FileEntry { place, entry, .. }| {
            (place.clone(), entry.iss.clone(), entry.max_life_s)
        });
        EntriesToReview {
            lives: lives.collect(),
            callbacks: called.collect(),
            plain: plain
                .map(|FileEntry { place, entry, .. }| (place.clone(), entry.client_id.clone()))
                .collect(),
        }
    }
}

/// The keys with a secret. The same key with the suffix `_file` names a file with the secret.
const SECRETS: [&str; 3] = ["key", "secret", "secret_key"];

/// The places of the secrets of a registry file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SecretPlaces {
    /// Whether the file itself contains secrets.
    pub inside: bool,
    /// The files with secrets that the registry file names.
    pub files: Vec<PathBuf>,
}

/// Finds the secrets of a registry file. The result is empty if the file cannot be read.
#[must_use]
pub fn secret_places(path: &Path) -> SecretPlaces {
    let mut places = SecretPlaces::default();
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let table: Table = text.parse().unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new("."));
    let sections = table.values().filter_map(Value::as_array).flatten();
    for (key, value) in sections.filter_map(Value::as_table).flatten() {
        match key.strip_suffix("_file") {
            Some(secret) if SECRETS.contains(&secret) => {
                places
                    .files
                    .extend(value.as_str().map(|name| folder.join(name)));
            }
            _ => places.inside |= SECRETS.contains(&key.as_str()),
        }
    }
    places
}

/// Reads a file and returns its entries together with its faults. Paths in it are relative to `folder`.
///
/// # Errors
/// The file is not TOML.
pub fn read(
    text: &str,
    folder: &Path,
) -> Result<(RegistryFile, Vec<ValidationError>), ValidationError> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        // The full text of a TOML error quotes the line, which may contain a secret. `message` does not.
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        ValidationError(format!("line {line}: {}", error.message()))
    })?;
    let mut mistakes = unknown_sections(&table);
    let (from, m) = ((&table, folder), &mut mistakes);
    let file = RegistryFile {
        clients: section(from, m),
        organisations: section(from, m),
        portals: section(from, m),
        agreements: section(from, m),
        services: section(from, m),
        applications: section(from, m),
        partners: section(from, m),
    };
    // A key identifies a client, so two clients cannot have the same key.
    distinct(m, &file.clients, "key", "has the same key", |client| {
        client.key_sha256.clone()
    });
    let what = "has the same value in this channel";
    distinct(
        m,
        &file.organisations,
        "external_id",
        what,
        compared_external_id,
    );
    Ok((file, mistakes))
}

/// The names of all sections, in the order of the export.
const SECTIONS: [&str; 7] = [
    KeyedClient::SECTION,
    Organisation::SECTION,
    Portal::SECTION,
    Agreement::SECTION,
    RequiringService::SECTION,
    Application::SECTION,
    Partner::SECTION,
];

fn unknown_sections(table: &Table) -> Vec<ValidationError> {
    let unknown = table.keys().filter(|key| !SECTIONS.contains(&key.as_str()));
    let known = SECTIONS.join(", ");
    unknown
        .map(|key| ValidationError(format!("{key}: unknown section; the sections are {known}")))
        .collect()
}

/// Reads every table of a section. A later table with the id of an earlier one is a fault.
fn section<K: Kind>(
    (table, folder): (&Table, &Path),
    mistakes: &mut Vec<ValidationError>,
) -> Vec<FileEntry<K>> {
    let name = K::SECTION;
    let entries = match table.get(name) {
        None => return Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(_) => {
            mistakes.push(ValidationError(format!(
                "{name}: must be tables, each below [[{name}]]"
            )));
            return Vec::new();
        }
    };
    let mut found: Vec<FileEntry<K>> = Vec::new();
    let mut known: HashMap<String, String> = HashMap::new();
    for (at, value) in entries.iter().enumerate() {
        let place = format!("{name}[{at}]");
        let Value::Table(table) = value else {
            mistakes.push(ValidationError(format!("{place}: must be a table")));
            continue;
        };
        let mut table = TableReader::new(place.clone(), table, folder, mistakes);
        table.only(K::KEYS);
        let read = K::read(&mut table);
        let secret = table.to_seal;
        let Some(entry) = read else { continue };
        if let Some(first) = known.get(&entry.compared_id()) {
            let key = K::KEYS.first().copied().unwrap_or_default();
            mistakes.push(ValidationError(format!(
                "{place}.{key}: {first} has the same value"
            )));
            continue;
        }
        known.insert(entry.compared_id(), place.clone());
        found.push(FileEntry {
            place,
            entry,
            secret,
        });
    }
    found
}

/// Reports every entry that has the same value as an earlier entry.
fn distinct<K, V: Eq + Hash>(
    mistakes: &mut Vec<ValidationError>,
    entries: &[FileEntry<K>],
    key: &str,
    what: &str,
    value: impl Fn(&K) -> Option<V>,
) {
    let mut known: HashMap<V, &str> = HashMap::new();
    for FileEntry { place, entry, .. } in entries {
        if let Some(first) = value(entry).and_then(|value| known.insert(value, place)) {
            mistakes.push(ValidationError(format!("{place}.{key}: {first} {what}")));
        }
    }
}
