//! Agreements that services require of their users.

use diesel::prelude::*;

use super::connection::columns;
use super::tables::{accepted_agreements, agreements};
use super::{AnyConnection, StoreError};

/// An agreement.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = agreements)]
pub struct Agreement {
    pub id: i64,
    pub name: String,
}

/// Every agreement, by number.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Agreement>, StoreError> {
    Ok(agreements::table
        .select(columns::<Agreement>())
        .order(agreements::id)
        .load(connection)?)
}

/// Inserts or replaces the agreement with this number.
pub fn put(connection: &mut AnyConnection, agreement: &Agreement) -> Result<(), StoreError> {
    let changed = diesel::update(agreements::table.filter(agreements::id.eq(agreement.id)))
        .set(agreement)
        .execute(connection)?;
    if changed == 0 {
        diesel::insert_into(agreements::table)
            .values(agreement)
            .execute(connection)?;
    }
    Ok(())
}

/// Removes an agreement and its acceptances.
pub fn remove(connection: &mut AnyConnection, id: i64) -> Result<(), StoreError> {
    diesel::delete(agreements::table.filter(agreements::id.eq(id))).execute(connection)?;
    Ok(())
}

/// The number of users that have ever accepted an agreement, including those that withdrew.
pub fn acceptances(connection: &mut AnyConnection, id: i64) -> Result<i64, StoreError> {
    Ok(accepted_agreements::table
        .filter(accepted_agreements::agreement_id.eq(id))
        .count()
        .get_result(connection)?)
}

/// Locks all agreements, so that no user accepts one until the transaction ends. SQLite has only one writer anyway.
pub fn lock_all(connection: &mut AnyConnection) -> Result<(), StoreError> {
    if let AnyConnection::Postgres(c) = connection {
        let all = agreements::table
            .select(agreements::id)
            .order(agreements::id);
        all.for_update().load::<i64>(c)?;
    }
    Ok(())
}
