//! The rows of `users`: the columns that queries read, and the columns that insert and update write.

use diesel::backend::Backend;
use diesel::deserialize;
use diesel::prelude::*;

use super::lines::{join_lines, split_lines};
use super::tables::users;
use crate::domain::Millis;
use crate::domain::client::DEFAULT_CLIENT;
use crate::domain::names::skeleton;
use crate::domain::text::canonical;
use crate::domain::user::{Status, User};

/// The columns that make a [`User`].
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct UserRow {
    id: i64,
    uuid: String,
    user_name: String,
    name: String,
    email: String,
    client_name: String,
    organizational_unit: Option<String>,
    status: String,
    roles: String,
    password_hash: Option<String>,
    created_at: Millis,
    updated_at: Millis,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        User {
            id: row.id,
            uuid: row.uuid,
            user_name: row.user_name,
            name: row.name,
            email: row.email,
            client_name: row.client_name,
            organizational_unit: row.organizational_unit,
            // A constraint of the table allows no other value. If another value appears, the user gets the fewest
            // rights.
            status: Status::parse(&row.status).unwrap_or(Status::Inactive),
            roles: split_lines(&row.roles),
            password_hash: row.password_hash,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Queries that select the columns of `UserRow` load a [`User`].
impl<ST, DB: Backend> Queryable<ST, DB> for User
where
    UserRow: Queryable<ST, DB>,
{
    type Row = <UserRow as Queryable<ST, DB>>::Row;

    fn build(row: Self::Row) -> deserialize::Result<Self> {
        UserRow::build(row).map(User::from)
    }
}

/// A user to insert.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    pub uuid: &'a str,
    pub user_name: &'a str,
    pub name: &'a str,
    pub email: &'a str,
    pub client_name: &'a str,
    pub organizational_unit: Option<&'a str>,
    pub status: Status,
    pub roles: &'a [String],
    pub password_hash: Option<&'a str>,
    pub joins_organisation: Option<&'a str>,
    pub now: Millis,
}

impl Default for NewUser<'_> {
    /// An unactivated user of the default client, whose names are empty.
    fn default() -> Self {
        Self {
            uuid: "",
            user_name: "",
            name: "",
            email: "",
            client_name: DEFAULT_CLIENT,
            organizational_unit: None,
            status: Status::Unactivated,
            roles: &[],
            password_hash: None,
            joins_organisation: None,
            now: 0,
        }
    }
}

/// The columns that insert and update write. Update writes no other columns.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct UpdatedColumns<'a> {
    name: &'a str,
    name_ci: String,
    email: &'a str,
    email_ci: String,
    client_name: &'a str,
    organizational_unit: Option<&'a str>,
    status: &'static str,
    roles: String,
    /// Only users with roles have a skeleton: only their names are worth imitating, and the index stays small.
    user_name_skeleton: Option<String>,
    unconfirmed_since: Option<Millis>,
    updated_at: Millis,
}

/// The columns that insert writes and that update leaves as they are.
#[derive(Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub(super) struct InsertedColumns<'a> {
    uuid: &'a str,
    user_name: &'a str,
    user_name_ci: String,
    password_hash: Option<&'a str>,
    joins_organisation: Option<&'a str>,
    created_at: Millis,
}

impl<'a> From<&'a User> for UpdatedColumns<'a> {
    fn from(user: &'a User) -> Self {
        // Name every field, so that a new field does not compile until it is written or omitted on purpose.
        let User {
            id: _,
            uuid: _,
            user_name,
            name,
            email,
            client_name,
            organizational_unit,
            status,
            roles,
            password_hash: _,
            created_at: _,
            updated_at,
        } = user;
        let roles = join_lines(roles);
        UpdatedColumns {
            name,
            name_ci: canonical(name),
            email,
            email_ci: canonical(email),
            client_name,
            organizational_unit: organizational_unit.as_deref(),
            status: status.as_str(),
            user_name_skeleton: stored_skeleton(user_name, &roles),
            roles,
            unconfirmed_since: None,
            updated_at: *updated_at,
        }
    }
}

impl<'a> From<&NewUser<'a>> for InsertedColumns<'a> {
    fn from(new: &NewUser<'a>) -> Self {
        InsertedColumns {
            uuid: new.uuid,
            user_name: new.user_name,
            user_name_ci: canonical(new.user_name),
            password_hash: new.password_hash,
            joins_organisation: new.joins_organisation,
            created_at: new.now,
        }
    }
}

impl<'a> From<&NewUser<'a>> for UpdatedColumns<'a> {
    fn from(new: &NewUser<'a>) -> Self {
        let roles = join_lines(new.roles);
        UpdatedColumns {
            name: new.name,
            name_ci: canonical(new.name),
            email: new.email,
            email_ci: canonical(new.email),
            client_name: new.client_name,
            organizational_unit: new.organizational_unit,
            status: new.status.as_str(),
            user_name_skeleton: stored_skeleton(new.user_name, &roles),
            roles,
            unconfirmed_since: None,
            updated_at: new.now,
        }
    }
}

/// The skeleton (Unicode TR39) of a user name, as the table stores it: `None` for a user without roles.
pub(super) fn stored_skeleton(user_name: &str, roles: &str) -> Option<String> {
    (!roles.is_empty()).then(|| skeleton(user_name))
}
