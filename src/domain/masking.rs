//! Masks the telephone number and the e-mail address of a user in answers to other people.

/// The maximum number of readable characters at the end of a telephone number.
const DIGITS_SHOWN: usize = 4;
/// The maximum number of readable characters at the beginning of an e-mail address.
const LETTERS_SHOWN: usize = 2;

/// The number with an asterisk for each character except the last four; at least half of the characters are masked.
#[must_use]
pub fn masked_phone(phone: &str) -> String {
    let length = phone.chars().count();
    let hidden = length - DIGITS_SHOWN.min(length / 2);
    let mask = |(at, c)| if at < hidden { '*' } else { c };
    phone.chars().enumerate().map(mask).collect()
}

/// The address with an asterisk for each character of the local part except the first two; at least half of the local
/// part is masked. The masked address keeps the length, because portals compare the length.
#[must_use]
pub fn masked_email(email: &str) -> String {
    let (local, domain) = email.rsplit_once('@').unwrap_or((email, ""));
    let shown = LETTERS_SHOWN.min(local.chars().count() / 2);
    let mask = |(at, c)| if at < shown { c } else { '*' };
    let mut masked: String = local.chars().enumerate().map(mask).collect();
    if !domain.is_empty() {
        masked.push('@');
        masked.push_str(domain);
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::{masked_email, masked_phone};

    #[test]
    fn masks_at_least_half_of_a_phone_and_of_a_local_part() {
        for (phone, masked) in [
            ("+36301234567", "********4567"),
            ("8884930864", "******0864"),
            ("1234", "**34"),
            ("1", "*"),
            ("", ""),
        ] {
            assert_eq!(masked_phone(phone), masked);
        }
        for (email, masked) in [
            ("mokamiki@example.org", "mo******@example.org"),
            ("ab@example.org", "a*@example.org"),
            ("a@example.org", "*@example.org"),
            ("ődön@example.org", "őd**@example.org"),
            ("\"a@b\"@example.org", "\"a***@example.org"),
            ("anna", "an**"),
        ] {
            assert_eq!(masked_email(email), masked);
        }
    }
}
