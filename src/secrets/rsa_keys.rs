//! Public RSA keys of others, as they hand them over: PEM.

use aws_lc_rs::rsa::PublicEncryptingKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// The public RSA key of 2048 to 8192 bits in this text, written the one way we keep it; none if it is anything else, a
/// private key above all.
#[must_use]
pub fn public_key(pem: &str) -> Option<String> {
    let inner = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let base64: String = inner.split_ascii_whitespace().collect();
    let der = STANDARD.decode(&base64).ok()?;
    let bits = PublicEncryptingKey::from_der(&der).ok()?.key_size_bits();
    if !(2048..=8192).contains(&bits) {
        return None;
    }
    let mut kept = format!("{BEGIN}\n");
    for (at, c) in base64.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            kept.push('\n');
        }
        kept.push(c);
    }
    Some(format!("{kept}\n{END}\n"))
}

/// The keys in a text of several, one after another.
#[must_use]
pub fn split(pems: &str) -> Vec<String> {
    pems.split_inclusive(END)
        .map(str::trim)
        .filter(|pem| !pem.is_empty())
        .map(|pem| format!("{pem}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::KeyPair as _;

    use super::*;

    fn pem() -> String {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = pair.public_key().as_der().unwrap();
        format!("{BEGIN}{}{END}", STANDARD.encode(der.as_ref()))
    }

    #[test]
    fn keys_are_kept_one_way_and_come_apart_again() {
        let (one, two) = (pem(), pem());
        let (kept, other) = (public_key(&one).unwrap(), public_key(&two).unwrap());
        assert!(kept.lines().all(|l| l.len() <= 64));
        assert_eq!(public_key(&kept).as_ref(), Some(&kept));
        assert_eq!(
            public_key(&kept.replace('\n', "\r\n")).as_ref(),
            Some(&kept)
        );
        assert_eq!(split(&format!("{kept}{other}")), [kept, other]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn what_is_no_such_key_is_refused() {
        let good = pem();
        let two = format!("{good}\n{good}");
        let private = good.replace("PUBLIC", "PRIVATE");
        let cut = good.replace("IDAQAB", "");
        for wrong in ["", "x", BEGIN, &two, &private, &cut] {
            assert_eq!(public_key(wrong), None, "{wrong}");
        }
    }
}
