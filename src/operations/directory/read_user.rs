//! Looks a user up: by external ID, by number, or by e-mail address, telephone number or login name.

use super::person::Found;
use super::{external_identity, identity};
use crate::domain::external_identity::{ExternalIdentity, LOGIN_ID};
use crate::domain::mailbox::is_email;
use crate::domain::user::{canonical_phone, is_phone, same_name};
use crate::operations::prelude::*;
use crate::store::{external_identities, profiles, users};

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
    /// The ID of the user to read.
    pub struct DirectoryReadByIdRequest = "DirectoryReadByIdRequest_V1" {
        /// The UUID or the number of the user, or an external ID if provider is present.
        id: String = "id", max = 128, required, role = Role::Subject;
        /// The provider that issued the external ID.
        provider: Option<String> = "provider", max = 128;
        /// The type of the external ID, as the provider names it; required beside provider.
        id_type: Option<String> = "idType", max = 128;
    }
}

shape! {
    /// The contact or the login name of the user to look up. Exactly one is required.
    pub struct DirectoryLookupRequest = "DirectoryLookupRequest_V1" {
        /// The e-mail address.
        email: Option<String> = "email", max = 254;
        /// The telephone number. A verified number goes before the same number that nobody has verified.
        phone: Option<String> = "phone", max = 16;
        /// The login name: sub@iss of a partner's user, a user name or an e-mail address.
        login_id: Option<String> = "loginId", max = 257;
        /// The user name.
        user_name: Option<String> = "userName", max = 128;
        /// Any other kind of value; it is refused.
        key: Option<String> = "key", max = 128;
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
        find_by_identity(cx, &identity)
    }
}

impl Request for DirectoryReadByIdRequest {
    type Answer = Found;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "directoryReadById",
        AuditEvent::UserRead,
        "Reads a user by UUID, by number, or by an external ID.",
    )
    .access(Access::TrustedOrAdmin)
    .directory(&[
        DirectoryRoute::new("GET", "/private/user/v1/read/{id}", "api.user.read")
            .query(&["provider", "idType"]),
    ]);

    fn run(self, cx: &RequestContext<'_>) -> Result<Found> {
        if let Some(provider) = &self.provider {
            let needed = || refuse_field(Code::MissingField, "idType");
            let id_type = self.id_type.as_ref().ok_or_else(needed)?;
            let identity = identity(&self.id, provider, id_type, "id")?;
            return find_by_identity(cx, &identity);
        }
        find(cx, Code::UserNotFound, "id", |c| {
            Ok(users::by_uuid_or_id(c, &self.id)?)
        })
    }
}

impl Request for DirectoryLookupRequest {
    type Answer = Found;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "directoryLookup",
        AuditEvent::UserRead,
        "Looks a user up by e-mail address, telephone number, login name or user name.",
    )
    .access(Access::TrustedOrAdmin)
    .directory(&[
        // A later route wins, so this one gets every other kind of value.
        DirectoryRoute::new("GET", "/user/v1/get/{key}/{value}", "api.user.get"),
        DirectoryRoute::new("GET", "/user/v1/get/email/{email}", "api.user.get.email"),
        DirectoryRoute::new("GET", "/user/v1/get/phone/{phone}", "api.user.get.phone"),
        DirectoryRoute::new(
            "GET",
            "/user/v1/get/loginId/{loginId}",
            "api.user.get.loginId",
        ),
        DirectoryRoute::new(
            "GET",
            "/user/v1/get/loginid/{loginId}",
            "api.user.get.loginId",
        ),
        DirectoryRoute::new(
            "GET",
            "/user/v1/get/userName/{userName}",
            "api.user.get.userName",
        ),
        DirectoryRoute::new("POST", "/user/v1/profile/read", "api.user.profile.read"),
    ]);

    fn run(self, cx: &RequestContext<'_>) -> Result<Found> {
        let find = |field, step: &dyn Fn(&mut AnyConnection) -> Result<Option<User>>| {
            find(cx, Code::UserNotFound, field, step)
        };
        let given = [&self.email, &self.phone, &self.login_id, &self.user_name];
        match given {
            _ if self.key.is_some() => Err(refuse_invalid("key", Why::NotAKey)),
            [Some(email), None, None, None] if !is_email(email) => {
                Err(refuse_invalid("email", Why::NotAnEmail))
            }
            [Some(email), None, None, None] => find("email", &|c| {
                let user = users::by_login(c, email)?;
                Ok(user.filter(|u| u.address().is_some_and(|own| same_name(own, email))))
            }),
            [None, Some(phone), None, None] => find("phone", &|c| by_phone(c, phone)),
            [None, None, Some(login), None] => find("loginId", &|c| by_login_id(c, login)),
            [None, None, None, Some(name)] => find("userName", &|c| Ok(users::by_name(c, name)?)),
            [None, None, None, None] => Err(refuse_field(Code::MissingField, "loginId")),
            _ => Err(refuse_invalid("loginId", Why::ExactlyOneOf("email"))),
        }
    }
}

fn find_by_identity(cx: &RequestContext<'_>, identity: &ExternalIdentity) -> Result<Found> {
    find(cx, Code::ExternalidNotFound, "externalId", |c| {
        by_identity(c, identity)
    })
}

/// The answer about the user that this step finds, or a refusal of this field.
fn find(
    cx: &RequestContext<'_>,
    code: Code,
    field: &str,
    step: impl FnOnce(&mut AnyConnection) -> Result<Option<User>>,
) -> Result<Found> {
    cx.read(|c| match step(c)? {
        Some(user) => Found::of(cx, c, user),
        None => Err(refuse_field(code, field)),
    })
}

fn by_identity(c: &mut AnyConnection, identity: &ExternalIdentity) -> Result<Option<User>> {
    match external_identities::owner(c, identity)? {
        Some(owner) => Ok(users::by_id(c, owner)?),
        None => Ok(None),
    }
}

/// The user with this telephone number. A number that nobody has verified may have several users.
fn by_phone(c: &mut AnyConnection, phone: &str) -> Result<Option<User>> {
    let key = canonical_phone(phone).filter(|_| is_phone(phone));
    let key = key.ok_or_else(|| refuse_invalid("phone", Why::NotAPhone))?;
    let mut holders = profiles::by_phone(c, &key)?;
    if holders.iter().any(|(_, is_verified)| *is_verified) {
        holders.retain(|(_, is_verified)| *is_verified);
    }
    match holders.as_slice() {
        [] => Ok(None),
        [(id, _)] => Ok(users::by_id(c, *id)?),
        _ => Err(refuse_invalid("phone", Why::SharedByUsers)),
    }
}

/// The user of a partner with the old token layout, whose login name is `sub@iss`; or else the user with this user name
/// or e-mail address.
fn by_login_id(c: &mut AnyConnection, login: &str) -> Result<Option<User>> {
    let of_partner = login.rsplit_once('@').map(|(sub, iss)| ExternalIdentity {
        id: sub.to_owned(),
        provider: iss.to_owned(),
        id_type: LOGIN_ID.to_owned(),
    });
    if let Some(identity) = of_partner
        && let Some(user) = by_identity(c, &identity)?
    {
        return Ok(Some(user));
    }
    Ok(users::by_login(c, login)?)
}
