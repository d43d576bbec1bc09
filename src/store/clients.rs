//! Clients and the registry's version.

use diesel::prelude::*;

use super::tables::clients;
use super::{AnyConnection, StoreError, changes, settings};
use crate::domain::Millis;
use crate::domain::client::{Client, Trust};

/// Raised with every change that the registry in memory must notice.
const REGISTRY_VERSION: &str = "registry_version";

/// A client with the hash that finds it.
#[derive(Debug, Clone)]
pub struct KeyedClient {
    pub client: Client,
    /// Lower-case hexadecimal SHA-256 of the key; none while the client has no key.
    pub key_sha256: Option<String>,
}

/// Every client, by name.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<KeyedClient>, StoreError> {
    let rows: Vec<(String, Option<String>, String, bool)> = clients::table
        .select((
            clients::name,
            clients::key_sha256,
            clients::trust,
            clients::active,
        ))
        .order(clients::name)
        .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|(name, key_sha256, trust, active)| KeyedClient {
            client: Client {
                name,
                trust: Trust::parse(&trust).unwrap_or(Trust::Public),
                active,
            },
            key_sha256,
        })
        .collect())
}

/// Adds a client; `false` if there is one of that name.
pub fn add(
    connection: &mut AnyConnection,
    name: &str,
    key_sha256: Option<&str>,
    trust: Trust,
    now: Millis,
) -> Result<bool, StoreError> {
    let known: i64 = clients::table
        .filter(clients::name.eq(name))
        .count()
        .get_result(connection)?;
    if known > 0 {
        return Ok(false);
    }
    diesel::insert_into(clients::table)
        .values((
            clients::name.eq(name),
            clients::key_sha256.eq(key_sha256),
            clients::trust.eq(trust.as_str()),
            clients::active.eq(true),
            clients::created_at.eq(now),
        ))
        .execute(connection)?;
    touch(connection)?;
    Ok(true)
}

/// Switches a client on or off; `false` if there is none.
pub fn set_active(
    connection: &mut AnyConnection,
    name: &str,
    active: bool,
) -> Result<bool, StoreError> {
    let changed = diesel::update(clients::table.filter(clients::name.eq(name)))
        .set(clients::active.eq(active))
        .execute(connection)?;
    touch(connection)?;
    Ok(changed == 1)
}

/// Gives a client another key; `false` if there is none.
pub fn set_key(
    connection: &mut AnyConnection,
    name: &str,
    key_sha256: &str,
) -> Result<bool, StoreError> {
    let changed = diesel::update(clients::table.filter(clients::name.eq(name)))
        .set(clients::key_sha256.eq(Some(key_sha256)))
        .execute(connection)?;
    touch(connection)?;
    Ok(changed == 1)
}

/// The number that changes whenever the registry does.
pub fn registry_version(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    let value = settings::get(connection, REGISTRY_VERSION)?;
    Ok(value.and_then(|v| v.parse().ok()).unwrap_or(0))
}

/// Makes a client be like this, whether there is one of that name or not.
///
/// # Errors
/// The store's; a key that is another client's is one of them.
pub fn put(
    connection: &mut AnyConnection,
    keyed: &KeyedClient,
    now: Millis,
) -> Result<(), StoreError> {
    let client = &keyed.client;
    let values = (
        clients::key_sha256.eq(keyed.key_sha256.as_ref()),
        clients::trust.eq(client.trust.as_str()),
        clients::active.eq(client.active),
    );
    let changed = diesel::update(clients::table.filter(clients::name.eq(&client.name)))
        .set(values)
        .execute(connection)?;
    if changed == 0 {
        diesel::insert_into(clients::table)
            .values((
                clients::name.eq(&client.name),
                values,
                clients::created_at.eq(now),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// Takes a client's key away, so that another may have it.
pub fn clear_key(connection: &mut AnyConnection, name: &str) -> Result<(), StoreError> {
    diesel::update(clients::table.filter(clients::name.eq(name)))
        .set(clients::key_sha256.eq(None::<String>))
        .execute(connection)?;
    Ok(())
}

/// Removes a client; its users stay.
pub fn remove(connection: &mut AnyConnection, name: &str) -> Result<(), StoreError> {
    diesel::delete(clients::table.filter(clients::name.eq(name))).execute(connection)?;
    Ok(())
}

/// Has everybody else who changes the registry wait until this transaction ends.
pub fn lock_registry(connection: &mut AnyConnection) -> Result<(), StoreError> {
    settings::lock(connection, REGISTRY_VERSION)
}

/// Lets running nodes know that the registry has changed.
pub fn touch(connection: &mut AnyConnection) -> Result<(), StoreError> {
    // Two that change it at once must not end at the same number: nodes would miss one of them.
    lock_registry(connection)?;
    let next = registry_version(connection)? + 1;
    settings::set(connection, REGISTRY_VERSION, &next.to_string())?;
    changes::tell(connection)
}
