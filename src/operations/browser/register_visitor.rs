//! Registers a person by e-mail address, which becomes the user name. If the address is registered already, only a mail
//! to the address says so.

use crate::operations::prelude::*;
use crate::operations::user::register_user::{RegisterUserRequest, TakenNames};
use crate::operations::user::reset_password;

shape! {
    /// The person who registers.
    pub struct RegisterVisitorRequest = "RegisterVisitorRequest_V1" {
        /// The name of the person.
        name: String = "name", max = 128, required;
        /// The e-mail address, to which the activation token goes.
        email: String = "email", max = 128, required, role = Role::Subject;
        /// The password, of 8 to 64 characters.
        password: Secret = "password", max = 1024, required;
    }
}

impl Request for RegisterVisitorRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "registerVisitor",
        AuditEvent::UserRegistered,
        "Registers a new user by e-mail address, who confirms the registration by a token from a mail.",
    )
    .access(Access::Visitor)
    .cost(Cost::Hash)
    .throttle(Throttle::Mails);

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let registration = RegisterUserRequest {
            username: self.email.clone(),
            name: self.name,
            email: self.email,
            password: self.password,
            ..Default::default()
        };
        match registration.register(cx, TakenNames::Hidden) {
            // The owner gets a link for setting a new password. The new password also activates the account, which
            // another person may have registered with this address.
            Err(Refusal::Rejected(taken))
                if matches!(
                    taken.code(),
                    Code::UserAlreadyExists | Code::EmailAlreadyExists
                ) =>
            {
                reset_password::mail(cx, &registration.email)
            }
            other => other,
        }
    }
}
