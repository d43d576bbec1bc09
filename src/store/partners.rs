//! Partners, which sign their users in with tokens of their own.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::connection::columns;
use super::finding::Finding;
use super::lines::{Lines, join_lines};
use super::tables::{partner_claims, partners};
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::text::canonical;
use crate::domain::user::same_name;

/// A configured partner.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = partners)]
pub struct Partner {
    /// The `iss` of the partner's tokens.
    pub iss: String,
    /// Public keys in PEM, concatenated.
    pub public_keys: String,
    #[diesel(deserialize_as = Lines)]
    pub state_ids: Vec<String>,
    #[diesel(deserialize_as = Lines)]
    pub redirect_origins: Vec<String>,
    /// The longest accepted lifetime of the partner's tokens, in seconds.
    pub max_life_s: i64,
    /// Whether the claim `roles` of the new layout replaces the user's roles in the school.
    pub assigns_roles: bool,
    /// The URL to which a refused browser is redirected; without one the gateway shows a page.
    pub error_redirect: Option<String>,
}

impl Partner {
    /// A `state_id` that both partners have, compared canonically. Such partners could sign in each other's users.
    #[must_use]
    pub fn shares_with<'a>(&'a self, other: &Self) -> Option<&'a str> {
        self.state_ids
            .iter()
            .find(|id| other.state_ids.iter().any(|theirs| same_name(id, theirs)))
            .map(String::as_str)
    }

    /// A `state_id` that the partner has twice, compared canonically.
    #[must_use]
    pub fn repeats(&self) -> Option<&str> {
        let ids = &self.state_ids;
        let repeated = |(at, id): (usize, &String)| {
            let before = ids.iter().take(at);
            before.into_iter().any(|other| same_name(other, id))
        };
        let found = ids.iter().enumerate().find(|(at, id)| repeated((*at, id)));
        found.map(|(_, id)| id.as_str())
    }

    /// The names that belong to this partner alone: its `iss` and its `state_id`s, each with its kind, in compared
    /// form.
    fn claims(&self) -> Vec<(&'static str, String)> {
        let states = self.state_ids.iter().map(|id| (STATE_ID, canonical(id)));
        let mut claims: Vec<_> = std::iter::once((ISS, canonical(&self.iss)))
            .chain(states)
            .collect();
        claims.dedup();
        claims
    }
}

/// The kinds in [`partner_claims`].
const ISS: &str = "iss";
const STATE_ID: &str = "state_id";

/// Every partner, by `iss`.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<Partner>> {
    Ok(partners::table
        .select(columns::<Partner>())
        .order(partners::iss)
        .load(conn)?)
}

/// Inserts or replaces the partner with this `iss`.
///
/// # Errors
/// `StoreError::Collided` if another partner has one of its new names.
pub fn put(conn: &mut AnyConnection, partner: &Partner) -> Result<()> {
    let stored: Option<Partner> = partners::table
        .find(&partner.iss)
        .select(columns::<Partner>())
        .fetch_optional(conn)?;
    let row = (
        partners::iss.eq(&partner.iss),
        partners::public_keys.eq(&partner.public_keys),
        partners::state_ids.eq(join_lines(&partner.state_ids)),
        partners::redirect_origins.eq(join_lines(&partner.redirect_origins)),
        partners::max_life_s.eq(partner.max_life_s),
        partners::assigns_roles.eq(partner.assigns_roles),
        partners::error_redirect.eq(&partner.error_redirect),
    );
    diesel::insert_into(partners::table)
        .values(row.clone())
        .on_conflict(partners::iss)
        .do_update()
        .set(row)
        .run_on_backend(conn)?;
    let before = stored.map_or(Vec::new(), |stored| stored.claims());
    let wanted = partner.claims();
    for claim in before.iter().filter(|claim| !wanted.contains(claim)) {
        release(conn, &partner.iss, claim)?;
    }
    for claim in wanted.iter().filter(|claim| !before.contains(claim)) {
        claim_name(conn, &partner.iss, claim)?;
    }
    fill_claims(conn)
}

/// Removes the `state_id`s of a partner, so that another partner can get them in the same transaction.
pub fn clear_state_ids(conn: &mut AnyConnection, iss: &str) -> Result<()> {
    diesel::update(partners::table.find(iss))
        .set(partners::state_ids.eq(""))
        .execute(conn)?;
    let own = partner_claims::iss.eq(iss);
    let states = partner_claims::table.filter(own.and(partner_claims::kind.eq(STATE_ID)));
    diesel::delete(states).run(conn)
}

fn claim_name(
    conn: &mut AnyConnection,
    iss: &str,
    (kind, name_ci): &(&'static str, String),
) -> Result<()> {
    diesel::insert_into(partner_claims::table)
        .values((
            partner_claims::kind.eq(*kind),
            partner_claims::name_ci.eq(name_ci),
            partner_claims::iss.eq(iss),
        ))
        .run(conn)
}

fn release(
    conn: &mut AnyConnection,
    iss: &str,
    (kind, name_ci): &(&'static str, String),
) -> Result<()> {
    let claim = partner_claims::table
        .find((*kind, name_ci))
        .filter(partner_claims::iss.eq(iss));
    diesel::delete(claim).run(conn)
}

/// Stores the owner of each name that has none yet.
pub fn fill_claims(conn: &mut AnyConnection) -> Result<()> {
    for (iss, claim, holder) in contested(conn)? {
        if holder.is_none() {
            claim_name(conn, &iss, &claim)?;
        }
    }
    Ok(())
}

/// Reports names and `state_id`s that two partners share. Older releases allowed this.
pub(super) fn find_duplicates(
    conn: &mut AnyConnection,
    found: &mut dyn FnMut(Finding),
) -> Result<()> {
    for (iss, (kind, name), holder) in contested(conn)? {
        let Some(holder) = holder else { continue };
        found(Finding {
            kind: "shared_state_id",
            place: format!("partner {iss:?}, {kind} {name:?}"),
            text: format!(
                "Partner {holder:?} has it as well, so that each can sign in the users of the other. \
                 Take it from one of them in the registry file."
            ),
        });
    }
    Ok(())
}

/// The names whose stored owner is not the partner that has them: the partner, the name, and the other partner that
/// owns the name, if any.
#[expect(clippy::type_complexity, reason = "it is used twice and taken apart")]
fn contested(
    conn: &mut AnyConnection,
) -> Result<Vec<(String, (&'static str, String), Option<String>)>> {
    let rows: Vec<(String, String, String)> = partner_claims::table
        .select((
            partner_claims::kind,
            partner_claims::name_ci,
            partner_claims::iss,
        ))
        .load(conn)?;
    let mut holders: BTreeMap<(String, String), String> = rows
        .into_iter()
        .map(|(kind, name, iss)| ((kind, name), iss))
        .collect();
    let mut contested = Vec::new();
    for partner in all(conn)? {
        for claim in partner.claims() {
            let key = (claim.0.to_owned(), claim.1.clone());
            let holder = holders.get(&key).cloned();
            if holder.as_ref() == Some(&partner.iss) {
                continue;
            }
            if holder.is_none() {
                holders.insert(key, partner.iss.clone());
            }
            contested.push((partner.iss.clone(), claim, holder));
        }
    }
    Ok(contested)
}

/// Removes a partner.
pub fn remove(conn: &mut AnyConnection, iss: &str) -> Result<()> {
    diesel::delete(partners::table.find(iss)).execute(conn)?;
    fill_claims(conn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Opening, Store, StoreError};

    #[test]
    fn reports_names_of_two_partners_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.db");
        let opening = Opening::parse(&path.to_string_lossy(), 1, 5000).unwrap();
        let store = Store::open(opening).unwrap();
        let of = |iss: &str, state_ids: &str| {
            (
                partners::iss.eq(iss.to_owned()),
                partners::public_keys.eq(""),
                partners::state_ids.eq(state_ids.to_owned()),
                partners::redirect_origins.eq(""),
                partners::max_life_s.eq(1_i64),
            )
        };
        let rows = vec![of("a", "One\ntwo"), of("b", "ONE")];
        let doubles = || {
            let mut found = Vec::new();
            let each = &mut |finding: Finding| found.push(finding.place);
            store.read(|c| find_duplicates(c, each)).unwrap();
            found
        };
        for row in rows {
            let insertion = diesel::insert_into(partners::table).values(row);
            store
                .write(|c| Ok::<_, StoreError>(insertion.clone().execute(c)?))
                .unwrap();
        }
        store.write(fill_claims).unwrap();
        let double = ["partner \"b\", state_id \"one\""];
        assert_eq!(doubles(), double);
        store.write(fill_claims).unwrap();
        assert_eq!(doubles(), double);
        // Each partner can get another key. The second gets the name once the first gives it up.
        let mut stored = store.read(all).unwrap();
        store.write(|c| put(c, &stored[1])).unwrap();
        stored[0].state_ids.retain(|id| id != "One");
        store.write(|c| put(c, &stored[0])).unwrap();
        assert_eq!(doubles(), [""; 0]);
        stored[0].state_ids.push("oNE".to_owned());
        assert!(store.write(|c| put(c, &stored[0])).is_err());
    }
}
