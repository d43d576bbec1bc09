//! Operations of the directory: create users, look them up, assign roles and search organisations (SPEC §11).

pub mod assign_roles;
pub mod create_sso_user;
pub mod create_user;
pub mod person;
pub mod read_user;
pub mod search_organisations;
pub mod update_user;

use super::user::why;
use crate::domain::external_identity::{ExternalIdentity, MAX_IDENTITIES, is_part};
use crate::domain::mailbox::is_email;
use crate::domain::names::{MAX_NAME_CHARS, flaw_of_display_name};
use crate::domain::text::{canonical, is_line};
use crate::domain::user::is_phone;
use crate::operations::prelude::*;
use crate::store::organisations::{self, Organisation};
use crate::store::{external_identities, users};

shape! {
    /// An external ID of a user.
    pub struct ExternalIdField = "ExternalId_V1" {
        /// The external ID.
        id: String = "id", max = 128, required;
        /// The provider that issued the external ID.
        provider: String = "provider", max = 128, required;
        /// The type of the external ID, as the provider names it.
        id_type: String = "idType", max = 128, required;
        /// The operation: ADD, which is the default, or in an update also EDIT or REMOVE.
        operation: Option<String> = "operation", max = 16;
    }
}

shape! {
    /// The answer after a user was created or changed.
    pub struct Written = "DirectoryWritten_V1" {
        /// Always empty. Refusals have another envelope.
        errors: List<ExternalIdField> = "errors", item = "error";
        /// The text SUCCESS.
        response: String = "response", max = 16, required;
        /// The user's UUID.
        user_id: String = "userId", max = 36, required;
    }
}

impl Written {
    fn of(uuid: String) -> Self {
        Self {
            response: SUCCESS.to_owned(),
            user_id: uuid,
            ..Self::default()
        }
    }
}

/// The `response` of an answer without data.
const SUCCESS: &str = "SUCCESS";

/// The external identity of these fields: ID, provider and type; `None` if all three are absent.
///
/// # Errors
/// [`Code::DependentParamsMissing`] if some fields are present and others absent.
fn external_identity(fields: [&Option<String>; 3]) -> Result<Option<ExternalIdentity>> {
    match fields {
        [None, None, None] => Ok(None),
        [Some(id), Some(provider), Some(id_type)] => {
            identity(id, provider, id_type, "externalId").map(Some)
        }
        _ => Err(refuse(Code::DependentParamsMissing)),
    }
}

fn identity(id: &str, provider: &str, id_type: &str, field: &str) -> Result<ExternalIdentity> {
    let parts = [id, provider, id_type];
    if parts.into_iter().all(is_part) {
        return Ok(unchecked(parts));
    }
    Err(refuse_invalid(field, Why::BadCharacters))
}

fn unchecked([id, provider, id_type]: [&str; 3]) -> ExternalIdentity {
    ExternalIdentity {
        id: id.to_owned(),
        provider: provider.to_owned(),
        id_type: id_type.to_owned(),
    }
}

/// A change of an external identity of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdentityChange {
    Add,
    /// Replaces the identity of the same provider and type.
    Edit,
    Remove,
}

/// The changes in the list, and the addition of the single external ID.
///
/// # Errors
/// [`Code::DuplicateExternalIds`] for two IDs of the same provider and type; [`Code::InvalidField`] for invalid fields.
fn changes(
    list: &List<ExternalIdField>,
    external_id: Option<ExternalIdentity>,
) -> Result<Vec<(IdentityChange, ExternalIdentity)>> {
    let mut changes: Vec<_> = external_id
        .map(|added| (IdentityChange::Add, added))
        .into_iter()
        .collect();
    for field in &list.0 {
        let change = match field.operation.as_deref() {
            None | Some("ADD" | "add") => IdentityChange::Add,
            Some("EDIT" | "edit") => IdentityChange::Edit,
            Some("REMOVE" | "remove") => IdentityChange::Remove,
            Some(_) => {
                return Err(refuse_invalid("operation", Why::NoSuchParameter));
            }
        };
        let parts = [field.id.as_str(), &field.provider, &field.id_type];
        let identity = match change {
            // An identity that is older than the rule for its parts must still be removable.
            IdentityChange::Remove if parts.into_iter().all(is_line) => unchecked(parts),
            _ => identity(&field.id, &field.provider, &field.id_type, "externalIds")?,
        };
        let same_kind = changes
            .iter()
            .any(|(_, other)| is_same_kind(other, &identity));
        if same_kind {
            return Err(refuse_field(Code::DuplicateExternalIds, "externalIds"));
        }
        changes.push((change, identity));
    }
    Ok(changes)
}

fn is_same_kind(one: &ExternalIdentity, other: &ExternalIdentity) -> bool {
    canonical(&one.provider) == canonical(&other.provider)
        && canonical(&one.id_type) == canonical(&other.id_type)
}

/// Links an identity to a locked user; `false` if the user has it already.
///
/// # Errors
/// [`Code::ExternalidAssignedToOtherUser`], or [`Code::DuplicateExternalIds`] if the user has another ID of this kind.
fn add_identity(
    tx: &mut Transaction<'_>,
    user_id: i64,
    identity: &ExternalIdentity,
) -> Result<bool> {
    match external_identities::owner(tx.conn, identity)? {
        Some(owner) if owner == user_id => return Ok(false),
        Some(_) => {
            let code = Code::ExternalidAssignedToOtherUser;
            return Err(refuse_field(code, "externalId"));
        }
        None => {}
    }
    let own = external_identities::of_user(tx.conn, user_id)?;
    if own.iter().any(|other| is_same_kind(other, identity)) {
        return Err(refuse_field(Code::DuplicateExternalIds, "externalId"));
    }
    if own.len() >= MAX_IDENTITIES {
        return Err(refuse_invalid("externalIds", Why::TooMany(MAX_IDENTITIES)));
    }
    let client = tx.cx.client.as_ref().map(|c| format!("client:{}", c.name));
    let by = client.unwrap_or_else(|| "administrator".to_owned());
    external_identities::add(tx.conn, user_id, identity, (&by, tx.cx.now))?;
    Ok(true)
}

/// Finds and locks a user by UUID or number, or else by external ID.
///
/// # Errors
/// [`Code::UserNotFound`], [`Code::ExternalidNotFound`], [`Code::MissingField`] if the caller names no user, or an
/// error of the store.
fn lock_named_user(
    c: &mut AnyConnection,
    user_id: Option<&str>,
    identity: Option<&ExternalIdentity>,
) -> Result<User> {
    match (user_id, identity) {
        (Some(id), _) => users::lock_by_uuid_or_id(c, id)?
            .ok_or_else(|| refuse_field(Code::UserNotFound, "userId")),
        (None, Some(identity)) => external_identities::lock_owner(c, identity)?
            .ok_or_else(|| refuse_field(Code::ExternalidNotFound, "externalId")),
        (None, None) => Err(refuse_field(Code::MissingField, "userId")),
    }
}

/// The organisation that was found by its external ID, or the one with this ID. Both may be given if they are one.
///
/// # Errors
/// [`Code::OrganizationNotFound`], or [`Code::InvalidField`] if this ID and the field of the external ID name two
/// organisations.
fn one_organisation(
    c: &mut AnyConnection,
    by_external_id: Option<Organisation>,
    id: Option<&str>,
    field: &'static str,
) -> Result<Option<Organisation>> {
    let Some(id) = id else {
        return Ok(by_external_id);
    };
    let unknown = || refuse_field(Code::OrganizationNotFound, "organisationId");
    let named = organisations::find(c, id)?.ok_or_else(unknown)?;
    match by_external_id {
        Some(other) if other.uuid != named.uuid => {
            Err(refuse_invalid("organisationId", Why::ExactlyOneOf(field)))
        }
        _ => Ok(Some(named)),
    }
}

/// The personal fields of a request, to create or to change a user.
#[derive(Debug, Clone, Copy)]
struct PersonFields<'a> {
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    email: Option<&'a str>,
    phone: Option<&'a str>,
}

/// The text of a field that does not clear its value.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

impl PersonFields<'_> {
    /// The problems of fields that cannot be stored.
    fn check(self) -> Problems {
        let mut problems = Problems::default();
        for (field, text) in [("firstName", self.first_name), ("lastName", self.last_name)] {
            if let Some(flaw) = given(text).and_then(flaw_of_display_name) {
                problems.note(field, why(flaw));
            }
        }
        let max = MAX_NAME_CHARS;
        if self
            .name()
            .is_some_and(|n| n.chars().count() > max as usize)
        {
            problems.note("lastName", Why::TooLong(max));
        }
        if given(self.email).is_some_and(|e| !is_email(e)) {
            problems.note("email", Why::NotAnEmail);
        }
        if given(self.phone).is_some_and(|p| !is_phone(p)) {
            problems.note("phone", Why::NotAPhone);
        }
        if self.first_name.is_none() && self.last_name.is_some() {
            problems.note_missing("firstName");
        }
        problems
    }

    /// The full name: the gateway stores one name only.
    fn name(self) -> Option<String> {
        let first = self.first_name?;
        Some(match given(self.last_name) {
            Some(last) => format!("{first} {last}"),
            None => first.to_owned(),
        })
    }
}
