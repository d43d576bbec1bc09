//! The trait of all kinds of registry entries: how an entry is read from the file, checked, compared, stored and
//! exported. The modules of `kinds` implement it.

use std::fmt::Display;

use super::reader::{FileEntry, TableReader, ValidationError};
use super::value::Value;
use crate::domain::Millis;
use crate::secrets::sealing::{Binding, Sealer};
use crate::store::agreements::{self, Agreement};
use crate::store::applications::{self, Application};
use crate::store::clients::{self, KeyedClient};
use crate::store::organisations::{self, Organisation};
use crate::store::partners::{self, Partner};
use crate::store::portals::{self, Portal};
use crate::store::services::{self, RequiringService};
use crate::store::{self, AnyConnection};

/// A kind of entry.
pub trait Kind: Clone + 'static {
    /// The section of the file.
    const SECTION: &'static str;
    /// The name of the kind in a plan.
    const NAME: &'static str;
    /// The keys of a table; the first one identifies the entry.
    const KEYS: &'static [&'static str];
    /// Keys whose value only one entry may have. [`Kind::free`] removes the stored value before any entry is stored, so
    /// that two entries may swap their values.
    const UNIQUE: &'static [&'static str] = &[];

    /// Reads a table of the file and reports its faults; `None` if the table has no id.
    fn read(table: &mut TableReader<'_>) -> Option<Self>;

    /// The id, as text.
    fn id(&self) -> String;

    /// The id in the form that must be unique in a file.
    fn compared_id(&self) -> String {
        self.id()
    }

    /// All values in the order of the export. Every entry of a kind has the same keys.
    fn values(&self) -> Vec<Value>;

    /// Checks an entry of the file against the other entries and the store, and adds the stored secrets to the entry.
    /// Returns the keys of new secrets.
    fn check(
        &mut self,
        _checker: &mut Checker<'_>,
        _named: &FileEntry<Self>,
        _stored: Option<&Self>,
    ) -> Vec<&'static str> {
        Vec::new()
    }

    /// Inserts or replaces the stored entry.
    fn put(&self, c: &mut AnyConnection, now: Millis) -> store::Result<()>;

    /// Removes the stored entry.
    fn remove(&self, c: &mut AnyConnection) -> store::Result<()>;

    /// Removes the unique values of the stored entry.
    fn free(&self, _c: &mut AnyConnection) -> store::Result<()> {
        Ok(())
    }

    /// The number of users that depend on the stored entry.
    fn users(&self, _c: &mut AnyConnection) -> store::Result<i64> {
        Ok(0)
    }

    /// Whether the entry stays even if the file is applied with pruning.
    fn is_permanent(&self) -> bool {
        false
    }
}

/// The entries of a file.
#[derive(Debug, Clone, Default)]
pub struct RegistryFile {
    /// A client without a key in the file keeps its stored key.
    pub clients: Vec<FileEntry<KeyedClient>>,
    pub organisations: Vec<FileEntry<Organisation>>,
    pub portals: Vec<FileEntry<Portal>>,
    pub agreements: Vec<FileEntry<Agreement>>,
    pub services: Vec<FileEntry<RequiringService>>,
    pub applications: Vec<FileEntry<Application>>,
    pub partners: Vec<FileEntry<Partner>>,
}

/// The registry in the store.
#[derive(Debug)]
pub struct State {
    pub clients: Vec<KeyedClient>,
    pub organisations: Vec<Organisation>,
    pub portals: Vec<Portal>,
    pub agreements: Vec<Agreement>,
    pub services: Vec<RequiringService>,
    pub applications: Vec<Application>,
    pub partners: Vec<Partner>,
}

impl State {
    /// Reads the registry from the store.
    pub fn read(c: &mut AnyConnection) -> store::Result<Self> {
        Ok(Self {
            clients: clients::all(c)?,
            organisations: organisations::all(c)?,
            portals: portals::all(c)?,
            agreements: agreements::all(c)?,
            services: services::all_requiring(c)?,
            applications: applications::all(c)?,
            partners: partners::all(c)?,
        })
    }
}

/// Options of the caller.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApplyOptions {
    /// Remove entries that the file does not name.
    pub prune: bool,
    /// Remove entries even if users depend on them.
    pub force: bool,
}

/// The data for a check, and the faults that the check has found.
pub struct Checker<'a> {
    pub file: &'a RegistryFile,
    pub state: &'a State,
    pub options: ApplyOptions,
    pub sealer: &'a Sealer,
    pub mistakes: Vec<ValidationError>,
}

impl Checker<'_> {
    /// Reports a fault at this place of the file.
    pub fn wrong(&mut self, place: impl Display, what: impl Display) {
        self.mistakes
            .push(ValidationError(format!("{place}: {what}")));
    }

    /// Reports a missing value, unless the key has a fault already.
    pub fn missing(&mut self, place: &str, key: &str, what: &str) {
        let place = format!("{place}.{key}");
        if !self.mistakes.iter().any(|m| m.0.starts_with(&place)) {
            self.wrong(place, what);
        }
    }

    /// Whether an entry with this id exists after the changes.
    pub fn will_exist<K: Kind>(&self, named: &[FileEntry<K>], stored: &[K], id: &str) -> bool {
        named.iter().any(|named| named.entry.id() == id)
            || (!self.options.prune && stored.iter().any(|stored| stored.id() == id))
    }

    /// Seals the secret of an entry, unless the same secret is already stored. `keys` are the keys whose values the
    /// secret joins by colons. Returns the sealed secret and the keys with new values.
    pub fn seal<K>(
        &mut self,
        named: &FileEntry<K>,
        binding: Binding<'_>,
        sealed: Option<Vec<u8>>,
        keys: &'static [&'static str],
    ) -> (Option<Vec<u8>>, Vec<&'static str>) {
        let Some(secret) = &named.secret else {
            return (sealed, Vec::new());
        };
        let opened = sealed.as_ref().and_then(|s| self.sealer.open(binding, s));
        let opened = opened.unwrap_or_default();
        let mut old = opened.splitn(keys.len(), ':');
        let parts = keys.iter().zip(secret.splitn(keys.len(), ':'));
        let new = parts.filter(|(_, part)| old.next() != Some(part));
        let new: Vec<&str> = new.map(|(key, _)| *key).collect();
        if new.is_empty() {
            return (sealed, new);
        }
        let sealed = self.sealer.seal(binding, secret).map_err(|error| {
            self.wrong(
                &named.place,
                format_args!("its secret cannot be sealed: {error}"),
            );
        });
        (sealed.ok(), new)
    }
}
