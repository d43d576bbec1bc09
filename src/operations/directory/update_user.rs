//! Changes a user and its external IDs. Absent fields keep their stored values. Null or an empty text clears a value
//! that may be empty.

use super::{
    ExternalIdField, IdentityChange, PersonFields, Written, add_identity, changes,
    external_identity, is_same_kind, lock_named_user,
};
use crate::domain::external_identity::ExternalIdentity;
use crate::operations::identities;
use crate::operations::phones::put_profile;
use crate::operations::prelude::*;
use crate::operations::refusal::refuse_empty;
use crate::operations::user::email;
use crate::store::{external_identities, profiles, users};

shape! {
    /// The user.
    pub struct DirectoryUpdateRequest = "DirectoryUpdateRequest_V1" {
        /// The UUID of the user. Without it, the external ID names the user.
        user_id: Option<String> = "userId", max = 128, role = Role::Subject;
        /// The whole name or the first name.
        first_name: Option<String> = "firstName", alias = "name", max = 128, never_empty;
        /// The last name.
        last_name: Option<String> = "lastName", max = 128, clears;
        /// The e-mail address.
        email: Option<String> = "email", max = 254, clears;
        /// The telephone number.
        phone: Option<String> = "phone", max = 16, clears;
        /// Whether the telephone number is verified. If it is absent, a new number is not verified.
        phone_verified: Option<bool> = "phoneVerified";
        /// The external ID of the user. Beside userId, it is added to that user. It requires externalIdProvider and
        /// externalIdType.
        external_id: Option<String> = "externalId", max = 128;
        /// The provider that issued the external ID.
        external_id_provider: Option<String> = "externalIdProvider", max = 128;
        /// The type of the external ID, as the provider names it.
        external_id_type: Option<String> = "externalIdType", max = 128;
        /// External IDs to add, to replace or to remove.
        external_ids: List<ExternalIdField> = "externalIds", item = "externalId";
    }
}

impl Request for DirectoryUpdateRequest {
    type Answer = Written;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "directoryUpdate",
        AuditEvent::UserUpdated,
        "Changes a user or the external IDs of a user. Absent fields stay as they are; null or an empty text clears lastName, email and phone.",
    )
    .access(Access::TrustedOrAdmin)
    .cost(Cost::Write)
    .directory(&[
        DirectoryRoute::new("PATCH", "/user/v1/update", "api.user.update"),
        DirectoryRoute::new("PATCH", "/private/user/v1/update", "api.user.update"),
    ]);

    fn run(self, cx: &RequestContext<'_>) -> Result<Written> {
        let fields = PersonFields {
            first_name: self.first_name.as_deref(),
            last_name: self.last_name.as_deref(),
            email: self.email.as_deref(),
            phone: self.phone.as_deref(),
        };
        let mut problems = refuse_empty(&self);
        problems.found.extend(fields.check().found);
        let named_by = external_identity([
            &self.external_id,
            &self.external_id_provider,
            &self.external_id_type,
        ]);
        if let (false, Ok(named_by)) = (problems.found.is_empty(), &named_by) {
            // Check changed values only: a value that was stored before its rule existed may stay.
            let id = self.user_id.as_deref();
            let stored = cx.write(|tx| lock_named_user(tx.conn, id, named_by.as_ref()));
            problems
                .found
                .retain(|p| !stored.as_ref().is_ok_and(|u| is_unchanged(p, fields, u)));
        }
        refuse_all(problems)?;
        let named_by = named_by?;
        let given = named_by.clone().filter(|_| self.user_id.is_some());
        let changes = changes(&self.external_ids, given)?;
        let uuid = cx.write(|tx| {
            let user = lock_named_user(tx.conn, self.user_id.as_deref(), named_by.as_ref())?;
            let (mut linked, mut unlinked) = (Vec::new(), Vec::new());
            for (change, identity) in &changes {
                let done = apply_change(tx, &user, *change, identity)?;
                linked.extend(done.linked);
                unlinked.extend(done.unlinked);
            }
            identities::mail_user(tx, &user, Topic::IdentityLinked, &linked)?;
            identities::mail_user(tx, &user, Topic::IdentityUnlinked, &unlinked)?;
            self.change(tx, &user, fields)?;
            tx.audit_ok(Self::OPERATION.event, &user.user_name)?;
            Ok::<_, Refusal>(user.uuid)
        })?;
        Ok(Written::of(uuid))
    }
}

impl DirectoryUpdateRequest {
    fn change(
        &self,
        tx: &mut Transaction<'_>,
        before: &User,
        fields: PersonFields<'_>,
    ) -> Result<()> {
        let mut after = before.clone();
        if let Some(name) = fields.name() {
            after.name = name;
        }
        match self.email.as_deref() {
            Some("") => after.email = User::placeholder_address(&before.uuid),
            Some(email) => email.clone_into(&mut after.email),
            None => {}
        }
        let stored = profiles::find(tx.conn, after.id)?.unwrap_or_default();
        let phone = self.phone.as_ref().or(stored.phone.as_ref());
        let phone = phone.filter(|phone| !phone.is_empty()).cloned();
        let is_same = phone == stored.phone;
        let phone_verified = match self.phone_verified {
            _ if phone.is_none() => false,
            Some(is_verified) => is_verified,
            None => stored.phone_verified && is_same,
        };
        let has_new_phone = !is_same || phone_verified != stored.phone_verified;
        if after != *before || has_new_phone {
            after.updated_at = tx.cx.now;
            if after.email != before.email
                && users::is_taken(tx.conn, &after.email, Some(after.id))?
            {
                return Err(refuse_field(Code::EmailAlreadyExists, "email"));
            }
            users::update(tx.conn, &after)?;
        }
        email::changed(tx, before, &after)?;
        if after.name != before.name || has_new_phone {
            let mut profile = stored.clone();
            // Keep a signature name that differs from the old name.
            if profile.signature_name.as_ref() == Some(&before.name) {
                profile.signature_name = Some(after.name);
            }
            profile.phone = phone;
            profile.phone_verified = phone_verified;
            put_profile(tx, after.id, (&stored, &profile), "phone")?;
        }
        Ok(())
    }
}

/// Whether the field of a problem holds the stored value.
fn is_unchanged(problem: &Problem, fields: PersonFields<'_>, stored: &User) -> bool {
    match problem.field.as_deref() {
        Some("firstName" | "lastName") => fields.name().as_ref() == Some(&stored.name),
        Some("email") => fields.email == Some(stored.email.as_str()),
        _ => false,
    }
}

/// The identities that an update linked and unlinked.
#[derive(Default)]
struct Done {
    linked: Vec<ExternalIdentity>,
    unlinked: Vec<ExternalIdentity>,
}

fn apply_change(
    tx: &mut Transaction<'_>,
    user: &User,
    change: IdentityChange,
    identity: &ExternalIdentity,
) -> Result<Done> {
    let mut done = Done::default();
    if change == IdentityChange::Remove {
        if !external_identities::remove(tx.conn, user.id, identity)? {
            return Err(refuse_field(Code::ExternalidNotFound, "externalIds"));
        }
        done.unlinked.push(identity.clone());
        return Ok(done);
    }
    if change == IdentityChange::Edit {
        let own = external_identities::of_user(tx.conn, user.id)?;
        let is_replaced = |old: &&ExternalIdentity| {
            is_same_kind(old, identity) && old.canonical() != identity.canonical()
        };
        for old in own.iter().filter(is_replaced) {
            external_identities::remove(tx.conn, user.id, old)?;
            done.unlinked.push(old.clone());
        }
    }
    if add_identity(tx, user.id, identity)? {
        done.linked.push(identity.clone());
    }
    Ok(done)
}
