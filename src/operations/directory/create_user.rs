//! Creates an active user. The user can sign in through a partner at once, or by password after setting one.

use super::{
    ExternalIdField, IdentityChange, PersonFields, Written, add_identity, changes,
    external_identity, one_organisation,
};
use crate::domain::external_identity::ExternalIdentity;
use crate::domain::names::flaw_of_user_name;
use crate::operations::partner::provisioning::{insert_active, is_user_name_available};
use crate::operations::phones::Phone;
use crate::operations::prelude::*;
use crate::operations::user::{check_names_are_free, why};
use crate::store::organisations;

shape! {
    /// The user.
    pub struct DirectoryCreateRequest = "DirectoryCreateRequest_V1" {
        /// The whole name or the first name.
        first_name: String = "firstName", alias = "name", max = 128, required;
        /// The last name.
        last_name: Option<String> = "lastName", max = 128;
        /// The user name. If it is absent, the gateway generates one.
        user_name: Option<String> = "userName", max = 128, role = Role::Subject;
        /// The e-mail address.
        email: Option<String> = "email", max = 254;
        /// The telephone number.
        phone: Option<String> = "phone", max = 16;
        /// Whether the telephone number is verified.
        phone_verified: bool = "phoneVerified";
        /// The external ID of the user. It requires externalIdProvider and externalIdType.
        external_id: Option<String> = "externalId", max = 128;
        /// The provider that issued the external ID.
        external_id_provider: Option<String> = "externalIdProvider", max = 128;
        /// The type of the external ID, as the provider names it.
        external_id_type: Option<String> = "externalIdType", max = 128;
        /// Further external IDs of the user.
        external_ids: List<ExternalIdField> = "externalIds", item = "externalId";
        /// The channel in which orgExternalId names the organisation.
        channel: Option<String> = "channel", max = 128;
        /// The external ID of the user's organisation in the channel.
        org_external_id: Option<String> = "orgExternalId", max = 128;
        /// The UUID of the user's organisation.
        organisation_id: Option<String> = "organisationId", max = 128;
    }
}

impl Request for DirectoryCreateRequest {
    type Answer = Written;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "directoryCreate",
        AuditEvent::UserCreated,
        "Creates an active user with external IDs.",
    )
    .access(Access::TrustedOrAdmin)
    .cost(Cost::Write)
    .directory(&[DirectoryRoute::new(
        "POST",
        "/user/v1/create",
        "api.user.create",
    )]);

    fn run(self, cx: &RequestContext<'_>) -> Result<Written> {
        let fields = PersonFields {
            first_name: Some(&self.first_name),
            last_name: self.last_name.as_deref(),
            email: self.email.as_deref(),
            phone: self.phone.as_deref(),
        };
        refuse_all(fields.check())?;
        if let Some(flaw) = self.user_name.as_deref().and_then(flaw_of_user_name) {
            return Err(refuse_invalid("userName", why(flaw)));
        }
        let external_id = external_identity([
            &self.external_id,
            &self.external_id_provider,
            &self.external_id_type,
        ]);
        let identities = changes(&self.external_ids, external_id?)?;
        if identities
            .iter()
            .any(|(change, _)| *change != IdentityChange::Add)
        {
            return Err(refuse_invalid("operation", Why::NoSuchParameter));
        }
        let identities: Vec<_> = identities
            .into_iter()
            .map(|(_, identity)| identity)
            .collect();
        let uuid = cx.app.entropy.uuid();
        cx.write(|tx| {
            let organisation = self.organisation(tx.conn)?;
            let user_name = self.name_of(tx, &identities, &uuid)?;
            let placeholder = User::placeholder_address(&uuid);
            let email = self.email.as_ref().unwrap_or(&placeholder);
            check_names_are_free(cx, tx.conn, ("userName", &user_name), email)?;
            let name = fields.name().unwrap_or_default();
            let phone = Phone {
                number: self.phone.clone(),
                is_verified: self.phone_verified,
            };
            let names = [user_name.as_str(), &name, email];
            let id = insert_active(tx, &uuid, names, (phone, "phone"))?;
            for identity in &identities {
                add_identity(tx, id, identity)?;
            }
            if let Some(uuid) = &organisation {
                organisations::join(tx.conn, id, uuid, &[], cx.now)?;
            }
            tx.audit_ok(Self::OPERATION.event, &user_name)
        })?;
        Ok(Written::of(uuid))
    }
}

impl DirectoryCreateRequest {
    /// The requested user name, or one made from an external ID.
    fn name_of(
        &self,
        tx: &mut Transaction<'_>,
        identities: &[ExternalIdentity],
        uuid: &str,
    ) -> Result<String> {
        if let Some(name) = &self.user_name {
            return Ok(name.clone());
        }
        let wanted = identities
            .first()
            .map(|i| format!("{}@{}", i.id, i.provider));
        Ok(match wanted {
            Some(wanted) if is_user_name_available(tx, &wanted)? => wanted,
            _ => uuid.to_owned(),
        })
    }

    /// The UUID of the organisation that the user joins.
    fn organisation(&self, c: &mut AnyConnection) -> Result<Option<String>> {
        let unknown = |field| refuse_field(Code::OrganizationNotFound, field);
        let by_channel = match (&self.channel, &self.org_external_id) {
            (None, None) => None,
            (Some(channel), Some(id)) => Some(
                organisations::by_external_id(c, channel, id)?
                    .ok_or_else(|| unknown("orgExternalId"))?,
            ),
            (Some(channel), None) if organisations::has_channel(c, channel)? => None,
            (Some(_), None) => return Err(unknown("channel")),
            (None, Some(_)) => return Err(refuse_field(Code::MissingField, "channel")),
        };
        let id = self.organisation_id.as_deref();
        let found = one_organisation(c, by_channel, id, "orgExternalId")?;
        Ok(found.map(|organisation| organisation.uuid))
    }
}
