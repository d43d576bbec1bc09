//! Keys, hashes and signatures; the only module that knows jsonwebtoken, bcrypt and the ciphers.

pub mod assertions;
pub mod hashing;
pub mod keys;
pub mod rsa_keys;
pub mod sealing;
pub mod signing_keys;
pub mod stamps;
pub mod tokens;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use crate::domain::one_time_token::hex;

/// Lower-case hexadecimal SHA-256: how client keys and one-time tokens are kept. They carry 128
/// random bits, so that no slow hash is needed (SECURITY-CHECKS T2).
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Whether two secrets are the same. The time it takes tells nothing of either, nor of how long they are.
#[must_use]
pub fn is_same(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|text| digest(&SHA256, text.as_bytes()));
    verify_slices_are_equal(a.as_ref(), b.as_ref()).is_ok()
}
