//! Signs a browser in by password.

use super::SignedIn;
use crate::operations::known_sources;
use crate::operations::prelude::*;
use crate::operations::user::sign_in::Checked;
use crate::store::organisations;

shape! {
    /// The credentials.
    pub struct SignInRequest = "SignInRequest_V1" {
        /// The user name or the e-mail address of the user.
        user_name_or_email: String = "userNameOrEmail", max = 256, required, role = Role::Subject;
        /// The password.
        password: Secret = "password", max = 1024, required;
        /// The browser's `User-Agent` header.
        user_agent: String = "userAgent", max = 1024;
    }
}

impl Request for SignInRequest {
    type Answer = SignedIn;
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "signIn",
        AuditEvent::Login,
        "Signs a browser in by user name or e-mail address and password.",
    )
    .access(Access::Visitor)
    .cost(Cost::Hash)
    .throttle(Throttle::Guesses);

    fn run(self, cx: &RequestContext<'_>) -> Result<SignedIn> {
        let done =
            Checked::check_and_write(cx, &self.user_name_or_email, &self.password, |tx, user| {
                let token = super::begin_session(tx, user.id, &self.user_agent)?;
                tx.audit_ok(Self::OPERATION.event, &user.user_name)?;
                known_sources::remember_network(tx, user)?;
                let known_browser = known_sources::remember_browser(tx, user)?;
                Ok((user.id, token, known_browser))
            })?;
        let (user_id, token, known_browser) = done;
        let memberships = cx.read(|c| organisations::memberships(c, user_id))?;
        Ok(SignedIn {
            token,
            known_browser,
            memberships,
        })
    }
}
