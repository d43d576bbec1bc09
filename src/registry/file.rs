//! The format of the registry file, and its validation.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use toml::Table;

use super::reader::{Entry, Mistake, Placed, section};
use crate::domain::client::{Client, Trust};
use crate::domain::external_identity::is_login_id;
use crate::domain::organisation::JoinPolicy;
use crate::domain::text::{canonical, is_line};
use crate::domain::web::{is_origin, is_url};
use crate::secrets::{rsa_keys, sha256_hex};
use crate::store::agreements::Agreement;
use crate::store::clients::KeyedClient;
use crate::store::organisations::Organisation;
use crate::store::partners::Partner;
use crate::store::portals::Portal;

/// The entries of a file.
#[derive(Debug, Clone, Default)]
pub struct RegistryFile {
    /// A client without a key in the file keeps its stored key.
    pub clients: Vec<Placed<KeyedClient>>,
    pub organisations: Vec<Placed<Organisation>>,
    pub portals: Vec<Placed<Portal>>,
    pub agreements: Vec<Placed<Agreement>>,
    pub services: Vec<Placed<NamedService>>,
    pub applications: Vec<Placed<NamedApplication>>,
    pub partners: Vec<Placed<Partner>>,
}

/// Entries that are valid, but that the operator should check.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Callback URLs: the place in the file, the service and the URL.
    pub callbacks: Vec<(String, i64, String)>,
    /// Applications that may call without their secret: the place in the file and the id.
    pub plain: Vec<(String, String)>,
}

impl RegistryFile {
    /// The entries that the operator should check.
    #[must_use]
    pub fn watch(&self) -> Watch {
        let called = self.services.iter().filter_map(|Placed { place, entry }| {
            let url = entry.callback_url.clone()?;
            Some((place.clone(), entry.id, url))
        });
        let plain = self.applications.iter().filter(|p| p.entry.plain_calls);
        Watch {
            callbacks: called.collect(),
            plain: plain
                .map(|Placed { place, entry }| (place.clone(), entry.client_id.clone()))
                .collect(),
        }
    }
}

/// A service in the file.
#[derive(Debug, Clone)]
pub struct NamedService {
    pub id: i64,
    pub portal: i64,
    pub name: String,
    pub callback_url: Option<String>,
    /// The access key and the secret; without them the stored ones stay.
    pub credentials: Option<(String, String)>,
    /// The required agreements, by number.
    pub requires: Vec<i64>,
    pub case_sensitive_ids: bool,
}

/// An application in the file.
#[derive(Debug, Clone)]
pub struct NamedApplication {
    pub client_id: String,
    pub origins: Vec<String>,
    pub redirect_uris: Vec<String>,
    /// Without it the stored secret stays.
    pub secret: Option<String>,
    pub plain_calls: bool,
}

/// The sections in the order of their keys' first use, with the keys of their tables; the first key identifies an
/// entry.
const CLIENTS: (&str, &[&str]) = (
    "clients",
    &["name", "key", "key_file", "key_sha256", "trust", "active"],
);
const ORGANISATIONS: (&str, &[&str]) = (
    "organisations",
    &["uuid", "name", "join", "channel", "external_id"],
);
const PORTALS: (&str, &[&str]) = ("portals", &["id", "name"]);
const AGREEMENTS: (&str, &[&str]) = ("agreements", &["id", "name"]);
const SERVICES: (&str, &[&str]) = (
    "services",
    &[
        "id",
        "portal",
        "name",
        "callback_url",
        "access_key",
        "secret_key",
        "secret_key_file",
        "requires",
        "case_sensitive_ids",
    ],
);
const APPLICATIONS: (&str, &[&str]) = (
    "applications",
    &[
        "client_id",
        "origins",
        "redirect_uris",
        "secret",
        "secret_file",
        "plain_calls",
    ],
);
const PARTNERS: (&str, &[&str]) = (
    "partners",
    &[
        "iss",
        "public_keys",
        "state_ids",
        "redirect_origins",
        "max_life_s",
    ],
);
const SECTIONS: [(&str, &[&str]); 7] = [
    CLIENTS,
    ORGANISATIONS,
    PORTALS,
    AGREEMENTS,
    SERVICES,
    APPLICATIONS,
    PARTNERS,
];

/// The optional suffix of an application's id.
const SUFFIX: &str = ".onetapi.pl";
/// The default and the highest lifetime of a partner's tokens, in seconds (SPEC §11).
pub const LIFE_S: i64 = 3600;
pub const MAX_LIFE_S: i64 = 86_400;
/// The most keys of a partner. A token may have to be checked with each of them.
pub const MAX_KEYS: usize = 4;

/// The keys with a secret. The same key with the suffix `_file` names a file with the secret.
const SECRETS: [&str; 3] = ["key", "secret", "secret_key"];

/// Where the secrets of a registry file are.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SecretPlaces {
    /// Whether the file itself contains secrets.
    pub inside: bool,
    /// The files with secrets that it names.
    pub files: Vec<PathBuf>,
}

/// Finds the secrets of a registry file; none if the file cannot be read.
#[must_use]
pub fn secret_places(path: &Path) -> SecretPlaces {
    let mut places = SecretPlaces::default();
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let table: Table = text.parse().unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new("."));
    let sections = table.values().filter_map(toml::Value::as_array).flatten();
    for (key, value) in sections.filter_map(toml::Value::as_table).flatten() {
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
pub fn read(text: &str, folder: &Path) -> Result<(RegistryFile, Vec<Mistake>), Mistake> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        // The message of the TOML library quotes the line, which may contain a secret.
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        Mistake(format!("line {line}: {}", error.message()))
    })?;
    let mut mistakes = unknown_sections(&table);
    let (from, m) = ((&table, folder), &mut mistakes);
    let file = RegistryFile {
        clients: section(from, m, CLIENTS, |k| k.client.name.clone(), client),
        organisations: section(from, m, ORGANISATIONS, |o| o.uuid.clone(), organisation),
        portals: section(from, m, PORTALS, |p| p.id, portal),
        agreements: section(from, m, AGREEMENTS, |a| a.id, agreement),
        services: section(from, m, SERVICES, |s| s.id, service),
        applications: section(from, m, APPLICATIONS, |a| a.client_id.clone(), application),
        partners: section(from, m, PARTNERS, |p| canonical(&p.iss), partner),
    };
    same_keys(&file.clients, &mut mistakes);
    same_external_ids(&file.organisations, &mut mistakes);
    Ok((file, mistakes))
}

fn unknown_sections(table: &Table) -> Vec<Mistake> {
    let known = SECTIONS.map(|(section, _)| section);
    let unknown = table.keys().filter(|key| !known.contains(&key.as_str()));
    let known = known.join(", ");
    unknown
        .map(|key| Mistake(format!("{key}: there is no such section, only {known}")))
        .collect()
}

/// A key identifies a client, so that keys must be unique.
fn same_keys(clients: &[Placed<KeyedClient>], mistakes: &mut Vec<Mistake>) {
    let mut known: HashMap<&str, &str> = HashMap::new();
    for Placed { place, entry } in clients {
        let Some(key) = entry.key_sha256.as_deref() else {
            continue;
        };
        if let Some(first) = known.insert(key, place) {
            mistakes.push(Mistake(format!("{place}.key: {first} has the same key")));
        }
    }
}

/// The id in a channel identifies an organisation, so that it must be unique there.
fn same_external_ids(organisations: &[Placed<Organisation>], mistakes: &mut Vec<Mistake>) {
    let mut known: HashMap<(String, String), &str> = HashMap::new();
    for Placed { place, entry } in organisations {
        let Some((channel, id)) = entry.known_as() else {
            continue;
        };
        if let Some(first) = known.insert((canonical(channel), canonical(id)), place) {
            mistakes.push(Mistake(format!(
                "{place}.external_id: {first} has the same in this channel"
            )));
        }
    }
}

fn client(e: &mut Entry<'_>) -> Option<KeyedClient> {
    let name = e.name("name");
    let key = e.secret("key").map(|key| sha256_hex(&key));
    let hash = e.text("key_sha256");
    if hash.is_some() && (e.has("key") || e.has("key_file")) {
        e.wrong("key_sha256", "the key itself is there as well");
    }
    let is_hash =
        |h: &String| h.len() == 64 && h.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if hash.as_ref().is_some_and(|h| !is_hash(h)) {
        e.wrong("key_sha256", "must be 64 hexadecimal digits in lower case");
    }
    let trust = e.text("trust").and_then(|t| Trust::parse(&t));
    if trust.is_none() {
        e.wrong("trust", "must be \"trusted\" or \"public\"");
    }
    let active = e.flag("active", true);
    Some(KeyedClient {
        client: Client {
            name: name?,
            trust: trust.unwrap_or(Trust::Public),
            active,
        },
        key_sha256: key.or(hash),
    })
}

fn organisation(e: &mut Entry<'_>) -> Option<Organisation> {
    let (uuid, name) = (e.name("uuid"), e.display_name("name"));
    let join = e.text("join");
    let join_policy = join.map_or(Some(JoinPolicy::Closed), |word| JoinPolicy::parse(&word));
    if join_policy.is_none() {
        e.wrong("join", "must be \"open\" or \"closed\"");
    }
    let optional = |e: &mut Entry<'_>, key| e.has(key).then(|| e.name(key)).flatten();
    let (channel, external_id) = (optional(e, "channel"), optional(e, "external_id"));
    for (key, other) in [("channel", "external_id"), ("external_id", "channel")] {
        if e.has(other) && !e.has(key) {
            e.wrong(key, "channel and external_id go together");
        }
    }
    // A fault of one of them is already reported.
    let known_as = channel.zip(external_id);
    let (channel, external_id) = known_as.unzip();
    Some(Organisation {
        uuid: uuid?,
        name: name.unwrap_or_default(),
        join_policy: join_policy.unwrap_or(JoinPolicy::Closed),
        channel,
        external_id,
    })
}

fn portal(e: &mut Entry<'_>) -> Option<Portal> {
    let (id, name) = (e.id("id"), e.display_name("name"));
    Some(Portal {
        id: id?,
        name: name.unwrap_or_default(),
    })
}

fn agreement(e: &mut Entry<'_>) -> Option<Agreement> {
    let (id, name) = (e.id("id"), e.display_name("name"));
    Some(Agreement {
        id: id?,
        name: name.unwrap_or_default(),
    })
}

fn service(e: &mut Entry<'_>) -> Option<NamedService> {
    let (id, portal, name) = (e.id("id"), e.id("portal"), e.display_name("name"));
    let callback_url = e.text("callback_url");
    // The id of the user becomes one more segment of the path.
    if callback_url
        .as_ref()
        .is_some_and(|url| !is_url(url) || url.ends_with('/') || url.contains('?'))
    {
        e.wrong(
            "callback_url",
            "must be http:// or https://, a host in lower case and a path that does not end with /",
        );
    }
    let secret_key = e.secret("secret_key");
    let has_secret = e.has("secret_key") || e.has("secret_key_file");
    let access_key = e.has("access_key").then(|| e.name("access_key")).flatten();
    // HTTP Basic authentication separates the two by a colon.
    if access_key.as_ref().is_some_and(|key| key.contains(':')) {
        e.wrong("access_key", "must hold no colon");
    }
    if has_secret != e.has("access_key") {
        let missing = if has_secret {
            "access_key"
        } else {
            "secret_key"
        };
        e.wrong(missing, "access_key and secret_key go together");
    }
    if has_secret && callback_url.is_none() {
        e.wrong("callback_url", "is missing, which the secret_key is for");
    }
    let requires = e.ids("requires");
    let case_sensitive_ids = e.flag("case_sensitive_ids", false);
    Some(NamedService {
        id: id?,
        portal: portal.unwrap_or_default(),
        name: name.unwrap_or_default(),
        callback_url,
        credentials: access_key.zip(secret_key),
        requires,
        case_sensitive_ids,
    })
}

/// The rule for an origin.
pub const ORIGIN: &str = "http:// or https:// and a host in lower case, without a path";

fn application(e: &mut Entry<'_>) -> Option<NamedApplication> {
    let client_id = e.name("client_id");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if let Some(id) = &client_id
        && (id.ends_with(SUFFIX) || !id.chars().all(plain))
    {
        e.wrong(
            "client_id",
            format_args!("must be letters, digits and -._ without {SUFFIX} at the end"),
        );
    }
    let origins = e.some_texts("origins", ORIGIN, is_origin);
    let redirect_uris = e.some_texts(
        "redirect_uris",
        "http:// or https://, a host in lower case and no fragment",
        is_url,
    );
    let secret = e.secret("secret");
    let plain_calls = e.flag("plain_calls", false);
    Some(NamedApplication {
        client_id: client_id?,
        origins,
        redirect_uris,
        secret,
        plain_calls,
    })
}

/// The rule for a partner's key.
pub const PUBLIC_KEY: &str = "an RSA key of 2048 to 8192 bits in PEM, -----BEGIN PUBLIC KEY-----";

/// Why `loginId` cannot be a `state_id`.
pub const LOGIN_ID_IS_TAKEN: &str =
    "names the users of partners with the old layout, and cannot be a state_id";

fn partner(e: &mut Entry<'_>) -> Option<Partner> {
    let iss = e.name("iss");
    let pems = e.some_texts("public_keys", PUBLIC_KEY, |pem| {
        rsa_keys::public_key(pem).is_some()
    });
    let public_keys: String = pems
        .iter()
        .filter_map(|pem| rsa_keys::public_key(pem))
        .collect();
    if pems.len() > MAX_KEYS {
        e.wrong(
            "public_keys",
            format_args!("there are more than {MAX_KEYS}"),
        );
    }
    let state_ids = e.some_texts("state_ids", "a name on one line", is_line);
    if let Some(id) = state_ids.iter().find(|id| is_login_id(id)) {
        e.wrong("state_ids", format_args!("{id:?} {LOGIN_ID_IS_TAKEN}"));
    }
    let redirect_origins = e.texts("redirect_origins", ORIGIN, is_origin);
    let max_life_s = e.number("max_life_s", MAX_LIFE_S).unwrap_or(LIFE_S);
    Some(Partner {
        iss: iss?,
        public_keys,
        state_ids,
        redirect_origins,
        max_life_s,
    })
}
