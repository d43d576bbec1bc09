//! Accounts that registered themselves and were never confirmed.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::connection::columns;
use super::tables::{external_identities, memberships, one_time_tokens, users};
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;
use crate::domain::one_time_token::Purpose;
use crate::domain::user::Status;

/// An unconfirmed account to delete.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct UnconfirmedUser {
    pub id: i64,
    pub uuid: String,
    user_name_ci: String,
    email_ci: String,
}

impl UnconfirmedUser {
    /// The login names, in canonical form.
    #[must_use]
    pub fn names(&self) -> [String; 2] {
        [self.user_name_ci.clone(), self.email_ci.clone()]
    }
}

/// The limits of unconfirmed accounts; an account beyond either of them is deleted.
#[derive(Debug, Clone, Copy)]
pub struct UnconfirmedLimits {
    /// Accounts whose last activation token expired before this are deleted.
    pub expired_before: Millis,
    /// The maximum number of unconfirmed accounts; above it the oldest accounts are deleted.
    pub max_waiting: i64,
}

/// At most `count` unconfirmed accounts beyond the limits, the oldest first. Accounts with a membership or an external
/// identity stay.
pub fn beyond_limits(
    conn: &mut AnyConnection,
    limits: UnconfirmedLimits,
    count: i64,
) -> Result<Vec<UnconfirmedUser>> {
    let waiting = || users::table.filter(users::unconfirmed_since.is_not_null());
    let crowded_out: Option<Option<Millis>> = waiting()
        .order(users::unconfirmed_since.desc())
        .offset(limits.max_waiting)
        .limit(1)
        .select(users::unconfirmed_since)
        .fetch_optional(conn)?;
    let tokens = one_time_tokens::table
        .filter(one_time_tokens::user_id.eq(users::id))
        .filter(one_time_tokens::purpose.eq(Purpose::Activation.as_str()))
        .filter(one_time_tokens::expires_at.ge(limits.expired_before));
    let is_over = users::unconfirmed_since
        .lt(limits.expired_before)
        .and(not(exists(tokens)))
        .or(users::unconfirmed_since.le(crowded_out.flatten().unwrap_or(-1)));
    let given = memberships::table.filter(memberships::user_id.eq(users::id));
    let identities = external_identities::table.filter(external_identities::user_id.eq(users::id));
    Ok(waiting()
        .filter(users::status.eq(Status::Unactivated.as_str()))
        .filter(is_over.assume_not_null())
        .filter(not(exists(given)))
        .filter(not(exists(identities)))
        .order(users::unconfirmed_since)
        .limit(count)
        .select(columns::<UnconfirmedUser>())
        .load(conn)?)
}
