//! Sessions of browsers: what their cookies hold, and how exactly their use is noted.

use super::Millis;
use super::one_time_token::hex;

/// How exactly the last use of a session is known, so that not every request writes: five minutes.
pub const SEEN_EVERY_MS: Millis = 5 * 60 * 1000;

/// The longest that a browser may call itself in the list of sessions, in characters; what is more is cut.
pub const USER_AGENT_CHARS: usize = 200;

/// Writes 256 random bits as a session's token: 64 lower-case hexadecimal characters.
#[must_use]
pub fn format(random: [[u8; 16]; 2]) -> String {
    hex(random.as_flattened())
}

/// Whether `text` has the form of a session's token at all, so that nothing else is ever looked up.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_accepts() {
        let token = format([[0xfc; 16], [0x01; 16]]);
        assert_eq!(token, format!("{}{}", "fc".repeat(16), "01".repeat(16)));
        assert!(is_well_formed(&token));
        assert!(!is_well_formed(&token.to_uppercase()));
        assert!(!is_well_formed("abc"));
    }
}
