//! The identities of a user in external systems.

use super::Millis;
use super::text::{canonical, is_dot_segment, is_line};

/// The maximum length of a part of an identity, in characters.
pub const MAX_CHARS: usize = 128;
/// The maximum number of identities of one user.
pub const MAX_IDENTITIES: usize = 32;

/// The identity of a user in an external system. The three parts together belong to at most one user. They are
/// compared in canonical form (SPEC §2, §11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    pub id: String,
    /// The external system that issued the id.
    pub provider: String,
    /// The type of the id in that system.
    pub id_type: String,
}

/// The type of the ids in partners' tokens of the old layout; the provider of such an id is the partner itself. A
/// partner must not use this type as a `state_id`: its users could then be taken for the users of another partner.
pub const LOGIN_ID: &str = "loginId";

impl ExternalIdentity {
    /// The provider, the type and the id, each in canonical form.
    #[must_use]
    pub fn canonical(&self) -> [String; 3] {
        [&self.provider, &self.id_type, &self.id].map(|part| canonical(part))
    }
}

/// An identity with the details of its link to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedIdentity {
    pub identity: ExternalIdentity,
    /// `None` for links that an older version stored without the time.
    pub linked_at: Option<Millis>,
    /// The party that asserted the link: `partner:` or `client:` followed by a name, or `administrator`.
    pub asserted_by: Option<String>,
}

/// Whether `text` is [`LOGIN_ID`] in any case.
#[must_use]
pub fn is_login_id(text: &str) -> bool {
    canonical(text) == canonical(LOGIN_ID)
}

/// Whether `text` can be a part of an identity: one line of 1 to [`MAX_CHARS`] characters without leading or trailing
/// blanks. A dot segment is refused, because the parts are segments of a path.
#[must_use]
pub fn is_part(text: &str) -> bool {
    is_line(text) && text.chars().count() <= MAX_CHARS && !is_dot_segment(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_a_part_of_one_short_line() {
        for good in ["1", "a/b é+%", "manzarul07+110332", &"ő".repeat(MAX_CHARS)] {
            assert!(is_part(good), "{good}");
        }
        for wrong in [
            "",
            " a",
            "a ",
            "a\nb",
            "a\0",
            ".",
            "..",
            &"a".repeat(MAX_CHARS + 1),
        ] {
            assert!(!is_part(wrong), "{wrong:?}");
        }
    }
}
