//! Browser sessions: the token in the cookie and the precision of the last use.

use super::Millis;
use super::one_time_token::{hex, is_lower_hex};

/// The precision of a session's last use: five minutes. A finer value would make every request write to the database.
pub const SEEN_EVERY_MS: Millis = 5 * 60 * 1000;

/// The maximum length of the stored `User-Agent` header, in characters; longer values are cut.
pub const USER_AGENT_CHARS: usize = 200;

/// Formats 256 random bits as a session token: 64 lower-case hexadecimal characters.
#[must_use]
pub fn format(random: [[u8; 16]; 2]) -> String {
    hex(random.as_flattened())
}

/// Whether `text` has the form of a session token. Other texts are refused without a database query.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    text.len() == 64 && is_lower_hex(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_tokens_that_it_formats() {
        let token = format([[0xfc; 16], [0x01; 16]]);
        assert_eq!(token, format!("{}{}", "fc".repeat(16), "01".repeat(16)));
        assert!(is_well_formed(&token));
        assert!(!is_well_formed(&token.to_uppercase()));
        assert!(!is_well_formed("abc"));
    }
}
