//! Replaces the roles of a user in an organisation. A user who is not a member becomes one.

use super::{SUCCESS, external_identity, lock_named_user, one_organisation};
use crate::contract::field::{Field, Kind};
use crate::contract::json::{Json, JsonWriter};
use crate::contract::problem::Problems;
use crate::contract::shape::Value;
use crate::contract::xml::{ReadResult, XmlReader, XmlWriter};
use crate::domain::roles;
use crate::operations::prelude::*;
use crate::store::organisations::{self, Organisation};

/// A list of roles that distinguishes an empty list from an absent one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles(pub Option<Vec<String>>);

impl Value for Roles {
    fn kind() -> Kind {
        Kind::List(String::kind)
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult {
        let mut list = List::<String>::default();
        list.read_xml(reader, field)?;
        self.0.get_or_insert_default().append(&mut list.0);
        Ok(())
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        match value {
            Json::Null => {}
            Json::List(_) => {
                let mut list = List::<String>::default();
                list.read_json(value, field, problems);
                self.0 = Some(list.0);
            }
            _ => problems.note(field.name, Why::WrongContent),
        }
    }
    fn write_xml(&self, out: &mut XmlWriter, name: &str, _: &Field) {
        for role in self.0.iter().flatten() {
            out.text(name, role);
        }
    }
    fn write_json(&self, out: &mut JsonWriter) {
        out.scalar(&self.0);
    }
    fn is_missing(&self) -> bool {
        self.0.is_none()
    }
    const REPEATS: bool = true;
}

shape! {
    /// The roles of a user in an organisation.
    pub struct AssignRolesRequest = "AssignRolesRequest_V1" {
        /// The UUID of the user. Without it, the external ID names the user.
        user_id: Option<String> = "userId", max = 128, role = Role::Subject;
        /// The external ID of the user, which requires externalIdProvider and externalIdType; or beside provider, the
        /// external ID of the organisation.
        external_id: Option<String> = "externalId", max = 128;
        /// The provider that issued the external ID.
        external_id_provider: Option<String> = "externalIdProvider", max = 128;
        /// The type of the external ID, as the provider names it.
        external_id_type: Option<String> = "externalIdType", max = 128;
        /// The ID of the organisation. It, or provider with externalId, is required.
        organisation_id: Option<String> = "organisationId", max = 128;
        /// The channel in which externalId names the organisation.
        provider: Option<String> = "provider", max = 128;
        /// The roles of the user in the organisation, which replace the present ones.
        roles: Roles = "roles", max = 128, required;
    }
}

shape! {
    /// The answer after the roles were replaced.
    pub struct Assigned = "DirectoryAssigned_V1" {
        /// The text SUCCESS.
        response: String = "response", max = 16, required;
    }
}

impl Request for AssignRolesRequest {
    type Answer = Assigned;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "assignRoles",
        AuditEvent::RolesChanged,
        "Replaces the roles of a user in an organisation. A user who is not a member becomes one.",
    )
    .access(Access::TrustedOrAdmin)
    .cost(Cost::Write)
    .directory(&[
        DirectoryRoute::new(
            "POST",
            "/orguser/v1/memberrole/assign",
            "api.orguser.memberrole.assign",
        ),
        // The older and the newer path of the operation.
        DirectoryRoute::new(
            "POST",
            "/orguser/v1/memberrole/add",
            "api.orguser.memberrole.add",
        ),
        DirectoryRoute::new("POST", "/user/v1/role/assign", "api.user.assign.role"),
        DirectoryRoute::new(
            "POST",
            "/private/user/v1/assign/role",
            "api.user.assign.role",
        ),
    ]);

    fn run(self, cx: &RequestContext<'_>) -> Result<Assigned> {
        let given = self.roles.0.as_deref().unwrap_or_default();
        if given.is_empty() {
            return Err(refuse_field(Code::EmptyRolesProvided, "roles"));
        }
        let wanted = roles::all_known(given.iter().map(String::as_str))
            .ok_or_else(|| refuse_field(Code::InvalidRole, "roles"))?;
        // Beside provider, the external ID names the organisation.
        let of_user = match &self.provider {
            Some(_) => &None,
            None => &self.external_id,
        };
        let identity =
            external_identity([of_user, &self.external_id_provider, &self.external_id_type])?;
        cx.write(|tx| {
            let user = lock_named_user(tx.conn, self.user_id.as_deref(), identity.as_ref())?;
            let organisation = self.organisation(tx.conn)?;
            organisations::join(tx.conn, user.id, &organisation.uuid, &wanted, cx.now)?;
            organisations::set_roles(tx.conn, user.id, &organisation.uuid, &wanted)?;
            tx.audit_ok(Self::OPERATION.event, &user.user_name)
        })?;
        Ok(Assigned {
            response: SUCCESS.to_owned(),
        })
    }
}

impl AssignRolesRequest {
    /// The organisation with this ID, or with this external ID in this channel. Both may be given if they name one
    /// organisation.
    fn organisation(&self, c: &mut AnyConnection) -> Result<Organisation> {
        let unknown = |field| refuse_field(Code::OrganizationNotFound, field);
        let by_channel = match (&self.provider, &self.external_id) {
            (None, _) => None,
            (Some(_), None) => return Err(refuse_field(Code::MissingField, "externalId")),
            (Some(channel), Some(id)) => Some(
                organisations::by_external_id(c, channel, id)?
                    .ok_or_else(|| unknown("externalId"))?,
            ),
        };
        let found = one_organisation(c, by_channel, self.organisation_id.as_deref(), "externalId")?;
        found.ok_or_else(|| refuse_field(Code::MissingField, "organisationId"))
    }
}
