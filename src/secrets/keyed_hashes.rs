//! Keyed hashes: stamps that only we can make, and the hashes that portals check with a secret they share with us.

use std::io;
use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA512, Key, sign};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use super::keys::load_or_make;
use crate::domain::one_time_token::hex;

/// What a stamp is for, so that one of one kind is none of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Shows that a form was given out by us, to this browser.
    Form,
    /// Names what attempts are counted for, without naming it.
    Attempts,
}

impl Use {
    const fn label(self) -> &'static str {
        match self {
            Use::Form => "form",
            Use::Attempts => "attempts",
        }
    }
}

/// One key for each use, derived from a key file that lies outside the database.
pub struct Stamper {
    form: Key,
    attempts: Key,
}

impl Stamper {
    /// The stamper with the key in this file, which is made if it is not there.
    ///
    /// # Errors
    /// A file that cannot be read or made, or holds no key.
    pub fn load(path: &Path) -> io::Result<Self> {
        let bytes = load_or_make(path, || {
            let mut key = vec![0; 32];
            // An all-zero key would be refused below.
            let _ = SystemRandom::new().fill(&mut key);
            key
        })?;
        if bytes.len() != 32 || bytes.iter().all(|b| *b == 0) {
            return Err(io::Error::other(format!(
                "{} holds no stamping key",
                path.display()
            )));
        }
        let root = Salt::new(HKDF_SHA256, b"chaingun-gateway stamps v1").extract(&bytes);
        let derive = |purpose: Use| {
            let info = [purpose.label().as_bytes()];
            let derived = root.expand(&info, HMAC_SHA256).map(Key::from);
            derived.map_err(|_| io::Error::other("the stamping keys cannot be derived"))
        };
        Ok(Self {
            form: derive(Use::Form)?,
            attempts: derive(Use::Attempts)?,
        })
    }

    /// The stamp of a text, as 64 lower-case hexadecimal characters.
    #[must_use]
    pub fn stamp(&self, purpose: Use, text: &str) -> String {
        let key = match purpose {
            Use::Form => &self.form,
            Use::Attempts => &self.attempts,
        };
        hex(sign(key, text.as_bytes()).as_ref())
    }

    /// Whether this is the stamp of that text; takes the same time whatever is wrong with it.
    #[must_use]
    pub fn is_stamp(&self, purpose: Use, text: &str, stamp: &str) -> bool {
        let right = self.stamp(purpose, text);
        verify_slices_are_equal(right.as_bytes(), stamp.as_bytes()).is_ok()
    }
}

/// Lower-case hexadecimal HMAC-SHA512: the hashes of the loginbar (SPEC §10).
#[must_use]
pub fn hmac_sha512_hex(secret: &str, text: &str) -> String {
    let key = Key::new(HMAC_SHA512, secret.as_bytes());
    hex(sign(&key, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_good_for_one_use_and_one_text_under_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let stamper = Stamper::load(&folder.path().join("a.key")).unwrap();
        let stamp = stamper.stamp(Use::Form, "browser");
        assert_eq!(stamp.len(), 64);
        assert!(stamper.is_stamp(Use::Form, "browser", &stamp));
        assert!(!stamper.is_stamp(Use::Form, "another", &stamp));
        assert!(!stamper.is_stamp(Use::Attempts, "browser", &stamp));
        assert!(!stamper.is_stamp(Use::Form, "browser", ""));
        let other = Stamper::load(&folder.path().join("b.key")).unwrap();
        assert!(!other.is_stamp(Use::Form, "browser", &stamp));
    }

    /// RFC 4231, test case 2.
    #[test]
    fn hashes_as_the_standard_says() {
        assert_eq!(
            hmac_sha512_hex("Jefe", "what do ya want for nothing?"),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        );
    }
}
