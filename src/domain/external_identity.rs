//! Who a user is in somebody else's system.

use super::Millis;
use super::text::{canonical, is_line};

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

/// The type of id that the old layout of partners' tokens gives its users; their provider is the partner itself. No
/// partner may use it as a `state_id`, or the users of one could be taken for those of another.
pub const LOGIN_ID: &str = "loginId";

impl ExternalIdentity {
    /// The three parts as they are compared.
    #[must_use]
    pub fn canonical(&self) -> [String; 3] {
        [&self.provider, &self.id_type, &self.id].map(|part| canonical(part))
    }
}

/// An identity as it is linked to its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedIdentity {
    pub identity: ExternalIdentity,
    /// `None` for a link that is older than this column.
    pub linked_at: Option<Millis>,
    /// Who said that the user is that one: `partner:` or `client:` and a name, or `administrator`.
    pub asserted_by: Option<String>,
}

/// Whether this is [`LOGIN_ID`], whatever its case.
#[must_use]
pub fn is_login_id(text: &str) -> bool {
    canonical(text) == canonical(LOGIN_ID)
}

/// Whether this can be part of an identity: one line of 1 to [`MAX_CHARS`] characters, without blanks at the ends.
#[must_use]
pub fn is_part(text: &str) -> bool {
    is_line(text) && text.chars().count() <= MAX_CHARS
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
