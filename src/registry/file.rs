//! The registry file: what it may hold, and everything that is wrong with one.

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

/// What a file names.
#[derive(Debug, Clone, Default)]
pub struct RegistryFile {
    /// A client without a key keeps the one it has.
    pub clients: Vec<Placed<KeyedClient>>,
    pub organisations: Vec<Placed<Organisation>>,
    pub portals: Vec<Placed<Portal>>,
    pub agreements: Vec<Placed<Agreement>>,
    pub services: Vec<Placed<NamedService>>,
    pub applications: Vec<Placed<NamedApplication>>,
    pub partners: Vec<Placed<Partner>>,
}

/// What a file may say and its operator should have a look at.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Where services are called: the place in the file, the service and the URL.
    pub callbacks: Vec<(String, i64, String)>,
    /// The applications that may call without their secret: the place in the file and the application.
    pub plain: Vec<(String, String)>,
}

impl RegistryFile {
    /// What of it deserves a look.
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

/// A service as the file names it.
#[derive(Debug, Clone)]
pub struct NamedService {
    pub id: i64,
    pub portal: i64,
    pub name: String,
    pub callback_url: Option<String>,
    /// Access key and secret; those that are stored stay where there are none.
    pub credentials: Option<(String, String)>,
    /// Agreements, ascending.
    pub requires: Vec<i64>,
    pub case_sensitive_ids: bool,
}

/// An application as the file names it.
#[derive(Debug, Clone)]
pub struct NamedApplication {
    pub client_id: String,
    pub origins: Vec<String>,
    pub redirect_uris: Vec<String>,
    /// The one that is stored stays where there is none.
    pub secret: Option<String>,
    pub plain_calls: bool,
}

/// The sections in the order in which they are written, with the keys of their tables; the first one is what it is told
/// apart by.
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

/// What may be left out of an application's id.
const SUFFIX: &str = ".onetapi.pl";
/// How long what a partner signs may be good for if the file does not say, and at most (SPEC §11).
pub const LIFE_S: i64 = 3600;
pub const MAX_LIFE_S: i64 = 86_400;
/// The most keys a partner has at a time: every token may have to be tried with each of them.
pub const MAX_KEYS: usize = 4;

/// Keys of entries that hold a secret; with `_file` behind it, the name of a file that does.
const SECRETS: [&str; 3] = ["key", "secret", "secret_key"];

/// Where a registry file has its secrets.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SecretPlaces {
    /// Whether some stand in the file itself.
    pub inside: bool,
    /// Files that it takes others from.
    pub files: Vec<PathBuf>,
}

/// Finds where a registry file has its secrets; nowhere, if it cannot be read.
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

/// Reads a file; beside what could be read comes everything that is wrong with it. Files that it names are looked for in
/// the folder.
///
/// # Errors
/// What is no TOML at all.
pub fn read(text: &str, folder: &Path) -> Result<(RegistryFile, Vec<Mistake>), Mistake> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        // Its own rendering shows the line, in which there may be a secret.
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

/// A key tells whose call it is, so no two clients can have the same.
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

/// What a channel calls an organisation tells which one it means, so no two can have the same.
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
    // What is wrong with one of them has been told.
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
    // The name of the user is added to it, as one more part of the path.
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
    // HTTP's Basic scheme puts a colon after it.
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

/// What an origin must be.
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

/// What a partner's key must be.
pub const PUBLIC_KEY: &str = "an RSA key of 2048 to 8192 bits in PEM, -----BEGIN PUBLIC KEY-----";

/// Why `loginId` is no `state_id`.
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
