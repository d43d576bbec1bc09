//! A user, its names and its status.

use super::Millis;
use super::text::{canonical, has_control};

/// The longest user name, name, organisational unit and role, in characters.
pub const MAX_NAME_CHARS: u32 = 128;
/// The longest e-mail address, in characters (RFC 5321 §4.5.3.1.3 less the angle brackets).
pub const MAX_EMAIL_CHARS: u32 = 254;
/// The most roles one user, or one membership, may carry.
pub const MAX_ROLES: usize = 100;

/// Where a user stands between registration and the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Made, but not yet confirmed; cannot sign in.
    Unactivated,
    /// May sign in.
    Active,
    /// Locked out by an administrator; cannot sign in.
    Inactive,
}

impl Status {
    /// Every status, in the order documents list them.
    pub const ALL: [Status; 3] = [Status::Unactivated, Status::Active, Status::Inactive];

    /// The published spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Unactivated => "UNACTIVATED",
            Status::Active => "ACTIVE",
            Status::Inactive => "INACTIVE",
        }
    }

    /// Reads the published spelling, exactly.
    #[must_use]
    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// A user as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: i64,
    pub uuid: String,
    pub user_name: String,
    pub name: String,
    pub email: String,
    pub client_name: String,
    pub organizational_unit: Option<String>,
    pub status: Status,
    /// Global roles, in the order they were given.
    pub roles: Vec<String>,
    /// How the password is kept, if there is one; see `secrets::hashing`.
    pub password_hash: Option<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// The domain of addresses that stand where a user has none: nobody can be written to there (RFC 2606 §2).
const NOWHERE: &str = "nowhere.invalid";

impl User {
    /// What stands in the place of an e-mail address for a user of this UUID that has none.
    #[must_use]
    pub fn no_address(uuid: &str) -> String {
        format!("{uuid}@{NOWHERE}")
    }

    /// The e-mail address, if there is one.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        let is_nowhere = self.email.ends_with(NOWHERE);
        (!is_nowhere).then_some(self.email.as_str())
    }

    /// Whether this is its user name or its e-mail address.
    #[must_use]
    pub fn has_login(&self, text: &str) -> bool {
        let address = self.address();
        same_name(&self.user_name, text) || address.is_some_and(|own| same_name(own, text))
    }

    /// What people call it by: its e-mail address, or else its name here.
    #[must_use]
    pub fn login(&self) -> &str {
        self.address().unwrap_or(&self.user_name)
    }
}

/// What stands in the audit log for users that are gone begins with this, and no user's name does.
pub const ERASED: &str = "erased:";

/// Whether `text` may be a user name: not empty, no blanks at the ends, no control characters, no pseudonym.
#[must_use]
pub fn is_user_name(text: &str) -> bool {
    let outer = text.is_empty() || text.trim() != text;
    !outer && !has_control(text) && !canonical(text).starts_with(ERASED)
}

/// Whether `text` has the form of an e-mail address we can deliver to: one `@`, a local part of at
/// most 64 bytes and without quotes, a domain with a dot.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    // RFC 5322 atoms, with the letters and digits of all scripts (RFC 6531); nothing invisible.
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(atom)
        && domain.contains('.')
        // Who had such an address would be taken for one that has none.
        && !domain.ends_with(NOWHERE)
        && domain.split('.').all(label)
}

/// Whether `text` is a telephone number: 4 to 15 digits (ITU-T E.164), with a plus before them or without.
#[must_use]
pub fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (4..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Whether two names are the same under the one comparison rule.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    a == b || canonical(a) == canonical(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_an_email_address() {
        for good in [
            "moka.miklos@dbx.hu",
            "gabor.papp+hakapeszi.maki@dbx.hu",
            "őű@példa.hu",
        ] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@b",
            "@b.hu",
            "a@.hu",
            "a b@c.hu",
            "a@b.hu\r\nBcc: x@y.hu",
            "a..b@c.hu",
            "a@-b.hu",
            "<a@b.hu>",
            "a@b@c.hu",
            "😀@b.hu",
            "a\u{200B}@b.hu",
            "a\u{AD}@b.hu",
            "a@nowhere.invalid",
        ] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_user_name_is_one_line_without_outer_blanks() {
        assert!(is_user_name("móka miki"));
        assert!(!is_user_name(" a"));
        assert!(!is_user_name(""));
        assert!(!is_user_name("Erased:abc"));
        assert!(!is_user_name("a\nb"));
    }
}
