//! Ends a session of the user, or every session except this browser's.

use crate::operations::prelude::*;
use crate::store::{sessions, token_families};

shape! {
    /// Which session.
    pub struct EndSessionRequest = "EndSessionRequest_V1" {
        /// Its number; if absent, every other session and every token ends.
        session: Number = "session";
    }
}

impl Request for EndSessionRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::unpublished::<Self>(
        "endSession",
        AuditEvent::SessionEnded,
        "Ends a session of the user, or every other one and all tokens.",
    )
    .access(Access::Session)
    .cost(Cost::Write)
    .pages();

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let own = cx.session.as_ref().map(|s| s.id);
        cx.write(|tx| {
            let user = super::lock_user(tx)?;
            match self.session.0 {
                // A session that has ended already is no error.
                Some(id) => {
                    sessions::end(tx.conn, user.id, id)?;
                }
                None => {
                    let own = own.ok_or_else(|| refuse(Code::TokenExpired))?;
                    sessions::end_all(tx.conn, user.id, Some(own))?;
                    token_families::end_all(tx.conn, user.id)?;
                }
            }
            tx.audit_ok(Self::OPERATION.event, &user.user_name)
        })?;
        Ok(())
    }
}
