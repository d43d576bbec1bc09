//! The password policy (SPEC §6).

use super::text::{canonical, composed};

/// The minimum length of a password, in characters.
pub const MIN_CHARS: usize = 8;
/// The maximum length of a password, in characters.
pub const MAX_CHARS: usize = 64;
/// A password that an attacker finds within this many guesses counts as common. This value refuses the 3,000 most used
/// passwords, also if capitalised or with a `1` at the end, and accepts the passwords of the original samples.
const COMMON_WITHIN_GUESSES: u64 = 20_000;

/// The reason why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    TooShort,
    TooLong,
    /// The password has a NUL character, which C clients cannot send.
    HoldsNul,
    /// The password equals the user's own user name, name or e-mail address.
    OwnName,
    Common,
}

/// Checks a password for a user with these names. Leading and trailing blanks are part of the password. All checks use
/// the composed form (NFC), because the gateway hashes this form.
///
/// # Errors
/// The first [`Weakness`] found; cheap checks come first.
pub fn judge(password: &str, own_names: &[&str]) -> Result<(), Weakness> {
    let password = composed(password);
    let chars = password.chars().take(MAX_CHARS + 1).count();
    if chars < MIN_CHARS {
        return Err(Weakness::TooShort);
    }
    if chars > MAX_CHARS {
        return Err(Weakness::TooLong);
    }
    if password.contains('\0') {
        return Err(Weakness::HoldsNul);
    }
    let folded = canonical(&password);
    if own_names.iter().any(|name| canonical(name) == folded) {
        return Err(Weakness::OwnName);
    }
    if zxcvbn::zxcvbn(&password, &[]).guesses() < COMMON_WITHIN_GUESSES {
        return Err(Weakness::Common);
    }
    Ok(())
}

/// The bcrypt cost of a stored hash, native or imported: the two digits after `$2b$`.
#[must_use]
pub fn cost_of(stored: &str) -> Option<u32> {
    let (_, bcrypt_hash) = stored.split_once("$2")?;
    bcrypt_hash.get(2..4)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_passwords_of_the_samples() {
        for password in [
            "ValaKi1234",
            "TeszT1234",
            "MokaMiki-1234",
            "Admin-Demo-2026",
        ] {
            assert_eq!(
                judge(password, &["valaki", "tesztuser"]),
                Ok(()),
                "{password}"
            );
        }
    }

    #[test]
    fn refuses_common_passwords_and_own_names() {
        for password in [
            "password",
            "12345678",
            "Password1",
            "qwertyuiop",
            "iloveyou",
            "football",
        ] {
            assert_eq!(judge(password, &[]), Err(Weakness::Common), "{password}");
        }
        assert_eq!(judge("MókaMiklós", &["mókamiklós"]), Err(Weakness::OwnName));
    }

    #[test]
    fn reads_the_cost_of_a_stored_hash() {
        assert_eq!(cost_of("hmac-sha384:$2b$12$abc"), Some(12));
        assert_eq!(cost_of("$2y$04$abc"), Some(4));
        for damaged in ["", "$2", "$2b$", "$2b$1", "$1$12$", "$2b$ő"] {
            assert_eq!(cost_of(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn counts_characters_and_not_bytes() {
        assert_eq!(judge("rövid12", &[]), Err(Weakness::TooShort));
        let accented: String = "őűÁÉíó".chars().cycle().take(64).collect();
        assert_eq!(accented.len(), 128);
        assert_ne!(judge(&accented, &[]), Err(Weakness::TooLong));
        assert_eq!(judge(&format!("{accented}x"), &[]), Err(Weakness::TooLong));
        let decomposed: String = "o\u{30b}u\u{30b}A\u{301}E\u{301}i\u{301}o\u{301}".repeat(10);
        assert_eq!(decomposed.chars().count(), 120);
        assert_ne!(judge(&decomposed, &[]), Err(Weakness::TooLong));
        let short = "e\u{301}".repeat(7);
        assert_eq!(judge(&short, &[]), Err(Weakness::TooShort));
        assert_eq!(judge("jelszo\0jelszo", &[]), Err(Weakness::HoldsNul));
    }
}
