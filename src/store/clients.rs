//! Clients and the registry's version.

use diesel::prelude::*;

use super::tables::clients;
use super::{AnyConnection, QueryExt as _, Result, changes, settings};
use crate::domain::Millis;
use crate::domain::client::{Client, Trust};

/// Incremented with every change of the registry, so that nodes read it again.
const REGISTRY_VERSION: &str = "registry_version";

/// A client and the hash of its key.
#[derive(Debug, Clone)]
pub struct KeyedClient {
    pub client: Client,
    /// SHA-256 of the key in lower-case hexadecimal; `None` if the client has no key.
    pub key_sha256: Option<String>,
}

/// Every client, by name.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<KeyedClient>> {
    let rows: Vec<(String, Option<String>, String, bool)> = clients::table
        .select((
            clients::name,
            clients::key_sha256,
            clients::trust,
            clients::active,
        ))
        .order(clients::name)
        .load(conn)?;
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

/// Adds a client; `false` if the name exists.
pub fn add(
    conn: &mut AnyConnection,
    name: &str,
    key_sha256: Option<&str>,
    trust: Trust,
    now: Millis,
) -> Result<bool> {
    if clients::table.find(name).has_rows(conn)? {
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
        .execute(conn)?;
    touch(conn)?;
    Ok(true)
}

/// Enables or disables a client; `false` if it does not exist.
pub fn set_active(conn: &mut AnyConnection, name: &str, active: bool) -> Result<bool> {
    let changed = diesel::update(clients::table.find(name))
        .set(clients::active.eq(active))
        .execute(conn)?;
    touch(conn)?;
    Ok(changed == 1)
}

/// Replaces the key of a client; `false` if the client does not exist.
pub fn set_key(conn: &mut AnyConnection, name: &str, key_sha256: &str) -> Result<bool> {
    let changed = diesel::update(clients::table.find(name))
        .set(clients::key_sha256.eq(Some(key_sha256)))
        .execute(conn)?;
    touch(conn)?;
    Ok(changed == 1)
}

/// The version of the registry.
pub fn registry_version(conn: &mut AnyConnection) -> Result<i64> {
    let value = settings::get(conn, REGISTRY_VERSION)?;
    Ok(value.and_then(|v| v.parse().ok()).unwrap_or(0))
}

/// Inserts or replaces the client with this name.
///
/// # Errors
/// `StoreError::Collided` if another client has the key.
pub fn put(conn: &mut AnyConnection, keyed: &KeyedClient, now: Millis) -> Result<()> {
    let client = &keyed.client;
    let values = (
        clients::key_sha256.eq(keyed.key_sha256.as_ref()),
        clients::trust.eq(client.trust.as_str()),
        clients::active.eq(client.active),
    );
    let key = (clients::name.eq(&client.name), clients::created_at.eq(now));
    diesel::insert_into(clients::table)
        .values((key, values))
        .on_conflict(clients::name)
        .do_update()
        .set(values)
        .run_on_backend(conn)
}

/// Removes the key of a client, so that another client may get it.
pub fn clear_key(conn: &mut AnyConnection, name: &str) -> Result<()> {
    diesel::update(clients::table.find(name))
        .set(clients::key_sha256.eq(None::<String>))
        .run(conn)
}

/// Removes a client; its users stay.
pub fn remove(conn: &mut AnyConnection, name: &str) -> Result<()> {
    diesel::delete(clients::table.find(name)).run(conn)
}

/// Locks the registry until the transaction ends.
pub fn lock_registry(conn: &mut AnyConnection) -> Result<()> {
    settings::lock(conn, REGISTRY_VERSION)
}

/// Increments the version of the registry and notifies running nodes.
pub fn touch(conn: &mut AnyConnection) -> Result<()> {
    // Without the lock, two writers could store the same version, and nodes would miss one of the changes.
    lock_registry(conn)?;
    let next = registry_version(conn)? + 1;
    settings::set(conn, REGISTRY_VERSION, &next.to_string())?;
    changes::notify_nodes(conn)
}
