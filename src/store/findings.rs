//! Findings: rows that break rules which are newer than the rows. The gateway reports them and never changes them.

pub use super::finding::Finding;
use super::{AnyConnection, Result, misleading_names, partners, services};

/// Searches for rows that break one rule and passes each finding on. The text is the role of administrators.
type Check = fn(&mut AnyConnection, &str, &mut dyn FnMut(Finding)) -> Result<()>;

/// Every check, in the order of the report. A check may read a whole table, because no request waits for it.
const CHECKS: [Check; 3] = [
    |c, _, found| services::find_disputed(c, found),
    |c, _, found| partners::find_duplicates(c, found),
    misleading_names::find_misleading,
];

/// Passes on every finding, one at a time.
pub fn each(
    conn: &mut AnyConnection,
    admin_role: &str,
    found: &mut dyn FnMut(Finding),
) -> Result<()> {
    CHECKS
        .iter()
        .try_for_each(|check| check(conn, admin_role, found))
}
