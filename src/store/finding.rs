//! A row that breaks a rule which is newer than the row.

/// One row, or a few rows, that break a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The broken rule, for machines.
    pub kind: &'static str,
    /// The rows that break it.
    pub place: String,
    /// The fault, its consequence and the remedy.
    pub text: String,
}
