//! Unlinks an external identity from the user's account.

use crate::operations::identities::{self, key};
use crate::operations::prelude::*;
use crate::store::external_identities;

shape! {
    /// The identity to unlink.
    pub struct UnlinkIdentityRequest = "UnlinkIdentityRequest_V1" {
        /// The key of the identity.
        identity: String = "identity", max = 32, required;
    }
}

impl Request for UnlinkIdentityRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "unlinkIdentity",
        AuditEvent::UserIdentityUnlinked,
        "Unlinks an external identity from the account of the user.",
    );

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let own = cx.session_id();
        let registry = cx.app.registry.now();
        cx.write(|tx| {
            let user = tx.lock_user()?;
            let linked = external_identities::linked_to(tx.conn, user.id)?;
            let is_requested = |key: &str| key == self.identity;
            // A user without a password can only sign in through a partner.
            let mut sign_in_keys = linked
                .iter()
                .filter(|link| registry.can_sign_in(&link.identity))
                .map(|link| key(&link.identity));
            let is_last = sign_in_keys.clone().any(|key| is_requested(&key))
                && sign_in_keys.all(|key| is_requested(&key));
            if is_last && user.password_hash.is_none() {
                return Err(refuse(Code::LastWayIn));
            }
            // Unlinking an identity twice is no error.
            let unlinked =
                identities::unlink(tx, &user, linked, |link| is_requested(&key(&link.identity)))?;
            if unlinked > 0 {
                // The partner may have opened other sessions, so end all of them.
                tx.sign_out(user.id, own)?;
            }
            Ok(())
        })
    }
}
