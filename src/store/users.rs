//! Users: lookups, locks and changes.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::connection::{columns, on_backend};
use super::login_names::{claim, replace, stored_forms};
use super::tables::{login_names, users};
pub use super::user_row::NewUser;
use super::user_row::{InsertedColumns, UpdatedColumns, UserRow};
use super::{AnyConnection, QueryExt as _, Result, password_cost};
use crate::domain::Millis;
use crate::domain::mailbox::canonical_login;
use crate::domain::names::skeleton;
use crate::domain::text::canonical;
use crate::domain::user::{Status, User};

/// The user with this user name, compared like logins.
pub fn by_name(conn: &mut AnyConnection, user_name: &str) -> Result<Option<User>> {
    let folded = canonical(user_name);
    let query = users::table
        .filter(users::user_name_ci.eq(&folded))
        .select(columns::<UserRow>());
    let user: Option<User> = on_backend!(conn, c => query.get_result(c)).optional()?;
    if user.is_some() || !folded.contains('@') {
        return Ok(user);
    }
    // The domain may be written in its other form: in Unicode instead of ASCII, or the reverse.
    let login = canonical_login(user_name);
    let found = by_login(conn, user_name)?;
    Ok(found.filter(|user| canonical_login(&user.user_name) == login))
}

/// The user with this user name or e-mail address.
pub fn by_login(conn: &mut AnyConnection, login: &str) -> Result<Option<User>> {
    let [typed, canonical] = stored_forms(login);
    let form = |form: &str| {
        users::table
            .inner_join(login_names::table.on(login_names::user_id.eq(users::id)))
            .filter(login_names::name_ci.eq(form.to_owned()))
            .select(columns::<UserRow>())
    };
    match form(&typed).fetch_optional(conn)? {
        None if canonical != typed => form(&canonical).fetch_optional(conn),
        found => Ok(found),
    }
}

/// The number of the user with this user name or e-mail address. Always runs one query.
pub(super) fn id_by_login(conn: &mut AnyConnection, login: &str) -> Result<Option<i64>> {
    let forms = stored_forms(login);
    let query = login_names::table
        .filter(login_names::name_ci.eq_any(&forms))
        .select((login_names::name_ci, login_names::user_id));
    let mut found: Vec<(String, i64)> = on_backend!(conn, c => query.load(c))?;
    found.sort_by_key(|(form, _)| forms.iter().position(|f| f == form));
    Ok(found.first().map(|(_, id)| *id))
}

/// The user with this number.
pub fn by_id(conn: &mut AnyConnection, id: i64) -> Result<Option<User>> {
    users::table
        .find(id)
        .select(columns::<UserRow>())
        .fetch_optional(conn)
}

/// The user with this number, locked until the transaction ends, so that decisions based on it stay true. SQLite has
/// only one writer anyway.
pub fn lock_for_update(conn: &mut AnyConnection, id: i64) -> Result<Option<User>> {
    let query = users::table.find(id).select(columns::<UserRow>());
    let locked = match conn {
        AnyConnection::Sqlite(c) => query.get_result(c),
        AnyConnection::Postgres(c) => query.for_no_key_update().get_result(c),
    };
    Ok(locked.optional()?)
}

/// The user with this UUID, or else with this number, locked as by [`lock_for_update`].
pub fn lock_by_uuid_or_id(conn: &mut AnyConnection, text: &str) -> Result<Option<User>> {
    match id_by_uuid_or_id(conn, text)? {
        Some(id) => lock_for_update(conn, id),
        None => Ok(None),
    }
}

/// The user with this UUID, or else with this number.
pub fn by_uuid_or_id(conn: &mut AnyConnection, text: &str) -> Result<Option<User>> {
    match id_by_uuid_or_id(conn, text)? {
        Some(id) => by_id(conn, id),
        None => Ok(None),
    }
}

/// The number of the user with this UUID, or the number that the text itself is.
fn id_by_uuid_or_id(conn: &mut AnyConnection, text: &str) -> Result<Option<i64>> {
    let by_uuid: Option<i64> = users::table
        .filter(users::uuid.eq(text))
        .select(users::id)
        .fetch_optional(conn)?;
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    Ok(by_uuid.or_else(|| text.parse().ok().filter(|_| is_number)))
}

/// The user with this user name, locked as by [`lock_for_update`].
pub fn lock_by_name(conn: &mut AnyConnection, user_name: &str) -> Result<Option<User>> {
    match by_name(conn, user_name)? {
        Some(user) => lock_for_update(conn, user.id),
        None => Ok(None),
    }
}

/// The user with this user name or address, locked as by [`lock_for_update`].
pub fn lock_by_login(conn: &mut AnyConnection, login: &str) -> Result<Option<User>> {
    let Some(found) = by_login(conn, login)? else {
        return Ok(None);
    };
    let held = lock_for_update(conn, found.id)?;
    // The address may have changed while this transaction waited for the lock.
    let login = canonical_login(login);
    Ok(held.filter(|u| {
        [&u.user_name, &u.email]
            .iter()
            .any(|n| canonical_login(n) == login)
    }))
}

/// The name of a user that already belongs to another user: the user name or the e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    UserName,
    Email,
}

/// Returns the name among these two that another user has, as user name or as address.
pub fn taken(conn: &mut AnyConnection, user_name: &str, email: &str) -> Result<Option<Taken>> {
    let (name_forms, email_forms) = (stored_forms(user_name), stored_forms(email));
    let wanted = name_forms.iter().chain(&email_forms);
    let held = held_by_others(conn, wanted, None)?;
    // Both may be taken; the user name is reported first.
    Ok(match held.as_slice() {
        [] => None,
        names if names.iter().any(|n| name_forms.contains(n)) => Some(Taken::UserName),
        _ => Some(Taken::Email),
    })
}

/// Whether a user other than `own` has this login, as user name or as address.
pub fn is_taken(conn: &mut AnyConnection, login: &str, own: Option<i64>) -> Result<bool> {
    let held = held_by_others(conn, stored_forms(login).iter(), own)?;
    Ok(!held.is_empty())
}

fn held_by_others<'a>(
    conn: &mut AnyConnection,
    forms: impl Iterator<Item = &'a String>,
    own: Option<i64>,
) -> Result<Vec<String>> {
    let forms: BTreeSet<&String> = forms.collect();
    let query = login_names::table
        .filter(login_names::name_ci.eq_any(forms))
        .filter(login_names::user_id.ne(own.unwrap_or(NOBODY)))
        .select(login_names::name_ci);
    Ok(on_backend!(conn, c => query.load(c))?)
}

/// A number that no user has.
const NOBODY: i64 = -1;

/// Whether this user name looks like that of a user with this role.
pub fn looks_like_holder_of(conn: &mut AnyConnection, role: &str, user_name: &str) -> Result<bool> {
    let query = users::table
        .filter(users::user_name_skeleton.eq(skeleton(user_name)))
        .select(users::roles);
    let alike: Vec<String> = on_backend!(conn, c => query.load(c))?;
    Ok(alike.iter().any(|roles| roles.lines().any(|r| r == role)))
}

/// Inserts a user and returns its number. Call [`taken`] first, in the same transaction.
///
/// # Errors
/// `StoreError::Collided` if a concurrent transaction took a name.
pub fn insert(conn: &mut AnyConnection, new: &NewUser<'_>) -> Result<i64> {
    if let Some(hash) = new.password_hash {
        password_cost::note(conn, hash)?;
    }
    let id: i64 = diesel::insert_into(users::table)
        .values((InsertedColumns::from(new), UpdatedColumns::from(new)))
        .returning(users::id)
        .get_result(conn)?;
    for text in BTreeSet::from([canonical_login(new.user_name), canonical_login(new.email)]) {
        claim(conn, id, &text)?;
    }
    Ok(id)
}

/// Records that a registered user has not confirmed yet; housekeeping deletes it after a while.
pub fn set_unconfirmed(conn: &mut AnyConnection, id: i64, now: Millis) -> Result<()> {
    diesel::update(users::table.find(id))
        .set(users::unconfirmed_since.eq(Some(now)))
        .run(conn)
}

/// Updates every column of a user except the fixed columns and the password. The account counts as confirmed from then
/// on.
pub fn update(conn: &mut AnyConnection, user: &User) -> Result<()> {
    diesel::update(users::table.find(user.id))
        .set(UpdatedColumns::from(user))
        .execute(conn)?;
    replace(conn, user)
}

/// Sets a password. [`super::token_families::end_all`] ends the sign-ins with the old one.
pub fn set_password(
    conn: &mut AnyConnection,
    id: i64,
    hash: &str,
    status: Status,
    now: Millis,
) -> Result<()> {
    password_cost::note(conn, hash)?;
    diesel::update(users::table.find(id))
        .set((
            users::password_hash.eq(Some(hash)),
            users::status.eq(status.as_str()),
            users::unconfirmed_since.eq(None::<Millis>),
            users::updated_at.eq(now),
        ))
        .run(conn)
}

/// Removes the password of a user, who can set a new one by mail.
pub fn clear_password(conn: &mut AnyConnection, id: i64) -> Result<()> {
    diesel::update(users::table.find(id))
        .set(users::password_hash.eq(None::<String>))
        .run(conn)
}

/// Replaces a hash by a newer one of the same password, unless the stored hash has changed in the meantime.
pub fn rehash(conn: &mut AnyConnection, id: i64, old: &str, new: &str) -> Result<()> {
    password_cost::note(conn, new)?;
    let rows = users::table
        .find(id)
        .filter(users::password_hash.eq(Some(old)));
    diesel::update(rows)
        .set(users::password_hash.eq(Some(new)))
        .run(conn)
}

/// Activates a registered user and returns the organisation that it joins.
pub fn activate(conn: &mut AnyConnection, id: i64, now: Millis) -> Result<Option<String>> {
    let joins: Option<String> = users::table
        .find(id)
        .select(users::joins_organisation)
        .get_result(conn)?;
    diesel::update(users::table.find(id))
        .set((
            users::status.eq(Status::Active.as_str()),
            users::joins_organisation.eq(None::<String>),
            users::unconfirmed_since.eq(None::<Millis>),
            users::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(joins)
}

/// Deletes a user with its names, memberships, tokens and queued mails.
pub fn erase(conn: &mut AnyConnection, id: i64) -> Result<()> {
    diesel::delete(users::table.find(id)).run(conn)
}
