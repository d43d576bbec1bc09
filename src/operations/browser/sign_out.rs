//! Ends the session of this browser.

use crate::operations::prelude::*;
use crate::store::sessions;

shape! {
    /// The sessions to end.
    pub struct SignOutRequest = "SignOutRequest_V1" {
        /// If not empty, every other session and every token of the user ends, too.
        everywhere: String = "everywhere", max = 1;
    }
}

impl Request for SignOutRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "signOut",
        AuditEvent::SessionEnded,
        "Ends the session of this browser, if it has one.",
    )
    .access(Access::Visitor);

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        if let (Some(user), Some(session)) = (&cx.user, &cx.session) {
            cx.write(|tx| {
                if self.everywhere.is_empty() {
                    sessions::end(tx.conn, user.id, session.id)?;
                } else {
                    tx.sign_out(user.id, None)?;
                }
                tx.audit_ok(Self::OPERATION.event, &user.user_name)
            })?;
        }
        Ok(())
    }
}
