//! Looks a user up by external ID.

use super::external_identity;
use crate::contract::time::directory_time;
use crate::domain::external_identity::ExternalIdentity;
use crate::domain::organisation;
use crate::operations::prelude::*;
use crate::store::{external_identities, organisations, profiles, users};

shape! {
    /// The external ID of the user to look up.
    pub struct DirectoryReadRequest = "DirectoryReadRequest_V1" {
        /// The external ID.
        external_id: Option<String> = "externalId", max = 128;
        /// The provider that issued the external ID.
        external_id_provider: Option<String> = "externalIdProvider", max = 128;
        /// The type of the external ID, as the provider names it.
        external_id_type: Option<String> = "externalIdType", max = 128;
    }
}

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
        /// The e-mail address.
        email: Option<String> = "email", max = 254;
        /// The external IDs.
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
        /// The telephone number.
        phone: Option<String> = "phone", max = 16;
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

const PATH: &str = "/user/v1/get/externalId/{externalId}/externalIdProvider/{externalIdProvider}\
                    /externalIdType/{externalIdType}";

/// The path of an older revision of the document.
const OLDER_PATH: &str =
    "/user/v1/get/externalId/{externalId}/channel/{externalIdProvider}/idType/{externalIdType}";

impl Request for DirectoryReadRequest {
    type Answer = Found;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "directoryRead",
        AuditEvent::UserRead,
        "Looks a user up by external ID.",
    )
    .access(Access::TrustedOrAdmin)
    .directory(&[
        DirectoryRoute::new("GET", PATH, "api.user.get.externalId"),
        DirectoryRoute::new("GET", OLDER_PATH, "api.user.get.externalId"),
    ]);

    fn run(self, cx: &RequestContext<'_>) -> Result<Found> {
        let identity = external_identity([
            &self.external_id,
            &self.external_id_provider,
            &self.external_id_type,
        ])?;
        let identity = identity.ok_or_else(|| refuse(Code::DependentParamsMissing))?;
        let person = cx.read(|c| {
            let Some(owner) = external_identities::owner(c, &identity)? else {
                return Ok(None);
            };
            let Some(user) = users::by_id(c, owner)? else {
                return Ok(None);
            };
            let phone = profiles::find(c, owner)?.and_then(|p| p.phone);
            let identities = external_identities::of_user(c, owner)?;
            let memberships = organisations::memberships(c, owner)?;
            Ok::<_, Refusal>(Some(person(user, phone, identities, memberships)))
        })?;
        let unknown = || refuse_field(Code::ExternalidNotFound, "externalId");
        Ok(Found {
            response: person.ok_or_else(unknown)?,
        })
    }
}

fn person(
    user: User,
    phone: Option<String>,
    identities: Vec<ExternalIdentity>,
    memberships: Vec<organisation::Membership>,
) -> Person {
    let identities = identities.into_iter().map(|identity| ExternalId {
        id: identity.id,
        id_type: identity.id_type,
        provider: identity.provider,
    });
    let organisations = memberships.into_iter().map(|membership| Membership {
        is_deleted: false,
        org_name: membership.name,
        organisation_id: membership.uuid,
        roles: List(membership.roles),
        user_id: user.uuid.clone(),
    });
    Person {
        created_date: directory_time(user.created_at),
        email: user.address().map(str::to_owned),
        external_ids: List(identities.collect()),
        id: user.uuid.clone(),
        identifier: user.uuid.clone(),
        is_deleted: false,
        last_name: None,
        organisations: List(organisations.collect()),
        phone,
        status: Number(Some(i64::from(user.status == Status::Active))),
        updated_date: directory_time(user.updated_at),
        first_name: user.name,
        roles: List(user.roles),
        user_id: user.uuid,
        user_name: user.user_name,
    }
}
