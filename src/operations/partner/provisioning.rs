//! Creates unknown users of partners and updates known ones from the partner's claims.

use super::{School, VerifiedAssertion, record};
use crate::domain::mailbox::looks_like_address;
use crate::domain::names::{MAX_NAME_CHARS, cleaned, flaw_of_user_name};
use crate::domain::user::canonical_phone;
use crate::operations::phones::{self, Phone, put_profile};
use crate::operations::prelude::*;
use crate::store::profiles;
use crate::store::users::{self, NewUser};
use crate::store::{email_undos, external_identities, organisations};

/// Creates the partner's user. Users are never matched by e-mail address: a person who already has an account gets a
/// second account.
pub fn provision(tx: &mut Transaction<'_>, assertion: &VerifiedAssertion) -> Result<User> {
    let uuid = tx.cx.app.entropy.uuid();
    let wanted = assertion.wanted_name();
    let user_name = match is_user_name_available(tx, &wanted)? {
        true => &wanted,
        false => &uuid,
    };
    let email = match &assertion.email {
        Some(email) if is_address_available(tx, email)? => email.clone(),
        _ => User::placeholder_address(&uuid),
    };
    let id = || cleaned(&assertion.identity.id);
    let name = assertion.name.clone().or_else(id);
    let name = name.as_ref().unwrap_or(user_name);
    let phone = Phone {
        number: assertion.phone.clone(),
        is_verified: true,
    };
    let names = [user_name.as_str(), name, &email];
    let id = insert_active(tx, &uuid, names, (phone, "phone_number"))?;
    let by = format!("partner:{}", assertion.iss);
    external_identities::add(tx.conn, id, &assertion.identity, (&by, tx.cx.now))?;
    let (event, iss) = (AuditEvent::UserCreated, &assertion.iss);
    record(tx, (event, "ok"), iss, Some(user_name))?;
    users::lock_for_update(tx.conn, id)?.ok_or_else(|| refuse(Code::UserNotFound))
}

/// Inserts an active user with a profile. Returns the number of the user.
///
/// # Errors
/// [`Code::PhoneAlreadyInUse`] for this field if another user has the telephone number.
pub fn insert_active(
    tx: &mut Transaction<'_>,
    uuid: &str,
    [user_name, name, email]: [&str; 3],
    (phone, phone_field): (Phone, &str),
) -> Result<i64> {
    let user = NewUser {
        uuid,
        user_name,
        name,
        email,
        client_name: tx.cx.client_name(),
        status: Status::Active,
        now: tx.cx.now,
        ..Default::default()
    };
    let id = users::insert(tx.conn, &user)?;
    let profile = profiles::Profile {
        signature_name: Some(name.to_owned()),
        phone_verified: phone.is_verified && phone.number.is_some(),
        phone: phone.number,
        ..Default::default()
    };
    let none = profiles::Profile::default();
    put_profile(tx, id, (&none, &profile), phone_field)?;
    Ok(id)
}

/// Updates the name and the telephone number, and adds an e-mail address if the user has none. A telephone number that
/// belongs to another user does not replace the stored one, so that the user can still sign in.
pub fn update(tx: &mut Transaction<'_>, user: User, assertion: &VerifiedAssertion) -> Result<User> {
    let mut after = user.clone();
    if let Some(name) = &assertion.name {
        after.name.clone_from(name);
    }
    if let (None, Some(email)) = (user.address(), &assertion.email)
        && is_address_available(tx, email)?
    {
        after.email.clone_from(email);
    }
    if after != user {
        after.updated_at = tx.cx.now;
        users::update(tx.conn, &after)?;
        let (event, iss) = (AuditEvent::UserUpdated, &assertion.iss);
        record(tx, (event, "ok"), iss, Some(&after.user_name))?;
    }
    if after.name != user.name || assertion.phone.is_some() {
        let stored = profiles::find(tx.conn, user.id)?.unwrap_or_default();
        let mut profile = stored.clone();
        // Keep a signature name that differs from the old name.
        if profile
            .signature_name
            .as_ref()
            .is_none_or(|n| *n == user.name)
        {
            profile.signature_name = Some(after.name.clone());
        }
        if let Some(phone) = &assertion.phone
            && (stored.verified_phone() == canonical_phone(phone)
                || !phones::is_taken(tx, phone, Some(user.id))?)
        {
            profile.phone = Some(phone.clone());
            profile.phone_verified = true;
        }
        if profile != stored {
            put_profile(tx, user.id, (&stored, &profile), "phone_number")?;
        }
    }
    Ok(after)
}

/// A school in the registry.
pub struct Found {
    /// The UUID of its organisation.
    pub uuid: String,
    /// Whether the user is a member of the organisation already.
    pub is_member: bool,
}

/// Finds the school of a known or a new user.
///
/// # Errors
/// [`Code::SchoolIdNotRegistered`], or an error of the store.
pub fn school(c: &mut AnyConnection, school: &School, user: Option<&User>) -> Result<Found> {
    let known_as = (school.channel.as_str(), school.external_id.as_str());
    let nobody = -1;
    organisations::by_external_id_for(c, known_as, user.map_or(nobody, |user| user.id))?
        .map(|(uuid, is_member)| Found { uuid, is_member })
        .ok_or_else(|| refuse_field(Code::SchoolIdNotRegistered, "school_id"))
}

/// Adds a user to its school and removes it from other schools of the same channel.
pub fn join_school(
    tx: &mut Transaction<'_>,
    user: &User,
    (school, found): (&School, &Found),
    iss: &str,
) -> Result<()> {
    if found.is_member {
        return Ok(());
    }
    organisations::leave_others_of_channel(tx.conn, user.id, &school.channel, &found.uuid)?;
    organisations::join(tx.conn, user.id, &found.uuid, &[], tx.cx.now)?;
    let event = (AuditEvent::UserJoinedOrganisation, "ok");
    record(tx, event, iss, Some(&user.user_name))
}

/// Replaces the roles of a user in its school by those of the token, if the token may give roles.
///
/// # Errors
/// [`Code::InvalidRole`] for the role that the settings give to administrators.
pub fn replace_roles(
    tx: &mut Transaction<'_>,
    user: &User,
    school: &Found,
    assertion: &VerifiedAssertion,
) -> Result<()> {
    let Some(roles) = &assertion.roles else {
        return Ok(());
    };
    if roles.contains(&tx.cx.app.rules.admin_role) {
        return Err(refuse_field(Code::InvalidRole, "roles"));
    }
    if organisations::set_roles(tx.conn, user.id, &school.uuid, roles)? {
        let event = (AuditEvent::RolesChanged, "ok");
        record(tx, event, &assertion.iss, Some(&user.user_name))?;
    }
    Ok(())
}

/// Whether a new user can have this user name. The name must not look like an e-mail address, because the user has not
/// proved ownership of the address.
pub fn is_user_name_available(tx: &mut Transaction<'_>, name: &str) -> Result<bool> {
    let fits = name.chars().count() <= MAX_NAME_CHARS as usize;
    if !fits || flaw_of_user_name(name).is_some() || looks_like_address(name) {
        return Ok(false);
    }
    let admin_role = &tx.cx.app.rules.admin_role;
    Ok(is_free(tx.conn, name)? && !users::looks_like_holder_of(tx.conn, admin_role, name)?)
}

/// Whether a new user can have this address: no user has it, and no user can restore it by undoing a change.
fn is_address_available(tx: &mut Transaction<'_>, email: &str) -> Result<bool> {
    Ok(is_free(tx.conn, email)? && !email_undos::is_reserved(tx.conn, email, tx.cx.now)?)
}

fn is_free(c: &mut AnyConnection, name: &str) -> Result<bool> {
    Ok(!users::is_taken(c, name, None)?)
}
