//! Sealing of what must wait in the database but not lie there in clear: mails hold one-time tokens.

use std::io;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, RandomizedNonceKey};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use super::keys::load_or_make;

/// A key that seals and opens; it lies outside the database.
pub struct Sealer {
    key: RandomizedNonceKey,
}

impl Sealer {
    /// The sealer with the key in this file, which is made if it is not there.
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
        let broken = || io::Error::other(format!("{} holds no sealing key", path.display()));
        if bytes.len() != 32 || bytes.iter().all(|b| *b == 0) {
            return Err(broken());
        }
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| broken())?;
        Ok(Self { key })
    }

    /// Seals a text.
    ///
    /// # Errors
    /// None is known for texts of our size.
    pub fn seal(&self, text: &str) -> Result<Vec<u8>, String> {
        let mut buffer = text.as_bytes().to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::empty(), &mut buffer)
            .map_err(|e| e.to_string())?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut buffer);
        Ok(sealed)
    }

    /// Opens what [`Sealer::seal`] sealed with the same key.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<String> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut buffer = rest.to_vec();
        let opened = self
            .key
            .open_in_place(nonce, Aad::empty(), &mut buffer)
            .ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::load(&folder.path().join("a.key")).unwrap();
        let sealed = sealer.seal("token fc375d64").unwrap();
        assert!(!sealed.windows(5).any(|w| w == b"token"));
        assert_eq!(sealer.open(&sealed).as_deref(), Some("token fc375d64"));
        let other = Sealer::load(&folder.path().join("b.key")).unwrap();
        assert_eq!(other.open(&sealed), None);
        assert_eq!(sealer.open(b"short"), None);
    }
}
