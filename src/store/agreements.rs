//! Agreements that services require of their users.

use diesel::prelude::*;

use super::connection::columns;
use super::tables::{accepted_agreements, agreements};
use super::{AnyConnection, QueryExt as _, Result};

/// An agreement.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = agreements)]
pub struct Agreement {
    pub id: i64,
    pub name: String,
}

/// Every agreement, by number.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<Agreement>> {
    Ok(agreements::table
        .select(columns::<Agreement>())
        .order(agreements::id)
        .load(conn)?)
}

/// Inserts or replaces the agreement with this number.
pub fn put(conn: &mut AnyConnection, agreement: &Agreement) -> Result<()> {
    diesel::insert_into(agreements::table)
        .values(agreement)
        .on_conflict(agreements::id)
        .do_update()
        .set(agreement)
        .run_on_backend(conn)
}

/// Removes an agreement and its acceptances.
pub fn remove(conn: &mut AnyConnection, id: i64) -> Result<()> {
    diesel::delete(agreements::table.find(id)).run(conn)
}

/// The number of users that have ever accepted an agreement, including those that withdrew.
pub fn acceptances(conn: &mut AnyConnection, id: i64) -> Result<i64> {
    Ok(accepted_agreements::table
        .filter(accepted_agreements::agreement_id.eq(id))
        .count()
        .get_result(conn)?)
}

/// Locks all agreements, so that no user accepts one until the transaction ends. SQLite has only one writer anyway.
pub fn lock_all(conn: &mut AnyConnection) -> Result<()> {
    if let AnyConnection::Postgres(c) = conn {
        let all = agreements::table
            .select(agreements::id)
            .order(agreements::id);
        all.for_update().load::<i64>(c)?;
    }
    Ok(())
}
