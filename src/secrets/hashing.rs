//! Password hashes: bcrypt over a pre-hash with a secret pepper, so that no byte of a long password is cut off and a
//! stolen database alone gives nothing to guess at.

use std::io;
use std::path::Path;

use aws_lc_rs::hmac::{HMAC_SHA384, Key, sign};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::keys::load_or_make;
use crate::domain::one_time_token::hex;

/// Marks a hash whose pre-hash is keyed with the pepper. A stored hash without a mark is plain bcrypt that was imported.
const PEPPERED: &str = "hmac-sha384+pepper:";
/// Marks a hash of an earlier version, whose pre-hash is keyed with [`CONTEXT`]; the next sign-in replaces it.
const UNPEPPERED: &str = "hmac-sha384:";
/// Keeps the pre-hashes of earlier versions apart from other uses of the same password; not secret.
const CONTEXT: &[u8] = b"chaingun-gateway password v1";
/// The highest cost that an imported hash may ask for: 16 takes about 5 s.
const MAX_COST: u32 = 16;

/// The secret that passwords are pre-hashed with. It lies outside the database; without it no password matches.
#[derive(Debug, Clone)]
pub struct Pepper {
    key: Key,
    fingerprint: String,
}

impl Pepper {
    /// Loads the pepper from this file. Where the database remembers no fingerprint yet, a missing file is made.
    ///
    /// # Errors
    /// A file that cannot be read or made, and a file that is missing or is not the one that this database's hashes were
    /// made with.
    pub fn load(path: &Path, expected: Option<&str>) -> io::Result<Self> {
        if expected.is_some() && !path.exists() {
            return Err(io::Error::other(format!(
                "{} is missing, and the passwords in this database cannot be checked without it: restore it from a \
                 backup, or from another node's data folder",
                path.display()
            )));
        }
        let bytes = load_or_make(path, || {
            let mut pepper = vec![0; 48];
            // An all-zero pepper is refused below.
            let _ = SystemRandom::new().fill(&mut pepper);
            pepper
        })?;
        if bytes.len() != 48 || bytes.iter().all(|b| *b == 0) {
            return Err(io::Error::other(format!(
                "{} holds no pepper",
                path.display()
            )));
        }
        let pepper = Self::new(&bytes);
        match expected {
            Some(expected) if expected != pepper.fingerprint => Err(io::Error::other(format!(
                "{} is not the file that the passwords in this database were hashed with: restore the right one from \
                 a backup, or from another node's data folder",
                path.display()
            ))),
            _ => Ok(pepper),
        }
    }

    /// The pepper of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let key = Key::new(HMAC_SHA384, bytes);
        let tag = sign(&key, b"chaingun-gateway pepper fingerprint v1");
        let fingerprint = hex(tag.as_ref().get(..16).unwrap_or_default());
        Self { key, fingerprint }
    }

    /// What the database remembers of the pepper, to tell a wrong one at start. It reveals nothing about the pepper.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// Hashes passwords at a configured cost.
#[derive(Debug, Clone)]
pub struct Hasher {
    cost: u32,
    pepper: Pepper,
}

/// What came of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, but kept in a form or at a cost that is out of date.
    RightButStale,
}

impl Hasher {
    /// A hasher of this bcrypt cost, 4 to 16.
    #[must_use]
    pub fn new(cost: u32, pepper: Pepper) -> Self {
        Self {
            cost: cost.clamp(4, MAX_COST),
            pepper,
        }
    }

    /// Hashes a password with this salt; takes about 0.3 s at cost 12.
    ///
    /// # Errors
    /// What bcrypt reports; none is known for input of this form.
    pub fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String, String> {
        let parts = bcrypt::hash_with_salt(self.pre_hash(password), self.cost, salt)
            .map_err(|e| e.to_string())?;
        Ok(format!(
            "{PEPPERED}{}",
            parts.format_for_version(bcrypt::Version::TwoB)
        ))
    }

    /// Compares a password with a stored hash; with none, does the same work and says wrong.
    #[must_use]
    pub fn verify(&self, password: &str, stored: Option<&str>) -> Verdict {
        let Some(stored) = stored else {
            let nobody = format!("$2b${:02}${}", self.cost, ".".repeat(53));
            let _ = bcrypt::verify(self.pre_hash(password), &nobody);
            return Verdict::Wrong;
        };
        let (text, bcrypt_hash, is_current) = if let Some(hash) = stored.strip_prefix(PEPPERED) {
            (self.pre_hash(password), hash, true)
        } else if let Some(hash) = stored.strip_prefix(UNPEPPERED) {
            let key = Key::new(HMAC_SHA384, CONTEXT);
            (keyed(&key, password), hash, false)
        } else {
            (password.to_owned(), stored, false)
        };
        match bcrypt::verify(text, bcrypt_hash) {
            Ok(true) if is_current && cost_of(bcrypt_hash) >= Some(self.cost) => Verdict::Right,
            Ok(true) => Verdict::RightButStale,
            Ok(false) | Err(_) => Verdict::Wrong,
        }
    }

    fn pre_hash(&self, password: &str) -> String {
        keyed(&self.pepper.key, password)
    }
}

/// Whether `text` is a bcrypt hash that can be imported: `$2a$`, `$2b$`, `$2x$` or `$2y$`, at a
/// cost that is neither trifling nor a way to keep the processor busy.
#[must_use]
pub fn is_importable(text: &str) -> bool {
    let known = ["$2a$", "$2b$", "$2x$", "$2y$"]
        .iter()
        .any(|p| text.starts_with(p));
    known
        && text.len() == 60
        && text.parse::<bcrypt::HashParts>().is_ok()
        && cost_of(text).is_some_and(|c| (4..=MAX_COST).contains(&c))
}

fn cost_of(hash: &str) -> Option<u32> {
    hash.get(4..6)?.parse().ok()
}

/// 64 characters for any password, well below the 72 bytes that bcrypt looks at.
fn keyed(key: &Key, password: &str) -> String {
    STANDARD_NO_PAD.encode(sign(key, password.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(cost: u32) -> Hasher {
        Hasher::new(cost, Pepper::new(&[9; 48]))
    }

    #[test]
    fn a_hash_needs_the_pepper_it_was_made_with() {
        let hash = hasher(4).hash("ValaKi1234", [7; 16]).unwrap();
        let other = Hasher::new(4, Pepper::new(&[8; 48]));
        assert_eq!(other.verify("ValaKi1234", Some(&hash)), Verdict::Wrong);
        assert_eq!(hasher(4).verify("ValaKi1234", Some(&hash)), Verdict::Right);
    }

    /// Made by the version before the pepper, at cost 4.
    const UNPEPPERED_HASH: &str =
        "hmac-sha384:$2b$04$picW5V6qZlQPmVmV.hg1Y.Ia2V6Odbbdlw2S9PAg1t6mjSUoKHRpC";

    #[test]
    fn a_hash_from_before_the_pepper_is_right_and_stale() {
        let verify = |password| hasher(4).verify(password, Some(UNPEPPERED_HASH));
        assert_eq!(verify("ValaKi1234"), Verdict::RightButStale);
        assert_eq!(verify("ValaKi1235"), Verdict::Wrong);
    }

    #[test]
    fn refuses_a_missing_and_a_wrong_pepper() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pepper.key");
        let first = Pepper::load(&path, None).unwrap();
        assert!(Pepper::load(&path, Some(first.fingerprint())).is_ok());
        let wrong = Pepper::load(&path, Some("0011")).unwrap_err().to_string();
        assert!(wrong.contains("is not the file"), "{wrong}");
        std::fs::remove_file(&path).unwrap();
        let missing = Pepper::load(&path, Some(first.fingerprint())).unwrap_err();
        assert!(missing.to_string().contains("is missing"), "{missing}");
        assert!(!path.exists());
    }

    #[test]
    fn tells_right_from_wrong_and_stale() {
        let weak = hasher(4);
        let hash = weak.hash(" ValaKi1234", [7; 16]).unwrap();
        assert_eq!(weak.verify(" ValaKi1234", Some(&hash)), Verdict::Right);
        assert_eq!(weak.verify("ValaKi1234", Some(&hash)), Verdict::Wrong);
        assert_eq!(
            hasher(5).verify(" ValaKi1234", Some(&hash)),
            Verdict::RightButStale
        );
        assert_eq!(weak.verify("anything", None), Verdict::Wrong);
    }

    #[test]
    fn every_byte_of_a_long_password_counts() {
        let hasher = hasher(4);
        let long = "ő".repeat(63);
        let hash = hasher.hash(&format!("{long}a"), [1; 16]).unwrap();
        assert_eq!(
            hasher.verify(&format!("{long}b"), Some(&hash)),
            Verdict::Wrong
        );
        assert_eq!(
            hasher.verify(&format!("{long}a"), Some(&hash)),
            Verdict::Right
        );
    }

    #[test]
    fn foreign_hashes_work_and_are_renewed() {
        let foreign = bcrypt::hash_with_salt("TeszT1234", 4, [3; 16])
            .unwrap()
            .format_for_version(bcrypt::Version::TwoY);
        assert!(is_importable(&foreign));
        assert_eq!(
            hasher(4).verify("TeszT1234", Some(&foreign)),
            Verdict::RightButStale
        );
        assert!(!is_importable("$2y$31$abc"));
        assert!(!is_importable("$1$abc"));
    }

    #[test]
    fn nobody_costs_as_much_as_somebody() {
        // The stand-in must be a hash that bcrypt really works on, not one it refuses at once.
        let nobody = format!("$2b$04${}", ".".repeat(53));
        assert_eq!(bcrypt::verify("x", &nobody).ok(), Some(false));
    }
}
