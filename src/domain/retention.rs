//! How long the gateway keeps what callers leave behind, and how much of it.

use super::Millis;

/// What is kept, for how long.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Rows of the audit log that prove neither an erasure nor a consent.
    pub audit_ms: Millis,
    /// Counts of refusals.
    pub refusals_ms: Millis,
    /// Rows of counted refusals; the oldest go first.
    pub refusals_rows: i64,
    /// Different refusals that are counted apart in one minute; the others are counted together.
    pub refusals_keys: usize,
    /// Outbox rows of what was delivered, and mail files.
    pub delivered_ms: Millis,
    /// An account that its owner never confirmed, after its last activation token has expired.
    pub unconfirmed_ms: Millis,
    /// Accounts that wait for their confirmation; the oldest go first.
    pub unconfirmed_users: i64,
    /// Subjects that attempts are counted for; those that are forgiven soonest go first.
    pub attempts_rows: i64,
    /// Families of tokens that one user may have; the oldest ends.
    pub families_of_user: i64,
    /// Browsers that one user may be signed in with; the one unused for longest is signed out.
    pub sessions_of_user: i64,
}

impl Retention {
    /// Subjects whose first attempt is kept in memory: as many as the table may have.
    #[must_use]
    pub fn attempts_memory(&self) -> usize {
        usize::try_from(self.attempts_rows).unwrap_or(usize::MAX)
    }
}
