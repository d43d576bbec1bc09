//! The login names that a user holds: its user name and its address, each in the form that lookups compare.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::connection::on_backend;
use super::tables::login_names;
use super::users::stored_forms;
use super::{AnyConnection, StoreError};
use crate::domain::mailbox::canonical_login;
use crate::domain::user::User;

pub(super) fn claim(
    connection: &mut AnyConnection,
    id: i64,
    name_ci: &str,
) -> Result<(), StoreError> {
    diesel::insert_into(login_names::table)
        .values((
            login_names::name_ci.eq(name_ci),
            login_names::user_id.eq(id),
        ))
        .execute(connection)?;
    Ok(())
}

/// Gives a user that is there the login names that it has now. What it has already stays as it stands, also where
/// somebody else holds the canonical form.
pub(super) fn keep_names(connection: &mut AnyConnection, user: &User) -> Result<(), StoreError> {
    let query = login_names::table
        .filter(login_names::user_id.eq(user.id))
        .select(login_names::name_ci);
    let mut held: Vec<String> = on_backend!(connection, c => query.load(c))?;
    let mut missing = BTreeSet::new();
    let mut kept = BTreeSet::new();
    for name in [&user.user_name, &user.email] {
        let forms = stored_forms(name);
        match held.iter().find(|h| forms.contains(h)) {
            Some(form) => drop(kept.insert(form.clone())),
            None => drop(missing.insert(canonical_login(name))),
        }
    }
    held.retain(|name| !kept.contains(name));
    for old in held {
        diesel::delete(login_names::table.find(old)).execute(connection)?;
    }
    for new in missing {
        claim(connection, user.id, &new)?;
    }
    Ok(())
}
