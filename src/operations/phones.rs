//! Stores telephone numbers. If `directory.unique_phones` is on, a verified number belongs to one user.

use crate::domain::user::canonical_phone;
use crate::operations::prelude::*;
use crate::store::profiles::{self, Profile};

/// A telephone number of a new user.
#[derive(Debug, Clone, Default)]
pub struct Phone {
    pub number: Option<String>,
    /// Whether somebody has verified that the number is the user's.
    pub is_verified: bool,
}

/// Whether numbers must be unique and a user other than `own` has this verified number.
pub fn is_taken(tx: &mut Transaction<'_>, phone: &str, own: Option<i64>) -> Result<bool> {
    match canonical_phone(phone) {
        Some(key) if tx.cx.app.rules.unique_phones => {
            Ok(profiles::has_verified_phone(tx.conn, &key, own)?)
        }
        _ => Ok(false),
    }
}

/// Stores the profile of a user. An unchanged number stays, even if another user has it.
///
/// # Errors
/// [`Code::PhoneAlreadyInUse`] for `field` if another user has the number.
pub fn put_profile(
    tx: &mut Transaction<'_>,
    user_id: i64,
    (before, after): (&Profile, &Profile),
    field: &str,
) -> Result<()> {
    let verified = after.verified_phone();
    let is_new = verified != before.verified_phone();
    if is_new
        && let Some(phone) = &verified
        && is_taken(tx, phone, Some(user_id))?
    {
        return Err(refuse_field(Code::PhoneAlreadyInUse, field));
    }
    profiles::put(tx.conn, user_id, after)?;
    if is_new {
        let claimed = verified.filter(|_| tx.cx.app.rules.unique_phones);
        profiles::claim_phone(tx.conn, user_id, claimed.as_deref())?;
    }
    Ok(())
}
