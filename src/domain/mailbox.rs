//! The syntax of e-mail addresses and the comparison of mailboxes.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::hidden::{is_hidden, is_mark};
use super::text::canonical;

/// The maximum length of an e-mail address, in characters (RFC 5321 §4.5.3.1.3 without the angle brackets).
pub const MAX_EMAIL_CHARS: u32 = 254;
/// The domain of the placeholder address of a user without an e-mail address. The `.invalid` domain never receives
/// mail (RFC 2606 §2).
pub(super) const PLACEHOLDER_DOMAIN: &str = "nowhere.invalid";

/// The form in which logins (user names and e-mail addresses) are compared. It is the canonical form, with the domain
/// of an address in ASCII, so that `user@bücher.de` and `user@xn--bcher-kva.de` are one mailbox (SPEC §2). An address
/// with an invalid domain stays in its canonical form.
#[must_use]
pub fn canonical_login(text: &str) -> String {
    let folded = canonical(text);
    if !may_have_idn_domain(&folded) {
        return folded;
    }
    let Some((local, domain)) = folded.rsplit_once('@') else {
        return folded;
    };
    // An A-label can encode letters that case folding changes, so the domain is decoded and folded first.
    let (decoded, _) = Uts46::new().to_unicode(
        domain.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
    );
    match ascii_domain(&canonical(&decoded)) {
        Some(ascii) => format!("{local}@{ascii}"),
        None => folded,
    }
}

/// Whether [`canonical_login`] may return something other than `folded`.
fn may_have_idn_domain(folded: &str) -> bool {
    !folded.is_ascii() || folded.contains("xn--")
}

/// The address with its domain in ASCII, for mail servers without SMTPUTF8 (RFC 6531). An address with an invalid
/// domain is returned unchanged.
#[must_use]
pub fn with_ascii_domain(address: &str) -> String {
    let converted = address
        .rsplit_once('@')
        .and_then(|(local, domain)| Some(format!("{local}@{}", ascii_domain(domain)?)));
    converted.unwrap_or_else(|| address.to_owned())
}

/// The domain in lower-case ASCII by UTS #46 without transitional mappings; `None` if the domain is invalid.
fn ascii_domain(domain: &str) -> Option<String> {
    Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()
        .map(|ascii| ascii.into_owned())
}

/// Whether `text` has the syntax of a deliverable address: one `@`, a local part of at most 64 bytes without quotes, a
/// valid domain with a dot, and no hidden characters.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_letter = |c: char| c.is_alphanumeric() && !is_hidden(c);
    // RFC 5322 atoms, with the letters and digits of all scripts (RFC 6531).
    let atom = |c: char| is_letter(c) || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let label = |l: &str| l.chars().all(|c| is_letter(c) || is_mark(c) || c == '-');
    let is_local = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.starts_with(is_mark)
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(atom);
    is_local
        && domain.contains('.')
        && domain.split('.').all(label)
        // A user with an address in this domain would look like a user without an address.
        && ascii_domain(domain).is_some_and(|ascii| !ascii.ends_with(PLACEHOLDER_DOMAIN))
}

/// Whether `email` is the placeholder of a user without an e-mail address.
#[must_use]
pub fn is_placeholder(email: &str) -> bool {
    email.ends_with(PLACEHOLDER_DOMAIN)
}

/// Whether a person would read this user name as an e-mail address, even if no mail could be delivered to it.
#[must_use]
pub fn looks_like_address(user_name: &str) -> bool {
    let folded = canonical(user_name).replace('。', ".");
    folded.rsplit_once('@').is_some_and(|(local, domain)| {
        let domain = domain.trim_end_matches('.');
        let is_domain = domain.contains('.') && !domain.contains([' ', '/', ':']);
        !local.is_empty() && is_domain
    })
}

/// Whether a user with this e-mail address may have this user name. A user name that looks like an address must be
/// the user's own address.
#[must_use]
pub fn is_own_or_no_address(user_name: &str, email: &str) -> bool {
    !looks_like_address(user_name) || canonical_login(user_name) == canonical_login(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_deliverable_addresses_only() {
        for good in [
            "moka.miklos@dbx.hu",
            "gabor.papp+hakapeszi.maki@dbx.hu",
            "őű@példa.hu",
            "a@xn--bcher-kva.de",
            "नाम@उदाहरण.भारत",
        ] {
            assert!(is_email(good), "{good}");
        }
        let long_label = format!("a@{}.hu", "ő".repeat(60));
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
            "a\u{3164}@b.hu",
            "\u{301}a@b.hu",
            "\u{93e}a@b.hu",
            "a@b\u{200d}.hu",
            "a@xn--a.hu",
            "a@b_c.hu",
            &long_label,
            "a@nowhere.invalid",
            "a@NOWHERE.Invalid",
        ] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }

    #[test]
    fn compares_unicode_and_ascii_domains_as_one_mailbox() {
        let ascii = "user@xn--bcher-kva.de";
        for same in [
            "user@bücher.de",
            "User@BÜCHER.DE",
            "user@bu\u{308}cher.de",
            "user＠bücher。de",
            "USER@XN--BCHER-KVA.de",
        ] {
            assert_eq!(canonical_login(same), ascii, "{same}");
        }
        assert_eq!(
            canonical_login("a@straße.de"),
            canonical_login("a@xn--strae-oqa.de")
        );
        assert_ne!(
            canonical_login("a@bücher.de"),
            canonical_login("a@bucher.de")
        );
        // A text without a domain, and an address with an invalid domain.
        assert_eq!(canonical_login("BÜCHER.de"), "bücher.de");
        assert_eq!(canonical_login("a@xn--a.hu"), "a@xn--a.hu");
        assert_eq!(with_ascii_domain("Őr@Bücher.de"), "Őr@xn--bcher-kva.de");
        assert_eq!(with_ascii_domain("a@b_c"), "a@b_c");
    }

    /// Every character that folding changes, and random texts of characters that folding or IDNA treats specially.
    #[test]
    fn returns_a_canonical_login_unchanged() {
        let check = |text: &str| {
            let folded = canonical(text);
            assert_eq!(canonical(&folded), folded, "{text:?}");
            let login = canonical_login(text);
            assert_eq!(canonical_login(&login), login, "{text:?}");
            assert_eq!(canonical_login(&folded), login, "{text:?}");
        };
        // The planes above hold mostly ideographs and private-use characters.
        for c in '\0'..'\u{20000}' {
            let text = c.to_string();
            if canonical(&text) != text {
                check(&format!("{c}@{c}b.hu"));
            }
        }
        let special: Vec<char> = "aBé@..-xn--ßẞςσΣİıſK\u{345}\u{301}\u{308}\u{327}\u{3b1}\u{390}ﬁ㍿。．＠ÅÅ\u{ad}\u{200d}\u{94d}क‌हא1ᾳ"
            .chars()
            .collect();
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % u64::try_from(below).unwrap()).unwrap()
        };
        for _ in 0..2_000 {
            let length = next(12);
            let text: String = (0..length).map(|_| special[next(special.len())]).collect();
            check(&text);
            check(&format!("{text}@{text}.hu"));
        }
    }

    #[test]
    fn recognises_user_names_that_look_like_addresses() {
        for address in ["a@b.hu", "A＠B．HU", "a@b。hu", "a@b.hu.", "a b@c_d.hu"] {
            assert!(looks_like_address(address), "{address}");
        }
        for name in [
            "a",
            "a@b",
            "@b.hu",
            "7@apekx",
            "1@https://school.example",
            "a@",
            "a@.",
        ] {
            assert!(!looks_like_address(name), "{name}");
        }
        assert!(is_own_or_no_address("A@Bücher.de", "a@xn--bcher-kva.de"));
        assert!(!is_own_or_no_address("a@b.hu", "a@c.hu"));
    }
}
