//! The portals and agreements of the registry: numbers with names.

use crate::domain::Millis;
use crate::registry::kind::Kind;
use crate::registry::reader::TableReader;
use crate::registry::value::{Value, bare, text};
use crate::store::agreements::{self, Agreement};
use crate::store::portals::{self, Portal};
use crate::store::{self, AnyConnection};

impl Kind for Portal {
    const SECTION: &'static str = "portals";
    const NAME: &'static str = "portal";
    const KEYS: &'static [&'static str] = &["id", "name"];

    fn read(e: &mut TableReader<'_>) -> Option<Self> {
        let (id, name) = (e.id("id"), e.display_name("name").unwrap_or_default());
        Some(Portal { id: id?, name })
    }

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn values(&self) -> Vec<Value> {
        vec![bare("id", self.id), text("name", &self.name)]
    }

    fn put(&self, c: &mut AnyConnection, _: Millis) -> store::Result<()> {
        portals::put(c, self)
    }

    fn remove(&self, c: &mut AnyConnection) -> store::Result<()> {
        portals::remove(c, self.id)
    }
}

impl Kind for Agreement {
    const SECTION: &'static str = "agreements";
    const NAME: &'static str = "agreement";
    const KEYS: &'static [&'static str] = &["id", "name"];

    fn read(e: &mut TableReader<'_>) -> Option<Self> {
        let (id, name) = (e.id("id"), e.display_name("name").unwrap_or_default());
        Some(Agreement { id: id?, name })
    }

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn values(&self) -> Vec<Value> {
        vec![bare("id", self.id), text("name", &self.name)]
    }

    fn put(&self, c: &mut AnyConnection, _: Millis) -> store::Result<()> {
        agreements::put(c, self)
    }

    fn remove(&self, c: &mut AnyConnection) -> store::Result<()> {
        agreements::remove(c, self.id)
    }

    /// Counts the users who accepted the agreement: an acceptance is a proof that must not be lost.
    fn users(&self, c: &mut AnyConnection) -> store::Result<i64> {
        agreements::acceptances(c, self.id)
    }
}
