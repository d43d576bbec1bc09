//! Handles a changed e-mail address of a user.

use crate::domain::mailbox::canonical_login;
use crate::domain::one_time_token;

use crate::operations::prelude::*;
use crate::store::{email_undos, one_time_tokens};

/// Revokes the tokens mailed to the old address, and mails that address a link that undoes the change. An unconfirmed
/// old address gets no mail, because it may belong to a stranger. An old address that differs from the new one only in
/// case gets no mail either.
pub(in crate::operations) fn changed(
    tx: &mut Transaction<'_>,
    before: &User,
    after: &User,
) -> Result<()> {
    if after.email == before.email {
        return Ok(());
    }
    one_time_tokens::revoke(tx.conn, Purpose::PasswordReset, after.id)?;
    one_time_tokens::revoke(tx.conn, Purpose::Activation, after.id)?;
    let is_same_mailbox = canonical_login(&before.email) == canonical_login(&after.email);
    let Some(address) = before.address().filter(|_| !is_same_mailbox) else {
        return Ok(());
    };
    if before.status == Status::Unactivated {
        return Ok(());
    }
    let life = tx.cx.app.rules.email_undo_ms;
    let token = one_time_token::format(tx.cx.app.entropy.bytes());
    let until = tx.cx.now + life;
    let sha256 = sha256_hex(&token);
    email_undos::add(tx.conn, after.id, address, &sha256, (tx.cx.now, until))?;
    let hours = (life / 3_600_000).to_string();
    let to = Addressee::from(before);
    tx.notify_about(Topic::EmailChanged, &to, &token, &hours)
}
