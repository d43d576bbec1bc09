//! Applications: web front ends that embed the loginbar.

use diesel::prelude::*;

use super::connection::columns;
use super::lines::{Lines, join_lines};
use super::tables::applications;
use super::{AnyConnection, QueryExt as _, Result};

/// A configured application.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = applications)]
pub struct Application {
    /// The id without the suffix that callers may leave out.
    pub client_id: String,
    #[diesel(deserialize_as = Lines)]
    pub origins: Vec<String>,
    /// The allowed redirect targets; the first one is the default.
    #[diesel(deserialize_as = Lines)]
    pub redirect_uris: Vec<String>,
    /// The sealed secret of the application.
    pub secret: Option<Vec<u8>>,
    /// Whether the application may assign and remove users without its secret.
    pub plain_calls: bool,
}

/// Every application, by its id.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<Application>> {
    Ok(applications::table
        .select(columns::<Application>())
        .order(applications::client_id)
        .load(conn)?)
}

/// Inserts or replaces the application with this id.
pub fn put(conn: &mut AnyConnection, application: &Application) -> Result<()> {
    let row = (
        applications::client_id.eq(&application.client_id),
        applications::origins.eq(join_lines(&application.origins)),
        applications::redirect_uris.eq(join_lines(&application.redirect_uris)),
        applications::secret.eq(application.secret.as_ref()),
        applications::plain_calls.eq(application.plain_calls),
    );
    diesel::insert_into(applications::table)
        .values(row.clone())
        .on_conflict(applications::client_id)
        .do_update()
        .set(row)
        .run_on_backend(conn)
}

/// Removes an application.
pub fn remove(conn: &mut AnyConnection, client_id: &str) -> Result<()> {
    diesel::delete(applications::table.find(client_id)).run(conn)
}

/// Whether an application with this id exists.
pub fn exists(conn: &mut AnyConnection, client_id: &str) -> Result<bool> {
    applications::table.find(client_id).has_rows(conn)
}
