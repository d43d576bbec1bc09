//! Portals, which group services.

use diesel::prelude::*;

use super::connection::columns;
use super::tables::portals;
use super::{AnyConnection, StoreError};

/// A portal.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = portals)]
pub struct Portal {
    pub id: i64,
    pub name: String,
}

/// Every portal, by number.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Portal>, StoreError> {
    Ok(portals::table
        .select(columns::<Portal>())
        .order(portals::id)
        .load(connection)?)
}

/// Inserts or replaces the portal with this number.
pub fn put(connection: &mut AnyConnection, portal: &Portal) -> Result<(), StoreError> {
    let changed = diesel::update(portals::table.filter(portals::id.eq(portal.id)))
        .set(portal)
        .execute(connection)?;
    if changed == 0 {
        diesel::insert_into(portals::table)
            .values(portal)
            .execute(connection)?;
    }
    Ok(())
}

/// Removes a portal; its services stay.
pub fn remove(connection: &mut AnyConnection, id: i64) -> Result<(), StoreError> {
    diesel::delete(portals::table.filter(portals::id.eq(id))).execute(connection)?;
    Ok(())
}
