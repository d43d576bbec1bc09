//! Compares a registry file with the store and plans the changes.

use std::collections::{HashMap, HashSet};

use super::file::EntriesToReview;
use super::kind::{Checker, Kind};
use super::reader::{FileEntry, ValidationError};
use crate::domain::Millis;
use crate::store::{self, AnyConnection};

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Added,
    Changed,
    Removed,
}

/// One changed entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedChange {
    pub change: Change,
    pub kind: &'static str,
    pub name: String,
    /// The keys of the file whose values change.
    pub fields: Vec<&'static str>,
}

/// All changes, and the number of unchanged entries.
#[derive(Debug, Default)]
pub struct Plan {
    pub lines: Vec<PlannedChange>,
    pub left: usize,
    /// The entries that the operator should check.
    pub to_review: EntriesToReview,
}

/// One step that changes the store.
pub(super) type Step = Box<dyn FnOnce(&mut AnyConnection, Millis) -> store::Result<()>>;

struct Planner<'a, 'b> {
    checker: &'a mut Checker<'b>,
    plan: Plan,
    /// The steps that run first: they free unique values and remove entries.
    first: Vec<Step>,
    /// The steps that insert or replace entries.
    then: Vec<Step>,
}

/// Plans the changes and their steps. Adds the faults to the checker.
pub(super) fn plan(
    c: &mut AnyConnection,
    checker: &mut Checker<'_>,
) -> store::Result<(Plan, Vec<Step>)> {
    let (file, state, prunes) = (checker.file, checker.state, checker.options.prune);
    let mut planner = Planner {
        checker,
        plan: Plan {
            to_review: file.entries_to_review(),
            ..Plan::default()
        },
        first: Vec::new(),
        then: Vec::new(),
    };
    planner.compare(&file.clients, &state.clients);
    planner.compare(&file.organisations, &state.organisations);
    planner.compare(&file.portals, &state.portals);
    planner.compare(&file.agreements, &state.agreements);
    planner.compare(&file.services, &state.services);
    planner.compare(&file.applications, &state.applications);
    planner.compare(&file.partners, &state.partners);
    if prunes {
        planner.prune(c, &file.clients, &state.clients)?;
        planner.prune(c, &file.applications, &state.applications)?;
        planner.prune(c, &file.partners, &state.partners)?;
        planner.prune(c, &file.organisations, &state.organisations)?;
        planner.prune(c, &file.portals, &state.portals)?;
        planner.prune(c, &file.agreements, &state.agreements)?;
        planner.prune(c, &file.services, &state.services)?;
    }
    let mut steps = planner.first;
    steps.extend(planner.then);
    Ok((planner.plan, steps))
}

impl Planner<'_, '_> {
    /// Checks the entries of one kind in the file and plans their changes.
    fn compare<K: Kind>(&mut self, named: &[FileEntry<K>], stored: &[K]) {
        let stored: HashMap<String, &K> = stored.iter().map(|entry| (entry.id(), entry)).collect();
        for named in named {
            let id = named.entry.id();
            let stored = stored.get(&id).copied();
            let mut wanted = named.entry.clone();
            let secrets = wanted.check(self.checker, named, stored);
            let fields = stored.map(|stored| different(stored, &wanted, &secrets));
            match fields {
                None => self.note::<K>(Change::Added, id, Vec::new()),
                Some(fields) if fields.is_empty() => {
                    self.plan.left += 1;
                    continue;
                }
                Some(fields) => {
                    if fields.iter().any(|key| K::UNIQUE.contains(key)) {
                        let freed = wanted.clone();
                        self.first.push(Box::new(move |c, _| freed.free(c)));
                    }
                    self.note::<K>(Change::Changed, id, fields);
                }
            }
            self.then.push(Box::new(move |c, now| wanted.put(c, now)));
        }
    }

    /// Plans the removal of stored entries that the file does not name. The removal of an entry that users depend on is
    /// a fault, unless the caller forces the removal.
    fn prune<K: Kind>(
        &mut self,
        c: &mut AnyConnection,
        named: &[FileEntry<K>],
        stored: &[K],
    ) -> store::Result<()> {
        let named: HashSet<String> = named.iter().map(|named| named.entry.id()).collect();
        for entry in stored {
            let (kind, id) = (K::NAME, entry.id());
            if named.contains(&id) || entry.is_permanent() {
                continue;
            }
            let users = entry.users(c)?;
            if users > 0 && !self.checker.options.force {
                self.checker.mistakes.push(ValidationError(format!(
                    "{kind} {id} is not named, but users depend on it ({users}); --force removes it anyway"
                )));
            }
            self.note::<K>(Change::Removed, id, Vec::new());
            let removed = entry.clone();
            self.first.push(Box::new(move |c, _| removed.remove(c)));
        }
        Ok(())
    }

    fn note<K: Kind>(&mut self, change: Change, name: String, fields: Vec<&'static str>) {
        self.plan.lines.push(PlannedChange {
            change,
            kind: K::NAME,
            name,
            fields,
        });
    }
}

/// The keys whose values differ. A client's key is compared by its hash.
fn different<K: Kind>(stored: &K, wanted: &K, secrets: &[&str]) -> Vec<&'static str> {
    let values = stored.values().into_iter().zip(wanted.values());
    values
        .filter(|((key, old), (_, new))| old != new || secrets.contains(key))
        .map(|((key, _), _)| key.strip_suffix("_sha256").unwrap_or(key))
        .collect()
}
