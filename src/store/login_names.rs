//! The login names of users: user names and e-mail addresses in the canonical form that lookups compare.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::connection::on_backend;
use super::tables::login_names;
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::mailbox::canonical_login;
use crate::domain::text::canonical;
use crate::domain::user::User;

/// The forms in which a login may be stored, the preferred one first. Two addresses that older releases distinguished
/// can be one mailbox today. One of them is still stored as it was typed.
pub(super) fn stored_forms(login: &str) -> [String; 2] {
    [canonical(login), canonical_login(login)]
}

pub(super) fn claim(conn: &mut AnyConnection, id: i64, name_ci: &str) -> Result<()> {
    diesel::insert_into(login_names::table)
        .values((
            login_names::name_ci.eq(name_ci),
            login_names::user_id.eq(id),
        ))
        .run(conn)
}

/// Updates the stored login names of an existing user. A name that is stored in either form stays as it is, also if
/// another user has the canonical form.
pub(super) fn replace(conn: &mut AnyConnection, user: &User) -> Result<()> {
    let query = login_names::table
        .filter(login_names::user_id.eq(user.id))
        .select(login_names::name_ci);
    let mut held: Vec<String> = on_backend!(conn, c => query.load(c))?;
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
        diesel::delete(login_names::table.find(old)).execute(conn)?;
    }
    for new in missing {
        claim(conn, user.id, &new)?;
    }
    Ok(())
}
