//! Encryption of secrets in the database, with one key for each purpose. Every sealed value is bound to its row.

use std::io;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use super::keys::load_or_create;

/// The first byte of a sealed value. Values of earlier versions lack it; see [`Sealer::open_unbound`].
const FORMAT: u8 = 1;

/// The purpose and the row of a sealed value. A value opens only under the binding with which it was sealed, so an
/// attacker who can write to the database cannot move it to another row or purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding<'a> {
    /// A mail in the outbox to the user with this ID.
    Mail(i64),
    /// A callback in the outbox, to the service with this ID.
    Callback(i64),
    /// The access key and the secret of the service with this ID.
    ServiceCredentials(i64),
    /// The secret of the application with this `client_id`.
    ApplicationSecret(&'a str),
}

impl Binding<'_> {
    /// The associated data of the cipher: the key of the row, as text.
    fn row(&self) -> String {
        match self {
            Binding::Mail(id) | Binding::Callback(id) | Binding::ServiceCredentials(id) => {
                id.to_string()
            }
            Binding::ApplicationSecret(client_id) => (*client_id).to_owned(),
        }
    }
}

/// Encrypts and decrypts with keys that are derived from one key file outside the database.
pub struct Sealer {
    mail: RandomizedNonceKey,
    callback: RandomizedNonceKey,
    service_credentials: RandomizedNonceKey,
    application_secret: RandomizedNonceKey,
    /// The key in the file itself, which earlier versions used for every purpose.
    unbound: RandomizedNonceKey,
}

impl Sealer {
    /// Loads the key from `path`; creates the file if it is missing.
    ///
    /// # Errors
    /// The file cannot be read or created, or it does not hold a key of 32 bytes.
    pub fn load(path: &Path) -> io::Result<Self> {
        let bytes = load_or_create(path, || {
            let mut key = vec![0; 32];
            // If the random source fails, the key stays all zero and is refused below.
            let _ = SystemRandom::new().fill(&mut key);
            key
        })?;
        let broken = || {
            io::Error::other(format!(
                "{} is not a sealing key: it must hold 32 bytes that are not all zero",
                path.display()
            ))
        };
        if bytes.len() != 32 || bytes.iter().all(|b| *b == 0) {
            return Err(broken());
        }
        let root = Salt::new(HKDF_SHA256, b"chaingun-gateway sealing v1").extract(&bytes);
        let derive = |purpose: &str| {
            let mut key = [0; 32];
            let info = [purpose.as_bytes()];
            let output = root.expand(&info, &AES_256_GCM).map_err(|_| broken())?;
            output.fill(&mut key).map_err(|_| broken())?;
            RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| broken())
        };
        Ok(Self {
            mail: derive("mail")?,
            callback: derive("callback")?,
            service_credentials: derive("service credentials")?,
            application_secret: derive("application secret")?,
            unbound: RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| broken())?,
        })
    }

    fn key(&self, binding: Binding<'_>) -> &RandomizedNonceKey {
        match binding {
            Binding::Mail(_) => &self.mail,
            Binding::Callback(_) => &self.callback,
            Binding::ServiceCredentials(_) => &self.service_credentials,
            Binding::ApplicationSecret(_) => &self.application_secret,
        }
    }

    /// Encrypts a text for this purpose and row.
    ///
    /// # Errors
    /// The error of the cipher; none is known for texts of this size.
    pub fn seal(&self, binding: Binding<'_>, text: &str) -> Result<Vec<u8>, String> {
        let mut buffer = text.as_bytes().to_vec();
        let nonce = self
            .key(binding)
            .seal_in_place_append_tag(Aad::from(binding.row()), &mut buffer)
            .map_err(|e| e.to_string())?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + buffer.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut buffer);
        Ok(sealed)
    }

    /// Decrypts a value that [`Sealer::seal`] made under the same binding with the same key file.
    #[must_use]
    pub fn open(&self, binding: Binding<'_>, sealed: &[u8]) -> Option<String> {
        let [FORMAT, rest @ ..] = sealed else {
            return None;
        };
        open_with(self.key(binding), Aad::from(binding.row()), rest)
    }

    /// Decrypts a value of an earlier version, which used one key for everything and no binding. Only the upgrade at
    /// start uses this.
    #[must_use]
    pub fn open_unbound(&self, sealed: &[u8]) -> Option<String> {
        open_with(&self.unbound, Aad::empty(), sealed)
    }
}

fn open_with<A: AsRef<[u8]>>(
    key: &RandomizedNonceKey,
    aad: Aad<A>,
    sealed: &[u8],
) -> Option<String> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut buffer = rest.to_vec();
    let opened = key.open_in_place(nonce, aad, &mut buffer).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(folder: &tempfile::TempDir, name: &str) -> Sealer {
        Sealer::load(&folder.path().join(name)).unwrap()
    }

    #[test]
    fn opens_only_values_that_it_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let ours = sealer(&folder, "a.key");
        let sealed = ours.seal(Binding::Mail(1), "token fc375d64").unwrap();
        assert!(!sealed.windows(5).any(|w| w == b"token"));
        assert_eq!(
            ours.open(Binding::Mail(1), &sealed).as_deref(),
            Some("token fc375d64")
        );
        assert_eq!(
            sealer(&folder, "b.key").open(Binding::Mail(1), &sealed),
            None
        );
        assert_eq!(ours.open(Binding::Mail(1), b"\x01short"), None);
        assert_eq!(ours.open(Binding::Mail(1), b""), None);
    }

    #[test]
    fn refuses_a_value_moved_to_another_row_or_purpose() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = sealer(&folder, "a.key");
        let sealed = sealer
            .seal(Binding::ServiceCredentials(1), "key:secret")
            .unwrap();
        for elsewhere in [
            Binding::ServiceCredentials(2),
            Binding::Callback(1),
            Binding::Mail(1),
            Binding::ApplicationSecret("1"),
        ] {
            assert_eq!(sealer.open(elsewhere, &sealed), None, "{elsewhere:?}");
        }
    }

    #[test]
    fn opens_values_of_earlier_versions_with_open_unbound_only() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = sealer(&folder, "a.key");
        let mut old = b"key:secret".to_vec();
        let nonce = sealer
            .unbound
            .seal_in_place_append_tag(Aad::empty(), &mut old)
            .unwrap();
        let old = [nonce.as_ref(), old.as_slice()].concat();
        assert_eq!(sealer.open_unbound(&old).as_deref(), Some("key:secret"));
        assert_eq!(sealer.open(Binding::ServiceCredentials(1), &old), None);
    }
}
