//! The clients of the registry.

use crate::domain::Millis;
use crate::domain::client::{Client, DEFAULT_CLIENT, Trust};
use crate::registry::kind::{Checker, Kind};
use crate::registry::reader::{FileEntry, TableReader};
use crate::registry::value::{Value, bare, quoted, text};
use crate::secrets::sha256_hex;
use crate::store::clients::{self, KeyedClient};
use crate::store::{self, AnyConnection};

impl Kind for KeyedClient {
    const SECTION: &'static str = "clients";
    const NAME: &'static str = "client";
    const KEYS: &'static [&'static str] =
        &["name", "key", "key_file", "key_sha256", "trust", "active"];
    const UNIQUE: &'static [&'static str] = &["key"];

    fn read(e: &mut TableReader<'_>) -> Option<Self> {
        let name = e.name("name");
        let key = e.secret("key").map(|key| sha256_hex(&key));
        let hash = e.text("key_sha256");
        if hash.is_some() && (e.has("key") || e.has("key_file")) {
            e.wrong("key_sha256", "must not be set together with key");
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

    fn id(&self) -> String {
        self.client.name.clone()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            text("name", &self.client.name),
            ("key_sha256", self.key_sha256.as_deref().map(quoted)),
            text("trust", self.client.trust.as_str()),
            bare("active", self.client.active),
        ]
    }

    fn check(
        &mut self,
        checker: &mut Checker<'_>,
        named: &FileEntry<Self>,
        stored: Option<&Self>,
    ) -> Vec<&'static str> {
        if self.key_sha256.is_none() {
            self.key_sha256 = stored.and_then(|k| k.key_sha256.clone());
        }
        if stored.is_none() && self.key_sha256.is_none() {
            checker.missing(&named.place, "key", "is missing, and none is stored");
        }
        if let Some(other) = keeper_of_key(self, checker) {
            let what = format!("client {other} has this key");
            checker.wrong(format_args!("{}.key", named.place), what);
        }
        Vec::new()
    }

    fn put(&self, c: &mut AnyConnection, now: Millis) -> store::Result<()> {
        clients::put(c, self, now)
    }

    fn remove(&self, c: &mut AnyConnection) -> store::Result<()> {
        clients::remove(c, &self.client.name)
    }

    fn free(&self, c: &mut AnyConnection) -> store::Result<()> {
        clients::clear_key(c, &self.client.name)
    }

    fn is_permanent(&self) -> bool {
        self.client.name == DEFAULT_CLIENT
    }
}

/// The name of another stored client that has the wanted key and keeps it, because the file does not change that
/// client's key.
fn keeper_of_key<'a>(wanted: &KeyedClient, checker: &Checker<'a>) -> Option<&'a str> {
    let key = wanted.key_sha256.as_ref()?;
    let mut others = checker.state.clients.iter();
    let holder = others
        .find(|k| k.key_sha256.as_ref() == Some(key) && k.client.name != wanted.client.name)?;
    let name = holder.client.name.as_str();
    let mut named = checker.file.clients.iter();
    let keeps = match named.find(|p| p.entry.client.name == name) {
        Some(named) => named.entry.key_sha256.is_none(),
        None => !checker.options.prune || holder.is_permanent(),
    };
    keeps.then_some(name)
}
