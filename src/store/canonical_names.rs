//! Computes the columns that SQL cannot compute: canonical login names and the skeletons of user names. After a
//! migration or a change of the Unicode tables it recomputes all rows.

use diesel::prelude::*;

use super::connection::on_backend;
use super::tables::{login_names, users};
use super::transaction::retry;
use super::user_row::stored_skeleton;
use super::{AnyConnection, QueryExt as _, Result, settings};
use crate::domain::mailbox::canonical_login;
use crate::domain::names::tables_version;

/// The setting with the version of the tables that the rows were computed with.
const MARK: &str = "canonical_names";
/// The most rows that one transaction reads.
const BATCH: i64 = 2000;

/// Recomputes all rows in batches, unless they are up to date. An interrupted run starts again.
pub(super) fn bring_up_to_date(conn: &mut AnyConnection) -> Result<()> {
    let version = tables_version();
    if settings::get(conn, MARK)? == Some(version.clone()) {
        return Ok(());
    }
    let mut after = Some(String::new());
    while let Some(name) = after {
        after = retry(conn, |c| login_names_after(c, &name))?;
    }
    let mut after = Some(0);
    while let Some(id) = after {
        after = retry(conn, |c| skeletons_after(c, id))?;
    }
    retry(conn, |c| settings::set(c, MARK, &version))
}

/// Writes a batch of canonical login names and returns the last name. A name whose canonical form belongs to another
/// user stays as it is, so that its owner can still sign in.
fn login_names_after(conn: &mut AnyConnection, last: &str) -> Result<Option<String>> {
    let query = login_names::table
        .filter(login_names::name_ci.gt(last))
        .order(login_names::name_ci)
        .limit(BATCH)
        .select((login_names::name_ci, login_names::user_id));
    let batch: Vec<(String, i64)> = on_backend!(conn, c => query.load(c))?;
    for (name, user_id) in &batch {
        let canonical = canonical_login(name);
        if canonical == *name {
            continue;
        }
        let holder: Option<i64> = login_names::table
            .find(&canonical)
            .select(login_names::user_id)
            .fetch_optional(conn)?;
        let own = login_names::table.find(name);
        match holder {
            None => {
                diesel::update(own)
                    .set(login_names::name_ci.eq(canonical))
                    .execute(conn)?;
            }
            Some(holder) if holder == *user_id => {
                diesel::delete(own).execute(conn)?;
            }
            Some(_) => {}
        }
    }
    Ok(batch.into_iter().next_back().map(|(name, _)| name))
}

/// Writes a batch of skeletons and returns the number of the last user.
fn skeletons_after(conn: &mut AnyConnection, last: i64) -> Result<Option<i64>> {
    let query = users::table
        .filter(users::id.gt(last))
        .filter(users::roles.ne(""))
        .order(users::id)
        .limit(BATCH)
        .select((
            users::id,
            users::user_name,
            users::roles,
            users::user_name_skeleton,
        ));
    let batch: Vec<(i64, String, String, Option<String>)> = on_backend!(conn, c => query.load(c))?;
    for (id, user_name, roles, stored) in &batch {
        let skeleton = stored_skeleton(user_name, roles);
        if skeleton != *stored {
            diesel::update(users::table.find(id))
                .set(users::user_name_skeleton.eq(skeleton))
                .execute(conn)?;
        }
    }
    Ok(batch.last().map(|(id, ..)| *id))
}
