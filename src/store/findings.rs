//! Findings: rows that break rules which are newer than the rows. The gateway reports them and never changes them.

pub use super::finding::Finding;
use super::{AnyConnection, Result, misleading_names, partners, profiles, services};

/// The configured rules that rows may break.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The role of administrators.
    pub admin_role: &'a str,
    /// Whether a verified telephone number belongs to one user.
    pub unique_phones: bool,
}

/// Searches for rows that break one rule and passes each finding on.
type Check = fn(&mut AnyConnection, Rules<'_>, &mut dyn FnMut(Finding)) -> Result<()>;

/// Every check, in the order of the report. A check may read a whole table, because no request waits for it.
const CHECKS: [Check; 4] = [
    |c, _, found| services::find_disputed(c, found),
    |c, _, found| partners::find_duplicates(c, found),
    |c, rules, found| match rules.unique_phones {
        true => profiles::find_shared_phones(c, found),
        false => Ok(()),
    },
    |c, rules, found| misleading_names::find_misleading(c, rules.admin_role, found),
];

/// Passes on every finding, one at a time.
pub fn each(
    conn: &mut AnyConnection,
    rules: Rules<'_>,
    found: &mut dyn FnMut(Finding),
) -> Result<()> {
    CHECKS
        .iter()
        .try_for_each(|check| check(conn, rules, found))
}
