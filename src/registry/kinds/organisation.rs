//! The organisations of the registry.

use crate::domain::Millis;
use crate::domain::organisation::JoinPolicy;
use crate::domain::text::canonical;
use crate::registry::kind::{Checker, Kind};
use crate::registry::reader::{FileEntry, TableReader};
use crate::registry::value::{Value, quoted, text};
use crate::store::organisations::{self, Organisation};
use crate::store::{self, AnyConnection};

impl Kind for Organisation {
    const SECTION: &'static str = "organisations";
    const NAME: &'static str = "organisation";
    const KEYS: &'static [&'static str] = &["uuid", "name", "join", "channel", "external_id"];
    const UNIQUE: &'static [&'static str] = &["channel", "external_id"];

    fn read(e: &mut TableReader<'_>) -> Option<Self> {
        let (uuid, name) = (e.name("uuid"), e.display_name("name"));
        let join = e.text("join");
        let join_policy = join.map_or(Some(JoinPolicy::Closed), |word| JoinPolicy::parse(&word));
        if join_policy.is_none() {
            e.wrong("join", "must be \"open\" or \"closed\"");
        }
        let optional = |e: &mut TableReader<'_>, key| e.has(key).then(|| e.name(key)).flatten();
        let (channel, external_id) = (optional(e, "channel"), optional(e, "external_id"));
        for (key, other) in [("channel", "external_id"), ("external_id", "channel")] {
            if e.has(other) && !e.has(key) {
                e.wrong(key, "channel and external_id go together");
            }
        }
        // A fault of one of the two keys is already reported.
        let (channel, external_id) = channel.zip(external_id).unzip();
        Some(Organisation {
            uuid: uuid?,
            name: name.unwrap_or_default(),
            join_policy: join_policy.unwrap_or(JoinPolicy::Closed),
            channel,
            external_id,
        })
    }

    fn id(&self) -> String {
        self.uuid.clone()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            text("uuid", &self.uuid),
            text("name", &self.name),
            text("join", self.join_policy.as_str()),
            ("channel", self.channel.as_deref().map(quoted)),
            ("external_id", self.external_id.as_deref().map(quoted)),
        ]
    }

    fn check(
        &mut self,
        checker: &mut Checker<'_>,
        named: &FileEntry<Self>,
        _: Option<&Self>,
    ) -> Vec<&'static str> {
        if let Some(other) = keeper_of_external_id(self, checker) {
            let what = format!("organisation {other} has this id in the channel");
            checker.wrong(format_args!("{}.external_id", named.place), what);
        }
        Vec::new()
    }

    fn put(&self, c: &mut AnyConnection, now: Millis) -> store::Result<()> {
        if !organisations::add(c, &self.uuid, &self.name, self.join_policy, now)? {
            organisations::update(c, self)?;
        }
        organisations::set_external_id(c, &self.uuid, self.known_as())
    }

    fn remove(&self, c: &mut AnyConnection) -> store::Result<()> {
        organisations::remove(c, &self.uuid)
    }

    fn free(&self, c: &mut AnyConnection) -> store::Result<()> {
        organisations::set_external_id(c, &self.uuid, None)
    }

    fn users(&self, c: &mut AnyConnection) -> store::Result<i64> {
        organisations::members(c, &self.uuid)
    }
}

/// The channel and the external id, in the form in which they are compared.
pub fn compared_external_id(organisation: &Organisation) -> Option<[String; 2]> {
    let (channel, id) = organisation.known_as()?;
    Some([canonical(channel), canonical(id)])
}

/// The UUID of another stored organisation that has the wanted external id and keeps it, because the file does not name
/// that organisation.
fn keeper_of_external_id<'a>(wanted: &Organisation, checker: &Checker<'a>) -> Option<&'a str> {
    let external_id = compared_external_id(wanted)?;
    let mut others = checker.state.organisations.iter();
    let holder = others.find(|o| {
        o.uuid != wanted.uuid && compared_external_id(o).as_ref() == Some(&external_id)
    })?;
    let mut named = checker.file.organisations.iter();
    let keeps = !checker.options.prune && !named.any(|p| p.entry.uuid == holder.uuid);
    keeps.then_some(&holder.uuid)
}
