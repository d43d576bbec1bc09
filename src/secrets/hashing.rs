//! Password hashes: bcrypt over a pre-hash, so that no byte of a long password is cut off.

use aws_lc_rs::hmac::{HMAC_SHA384, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Marks our own form; without it a stored hash is plain bcrypt that was imported.
const PREFIX: &str = "hmac-sha384:";
/// Keeps our pre-hashes apart from other uses of the same password, not secret.
const CONTEXT: &[u8] = b"chaingun-gateway password v1";
/// The highest cost that an imported hash may ask for: 16 takes about 5 s.
const MAX_COST: u32 = 16;

/// Hashes passwords at a configured cost.
#[derive(Debug, Clone, Copy)]
pub struct Hasher {
    cost: u32,
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
    pub fn new(cost: u32) -> Self {
        Self {
            cost: cost.clamp(4, MAX_COST),
        }
    }

    /// Hashes a password with this salt; takes about 0.3 s at cost 12.
    ///
    /// # Errors
    /// What bcrypt reports; none is known for input of this form.
    pub fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String, String> {
        let parts = bcrypt::hash_with_salt(pre_hash(password), self.cost, salt)
            .map_err(|e| e.to_string())?;
        Ok(format!(
            "{PREFIX}{}",
            parts.format_for_version(bcrypt::Version::TwoB)
        ))
    }

    /// Compares a password with a stored hash; with none, does the same work and says wrong.
    #[must_use]
    pub fn verify(&self, password: &str, stored: Option<&str>) -> Verdict {
        let Some(stored) = stored else {
            let nobody = format!("$2b${:02}${}", self.cost, ".".repeat(53));
            let _ = bcrypt::verify(pre_hash(password), &nobody);
            return Verdict::Wrong;
        };
        let (text, bcrypt_hash, ours) = match stored.strip_prefix(PREFIX) {
            Some(rest) => (pre_hash(password), rest, true),
            None => (password.to_owned(), stored, false),
        };
        match bcrypt::verify(text, bcrypt_hash) {
            Ok(true) if ours && cost_of(bcrypt_hash) >= Some(self.cost) => Verdict::Right,
            Ok(true) => Verdict::RightButStale,
            Ok(false) | Err(_) => Verdict::Wrong,
        }
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
fn pre_hash(password: &str) -> String {
    let key = Key::new(HMAC_SHA384, CONTEXT);
    STANDARD_NO_PAD.encode(sign(&key, password.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_right_from_wrong_and_stale() {
        let weak = Hasher::new(4);
        let hash = weak.hash(" ValaKi1234", [7; 16]).unwrap();
        assert_eq!(weak.verify(" ValaKi1234", Some(&hash)), Verdict::Right);
        assert_eq!(weak.verify("ValaKi1234", Some(&hash)), Verdict::Wrong);
        assert_eq!(
            Hasher::new(5).verify(" ValaKi1234", Some(&hash)),
            Verdict::RightButStale
        );
        assert_eq!(weak.verify("anything", None), Verdict::Wrong);
    }

    #[test]
    fn every_byte_of_a_long_password_counts() {
        let hasher = Hasher::new(4);
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
            Hasher::new(4).verify("TeszT1234", Some(&foreign)),
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
