//! Applications: web front ends that embed the loginbar.

use diesel::prelude::*;

use super::lines::{join_lines, split_lines};
use super::tables::applications;
use super::{AnyConnection, Result};

/// A configured application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The id without the suffix that callers may leave out.
    pub client_id: String,
    pub origins: Vec<String>,
    /// The allowed redirect targets; the first one is the default.
    pub redirect_uris: Vec<String>,
    /// The sealed secret of the application.
    pub secret: Option<Vec<u8>>,
    /// Whether the application may assign and remove users without its secret.
    pub plain_calls: bool,
}

type Row = (String, String, String, Option<Vec<u8>>, bool);

/// Every application, by its id.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<Application>> {
    let rows: Vec<Row> = applications::table
        .select((
            applications::client_id,
            applications::origins,
            applications::redirect_uris,
            applications::secret,
            applications::plain_calls,
        ))
        .order(applications::client_id)
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(
            |(client_id, origins, redirect_uris, secret, plain_calls)| Application {
                client_id,
                origins: split_lines(&origins),
                redirect_uris: split_lines(&redirect_uris),
                secret,
                plain_calls,
            },
        )
        .collect())
}

/// Inserts or replaces the application with this id.
pub fn put(conn: &mut AnyConnection, application: &Application) -> Result<()> {
    let id = applications::client_id.eq(&application.client_id);
    let values = (
        applications::origins.eq(join_lines(&application.origins)),
        applications::redirect_uris.eq(join_lines(&application.redirect_uris)),
        applications::secret.eq(application.secret.as_ref()),
        applications::plain_calls.eq(application.plain_calls),
    );
    let changed = diesel::update(applications::table.filter(id))
        .set(values.clone())
        .execute(conn)?;
    if changed == 0 {
        diesel::insert_into(applications::table)
            .values((id, values))
            .execute(conn)?;
    }
    Ok(())
}

/// Removes an application.
pub fn remove(conn: &mut AnyConnection, client_id: &str) -> Result<()> {
    diesel::delete(applications::table.filter(applications::client_id.eq(client_id)))
        .execute(conn)?;
    Ok(())
}

/// Whether an application with this id exists.
pub fn exists(conn: &mut AnyConnection, client_id: &str) -> Result<bool> {
    let found: i64 = applications::table
        .filter(applications::client_id.eq(client_id))
        .count()
        .get_result(conn)?;
    Ok(found > 0)
}
