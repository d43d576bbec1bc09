//! The maximum age and number of stored rows: logs, counters, unconfirmed accounts, token families and sessions.

use super::Millis;

/// The limits: maximum ages in milliseconds, and maximum numbers of rows.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Age of audit entries that prove neither an erasure nor a consent.
    pub audit_ms: Millis,
    /// Age of refusal counters.
    pub refusals_ms: Millis,
    /// Number of rows of refusal counters; the oldest are deleted first.
    pub refusals_rows: i64,
    /// Number of different refusals that are counted separately in one minute; all others share one counter.
    pub refusals_keys: usize,
    /// Age of delivered outbox rows and of mail files.
    pub delivered_ms: Millis,
    /// Age of an unconfirmed account, counted from the expiry of its last activation token.
    pub unconfirmed_ms: Millis,
    /// Number of unconfirmed accounts; the oldest are deleted first.
    pub unconfirmed_users: i64,
    /// Number of accounts and networks with an attempt counter; the counters that expire soonest are deleted first.
    pub attempts_rows: i64,
    /// Number of token families of one user; the oldest family ends first.
    pub families_of_user: i64,
    /// Number of browser sessions of one user; the least recently used session ends first.
    pub sessions_of_user: i64,
}

impl Retention {
    /// Number of first attempts that are kept in memory: as many as the table may have rows.
    #[must_use]
    pub fn attempts_memory(&self) -> usize {
        usize::try_from(self.attempts_rows).unwrap_or(usize::MAX)
    }
}
