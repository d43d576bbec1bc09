//! Partners that sign their users in.

use diesel::prelude::*;

use super::tables::partners;
use super::users::{join_lines, split_lines};
use super::{AnyConnection, StoreError};
use crate::domain::user::same_name;

/// A partner as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// How it names itself in what it signs.
    pub iss: String,
    /// PEM, one after another.
    pub public_keys: String,
    pub state_ids: Vec<String>,
    pub redirect_origins: Vec<String>,
    /// The longest that what it signs may be good for, in seconds.
    pub max_life_s: i64,
}

impl Partner {
    /// A state_id that this one and another have, but for case: what is counted as one place to come from, though it looks
    /// like two, would let each sign in the other's users. One that both have to the letter is meant.
    #[must_use]
    pub fn almost_shared_with<'a>(&'a self, other: &Self) -> Option<&'a str> {
        let is_like = |a: &str, b: &str| a != b && same_name(a, b);
        self.state_ids
            .iter()
            .find(|id| other.state_ids.iter().any(|theirs| is_like(id, theirs)))
            .map(String::as_str)
    }
}

/// Every partner, by name.
///
/// # Errors
/// The store's.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Partner>, StoreError> {
    let rows: Vec<(String, String, String, String, i64)> = partners::table
        .select((
            partners::iss,
            partners::public_keys,
            partners::state_ids,
            partners::redirect_origins,
            partners::max_life_s,
        ))
        .order(partners::iss)
        .load(connection)?;
    Ok(rows
        .into_iter()
        .map(
            |(iss, public_keys, state_ids, redirect_origins, max_life_s)| Partner {
                iss,
                public_keys,
                state_ids: split_lines(&state_ids),
                redirect_origins: split_lines(&redirect_origins),
                max_life_s,
            },
        )
        .collect())
}

/// Makes a partner be like this, whether there is one of that name or not.
///
/// # Errors
/// The store's.
pub fn put(connection: &mut AnyConnection, partner: &Partner) -> Result<(), StoreError> {
    let iss = partners::iss.eq(&partner.iss);
    let values = (
        partners::public_keys.eq(&partner.public_keys),
        partners::state_ids.eq(join_lines(&partner.state_ids)),
        partners::redirect_origins.eq(join_lines(&partner.redirect_origins)),
        partners::max_life_s.eq(partner.max_life_s),
    );
    let changed = diesel::update(partners::table.filter(iss))
        .set(values.clone())
        .execute(connection)?;
    if changed == 0 {
        diesel::insert_into(partners::table)
            .values((iss, values))
            .execute(connection)?;
    }
    Ok(())
}

/// Removes a partner.
///
/// # Errors
/// The store's.
pub fn remove(connection: &mut AnyConnection, iss: &str) -> Result<(), StoreError> {
    diesel::delete(partners::table.filter(partners::iss.eq(iss))).execute(connection)?;
    Ok(())
}
