//! Portals, which group services.

use diesel::prelude::*;

use super::connection::columns;
use super::tables::portals;
use super::{AnyConnection, QueryExt as _, Result};

/// A portal.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = portals)]
pub struct Portal {
    pub id: i64,
    pub name: String,
}

/// Every portal, by number.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<Portal>> {
    Ok(portals::table
        .select(columns::<Portal>())
        .order(portals::id)
        .load(conn)?)
}

/// Inserts or replaces the portal with this number.
pub fn put(conn: &mut AnyConnection, portal: &Portal) -> Result<()> {
    diesel::insert_into(portals::table)
        .values(portal)
        .on_conflict(portals::id)
        .do_update()
        .set(portal)
        .run_on_backend(conn)
}

/// Removes a portal; its services stay.
pub fn remove(conn: &mut AnyConnection, id: i64) -> Result<()> {
    diesel::delete(portals::table.find(id)).run(conn)
}
