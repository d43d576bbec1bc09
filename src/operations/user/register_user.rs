//! Registers a new user and mails an activation token.

use crate::operations::prelude::*;
use crate::operations::throttle;
use crate::store::refusals::Cause;
use crate::store::users::{self, NewUser, Taken};
use crate::store::{email_undos, organisations};

shape! {
    /// The user to register.
    pub struct RegisterUserRequest = "RegisterUserRequest_V1" {
        /// The calling client and its user. Optional; without it the client is Default.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The requested user name.
        username: String = "username", alias = "userName", max = 128, required, role = Role::Subject;
        /// The password, of 8 to 64 characters.
        password: Secret = "password", max = 1024, required;
        /// The name of the person.
        name: String = "name", max = 128, required;
        /// The e-mail address, to which the activation token goes.
        email: String = "email", max = 254, required;
        /// The UUID of an open organisation. The user joins it when the registration is confirmed.
        organization_uuid: Option<String> = "organizationUuid", max = 128;
    }
}

shape! {
    /// An answer with the outcome only.
    pub struct RegisterUserResponse = "RegisterUserResponse_V1" {
        /// The outcome of the request.
        status: ResponseStatus = "status", required;
        /// Further parameters.
        params: List<Param> = "params", item = "param";
    }
}

impl Request for RegisterUserRequest {
    type Answer = RegisterUserResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "registerUser",
        AuditEvent::UserRegistered,
        "Registers a new user, who confirms the registration by a token from a mail.",
    )
    .access(Access::Anyone)
    .cost(Cost::Hash)
    .throttle(Throttle::Mails)
    .soap()
    .rest(&[Route::new("POST", "/register").id("username").refuses(&[
        Code::UserAlreadyExists,
        Code::EmailAlreadyExists,
        Code::WeakPassword,
        Code::OrganizationNotFound,
    ])]);

    fn mailbox(&self) -> Option<&str> {
        Some(&self.email)
    }
    fn run(self, cx: &RequestContext<'_>) -> Result<RegisterUserResponse> {
        self.register(cx, TakenNames::Revealed)?;
        Ok(RegisterUserResponse::default())
    }
}

/// Whether the answer may reveal that a name or an address is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::operations) enum TakenNames {
    /// The answer reveals a taken name, so the refusal is sent before the password is hashed.
    Revealed,
    /// The answer and its time are the same for taken and free names, so the password is always hashed.
    Hidden,
}

impl RegisterUserRequest {
    /// Registers the user and puts the mail into the outbox.
    pub(in crate::operations) fn register(
        &self,
        cx: &RequestContext<'_>,
        taken_names: TakenNames,
    ) -> Result<()> {
        let mut problems = Problems::default();
        super::check_user_name(&mut problems, "username", &self.username);
        super::check_display_name(&mut problems, "name", Some(&self.name));
        super::check_email(&mut problems, &self.email);
        refuse_all(problems)?;
        let names = [self.username.as_str(), &self.name, &self.email];
        super::check_password(self.password.reveal(), &names)?;
        if taken_names == TakenNames::Revealed {
            cx.read(|c| self.check_against_store(cx, c))?;
        }
        let hash = cx.hash(self.password.reveal())?;
        let uuid = cx.app.entropy.uuid();
        let new = NewUser {
            uuid: &uuid,
            user_name: &self.username,
            name: &self.name,
            email: &self.email,
            client_name: cx.client_name(),
            status: Status::Unactivated,
            password_hash: Some(&hash),
            joins_organisation: self.organization_uuid.as_deref(),
            now: cx.now,
            ..Default::default()
        };
        let refusals = &cx.app.refusals;
        let has_row = refusals.has_row(Cause::Anyone, cx.now);
        cx.write(|tx| {
            self.check_against_store(cx, tx.conn)?;
            let id = users::insert(tx.conn, &new)?;
            users::set_unconfirmed(tx.conn, id, cx.now)?;
            let token = super::issue_token(tx, Purpose::Activation, id)?;
            let to = Addressee {
                id,
                user_name: &self.username,
                name: &self.name,
                email: &self.email,
            };
            // If the mailbox has had too many mails, the person can request the activation mail later by `resend`.
            if throttle::may_mail(tx, &self.email)? {
                tx.notify(Topic::Activation, &to, &token)?;
            }
            match has_row {
                true => tx.audit_ok(Self::OPERATION.event, &self.username),
                false => Ok(()),
            }
        })?;
        match has_row {
            true => drop(refusals.take_row(Cause::Anyone, cx.now)),
            false => cx.count(Self::OPERATION.event, "ok", Some(&self.username), None),
        }
        Ok(())
    }

    /// Refuses an unknown or closed organisation, and names that this user cannot have.
    fn check_against_store(&self, cx: &RequestContext<'_>, c: &mut AnyConnection) -> Result<()> {
        if let Some(uuid) = &self.organization_uuid {
            let open = organisations::find(c, uuid)?.is_some_and(|o| o.is_open());
            if !open {
                let code = Code::OrganizationNotFound;
                return Err(refuse_field(code, "organizationUuid"));
            }
        }
        let user_name = ("username", self.username.as_str());
        super::check_names_are_free(cx, c, user_name, &self.email)?;
        // The address is reserved while its former owner can still undo a change of address.
        if email_undos::is_reserved(c, &self.email, cx.now)? {
            return Err(super::taken(Taken::Email, "username"));
        }
        Ok(())
    }
}
