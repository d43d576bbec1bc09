//! Rules for user names and display names, and the detection of names that look alike.

use icu_properties::props::{EnumeratedProperty as _, GeneralCategory, Script};
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton as uts39_skeleton;

use super::hidden::{is_hidden, is_mark};
use super::mailbox::is_email;
use super::text::{canonical, has_control, is_dot_segment};

/// The maximum length of a user name, display name, organisational unit or role, in characters.
pub const MAX_NAME_CHARS: u32 = 128;
/// The prefix of the pseudonym that replaces an erased user in the audit log. No user name may start with it.
pub const ERASED: &str = "erased:";
/// The maximum length of a stored skeleton, in characters.
const MAX_SKELETON_CHARS: usize = 256;

/// The reason why a text is not a valid name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The text has a control character or a line break, or it is a user name that is empty or has an outer blank.
    Control,
    /// The text has a character for which [`is_hidden`] is true.
    Hidden,
    /// The text starts or ends with a combining mark that belongs to no letter.
    MarkWithoutLetter,
    /// The text has no visible character.
    Blank,
    /// The name has a special meaning in paths or in the audit log.
    Reserved,
}

/// The flaw of a one-line text that people read, such as an organisational unit.
#[must_use]
pub fn flaw_of_line(text: &str) -> Option<Flaw> {
    if has_control(text) {
        return Some(Flaw::Control);
    }
    text.contains(is_hidden).then_some(Flaw::Hidden)
}

/// The flaw of a person's or an organisation's name. A trailing mark that the script needs, as in Thai and
/// Devanagari, is not a flaw.
#[must_use]
pub fn flaw_of_display_name(text: &str) -> Option<Flaw> {
    if let Some(flaw) = flaw_of_line(text) {
        return Some(flaw);
    }
    if text.is_ascii() {
        return text.trim().is_empty().then_some(Flaw::Blank);
    }
    let folded = canonical(text);
    if !folded.contains(|c: char| !c.is_whitespace() && !is_mark(c)) {
        return Some(Flaw::Blank);
    }
    (has_mark_without_base(text) || ends_with_loose_mark(text)).then_some(Flaw::MarkWithoutLetter)
}

/// The flaw of a user name. The rules are stricter than those of [`flaw_of_display_name`]: no leading or trailing
/// blanks and no trailing mark in any script, before and after folding. Only an e-mail address may end with a mark,
/// because its domain may.
#[must_use]
pub fn flaw_of_user_name(text: &str) -> Option<Flaw> {
    if text.is_empty() || text.trim() != text {
        return Some(Flaw::Control);
    }
    if let Some(flaw) = flaw_of_display_name(text) {
        return Some(flaw);
    }
    let folded = canonical(text);
    if folded.starts_with(ERASED) || is_dot_segment(&folded) || has_percent_escape(&folded) {
        return Some(Flaw::Reserved);
    }
    if folded.trim() != folded {
        return Some(Flaw::Control);
    }
    let is_loose = folded.starts_with(is_mark) || (folded.ends_with(is_mark) && !is_email(text));
    is_loose.then_some(Flaw::MarkWithoutLetter)
}

/// Whether a name has a percent-encoded byte. In the header `X-User-Name`, the gateway would decode such a name to the
/// name of another user.
fn has_percent_escape(folded: &str) -> bool {
    let mut after_percent = folded.split('%').skip(1);
    after_percent.any(|rest| {
        let mut digits = rest.chars().take(2);
        let is_hex = |c: Option<char>| c.is_some_and(|c| c.is_ascii_hexdigit());
        is_hex(digits.next()) && is_hex(digits.next())
    })
}

/// Removes from an asserted name every character that a display name must not have. Returns `None` if no visible
/// character is left.
#[must_use]
pub fn cleaned(text: &str) -> Option<String> {
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        let is_baseless = || is_mark(c) && !kept.ends_with(|base: char| !base.is_whitespace());
        if !is_hidden(c) && !has_control(c.encode_utf8(&mut [0; 4])) && !is_baseless() {
            kept.push(c);
        }
    }
    let mut kept = kept.trim();
    while ends_with_loose_mark(kept) {
        let (last, _) = kept.char_indices().next_back().unwrap_or_default();
        kept = kept.get(..last).unwrap_or("").trim_end();
    }
    flaw_of_display_name(kept)
        .is_none()
        .then(|| kept.to_owned())
}

fn has_mark_without_base(text: &str) -> bool {
    let mut has_base = false;
    text.chars().any(|c| {
        let is_loose = is_mark(c) && !has_base;
        has_base = !c.is_whitespace();
        is_loose
    })
}

/// Whether the last mark of a text is loose: an enclosing mark, or an accent on a Latin, Greek or Cyrillic letter for
/// which Unicode has no precomposed form. A second accent on an accented letter belongs to that letter, as in Yoruba.
fn ends_with_loose_mark(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let composed: Vec<char> = text.nfc().collect();
    let category = |c: &char| GeneralCategory::for_char(*c);
    let is_accent = |c: &char| category(c) == GeneralCategory::NonspacingMark;
    let mut backwards = composed.iter().rev();
    match backwards.next() {
        Some(last) if category(last) == GeneralCategory::EnclosingMark => return true,
        Some(last) if is_accent(last) => {}
        _ => return false,
    }
    let is_only_one = !backwards.clone().next().is_some_and(is_accent);
    let Some(base) = backwards.find(|c| !is_mark(**c)) else {
        return true;
    };
    let scripts_without_marks = [
        Script::Latin,
        Script::Greek,
        Script::Cyrillic,
        Script::Common,
    ];
    let has_accent = std::iter::once(*base).nfd().count() > 1;
    scripts_without_marks.contains(&Script::for_char(*base)) && !(is_only_one && has_accent)
}

/// The skeleton (UTS #39 §4) of the folded user name. Two names that people may confuse have the same skeleton. The
/// letter i counts as l, because a capital I looks like an l.
#[must_use]
pub fn skeleton(user_name: &str) -> String {
    let seen: String = uts39_skeleton(user_name).collect();
    uts39_skeleton(&canonical(&seen))
        .map(|c| if c == 'i' { 'l' } else { c })
        .take(MAX_SKELETON_CHARS)
        .collect()
}

/// The version of the Unicode tables that [`skeleton`] and [`super::mailbox::canonical_login`] use. After a change of
/// version the stored values are computed again.
#[must_use]
pub fn tables_version() -> String {
    let (major, minor, update) = unicode_security::UNICODE_VERSION;
    format!("1/{major}.{minor}.{update}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_user_names_of_one_line_without_outer_blanks() {
        for good in [
            "móka miki",
            "a",
            "...",
            "100%",
            "50%a",
            "1@apekx",
            "Őr_7",
            "e\u{301}",
            "王小明",
        ] {
            assert_eq!(flaw_of_user_name(good), None, "{good}");
        }
        for (bad, flaw) in [
            ("", Flaw::Control),
            (" a", Flaw::Control),
            ("a\nb", Flaw::Control),
            ("a\u{2028}b", Flaw::Control),
            ("\u{b4}a", Flaw::Control),
            ("a\u{200b}", Flaw::Hidden),
            ("a\u{2800}", Flaw::Hidden),
            ("a\u{fff9}", Flaw::Hidden),
            ("\u{301}", Flaw::Blank),
            ("\u{301}a", Flaw::MarkWithoutLetter),
            ("a\u{336}", Flaw::MarkWithoutLetter),
            ("แม่\u{e49}", Flaw::MarkWithoutLetter),
            ("Erased:abc", Flaw::Reserved),
            ("．", Flaw::Reserved),
            ("..", Flaw::Reserved),
            ("admin%20", Flaw::Reserved),
            ("a％4Ｄ", Flaw::Reserved),
        ] {
            assert_eq!(flaw_of_user_name(bad), Some(flaw), "{bad:?}");
        }
    }

    #[test]
    fn accepts_display_names_that_end_with_marks_of_their_script() {
        for good in [
            " Anna ",
            "Kissne\u{301}",
            "Adébáyọ\u{300}",
            "प्रिया",
            "สวัสดี",
            "מֹשֶׁה",
        ] {
            assert_eq!(flaw_of_display_name(good), None, "{good}");
        }
        for (bad, flaw) in [
            (" ", Flaw::Blank),
            ("\u{a0}", Flaw::Blank),
            ("", Flaw::Blank),
            ("Anna\u{336}", Flaw::MarkWithoutLetter),
            ("Anna\u{20e3}", Flaw::MarkWithoutLetter),
            ("Anne\u{301}\u{301}\u{301}", Flaw::MarkWithoutLetter),
            ("A \u{301}nna", Flaw::MarkWithoutLetter),
            ("An\u{202e}na", Flaw::Hidden),
        ] {
            assert_eq!(flaw_of_display_name(bad), Some(flaw), "{bad:?}");
        }
    }

    #[test]
    fn removes_forbidden_characters_from_asserted_names() {
        assert_eq!(
            cleaned("\u{202e}Va\u{200b}laki\u{336} ").as_deref(),
            Some("Valaki")
        );
        assert_eq!(cleaned("\u{301}A \u{301}B").as_deref(), Some("A B"));
        assert_eq!(cleaned("Kissné"), Some("Kissné".to_owned()));
        assert_eq!(cleaned("\u{2066}\u{301}\u{2069}"), None);
    }

    #[test]
    fn gives_names_that_look_alike_one_skeleton() {
        for like in [
            "аdmin",
            "АDMIN",
            "ADMIN",
            "adrnin",
            "adm1n",
            "ADM1N",
            "admIn",
            "ａｄｍｉｎ",
        ] {
            assert_eq!(skeleton(like), skeleton("admin"), "{like}");
        }
        assert_eq!(skeleton("r00t"), skeleton("ROOT"));
        assert_eq!(skeleton("Βéla"), skeleton("béla"));
        for other in ["admin2", "ádmin", "badmin", "ad.min"] {
            assert_ne!(skeleton(other), skeleton("admin"), "{other}");
        }
    }
}
