//! A user with its names and its status.

use super::Millis;
use super::mailbox::{PLACEHOLDER_DOMAIN, canonical_login, is_placeholder};
use super::words::words;

/// The maximum number of roles of one user or one membership.
pub const MAX_ROLES: usize = 100;

words! {
    /// The status of an account.
    pub enum Status {
        /// Not confirmed yet; cannot sign in.
        Unactivated = "UNACTIVATED",
        /// Can sign in.
        Active = "ACTIVE",
        /// Disabled by an administrator; cannot sign in.
        Inactive = "INACTIVE",
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: i64,
    pub uuid: String,
    pub user_name: String,
    pub name: String,
    /// The e-mail address, or [`User::placeholder_address`] of a user without one.
    pub email: String,
    pub client_name: String,
    pub organizational_unit: Option<String>,
    pub status: Status,
    /// Global roles, in the order they were given.
    pub roles: Vec<String>,
    /// The stored form of the password, if the user has one; see `secrets::hashing`.
    pub password_hash: Option<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
}

impl User {
    /// The placeholder address of a user without an e-mail address, made from the user's UUID.
    #[must_use]
    pub fn placeholder_address(uuid: &str) -> String {
        format!("{uuid}@{PLACEHOLDER_DOMAIN}")
    }

    /// The e-mail address; `None` if the user has none.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        (!is_placeholder(&self.email)).then_some(self.email.as_str())
    }

    /// Whether `text` is the user's user name or e-mail address.
    #[must_use]
    pub fn has_login(&self, text: &str) -> bool {
        let address = self.address();
        same_name(&self.user_name, text) || address.is_some_and(|own| same_name(own, text))
    }

    /// The name that people know the user by: the e-mail address, or the user name if the user has no address.
    #[must_use]
    pub fn login(&self) -> &str {
        self.address().unwrap_or(&self.user_name)
    }
}

/// Whether `text` is a telephone number: 4 to 15 digits (ITU-T E.164) with an optional leading plus.
#[must_use]
pub fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (4..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The form in which telephone numbers are compared: the digits of the international number without `+` or `00`. A
/// number without a country code stays unchanged, because its country is unknown. `None` for a text without digits.
#[must_use]
pub fn canonical_phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let key = digits.strip_prefix("00").unwrap_or(&digits);
    (!key.is_empty()).then(|| key.to_owned())
}

/// Whether two logins are equal by [`canonical_login`].
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    a == b || canonical_login(a) == canonical_login(b)
}

#[cfg(test)]
mod tests {
    use super::canonical_phone;

    #[test]
    fn compares_phones_by_their_international_digits() {
        for text in [
            "+36301234567",
            "0036301234567",
            "36 (30) 123-45.67",
            " +36/30 1234567",
        ] {
            assert_eq!(
                canonical_phone(text).as_deref(),
                Some("36301234567"),
                "{text}"
            );
        }
        assert_eq!(
            canonical_phone("06301234567").as_deref(),
            Some("06301234567")
        );
        for text in ["", "+", "00", "none"] {
            assert_eq!(canonical_phone(text), None, "{text}");
        }
    }
}
