//! Adds the signed-in user to an organisation: to an existing one, or to a new one that the user owns.

use crate::domain::organisation::JoinPolicy;
use crate::operations::prelude::*;
use crate::store::organisations;

use super::auth_token::{issue, token_param};

/// A user with this many memberships cannot create another organisation, because the choice at sign-in lists all
/// memberships.
const MAX_MEMBERSHIPS: usize = 100;

/// The role that the creator of an organisation has in the organisation.
pub const ORG_ADMIN: &str = "ORG_ADMIN";

shape! {
    /// The organisation to join or to create.
    pub struct AddToOrgRequest = "AddToOrgRequest_V1" {
        /// The calling client and its user.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The name of an organisation to create. The name is ignored if orgUuid is present.
        org_name: Option<String> = "orgName", max = 128;
        /// The UUID of an existing organisation.
        org_uuid: Option<String> = "orgUuid", max = 128;
    }
}

impl Request for AddToOrgRequest {
    type Answer = EmptyResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "addToOrg",
        AuditEvent::UserJoinedOrganisation,
        "Adds the signed-in user to an organisation, and returns a token for it.",
    )
    .access(Access::User)
    .cost(Cost::Write)
    .rest(&[Route::new("POST", "/register/addToOrg")
        .with_token()
        .refuses(&[Code::OrganizationNotFound, Code::TooManyAttempts])]);

    fn subject(&self) -> Option<&str> {
        self.org_uuid.as_deref().or(self.org_name.as_deref())
    }
    fn run(self, cx: &RequestContext<'_>) -> Result<EmptyResponse> {
        let mut problems = Problems::default();
        super::check_display_name(&mut problems, "orgName", self.org_name.as_deref());
        refuse_all(problems)?;
        let new_uuid = cx.app.entropy.uuid();
        let token = cx.write(|tx| {
            let user = &tx.lock_user()?;
            let uuid = match (&self.org_uuid, &self.org_name) {
                // The specification's table allows both fields; `orgUuid` takes precedence.
                (Some(uuid), _) => join(tx, user, uuid)?,
                (None, Some(name)) => create(tx, user, name, &new_uuid)?,
                (None, None) => {
                    return Err(refuse_invalid("orgUuid", Why::ExactlyOneOf("orgName")));
                }
            };
            tx.audit_ok(Self::OPERATION.event, &user.user_name)?;
            let memberships = organisations::memberships(tx.conn, user.id)?;
            let joined = memberships.iter().find(|m| m.uuid == uuid);
            issue(tx, user, joined, cx.verified_token.as_ref())
        })?;
        Ok(EmptyResponse {
            params: token_param(&token),
            ..Default::default()
        })
    }
}

/// Adds the user to an open organisation; a trusted caller may add the user to any organisation. A closed organisation
/// gets the same refusal as an unknown one, so that IDs cannot be guessed.
fn join(tx: &mut Transaction<'_>, user: &User, uuid: &str) -> Result<String> {
    let member = organisations::memberships(tx.conn, user.id)?
        .iter()
        .any(|g| g.uuid == uuid);
    let may = organisations::find(tx.conn, uuid)?
        .is_some_and(|o| member || o.is_open() || tx.cx.may_do_everything());
    if !may {
        return Err(refuse_field(Code::OrganizationNotFound, "orgUuid"));
    }
    organisations::join(tx.conn, user.id, uuid, &[], tx.cx.now)?;
    Ok(uuid.to_owned())
}

/// Creates a closed organisation with the user as its administrator. If the user is already a member of an organisation
/// with this name, returns the UUID of that organisation.
fn create(tx: &mut Transaction<'_>, user: &User, name: &str, new_uuid: &str) -> Result<String> {
    let memberships = organisations::memberships(tx.conn, user.id)?;
    if let Some(Membership { uuid, .. }) = memberships.iter().find(|m| m.name == name) {
        return Ok(uuid.clone());
    }
    if memberships.len() >= MAX_MEMBERSHIPS {
        return Err(refuse_invalid("orgName", Why::TooMany(MAX_MEMBERSHIPS)));
    }
    organisations::add(tx.conn, new_uuid, name, JoinPolicy::Closed, tx.cx.now)?;
    let roles = [ORG_ADMIN.to_owned()];
    organisations::join(tx.conn, user.id, new_uuid, &roles, tx.cx.now)?;
    Ok(new_uuid.to_owned())
}
