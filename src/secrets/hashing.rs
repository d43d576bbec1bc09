//! Password hashes: bcrypt over a pre-hash with a secret pepper, so that no byte of a long password is cut off and a
//! stolen database alone gives nothing to guess at.

use std::hint::black_box;
use std::io;
use std::path::Path;

use aws_lc_rs::hmac::{HMAC_SHA384, Key, sign};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::keys::load_or_make;
use crate::domain::one_time_token::hex;
use crate::domain::password::cost_of;

/// Marks a hash whose pre-hash is keyed with the pepper. A stored hash without a mark is plain bcrypt that was imported.
const PEPPERED: &str = "hmac-sha384+pepper:";
/// Marks a hash of an earlier version, whose pre-hash is keyed with [`CONTEXT`]; the next sign-in replaces it.
const UNPEPPERED: &str = "hmac-sha384:";
/// Keeps the pre-hashes of earlier versions apart from other uses of the same password; not secret.
const CONTEXT: &[u8] = b"chaingun-gateway password v1";
/// The lowest cost that bcrypt has.
const MIN_COST: u32 = 4;
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
    /// Right, but kept in another form or at another cost than new hashes.
    RightButStale,
}

/// The outcome of a comparison and the bcrypt rounds that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    pub verdict: Verdict,
    pub rounds: u64,
}

impl Hasher {
    /// A hasher of this bcrypt cost, 4 to 16.
    #[must_use]
    pub fn new(cost: u32, pepper: Pepper) -> Self {
        Self {
            cost: cost.clamp(MIN_COST, MAX_COST),
            pepper,
        }
    }

    /// The bcrypt cost of new hashes.
    #[must_use]
    pub fn cost(&self) -> u32 {
        self.cost
    }

    /// The bcrypt rounds of one new hash.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        1 << self.cost
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

    /// Compares a password with a stored hash; without a stored hash the verdict is [`Verdict::Wrong`]. The work is the
    /// same for every stored hash and for none: as much as one hash of the configured cost or of `highest_stored`,
    /// whichever is higher.
    #[must_use]
    pub fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
        highest_stored: u32,
    ) -> Verification {
        let target = 1 << self.cost.max(highest_stored.min(MAX_COST));
        let mut work = Work { rounds: 0 };
        let verdict = stored.map_or(Verdict::Wrong, |stored| {
            let (text, bcrypt_hash, is_current) = self.comparable(password, stored);
            if !work.compare(&text, bcrypt_hash) {
                Verdict::Wrong
            } else if is_current && cost_of(stored) == Some(self.cost) {
                Verdict::Right
            } else {
                Verdict::RightButStale
            }
        });
        work.fill_up(&self.pre_hash(password), target);
        Verification {
            verdict,
            rounds: work.rounds,
        }
    }

    /// What bcrypt compares: the text for this password, the bcrypt hash in what is stored, and whether new hashes have
    /// that form.
    fn comparable<'a>(&self, password: &str, stored: &'a str) -> (String, &'a str, bool) {
        if let Some(hash) = stored.strip_prefix(PEPPERED) {
            (self.pre_hash(password), hash, true)
        } else if let Some(hash) = stored.strip_prefix(UNPEPPERED) {
            let key = Key::new(HMAC_SHA384, CONTEXT);
            (keyed(&key, password), hash, false)
        } else {
            (password.to_owned(), stored, false)
        }
    }

    fn pre_hash(&self, password: &str) -> String {
        keyed(&self.pepper.key, password)
    }
}

/// The bcrypt rounds of one verification, counted where they are done.
struct Work {
    rounds: u64,
}

impl Work {
    /// Compares a text with a bcrypt hash; a hash that is malformed or too costly is not worked on.
    fn compare(&mut self, text: &str, bcrypt_hash: &str) -> bool {
        let known = bcrypt_hash.parse::<bcrypt::HashParts>().ok();
        let Some(cost) = known
            .map(|parts| parts.get_cost())
            .filter(|cost| (MIN_COST..=MAX_COST).contains(cost))
        else {
            return false;
        };
        self.rounds += 1 << cost;
        bcrypt::verify(text, bcrypt_hash).unwrap_or(false)
    }

    /// Hashes for nothing until this many rounds are done. A cost is a power of two, so that what is missing is a sum of
    /// costs: 2^12 = 2^8 + 2^8 + 2^9 + 2^10 + 2^11.
    fn fill_up(&mut self, text: &str, target: u64) {
        while let Some(cost) = target.saturating_sub(self.rounds).checked_ilog2() {
            if cost < MIN_COST {
                break;
            }
            let _ = black_box(bcrypt::hash_with_salt(text, cost, [0; 16]));
            self.rounds += 1 << cost;
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
        && cost_of(text).is_some_and(|c| (MIN_COST..=MAX_COST).contains(&c))
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
        assert_eq!(verdict(&other, "ValaKi1234", Some(&hash)), Verdict::Wrong);
        assert_eq!(
            verdict(&hasher(4), "ValaKi1234", Some(&hash)),
            Verdict::Right
        );
    }

    /// Made by the version before the pepper, at cost 4.
    const UNPEPPERED_HASH: &str =
        "hmac-sha384:$2b$04$picW5V6qZlQPmVmV.hg1Y.Ia2V6Odbbdlw2S9PAg1t6mjSUoKHRpC";

    #[test]
    fn a_hash_from_before_the_pepper_is_right_and_stale() {
        let verify = |password| verdict(&hasher(4), password, Some(UNPEPPERED_HASH));
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

    /// The verdict where no stored hash is costlier than new ones.
    fn verdict(with: &Hasher, password: &str, stored: Option<&str>) -> Verdict {
        with.verify(password, stored, 0).verdict
    }

    #[test]
    fn tells_right_from_wrong_and_stale() {
        let weak = hasher(4);
        let hash = weak.hash(" ValaKi1234", [7; 16]).unwrap();
        let of = |cost, password| verdict(&hasher(cost), password, Some(&hash));
        assert_eq!(of(4, " ValaKi1234"), Verdict::Right);
        assert_eq!(of(4, "ValaKi1234"), Verdict::Wrong);
        assert_eq!(of(5, " ValaKi1234"), Verdict::RightButStale);
        assert_eq!(verdict(&weak, "anything", None), Verdict::Wrong);
        let costly = hasher(5).hash("ValaKi1234", [7; 16]).unwrap();
        let lowered = verdict(&weak, "ValaKi1234", Some(&costly));
        assert_eq!(lowered, Verdict::RightButStale);
    }

    #[test]
    fn every_byte_of_a_long_password_counts() {
        let weak = hasher(4);
        let long = "ő".repeat(63);
        let hash = weak.hash(&format!("{long}a"), [1; 16]).unwrap();
        let of = |password: String| verdict(&weak, &password, Some(&hash));
        assert_eq!(of(format!("{long}b")), Verdict::Wrong);
        assert_eq!(of(format!("{long}a")), Verdict::Right);
    }

    fn foreign(cost: u32, version: bcrypt::Version) -> String {
        bcrypt::hash_with_salt("TeszT1234", cost, [3; 16])
            .unwrap()
            .format_for_version(version)
    }

    #[test]
    fn foreign_hashes_work_and_are_renewed() {
        let foreign = foreign(4, bcrypt::Version::TwoY);
        assert!(is_importable(&foreign));
        assert_eq!(
            verdict(&hasher(4), "TeszT1234", Some(&foreign)),
            Verdict::RightButStale
        );
        assert!(!is_importable("$2y$31$abc"));
        assert!(!is_importable("$1$abc"));
    }

    #[test]
    fn spends_the_same_rounds_for_every_stored_hash_and_for_none() {
        use bcrypt::Version::{TwoA, TwoB, TwoX, TwoY};
        let ours = |cost| hasher(cost).hash("TeszT1234", [3; 16]).unwrap();
        let mut stored: Vec<Option<String>> = (4..=6).map(|cost| Some(ours(cost))).collect();
        stored.extend([TwoA, TwoB, TwoX, TwoY].map(|version| Some(foreign(5, version))));
        stored.push(Some(UNPEPPERED_HASH.to_owned()));
        // Damaged rows, and costs that would keep a processor busy for hours.
        stored.extend(
            ["", "$2b$", "hmac-sha384:", "hmac-sha384+pepper:$2b$99$x"].map(|t| Some(t.into())),
        );
        stored.push(Some(ours(4).replace("$04$", "$31$")));
        stored.push(None);
        let decomposed = "Je\u{301}lszo-1234";
        for stored in &stored {
            for password in ["TeszT1234", "Rossz-Jelszo-1", "", decomposed] {
                for (configured, highest) in [(6, 4), (4, 6), (6, 6)] {
                    let spent = hasher(configured).verify(password, stored.as_deref(), highest);
                    assert_eq!(spent.rounds, 1 << 6, "{stored:?} {password:?}");
                }
            }
        }
    }

    #[test]
    fn work_for_nobody_is_real_work() {
        // The stand-in must be a hash that bcrypt works on, not one it refuses at once.
        assert!(bcrypt::hash_with_salt(hasher(4).pre_hash("x"), MIN_COST, [0; 16]).is_ok());
    }
}
