//! Who a user is in somebody else's system.

use super::text::has_control;

/// The longest part of an identity, in characters.
pub const MAX_CHARS: usize = 128;
/// The most identities that one user has.
pub const MAX_IDENTITIES: usize = 32;

/// An id in a system: the three together name one user at most, compared canonically (SPEC §2, §11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    pub id: String,
    /// The system.
    pub provider: String,
    /// What kind of id it is there.
    pub id_type: String,
}

/// Whether this can be part of an identity: one line of 1 to [`MAX_CHARS`] characters, without blanks at the ends.
#[must_use]
pub fn is_part(text: &str) -> bool {
    let outer = text.is_empty() || text.trim() != text;
    !outer && !has_control(text) && text.chars().count() <= MAX_CHARS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_one_short_line() {
        for good in ["1", "a/b é+%", "manzarul07+110332", &"ő".repeat(MAX_CHARS)] {
            assert!(is_part(good), "{good}");
        }
        for wrong in ["", " a", "a ", "a\nb", "a\0", &"a".repeat(MAX_CHARS + 1)] {
            assert!(!is_part(wrong), "{wrong:?}");
        }
    }
}
