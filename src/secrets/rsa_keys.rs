//! RSA keys in PEM: the public keys of partners, and key pairs for the demo and for tests.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicEncryptingKey};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// Parses a public RSA key of 2048 to 8192 bits and returns it in the one PEM form that is stored. Returns `None` for
/// any other text, such as a private key.
#[must_use]
pub fn public_key(pem: &str) -> Option<String> {
    let inner = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let base64: String = inner.split_ascii_whitespace().collect();
    let der = STANDARD.decode(&base64).ok()?;
    let bits = PublicEncryptingKey::from_der(&der).ok()?.key_size_bits();
    if !(2048..=8192).contains(&bits) {
        return None;
    }
    Some(in_pem("PUBLIC KEY", &base64))
}

/// Generates a private key of 2048 bits (PKCS #8). Returns `None` if the system has no randomness.
#[must_use]
pub fn generate() -> Option<String> {
    let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).ok()?;
    Some(in_pem(PRIVATE, &STANDARD.encode(der.as_ref())))
}

/// The public key of a private key (PKCS #8), in the form of [`public_key`]. Returns `None` if the text is not such a
/// key.
#[must_use]
pub fn public_half(private_key: &str) -> Option<String> {
    let begin = format!("-----BEGIN {PRIVATE}-----");
    let end = format!("-----END {PRIVATE}-----");
    let inner = private_key
        .trim()
        .strip_prefix(&begin)?
        .strip_suffix(&end)?;
    let base64: String = inner.split_ascii_whitespace().collect();
    let pair = KeyPair::from_pkcs8(&STANDARD.decode(base64).ok()?).ok()?;
    let der = pair.public_key().as_der().ok()?;
    public_key(&in_pem("PUBLIC KEY", &STANDARD.encode(der.as_ref())))
}

const PRIVATE: &str = "PRIVATE KEY";

fn in_pem(label: &str, base64: &str) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for (at, c) in base64.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    format!("{text}\n-----END {label}-----\n")
}

/// Splits a text into the PEM keys it holds.
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
    use super::*;

    fn pem() -> String {
        public_half(&generate().unwrap()).unwrap()
    }

    #[test]
    fn stores_keys_in_one_form_and_splits_them() {
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
    fn refuses_texts_that_are_not_public_rsa_keys() {
        let good = pem();
        let two = format!("{good}\n{good}");
        let private = good.replace("PUBLIC", "PRIVATE");
        let cut = good.replace("IDAQAB", "");
        for wrong in ["", "x", BEGIN, &two, &private, &cut] {
            assert_eq!(public_key(wrong), None, "{wrong}");
        }
    }
}
