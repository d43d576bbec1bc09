//! Replaces the roles of a user in an organisation. A user who is not a member becomes one.

use super::{SUCCESS, external_identity, lock_named_user};
use crate::contract::field::{Field, Kind};
use crate::contract::json::{Json, JsonWriter};
use crate::contract::problem::Problems;
use crate::contract::shape::Value;
use crate::contract::xml::{ReadResult, XmlReader, XmlWriter};
use crate::domain::roles;
use crate::operations::prelude::*;
use crate::store::organisations;

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
        /// The external ID of the user. It requires externalIdProvider and externalIdType.
        external_id: Option<String> = "externalId", max = 128;
        /// The provider that issued the external ID.
        external_id_provider: Option<String> = "externalIdProvider", max = 128;
        /// The type of the external ID, as the provider names it.
        external_id_type: Option<String> = "externalIdType", max = 128;
        /// The UUID of the organisation.
        organisation_id: String = "organisationId", max = 128, required;
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
    ]);

    fn run(self, cx: &RequestContext<'_>) -> Result<Assigned> {
        let given = self.roles.0.as_deref().unwrap_or_default();
        if given.is_empty() {
            return Err(refuse_field(Code::EmptyRolesProvided, "roles"));
        }
        let mut wanted: Vec<String> = Vec::new();
        for role in given {
            let known =
                roles::known(role).ok_or_else(|| refuse_field(Code::InvalidRole, "roles"))?;
            if !wanted.iter().any(|w| w == known) {
                wanted.push(known.to_owned());
            }
        }
        let identity = external_identity([
            &self.external_id,
            &self.external_id_provider,
            &self.external_id_type,
        ])?;
        cx.write(|tx| {
            let user = lock_named_user(tx.conn, self.user_id.as_deref(), identity.as_ref())?;
            let organisation = organisations::find(tx.conn, &self.organisation_id)?;
            let organisation = organisation
                .ok_or_else(|| refuse_field(Code::OrganizationNotFound, "organisationId"))?;
            organisations::join(tx.conn, user.id, &organisation.uuid, &wanted, cx.now)?;
            organisations::set_roles(tx.conn, user.id, &organisation.uuid, &wanted)?;
            tx.audit_ok(Self::OPERATION.event, &user.user_name)
        })?;
        Ok(Assigned {
            response: SUCCESS.to_owned(),
        })
    }
}
