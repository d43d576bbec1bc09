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
