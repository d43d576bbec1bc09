//! Networks and browsers from which a user has signed in before. Their attempts have counters of their own, so that an
//! attacker elsewhere does not lock the owner out (OWASP, "device cookies").

use super::prelude::*;
use super::subject::{network, subject};
use crate::domain::mailbox::canonical_login;
use crate::domain::one_time_token;
use crate::store::known_sources;

/// The maximum number of accounts that one browser's cookie remembers; the oldest is dropped first.
const MAX_DEVICE_TOKENS: usize = 4;

/// The known source of this attempt, which has its own counter; `None` if the account's general counter applies. An
/// unknown account behaves like an existing one, so that the delay does not reveal whether it exists.
pub(super) fn find(
    cx: &RequestContext<'_>,
    c: &mut AnyConnection,
    login: &str,
) -> Result<Option<String>, StoreError> {
    let network = own_network(cx);
    let device_tokens = device_tokens(cx);
    if network.is_none() && device_tokens.is_empty() {
        return Ok(None);
    }
    let decoy = subject(cx, "decoy of", &canonical_login(login));
    let Some((user_id, is_real)) = known_sources::user_or_decoy(c, login, &decoy)? else {
        return Ok(None);
    };
    // Prefer the browser to the network, because many users may share a network.
    let browsers = device_tokens
        .iter()
        .filter(|_| is_real)
        .map(|device_token| source_hash(cx, user_id, "browser", device_token));
    let networks = network
        .iter()
        .map(|n| source_hash(cx, user_id, "network", n));
    let candidates: Vec<String> = browsers.chain(networks).collect();
    let known = known_sources::known(c, user_id, &candidates, cx.now)?;
    Ok(candidates.into_iter().find(|source| known.contains(source)))
}

/// Remembers the network from which the user has just signed in, in the caller's transaction.
pub(super) fn remember_network(tx: &mut Transaction<'_>, user: &User) -> Result<(), StoreError> {
    let Some(network) = own_network(tx.cx) else {
        return Ok(());
    };
    let source = source_hash(tx.cx, user.id, "network", &network);
    known_sources::remember(tx.conn, user.id, &source, expiry(tx.cx))
}

/// Remembers the browser from which the user has just signed in, in the caller's transaction, and returns the value of
/// its cookie. A new device token is generated here for one user. A token from the cookie counts only if it is already
/// known for this user, because an attacker may have put it into the cookie.
pub(super) fn remember_browser(
    tx: &mut Transaction<'_>,
    user: &User,
) -> Result<Secret, StoreError> {
    let mut device_tokens = device_tokens(tx.cx);
    let sources: Vec<String> = device_tokens
        .iter()
        .map(|device_token| source_hash(tx.cx, user.id, "browser", device_token))
        .collect();
    let known = known_sources::known(tx.conn, user.id, &sources, tx.cx.now)?;
    let source = match sources.into_iter().find(|source| known.contains(source)) {
        Some(source) => source,
        None => {
            let device_token = one_time_token::format(tx.cx.app.entropy.bytes());
            let source = source_hash(tx.cx, user.id, "browser", &device_token);
            device_tokens.insert(0, device_token);
            device_tokens.truncate(MAX_DEVICE_TOKENS);
            source
        }
    };
    known_sources::remember(tx.conn, user.id, &source, expiry(tx.cx))?;
    Ok(Secret::from(device_tokens.join(".").as_str()))
}

fn expiry(cx: &RequestContext<'_>) -> i64 {
    cx.now + cx.app.rules.throttle.known_ms
}

/// The network of the caller; `None` for a trusted client, because many people share its address.
pub(super) fn own_network(cx: &RequestContext<'_>) -> Option<String> {
    cx.source.filter(|_| !cx.is_trusted()).map(network)
}

/// The device tokens in the browser's cookie: random secrets, one for each remembered account.
fn device_tokens(cx: &RequestContext<'_>) -> Vec<String> {
    let cookie = cx.known_browser.as_ref().map_or("", Secret::reveal);
    let device_tokens = cookie.split('.').take(MAX_DEVICE_TOKENS);
    device_tokens
        .filter(|device_token| one_time_token::is_well_formed(device_token))
        .map(str::to_owned)
        .collect()
}

/// The stored form of a source: a keyed hash that reveals neither the source nor that two users share it.
fn source_hash(cx: &RequestContext<'_>, user_id: i64, kind: &str, source: &str) -> String {
    let whose = format!("{user_id}\n{kind}\n{source}");
    subject(cx, "known source of", &whose)
}
