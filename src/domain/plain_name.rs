//! The form of a name that a mail may show: short, and free of text that a mail program turns into a link or a
//! telephone number. Anybody can register another person's address under any name, so the mail to that address must
//! not carry a message in the name.

use unicode_normalization::UnicodeNormalization as _;

use super::text::canonical;

/// The maximum length of a name in a mail, in characters.
pub const MAX_CHARS: usize = 40;
/// The maximum length of an abbreviation with a trailing dot, such as `prof.`, in characters without the dot.
const MAX_ABBREVIATION_CHARS: usize = 6;
/// The maximum number of digits in a name; telephone numbers have more.
const MAX_DIGITS: usize = 3;

/// The name of a person, cut after the last whole word within [`MAX_CHARS`]. A name consists of words of letters, a few
/// digits, hyphens and apostrophes. Returns `None` for any other text, such as a URL, a domain, `@`, markup or a line
/// break.
#[must_use]
pub fn of_person(text: &str) -> Option<String> {
    let text: String = text.nfc().collect();
    let is_plain = !text.chars().any(char::is_control)
        && text.chars().filter(|c| c.is_numeric()).count() <= MAX_DIGITS
        && text.split(' ').all(|word| word.is_empty() || is_word(word));
    if !is_plain {
        return None;
    }
    let mut name = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let gap = usize::from(!name.is_empty());
        if name.chars().count() + gap + word.chars().count() > MAX_CHARS {
            break;
        }
        if gap == 1 {
            name.push(' ');
        }
        name.push_str(word);
    }
    Some(name).filter(|name| !name.is_empty())
}

/// The user name if it is one plain word of at most [`MAX_CHARS`] letters, digits, hyphens and underscores; otherwise
/// the mailbox. Users can sign in with either.
#[must_use]
pub fn of_user(user_name: &str, mailbox: &str) -> String {
    let is_plain = user_name.chars().count() <= MAX_CHARS
        && user_name.chars().filter(|c| c.is_numeric()).count() <= MAX_DIGITS
        && user_name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        && !begins_like_a_link(user_name);
    match is_plain {
        true => user_name.to_owned(),
        false => mailbox.to_owned(),
    }
}

fn is_word(word: &str) -> bool {
    let bare = word.strip_suffix([',', '.']).unwrap_or(word);
    let is_abbreviation = bare.chars().count() <= MAX_ABBREVIATION_CHARS;
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '-' | '\'' | '’');
    !bare.is_empty()
        && bare.chars().all(letter)
        && (is_abbreviation || !word.ends_with('.'))
        && !begins_like_a_link(bare)
}

fn begins_like_a_link(word: &str) -> bool {
    let folded = canonical(word);
    ["http", "www", "mailto"]
        .iter()
        .any(|start| folded.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_names_of_people() {
        for name in [
            "Móka Miklós",
            "dr. Nagy-Kovács Ágnes",
            "Jean-Luc O’Neill, Jr.",
            "Α. Παπαδόπουλος",
            "李 小龍",
            "Teszt Elek 2",
        ] {
            assert_eq!(of_person(name).as_deref(), Some(name));
        }
        assert_eq!(of_person("e\u{301}va").as_deref(), Some("éva"));
    }

    #[test]
    fn refuses_names_that_mail_programs_turn_into_links() {
        for text in [
            "https://evil.example/x",
            "http evil example",
            "evil.example",
            "evil。example",
            "evil．example",
            "evil․example",
            "www evil",
            "WWW.EVIL.EXAMPLE",
            "a@evil.example",
            "a＠evil",
            "mailto:a",
            "+36 30 123 4567",
            "Hívd 06301234567",
            "<b>Ági</b>",
            "[x](y)",
            "Ági\r\nBcc: x",
            "Ági\nlink",
            "Ági\u{2028}x",
            "Ági\u{202e}x",
            "a/b",
            "Nyertél!",
            "",
            " ",
        ] {
            assert_eq!(of_person(text), None, "{text:?}");
        }
    }

    #[test]
    fn cuts_a_long_name_after_a_whole_word() {
        let name = of_person(&"hosszú ".repeat(20)).unwrap();
        assert_eq!(name, "hosszú hosszú hosszú hosszú hosszú");
        assert_eq!(of_person(&"a".repeat(MAX_CHARS + 1)), None);
    }

    #[test]
    fn shows_the_mailbox_if_the_user_name_is_not_plain() {
        let of = |name| of_user(name, "a@b.hu");
        assert_eq!(of("moka_miki-2"), "moka_miki-2");
        for name in [
            "x@evil.example",
            "evil.example",
            "two words",
            "https-evil",
            "call 06301234567",
            "06301234567",
        ] {
            assert_eq!(of(name), "a@b.hu", "{name}");
        }
        assert_eq!(of(&"a".repeat(MAX_CHARS + 1)), "a@b.hu");
    }
}
