//! Ends one session of the user, or all other sessions and all tokens.

use crate::operations::prelude::*;
use crate::store::sessions;

shape! {
    /// The session to end.
    pub struct EndSessionRequest = "EndSessionRequest_V1" {
        /// The number of the session; if absent, every other session and every token ends.
        session: Number = "session";
    }
}

impl Request for EndSessionRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "endSession",
        AuditEvent::SessionEnded,
        "Ends one session of the user, or all other sessions and all tokens.",
    );

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let own = cx.session_id();
        cx.write(|tx| {
            let user = tx.lock_user()?;
            match self.session.0 {
                // A session that has ended already is no error.
                Some(id) => {
                    sessions::end(tx.conn, user.id, id)?;
                }
                None => {
                    let own = own.ok_or_else(|| refuse(Code::TokenExpired))?;
                    tx.sign_out(user.id, Some(own))?;
                }
            }
            tx.audit_ok(Self::OPERATION.event, &user.user_name)
        })
    }
}
