//! Keys, hashes and signatures. This is the only module that uses jsonwebtoken, bcrypt and the ciphers.

pub mod assertions;
pub mod hashing;
pub mod keyed_hashes;
pub mod keys;
pub mod rsa_keys;
pub mod sealing;
pub mod signing_keys;
pub mod tokens;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use crate::domain::one_time_token::hex;

/// The SHA-256 of a text in lower-case hexadecimal: the stored form of client keys and one-time tokens. These keys and
/// tokens have 128 random bits, so they need no slow hash (SECURITY.md, rule T2).
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Whether two secrets are equal. The comparison takes the same time for all contents and lengths.
#[must_use]
pub fn is_same(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|text| digest(&SHA256, text.as_bytes()));
    verify_slices_are_equal(a.as_ref(), b.as_ref()).is_ok()
}
