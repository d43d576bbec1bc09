//! Networks and browsers that have signed an account in before: their attempts at it have a counter of their own, so that
//! whoever guesses elsewhere does not keep its owner out (OWASP, "device cookies").

use super::Call;
use super::throttle::{network, subject};
use crate::contract::shape::Secret;
use crate::domain::client::Trust;
use crate::domain::mailbox::canonical_login;
use crate::domain::one_time_token;
use crate::domain::user::User;
use crate::store::{AnyConnection, StoreError, known_sources};

/// How many accounts' marks one browser's cookie holds; the oldest goes first.
const MAX_MARKS: usize = 4;

/// The known source that an attempt at this account comes from, to name its counter with; none where the account's own
/// counter counts. An account that is not there answers like some other account, so that being let in from a network
/// proves nothing.
pub(super) fn find(
    call: &Call<'_>,
    c: &mut AnyConnection,
    login: &str,
) -> Result<Option<String>, StoreError> {
    let network = own_network(call);
    let marks = marks(call);
    if network.is_none() && marks.is_empty() {
        return Ok(None);
    }
    let decoy = subject(call, "decoy of", &canonical_login(login));
    let Some((user_id, is_real)) = known_sources::user_or_decoy(c, login, &decoy)? else {
        return Ok(None);
    };
    // A browser is told from others by a secret, which says more than an address that many share.
    let browsers = marks
        .iter()
        .filter(|_| is_real)
        .map(|mark| stamped(call, user_id, "browser", mark));
    let networks = network.iter().map(|n| stamped(call, user_id, "network", n));
    let candidates: Vec<String> = browsers.chain(networks).collect();
    let known = known_sources::known(c, user_id, &candidates, call.now)?;
    Ok(candidates.into_iter().find(|source| known.contains(source)))
}

/// Remembers the network that has just signed this user in, in the caller's transaction.
///
/// # Errors
/// The store's.
pub(super) fn remember_network(
    call: &Call<'_>,
    c: &mut AnyConnection,
    user: &User,
) -> Result<(), StoreError> {
    let Some(network) = own_network(call) else {
        return Ok(());
    };
    let source = stamped(call, user.id, "network", &network);
    known_sources::remember(c, user.id, &source, expiry(call))
}

/// Remembers the browser that has just signed this user in, in the caller's transaction, and returns what its cookie is to
/// hold. A mark is made here for one user and never taken over from what a browser brings, where somebody else may have
/// put it.
///
/// # Errors
/// The store's.
pub(super) fn remember_browser(
    call: &Call<'_>,
    c: &mut AnyConnection,
    user: &User,
) -> Result<Secret, StoreError> {
    let mut marks = marks(call);
    let sources: Vec<String> = marks
        .iter()
        .map(|mark| stamped(call, user.id, "browser", mark))
        .collect();
    let known = known_sources::known(c, user.id, &sources, call.now)?;
    let source = match sources.into_iter().find(|source| known.contains(source)) {
        Some(source) => source,
        None => {
            let mark = one_time_token::format(call.parts.entropy.bytes());
            let source = stamped(call, user.id, "browser", &mark);
            marks.insert(0, mark);
            marks.truncate(MAX_MARKS);
            source
        }
    };
    known_sources::remember(c, user.id, &source, expiry(call))?;
    Ok(Secret::from(marks.join(".").as_str()))
}

fn expiry(call: &Call<'_>) -> i64 {
    call.now + call.parts.rules.throttle.known_ms
}

/// The network of the caller. Many people come through a trusted client, and they all from its address.
pub(super) fn own_network(call: &Call<'_>) -> Option<String> {
    let is_trusted = call
        .client
        .as_ref()
        .is_some_and(|client| client.trust == Trust::Trusted);
    call.source.filter(|_| !is_trusted).map(network)
}

/// The marks in the browser's cookie.
fn marks(call: &Call<'_>) -> Vec<String> {
    let cookie = call.known_browser.as_ref().map_or("", Secret::reveal);
    let marks = cookie.split('.').take(MAX_MARKS);
    marks
        .filter(|mark| one_time_token::is_well_formed(mark))
        .map(str::to_owned)
        .collect()
}

/// What is kept of a source: nobody can tell from it what or whose it is, nor that two users share it.
fn stamped(call: &Call<'_>, user_id: i64, kind: &str, source: &str) -> String {
    subject(
        call,
        "known source of",
        &format!("{user_id}\n{kind}\n{source}"),
    )
}
