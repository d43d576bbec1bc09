//! The purposes and the text form of one-time tokens.

use super::words::words;

words! {
    /// The purpose of a one-time token.
    pub enum Purpose {
        /// Activates a registered user.
        Activation = "activation",
        /// Sets a new password.
        PasswordReset = "password_reset",
    }
}

/// Formats 128 random bits as a token: 32 lower-case hexadecimal characters, as in the original samples.
#[must_use]
pub fn format(random: [u8; 16]) -> String {
    hex(&random)
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            let digit = if nibble < 10 { b'0' } else { b'a' - 10 };
            text.push(char::from(digit + nibble));
        }
    }
    text
}

/// Whether `text` has the form of a token. Other texts are refused without a database query.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    text.len() == 32 && is_lower_hex(text)
}

/// Whether `text` consists of lower-case hexadecimal digits only.
pub(super) fn is_lower_hex(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_tokens_that_it_formats() {
        let token = format([0xfc; 16]);
        assert_eq!(token, "fc".repeat(16));
        assert!(is_well_formed(&token));
        assert!(!is_well_formed(&token.to_uppercase()));
        assert!(!is_well_formed("abc"));
    }
}
