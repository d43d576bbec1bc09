//! Characters, names, references and the declaration, as XML 1.0 (fifth edition) allows them.

use std::borrow::Cow;

use crate::contract::problem::Why;

/// White space (§2.3).
pub(super) const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// Whether XML 1.0 allows the character (§2.2).
pub(super) const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether a document or a piece of it holds only characters that XML 1.0 allows.
pub(super) fn has_only_xml_chars(text: &str) -> bool {
    // The loop has no early return, so that the compiler checks many bytes at once.
    let (mut forbidden, mut rare) = (false, false);
    for &byte in text.as_bytes() {
        forbidden |= byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
        rare |= byte == 0xEF;
    }
    // The only other forbidden characters in a Rust string are U+FFFE and U+FFFF, which begin with this byte.
    !forbidden && (!rare || !text.contains(['\u{FFFE}', '\u{FFFF}']))
}

/// The text before and after the first occurrence of an ASCII character. On the short texts of tags this is faster than
/// `str::split_once`.
pub(super) fn split_at(text: &str, ascii: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == ascii)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

pub(super) fn is_blank(text: &str) -> bool {
    text.bytes()
        .all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Whether a name may start with the character (§2.3, `NameStartChar`), except the colon.
const fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}'
        | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// Whether a name may continue with the character (§2.3, `NameChar`), except the colon.
const fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Whether the text is a name without a colon (Namespaces in XML 1.0 §3, `NCName`).
fn is_ncname(name: &str) -> bool {
    // Most names are in ASCII and need no decoding.
    let mut bytes = name.bytes();
    let starts = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if starts && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')) {
        return true;
    }
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// The prefix (perhaps empty) and the local part of a qualified name; `None` for any other text.
pub(super) fn qualified(name: &str) -> Option<(&str, &str)> {
    match split_at(name, b':') {
        Some((prefix, local)) => (is_ncname(prefix) && is_ncname(local)).then_some((prefix, local)),
        None => is_ncname(name).then_some(("", name)),
    }
}

/// The character of a reference, given the text between `&` and `;`.
pub(super) fn referred(reference: &str) -> Result<char, Why> {
    let Some(number) = reference.strip_prefix('#') else {
        return match reference {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            _ => Err(Why::UnknownEntity),
        };
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // `u32::from_str_radix` would accept a sign.
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(Why::NotWellFormed);
    }
    u32::from_str_radix(digits, radix)
        .ok()
        .and_then(char::from_u32)
        .filter(|c| is_xml_char(*c))
        .ok_or(Why::ForbiddenCharacter)
}

/// The error in an attribute value as sent, if there is one.
pub(super) fn value_error(raw: &str) -> Option<Why> {
    if !raw.bytes().any(|byte| matches!(byte, b'<' | b'&')) {
        return None;
    }
    if raw.contains('<') {
        return Some(Why::NotWellFormed);
    }
    let mut rest = raw;
    while let Some((_, after)) = rest.split_once('&') {
        let Some((reference, after)) = after.split_once(';') else {
            return Some(Why::NotWellFormed);
        };
        if let Err(why) = referred(reference) {
            return Some(why);
        }
        rest = after;
    }
    None
}

/// Normalizes an attribute value: resolves references and replaces white space by blanks (§3.3.3). The references must
/// be valid.
pub(super) fn normalized(raw: &str) -> Cow<'_, str> {
    let is_special = |byte| matches!(byte, b'&' | b'\t' | b'\n' | b'\r');
    if !raw.bytes().any(is_special) {
        return Cow::Borrowed(raw);
    }
    let mut value = Cow::Borrowed("");
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        let (before, special) = rest.split_at(at);
        value += before;
        let reference = special.strip_prefix('&').and_then(|r| r.split_once(';'));
        rest = if let Some((reference, after)) = reference {
            value.to_mut().extend(referred(reference));
            after
        } else {
            value += " ";
            let one = special.strip_prefix("\r\n");
            one.or_else(|| special.get(1..)).unwrap_or("")
        };
    }
    value += rest;
    value
}

/// Whether the markup is a complete XML declaration (§2.8): version 1.x, encoding and standalone, in this order.
pub(super) fn is_declaration(markup: &str) -> bool {
    let inside = markup
        .strip_prefix("<?xml")
        .and_then(|m| m.strip_suffix("?>"));
    let Some((version, mut rest)) = inside.and_then(|m| quoted(m, "version")) else {
        return false;
    };
    let minor = version.strip_prefix("1.").unwrap_or("");
    let mut fine = !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit());
    if let Some((name, after)) = quoted(rest, "encoding") {
        let name_char = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        fine &= name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(name_char);
        rest = after;
    }
    if let Some((standalone, after)) = quoted(rest, "standalone") {
        fine &= matches!(standalone, "yes" | "no");
        rest = after;
    }
    fine && is_blank(rest)
}

/// The value of `name="value"` after white space, and the rest of the text.
fn quoted<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let blank = text.strip_prefix(BLANKS)?;
    let equals = blank.trim_start_matches(BLANKS).strip_prefix(name)?;
    let value = equals
        .trim_start_matches(BLANKS)
        .strip_prefix('=')?
        .trim_start_matches(BLANKS);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalizes_an_attribute_value() {
        for (raw, value) in [
            ("", ""),
            ("a", "a"),
            ("&#49;", "1"),
            ("a\r\nb\tc\n\rd", "a b c  d"),
            ("a&#13;&#xA;&amp;&lt;b", "a\r\n&<b"),
            ("é&#x10FFFF;", "é\u{10FFFF}"),
        ] {
            assert_eq!(normalized(raw), value, "{raw:?}");
        }
    }

    #[test]
    fn splits_qualified_names_and_refuses_other_texts() {
        for (name, parts) in [
            ("a", Some(("", "a"))),
            ("s:Body", Some(("s", "Body"))),
            ("_a-1.b", Some(("", "_a-1.b"))),
            ("é:ő\u{B7}", Some(("é", "ő\u{B7}"))),
            ("", None),
            (":a", None),
            ("a:", None),
            ("a:b:c", None),
            ("1a", None),
            ("-a", None),
            (".a", None),
            ("a b", None),
            ("a\u{D7}", None),
            ("a:1", None),
        ] {
            assert_eq!(qualified(name), parts, "{name}");
        }
    }

    #[test]
    fn resolves_good_references_only() {
        assert_eq!(referred("#x1F600"), Ok('\u{1F600}'));
        assert_eq!(referred("#00000000000065"), Ok('A'));
        for bad in ["#", "#x", "#X41", "#+65", "#x+41", "#6 5", "#xG", "#-1"] {
            assert_eq!(referred(bad), Err(Why::NotWellFormed), "{bad}");
        }
        for bad in [
            "#0",
            "#8",
            "#xD800",
            "#xFFFE",
            "#x110000",
            "#99999999999999",
        ] {
            assert_eq!(referred(bad), Err(Why::ForbiddenCharacter), "{bad}");
        }
        assert_eq!(referred("nbsp"), Err(Why::UnknownEntity));
    }
}
