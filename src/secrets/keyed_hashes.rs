//! Keyed hashes: CSRF tokens, the pseudonyms of throttled subjects, and the hashes that portals verify.

use std::io;
use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA512, Key, sign};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use super::keys::load_or_create;
use crate::domain::one_time_token::hex;

/// Signs and verifies the CSRF tokens of forms.
pub struct CsrfSigner(Key);

impl CsrfSigner {
    /// The CSRF token of a form for this browser: 64 lower-case hexadecimal characters.
    #[must_use]
    pub fn token(&self, browser: &str) -> String {
        hmac_hex(&self.0, browser)
    }

    /// Whether `token` is the CSRF token for this browser. The comparison takes the same time for every wrong token.
    #[must_use]
    pub fn is_valid(&self, browser: &str, token: &str) -> bool {
        let expected = self.token(browser);
        verify_slices_are_equal(expected.as_bytes(), token.as_bytes()).is_ok()
    }
}

/// Replaces the subjects of attempts (accounts and networks) by keyed hashes, so that the table of attempts contains no
/// names.
pub struct Pseudonymizer(Key);

impl Pseudonymizer {
    /// The pseudonym of a subject: 64 lower-case hexadecimal characters.
    #[must_use]
    pub fn pseudonym(&self, subject: &str) -> String {
        hmac_hex(&self.0, subject)
    }
}

/// Derives both keys from one key file outside the database; creates the file if it is missing.
///
/// # Errors
/// The file cannot be read or created, or it does not hold a key of 32 bytes.
pub fn load(path: &Path) -> io::Result<(CsrfSigner, Pseudonymizer)> {
    let bytes = load_or_create(path, || {
        let mut key = vec![0; 32];
        // If the random source fails, the key stays all zero and is refused below.
        let _ = SystemRandom::new().fill(&mut key);
        key
    })?;
    if bytes.len() != 32 || bytes.iter().all(|b| *b == 0) {
        return Err(io::Error::other(format!(
            "{} is not an HMAC key: it must hold 32 bytes that are not all zero",
            path.display()
        )));
    }
    // The labels must stay those of the first version, because other labels would give other keys.
    let root = Salt::new(HKDF_SHA256, b"chaingun-gateway stamps v1").extract(&bytes);
    let derive = |label: &str| {
        let info = [label.as_bytes()];
        let derived = root.expand(&info, HMAC_SHA256).map(Key::from);
        derived.map_err(|_| io::Error::other("the HMAC keys cannot be derived"))
    };
    Ok((
        CsrfSigner(derive("form")?),
        Pseudonymizer(derive("attempts")?),
    ))
}

fn hmac_hex(key: &Key, text: &str) -> String {
    hex(sign(key, text.as_bytes()).as_ref())
}

/// Lower-case hexadecimal HMAC-SHA512: the hashes of the loginbar (SPEC §10).
#[must_use]
pub fn hmac_sha512_hex(secret: &str, text: &str) -> String {
    hmac_hex(&Key::new(HMAC_SHA512, secret.as_bytes()), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_a_csrf_token_for_its_browser_and_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let (signer, pseudonymizer) = load(&folder.path().join("a.key")).unwrap();
        let token = signer.token("browser");
        assert_eq!(token.len(), 64);
        assert!(signer.is_valid("browser", &token));
        assert!(!signer.is_valid("another", &token));
        assert!(!signer.is_valid("browser", &pseudonymizer.pseudonym("browser")));
        assert!(!signer.is_valid("browser", ""));
        let (other, _) = load(&folder.path().join("b.key")).unwrap();
        assert!(!other.is_valid("browser", &token));
    }

    /// RFC 4231, test case 2.
    #[test]
    fn computes_the_hmac_of_the_standard() {
        assert_eq!(
            hmac_sha512_hex("Jefe", "what do ya want for nothing?"),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        );
    }
}
