//! Unlinks external identities of a user, and mails the user about linked and unlinked identities.

use super::prelude::*;
use crate::domain::external_identity::{ExternalIdentity, LinkedIdentity};
use crate::domain::plain_name;
use crate::store::external_identities;

/// The length of [`key`], in characters.
pub const KEY_CHARS: usize = 32;
/// The maximum number of systems that a mail names.
const MAX_NAMED: usize = 5;

/// The key that stands for an identity in a form: the beginning of its hash, which is one word even if the identity
/// contains blanks or commas.
#[must_use]
pub fn key(identity: &ExternalIdentity) -> String {
    let mut key = sha256_hex(&identity.canonical().join("\n"));
    key.truncate(KEY_CHARS);
    key
}

/// Unlinks every identity of a user who has just proved ownership of the mailbox, except the identities with the keys
/// in `keep`, and ends all sessions and tokens. Other people may have linked the identities and could sign in as this
/// user. The caller holds the lock on the user.
pub(super) fn take_over(tx: &mut Transaction<'_>, user: &User, keep: &[&str]) -> Result<()> {
    let linked = external_identities::linked_to(tx.conn, user.id)?;
    unlink(tx, user, linked, |link| {
        !keep.contains(&key(&link.identity).as_str())
    })?;
    tx.sign_out(user.id, None)?;
    Ok(())
}

/// Unlinks the identities for which `unwanted` is true, records each in the audit log, and mails the user once. Returns
/// the number of unlinked identities.
pub(super) fn unlink(
    tx: &mut Transaction<'_>,
    user: &User,
    linked: Vec<LinkedIdentity>,
    unwanted: impl Fn(&LinkedIdentity) -> bool,
) -> Result<usize> {
    let mut gone = Vec::new();
    for link in linked.into_iter().filter(unwanted) {
        if external_identities::remove(tx.conn, user.id, &link.identity)? {
            tx.audit_ok(AuditEvent::UserIdentityUnlinked, &user.user_name)?;
            gone.push(link.identity);
        }
    }
    mail_user(tx, user, Topic::IdentityUnlinked, &gone)?;
    Ok(gone.len())
}

/// Mails the user that these identities were linked or unlinked. A user without an address gets no mail.
pub(super) fn mail_user(
    tx: &mut Transaction<'_>,
    user: &User,
    topic: Topic,
    identities: &[ExternalIdentity],
) -> Result<()> {
    if identities.is_empty() || user.address().is_none() {
        return Ok(());
    }
    let mut names: Vec<_> = identities
        .iter()
        .filter_map(|identity| plain_name::of_person(&identity.provider))
        .collect();
    names.dedup();
    names.truncate(MAX_NAMED);
    tx.notify_about(topic, &Addressee::from(user), "", &names.join(", "))
}
