//! Applications: front ends that embed the loginbar.

use diesel::prelude::*;

use super::lines::{join_lines, split_lines};
use super::tables::applications;
use super::{AnyConnection, StoreError};

/// An application as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Without the suffix that callers may leave out.
    pub client_id: String,
    pub origins: Vec<String>,
    /// The first one is where it leads when none is asked for.
    pub redirect_uris: Vec<String>,
    /// The secret of its hashes, sealed.
    pub secret: Option<Vec<u8>>,
    /// Whether it may assign users to services, and remove them, without proving itself by the secret.
    pub plain_calls: bool,
}

type Row = (String, String, String, Option<Vec<u8>>, bool);

/// Every application, by its id.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Application>, StoreError> {
    let rows: Vec<Row> = applications::table
        .select((
            applications::client_id,
            applications::origins,
            applications::redirect_uris,
            applications::secret,
            applications::plain_calls,
        ))
        .order(applications::client_id)
        .load(connection)?;
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

/// Makes an application be like this, whether there is one of that id or not.
pub fn put(connection: &mut AnyConnection, application: &Application) -> Result<(), StoreError> {
    let id = applications::client_id.eq(&application.client_id);
    let values = (
        applications::origins.eq(join_lines(&application.origins)),
        applications::redirect_uris.eq(join_lines(&application.redirect_uris)),
        applications::secret.eq(application.secret.as_ref()),
        applications::plain_calls.eq(application.plain_calls),
    );
    let changed = diesel::update(applications::table.filter(id))
        .set(values.clone())
        .execute(connection)?;
    if changed == 0 {
        diesel::insert_into(applications::table)
            .values((id, values))
            .execute(connection)?;
    }
    Ok(())
}

/// Removes an application.
pub fn remove(connection: &mut AnyConnection, client_id: &str) -> Result<(), StoreError> {
    diesel::delete(applications::table.filter(applications::client_id.eq(client_id)))
        .execute(connection)?;
    Ok(())
}

/// Whether there is an application of this id.
pub fn exists(connection: &mut AnyConnection, client_id: &str) -> Result<bool, StoreError> {
    let found: i64 = applications::table
        .filter(applications::client_id.eq(client_id))
        .count()
        .get_result(connection)?;
    Ok(found > 0)
}
