//! The canonical form of texts and the check for control characters.

use std::borrow::Cow;

use caseless::Caseless;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The form in which names are compared and searched: NFKC and case-folded over all of Unicode, so that `ÁRVÍZ` and
/// `árvíz` are one name (SPEC §2). Logins are compared by [`super::mailbox::canonical_login`].
#[must_use]
pub fn canonical(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkc().default_case_fold().nfkc().collect()
}

/// The text in Unicode's composed form (NFC). A keyboard of macOS may send an accented letter as a letter and an
/// accent, while a keyboard of Windows sends one character.
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    match is_nfc(text) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.nfc().collect()),
    }
}

/// Whether `text` has a character that a single-line field must not have: a control character, or Unicode's line or
/// paragraph separator. A line break could forge a mail header or a log line.
#[must_use]
pub fn has_control(text: &str) -> bool {
    text.chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Whether `text` would be a dot segment in a path (RFC 3986 §3.3). Clients and proxies remove such segments.
#[must_use]
pub fn is_dot_segment(text: &str) -> bool {
    [".", ".."].contains(&text)
}

/// Whether `text` can be an id or a secret: one line, not empty, without leading or trailing blanks.
#[must_use]
pub fn is_line(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !has_control(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_over_unicode() {
        assert_eq!(canonical("ÁRVÍZTŰRŐ"), canonical("árvíztűrő"));
        assert_eq!(canonical("Straße"), canonical("STRASSE"));
        assert_eq!(canonical("e\u{301}"), canonical("É"));
    }

    #[test]
    fn finds_line_breaks_and_control_characters() {
        assert!(has_control("a\r\nBcc: b"));
        assert!(has_control("a\u{2028}b"));
        assert!(!has_control("Móka Miklós ŐŰ"));
    }
}
