//! The agreements that users have accepted or withdrawn.

use diesel::prelude::*;

use super::tables::accepted_agreements;
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::Millis;

/// Returns those of these agreements that the user has accepted and not withdrawn.
pub fn among(conn: &mut AnyConnection, user_id: i64, agreement_ids: &[i64]) -> Result<Vec<i64>> {
    Ok(accepted_agreements::table
        .filter(accepted_agreements::user_id.eq(user_id))
        .filter(accepted_agreements::withdrawn_at.is_null())
        .filter(accepted_agreements::agreement_id.eq_any(agreement_ids.to_vec()))
        .select(accepted_agreements::agreement_id)
        .load(conn)?)
}

/// The agreements that are in force for the user, ascending, with the time of acceptance.
pub fn accepted(conn: &mut AnyConnection, user_id: i64) -> Result<Vec<(i64, Millis)>> {
    Ok(accepted_agreements::table
        .filter(accepted_agreements::user_id.eq(user_id))
        .filter(accepted_agreements::withdrawn_at.is_null())
        .order(accepted_agreements::agreement_id)
        .select((
            accepted_agreements::agreement_id,
            accepted_agreements::accepted_at,
        ))
        .load(conn)?)
}

/// The last decision of a user about an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Decision {
    pub agreement_id: i64,
    pub accepted_at: Millis,
    pub withdrawn_at: Option<Millis>,
}

/// Every decision of a user, by agreement.
pub fn decisions(conn: &mut AnyConnection, user_id: i64) -> Result<Vec<Decision>> {
    Ok(accepted_agreements::table
        .filter(accepted_agreements::user_id.eq(user_id))
        .order(accepted_agreements::agreement_id)
        .select((
            accepted_agreements::agreement_id,
            accepted_agreements::accepted_at,
            accepted_agreements::withdrawn_at,
        ))
        .load(conn)?)
}

/// Accepts an agreement. An acceptance in force keeps its time.
pub fn accept(
    conn: &mut AnyConnection,
    user_id: i64,
    agreement_id: i64,
    now: Millis,
) -> Result<()> {
    let row = accepted_agreements::table.find((user_id, agreement_id));
    if !row.has_rows(conn)? {
        diesel::insert_into(accepted_agreements::table)
            .values((
                accepted_agreements::user_id.eq(user_id),
                accepted_agreements::agreement_id.eq(agreement_id),
                accepted_agreements::accepted_at.eq(now),
            ))
            .execute(conn)?;
        return Ok(());
    }
    diesel::update(row.filter(accepted_agreements::withdrawn_at.is_not_null()))
        .set((
            accepted_agreements::accepted_at.eq(now),
            accepted_agreements::withdrawn_at.eq(None::<Millis>),
        ))
        .run(conn)
}

/// Withdraws an agreement if it is in force.
pub fn withdraw(
    conn: &mut AnyConnection,
    user_id: i64,
    agreement_id: i64,
    now: Millis,
) -> Result<()> {
    let row = accepted_agreements::table
        .find((user_id, agreement_id))
        .filter(accepted_agreements::withdrawn_at.is_null());
    diesel::update(row)
        .set(accepted_agreements::withdrawn_at.eq(Some(now)))
        .run(conn)
}
