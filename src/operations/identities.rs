//! External identities of a user: linked and unlinked, and the owner told of it by mail. What others assert of an account
//! ends where its owner takes the account over.

use super::call::Addressee;
use super::{Call, Refusal};
use crate::domain::external_identity::{ExternalIdentity, LinkedIdentity};
use crate::domain::notice::Topic;
use crate::domain::plain_name;
use crate::domain::user::User;
use crate::secrets::sha256_hex;
use crate::store::{AnyConnection, external_identities, sessions, token_families};

/// The characters of [`key`].
pub const KEY_CHARS: usize = 32;
/// The most systems that a mail names.
const MAX_NAMED: usize = 5;

/// What a form calls an identity: a part of its hash, so that it is one word whatever the identity holds.
#[must_use]
pub fn key(identity: &ExternalIdentity) -> String {
    let mut key = sha256_hex(&identity.canonical().join("\n"));
    key.truncate(KEY_CHARS);
    key
}

/// Unlinks every identity of a user who has just shown that the mailbox is theirs, but for those that they keep: others
/// had asserted them, and could sign in as this user. The user is locked.
///
/// # Errors
/// The store's.
pub(super) fn take_over(
    call: &Call<'_>,
    c: &mut AnyConnection,
    user: &User,
    keep: &[&str],
) -> Result<(), Refusal> {
    let linked = external_identities::linked_to(c, user.id)?;
    unlink(call, c, user, linked, |link| {
        !keep.contains(&key(&link.identity).as_str())
    })?;
    token_families::end_all(c, user.id)?;
    sessions::end_all(c, user.id, None)?;
    Ok(())
}

/// Unlinks those of these identities that are `unwanted`, writes each down, and tells the owner once. Returns how many.
///
/// # Errors
/// The store's.
pub(super) fn unlink(
    call: &Call<'_>,
    c: &mut AnyConnection,
    user: &User,
    linked: Vec<LinkedIdentity>,
    unwanted: impl Fn(&LinkedIdentity) -> bool,
) -> Result<usize, Refusal> {
    let mut gone = Vec::new();
    for link in linked.into_iter().filter(unwanted) {
        if external_identities::remove(c, user.id, &link.identity)? {
            call.audit(c, "user_identity_unlinked", "ok", Some(&user.user_name))?;
            gone.push(link.identity);
        }
    }
    tell(call, c, user, Topic::IdentityUnlinked, &gone)?;
    Ok(gone.len())
}

/// Tells a user who has an address that these identities were linked or unlinked.
///
/// # Errors
/// The store's.
pub(super) fn tell(
    call: &Call<'_>,
    c: &mut AnyConnection,
    user: &User,
    topic: Topic,
    identities: &[ExternalIdentity],
) -> Result<(), Refusal> {
    if identities.is_empty() || user.address().is_none() {
        return Ok(());
    }
    let mut names: Vec<_> = identities
        .iter()
        .filter_map(|identity| plain_name::of_person(&identity.provider))
        .collect();
    names.dedup();
    names.truncate(MAX_NAMED);
    call.notify_about(c, topic, &Addressee::from(user), "", &names.join(", "))
}
