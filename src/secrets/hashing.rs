//! Password hashing: bcrypt over a pre-hash that is keyed with a secret pepper. The pre-hash covers every byte of a
//! long password, and an attacker who has only the database cannot guess passwords.

use std::hint::black_box;
use std::io;
use std::path::Path;

use aws_lc_rs::hmac::{HMAC_SHA384, Key, sign};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::keys::load_or_create;
use crate::domain::one_time_token::hex;
use crate::domain::password::cost_of;
use crate::domain::text::composed;

/// The prefix of a hash whose pre-hash is keyed with the pepper. A stored hash without a prefix is an imported plain
/// bcrypt hash.
const PEPPERED: &str = "hmac-sha384+pepper:";
/// The prefix of a hash of an earlier version, whose pre-hash is keyed with [`CONTEXT`]. The next sign-in replaces
/// such a hash.
const UNPEPPERED: &str = "hmac-sha384:";
/// The public HMAC key of earlier versions. It separates their pre-hashes from other uses of the same password.
const CONTEXT: &[u8] = b"chaingun-gateway password v1";
/// The lowest cost that bcrypt supports.
const MIN_COST: u32 = 4;
/// The highest accepted cost; a hash at cost 16 takes about 5 s.
const MAX_COST: u32 = 16;

/// The secret key of the pre-hash. The pepper is stored outside the database. No password can be verified without it.
#[derive(Debug, Clone)]
pub struct Pepper {
    key: Key,
    fingerprint: String,
}

impl Pepper {
    /// Loads the pepper from `path`. `expected` is the fingerprint from the database; a missing file is created only if
    /// the database has no fingerprint yet.
    ///
    /// # Errors
    /// The file cannot be read or created; or it is missing or has another fingerprint than `expected`.
    pub fn load(path: &Path, expected: Option<&str>) -> io::Result<Self> {
        if expected.is_some() && !path.exists() {
            return Err(io::Error::other(format!(
                "{} is missing, and no password in this database can be verified without it: restore it from a \
                 backup, or from another node's data folder",
                path.display()
            )));
        }
        let bytes = load_or_create(path, || {
            let mut pepper = vec![0; 48];
            // If the random source fails, the pepper stays all zero and is refused below.
            let _ = SystemRandom::new().fill(&mut pepper);
            pepper
        })?;
        if bytes.len() != 48 || bytes.iter().all(|b| *b == 0) {
            return Err(io::Error::other(format!(
                "{} is not a pepper file: it must hold 48 bytes that are not all zero",
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

    /// Creates a pepper from its bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let key = Key::new(HMAC_SHA384, bytes);
        let tag = sign(&key, b"chaingun-gateway pepper fingerprint v1");
        let fingerprint = hex(tag.as_ref().get(..16).unwrap_or_default());
        Self { key, fingerprint }
    }

    /// The fingerprint of the pepper, which the database stores so that a wrong pepper is detected at start. It
    /// reveals nothing about the pepper.
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

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// The password is right, but its hash has another form or cost than new hashes.
    RightButStale,
}

/// The result of a comparison and the bcrypt rounds that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    pub verdict: Verdict,
    pub rounds: u64,
}

impl Hasher {
    /// A hasher with this bcrypt cost; the cost is clamped to 4 to 16.
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

    /// Hashes the composed form (NFC) of a password with this salt. Takes about 0.3 s at cost 12.
    ///
    /// # Errors
    /// The error of bcrypt; none is known for input of this form.
    pub fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String, String> {
        let parts = bcrypt::hash_with_salt(self.pre_hash(&composed(password)), self.cost, salt)
            .map_err(|e| e.to_string())?;
        Ok(format!(
            "{PEPPERED}{}",
            parts.format_for_version(bcrypt::Version::TwoB)
        ))
    }

    /// Compares a password with a stored hash; without a stored hash the verdict is [`Verdict::Wrong`]. The composed
    /// form is compared first, and then the form as typed if it differs, because earlier versions hashed passwords as
    /// typed. All calls for the same password take the same time, with any stored hash and without one. For each form,
    /// this is the time of one hash with the configured cost or with cost `highest_stored`, whichever is higher.
    #[must_use]
    pub fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
        highest_stored: u32,
    ) -> Verification {
        let composed = composed(password);
        let as_typed = Some(password).filter(|typed| *typed != composed);
        let forms = 1 + u64::from(as_typed.is_some());
        let target = forms << self.cost.max(highest_stored.min(MAX_COST));
        let mut work = Work { rounds: 0 };
        let verdict = stored.map_or(Verdict::Wrong, |stored| {
            let mut is_right = |form: &str| {
                let (text, bcrypt_hash) = self.comparable(form, stored);
                work.compare(&text, bcrypt_hash)
            };
            if is_right(&composed) {
                self.age_of(stored)
            } else if as_typed.is_some_and(is_right) {
                Verdict::RightButStale
            } else {
                Verdict::Wrong
            }
        });
        work.fill_up(&self.pre_hash(&composed), target);
        Verification {
            verdict,
            rounds: work.rounds,
        }
    }

    /// The verdict for a right password: whether its stored hash has the form and the cost of new hashes.
    fn age_of(&self, stored: &str) -> Verdict {
        match stored.starts_with(PEPPERED) && cost_of(stored) == Some(self.cost) {
            true => Verdict::Right,
            false => Verdict::RightButStale,
        }
    }

    /// Returns the text that bcrypt hashes for this form of a password, and the bcrypt hash without its prefix.
    fn comparable<'a>(&self, password: &str, stored: &'a str) -> (String, &'a str) {
        if let Some(hash) = stored.strip_prefix(PEPPERED) {
            (self.pre_hash(password), hash)
        } else if let Some(hash) = stored.strip_prefix(UNPEPPERED) {
            let key = Key::new(HMAC_SHA384, CONTEXT);
            (keyed(&key, password), hash)
        } else {
            (password.to_owned(), stored)
        }
    }

    fn pre_hash(&self, password: &str) -> String {
        keyed(&self.pepper.key, password)
    }
}

/// Counts the bcrypt rounds of one verification.
struct Work {
    rounds: u64,
}

impl Work {
    /// Compares a text with a bcrypt hash. Returns false without any work for a hash that is malformed or too costly.
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

    /// Hashes until `target` rounds are reached and discards the results (dummy work). Every cost is a power of two,
    /// so the missing rounds are a sum of costs: 2^12 = 2^8 + 2^8 + 2^9 + 2^10 + 2^11.
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

/// The pre-hash: 64 characters for every password, below bcrypt's limit of 72 bytes.
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
    fn refuses_a_hash_of_another_pepper() {
        let hash = hasher(4).hash("ValaKi1234", [7; 16]).unwrap();
        let other = Hasher::new(4, Pepper::new(&[8; 48]));
        assert_eq!(verdict(&other, "ValaKi1234", Some(&hash)), Verdict::Wrong);
        assert_eq!(
            verdict(&hasher(4), "ValaKi1234", Some(&hash)),
            Verdict::Right
        );
    }

    /// A hash at cost 4 from a version without a pepper.
    const UNPEPPERED_HASH: &str =
        "hmac-sha384:$2b$04$picW5V6qZlQPmVmV.hg1Y.Ia2V6Odbbdlw2S9PAg1t6mjSUoKHRpC";

    #[test]
    fn accepts_a_hash_without_pepper_as_stale() {
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

    /// The verdict if no stored hash has a higher cost than new hashes.
    fn verdict(with: &Hasher, password: &str, stored: Option<&str>) -> Verdict {
        with.verify(password, stored, 0).verdict
    }

    #[test]
    fn distinguishes_right_wrong_and_stale_hashes() {
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
    fn rejects_a_long_password_with_another_last_byte() {
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
    fn verifies_imported_hashes_and_renews_them() {
        let foreign = foreign(4, bcrypt::Version::TwoY);
        assert_eq!(
            verdict(&hasher(4), "TeszT1234", Some(&foreign)),
            Verdict::RightButStale
        );
        for malformed in ["$2y$31$abc", "$1$abc"] {
            let found = verdict(&hasher(4), "TeszT1234", Some(malformed));
            assert_eq!(found, Verdict::Wrong);
        }
    }

    /// The same password with composed letters and with decomposed letters, as different keyboards type it.
    const FORMS: [&str; 2] = ["Jelsz\u{f3}-1234\u{151}", "Jelszo\u{301}-1234o\u{30b}"];

    #[test]
    fn accepts_both_forms_of_a_password() {
        for made in FORMS {
            let hash = hasher(4).hash(made, [7; 16]).unwrap();
            for typed in FORMS {
                assert_eq!(verdict(&hasher(4), typed, Some(&hash)), Verdict::Right);
            }
            let other = "Jelszo-1234o";
            assert_eq!(verdict(&hasher(4), other, Some(&hash)), Verdict::Wrong);
        }
    }

    #[test]
    fn accepts_and_renews_a_hash_of_a_password_as_typed() {
        let [composed, decomposed] = FORMS;
        let as_typed = |text: &str| {
            let parts = bcrypt::hash_with_salt(text, 4, [3; 16]).unwrap();
            parts.format_for_version(bcrypt::Version::TwoB)
        };
        let peppered = |text| format!("{PEPPERED}{}", as_typed(&hasher(4).pre_hash(text)));
        let of = |typed, hash: &str| verdict(&hasher(4), typed, Some(hash));
        // The hash of a composed password has the form of new hashes, so both forms of the password are accepted.
        assert_eq!(of(composed, &peppered(composed)), Verdict::Right);
        assert_eq!(of(decomposed, &peppered(composed)), Verdict::Right);
        assert_eq!(of(decomposed, &as_typed(composed)), Verdict::RightButStale);
        // For the hash of a decomposed password, only that form is accepted, until a sign-in renews the hash.
        for hash in [peppered(decomposed), as_typed(decomposed)] {
            assert_eq!(of(decomposed, &hash), Verdict::RightButStale);
            assert_eq!(of(composed, &hash), Verdict::Wrong);
        }
    }

    #[test]
    fn computes_the_same_rounds_with_any_stored_hash_and_without_one() {
        use bcrypt::Version::{TwoA, TwoB, TwoX, TwoY};
        let ours = |cost| hasher(cost).hash("TeszT1234", [3; 16]).unwrap();
        let mut stored: Vec<Option<String>> = (4..=6).map(|cost| Some(ours(cost))).collect();
        stored.extend([TwoA, TwoB, TwoX, TwoY].map(|version| Some(foreign(5, version))));
        stored.push(Some(UNPEPPERED_HASH.to_owned()));
        // Damaged rows, and costs that would occupy a processor for hours.
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
                    // The form as typed is compared as well.
                    let forms = if password == decomposed { 2 } else { 1 };
                    assert_eq!(spent.rounds, forms << 6, "{stored:?} {password:?}");
                }
            }
        }
    }

    #[test]
    fn computes_a_real_hash_without_a_stored_hash() {
        // The dummy work must be a hash that bcrypt computes, not one that it rejects at once.
        assert!(bcrypt::hash_with_salt(hasher(4).pre_hash("x"), MIN_COST, [0; 16]).is_ok());
    }
}
