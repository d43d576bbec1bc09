//! A user as the directory shows it.

use crate::contract::time::directory_time;
use crate::domain::masking::{masked_email, masked_phone};
use crate::domain::user::same_name;
use crate::operations::prelude::*;
use crate::store::{external_identities, organisations, profiles};

shape! {
    /// An external ID of a user.
    pub struct ExternalId = "DirectoryExternalId_V1" {
        /// The external ID.
        id: String = "id", max = 128, required;
        /// The type of the external ID, as the provider names it.
        id_type: String = "idType", max = 128, required;
        /// The provider that issued the external ID.
        provider: String = "provider", max = 128, required;
    }
}

shape! {
    /// A user's membership of an organisation.
    pub struct Membership = "DirectoryMembership_V1" {
        /// Always false; deleted organisations are not shown.
        is_deleted: bool = "isDeleted", required;
        /// The name of the organisation.
        org_name: String = "orgName", max = 128, required;
        /// The ID of the organisation.
        organisation_id: String = "organisationId", max = 128, required;
        /// The roles of the user in the organisation.
        roles: List<String> = "roles", max = 128;
        /// The user's UUID.
        user_id: String = "userId", max = 36, required;
    }
}

shape! {
    /// A user as the directory shows it.
    pub struct Person = "DirectoryPerson_V1" {
        /// The time at which the user was created.
        created_date: String = "createdDate", max = 32, required;
        /// The e-mail address, masked for callers to whom it does not belong.
        email: Option<String> = "email", max = 254;
        /// The external IDs; empty for callers to whom they do not belong.
        external_ids: List<ExternalId> = "externalIds", item = "externalId";
        /// The whole name. The gateway stores no separate last name.
        first_name: String = "firstName", max = 128, required;
        /// The user's UUID.
        id: String = "id", max = 36, required;
        /// The user's UUID.
        identifier: String = "identifier", max = 36, required;
        /// Always false; deleted users are not found.
        is_deleted: bool = "isDeleted", required;
        /// Always null.
        last_name: Option<String> = "lastName", max = 128;
        /// The organisations that the user belongs to.
        organisations: List<Membership> = "organisations", item = "organisation";
        /// The telephone number, masked for callers to whom it does not belong.
        phone: Option<String> = "phone", max = 64;
        /// Whether the telephone number is verified.
        phone_verified: bool = "phoneVerified", required;
        /// The global roles of the user.
        roles: List<String> = "roles", max = 128;
        /// 1 for an active user, 0 for any other.
        status: Number = "status", required;
        /// The time of the last change.
        updated_date: String = "updatedDate", max = 32, required;
        /// The user's UUID.
        user_id: String = "userId", max = 36, required;
        /// The user name.
        user_name: String = "userName", max = 128, required;
    }
}

shape! {
    /// The user found.
    pub struct Found = "DirectoryFound_V1" {
        /// The user.
        response: Person = "response", required;
    }
}

impl Found {
    /// The user, with its profile, external IDs and memberships. A user who asks about another user sees masked contacts
    /// only; a client that calls for no user sees everything, and so does an administrator.
    pub(super) fn of(cx: &RequestContext<'_>, c: &mut AnyConnection, user: User) -> Result<Self> {
        let profile = profiles::find(c, user.id)?.unwrap_or_default();
        let mut person = Person {
            phone: profile.phone,
            phone_verified: profile.phone_verified,
            external_ids: List(external_ids(c, user.id)?),
            organisations: List(memberships(c, &user)?),
            ..Person::of(&user)
        };
        let admin_role = &cx.app.rules.admin_role;
        let is_other = |caller: &User| caller.id != user.id && !caller.roles.contains(admin_role);
        if cx.user.as_ref().is_some_and(is_other) {
            person.mask(&user);
        }
        Ok(Self { response: person })
    }
}

fn external_ids(c: &mut AnyConnection, user_id: i64) -> Result<Vec<ExternalId>> {
    let identities = external_identities::of_user(c, user_id)?.into_iter();
    let shown = identities.map(|identity| ExternalId {
        id: identity.id,
        id_type: identity.id_type,
        provider: identity.provider,
    });
    Ok(shown.collect())
}

fn memberships(c: &mut AnyConnection, user: &User) -> Result<Vec<Membership>> {
    let memberships = organisations::memberships(c, user.id)?.into_iter();
    let shown = memberships.map(|membership| Membership {
        is_deleted: false,
        org_name: membership.name,
        organisation_id: membership.uuid,
        roles: List(membership.roles),
        user_id: user.uuid.clone(),
    });
    Ok(shown.collect())
}

impl Person {
    fn of(user: &User) -> Self {
        Self {
            created_date: directory_time(user.created_at),
            email: user.address().map(str::to_owned),
            first_name: user.name.clone(),
            id: user.uuid.clone(),
            identifier: user.uuid.clone(),
            roles: List(user.roles.clone()),
            status: Number(Some(i64::from(user.status == Status::Active))),
            updated_date: directory_time(user.updated_at),
            user_id: user.uuid.clone(),
            user_name: user.user_name.clone(),
            ..Self::default()
        }
    }

    /// Masks the contacts, also where they are the user name.
    fn mask(&mut self, user: &User) {
        let is_address = |name: &str| user.address().is_some_and(|own| same_name(own, name));
        if is_address(&self.user_name) {
            self.user_name = masked_email(&self.user_name);
        }
        if is_address(&self.first_name) {
            self.first_name = masked_email(&self.first_name);
        }
        self.email = self.email.as_deref().map(masked_email);
        self.phone = self.phone.as_deref().map(masked_phone);
        self.external_ids = List::default();
    }
}
