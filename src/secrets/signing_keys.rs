//! The signing keys of the gateway's tokens: one file for each key. The newest key of the configured algorithm signs;
//! the other keys only verify.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

use super::keys::{create_private_dir, load_or_create};
use super::sha256_hex;
use crate::domain::Millis;

/// A signature algorithm for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    Es256,
    Hs256,
    Rs256,
    EdDsa,
}

impl Signing {
    /// Every algorithm, the default first.
    pub const ALL: [Signing; 4] = [
        Signing::Es256,
        Signing::Hs256,
        Signing::Rs256,
        Signing::EdDsa,
    ];

    /// The name in a token's header and in the settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Signing::Es256 => "ES256",
            Signing::Hs256 => "HS256",
            Signing::Rs256 => "RS256",
            Signing::EdDsa => "EdDSA",
        }
    }

    /// Parses the name of an algorithm.
    #[must_use]
    pub fn parse(text: &str) -> Option<Signing> {
        Signing::ALL.into_iter().find(|s| s.as_str() == text)
    }

    pub(super) const fn algorithm(self) -> Algorithm {
        match self {
            Signing::Es256 => Algorithm::ES256,
            Signing::Hs256 => Algorithm::HS256,
            Signing::Rs256 => Algorithm::RS256,
            Signing::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// The public description of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    pub kid: String,
    pub signing: Signing,
    /// Whether the key signs new tokens.
    pub signs: bool,
    /// The time until which the key verifies tokens; `None` while it is the newest of its algorithm.
    pub until: Option<Millis>,
}

/// A loaded key.
pub(super) struct SigningKey {
    pub signing: Signing,
    pub kid: String,
    pub encoding: EncodingKey,
    pub decoding: DecodingKey,
    /// The public JSON Web Key; `None` for a shared secret.
    jwk: Option<serde_json::Value>,
    until: Option<Millis>,
}

impl SigningKey {
    pub fn is_usable(&self, now: Millis) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// All keys of a folder.
pub(super) struct KeyRing {
    /// The signing key comes first.
    keys: Vec<SigningKey>,
    /// The files that the keys were read from, for detecting changes.
    pub files: Files,
}

/// The names of key files and the time of their last change.
pub(super) type Files = Vec<(String, SystemTime)>;

impl KeyRing {
    /// Reads the keys of a folder; creates the signing key if it is missing.
    ///
    /// # Errors
    /// A key file cannot be read, created or parsed.
    pub fn load(folder: &Path, signing: Signing) -> io::Result<Self> {
        let current = file_name(signing);
        load_or_create(&folder.join(&current), || {
            generate(signing).unwrap_or_default()
        })?;
        let files = files(folder)?;
        let mut keys = Vec::new();
        for (name, _) in &files {
            let Some((signing, until)) = parse_name(name) else {
                continue;
            };
            let key = read(&folder.join(name), signing, until)?;
            if *name == current {
                keys.insert(0, key);
            } else {
                keys.push(key);
            }
        }
        Ok(Self { keys, files })
    }

    /// The signing key.
    pub fn current(&self) -> Option<&SigningKey> {
        self.keys.first()
    }

    /// The key with this ID, if it may still verify tokens.
    pub fn find(&self, kid: &str, now: Millis) -> Option<&SigningKey> {
        self.keys
            .iter()
            .find(|key| key.kid == kid && key.is_usable(now))
    }

    /// The JSON Web Key Set with the public keys (RFC 7517).
    pub fn jwks(&self, now: Millis) -> String {
        let usable = self.keys.iter().filter(|key| key.is_usable(now));
        let keys: Vec<_> = usable.filter_map(|key| key.jwk.as_ref()).collect();
        serde_json::json!({ "keys": keys }).to_string()
    }

    fn infos(&self, now: Millis) -> Vec<KeyInfo> {
        let usable = self.keys.iter().enumerate();
        usable
            .filter(|(_, key)| key.is_usable(now))
            .map(|(at, key)| KeyInfo {
                kid: key.kid.clone(),
                signing: key.signing,
                signs: at == 0,
                until: key.until,
            })
            .collect()
    }
}

/// The usable keys of a folder; the signing key comes first.
///
/// # Errors
/// A key file cannot be read, created or parsed.
pub fn list(folder: &Path, signing: Signing, now: Millis) -> io::Result<Vec<KeyInfo>> {
    Ok(KeyRing::load(folder, signing)?.infos(now))
}

/// Creates a new signing key. The previous key verifies tokens until `until`. If `until` is not later than `now`, the
/// previous key and every other replaced key of the algorithm are deleted, because the operator may not know which of
/// these keys has leaked. Expired keys are deleted in any case.
///
/// # Errors
/// A key file cannot be read, created, renamed or parsed; or another rotation is running.
pub fn rotate(
    folder: &Path,
    signing: Signing,
    now: Millis,
    until: Millis,
) -> io::Result<Vec<KeyInfo>> {
    create_private_dir(folder)?;
    let _lock = RotationLock::acquire(folder)?;
    let before = KeyRing::load(folder, signing)?;
    let current = folder.join(file_name(signing));
    if let Some(key) = before.current() {
        if until > now {
            let name = format!(
                "jwt-{}.{}.until-{}.pem",
                signing.as_str().to_lowercase(),
                key.kid,
                until.div_euclid(1000)
            );
            fs::rename(&current, folder.join(name))?;
        } else {
            fs::remove_file(&current)?;
        }
    }
    for (name, _) in &before.files {
        let Some((algorithm, Some(over))) = parse_name(name) else {
            continue;
        };
        if over <= now || (until <= now && algorithm == signing) {
            fs::remove_file(folder.join(name))?;
        }
    }
    list(folder, signing, now)
}

/// A lock file that prevents concurrent rotations in one folder.
struct RotationLock(PathBuf);

impl RotationLock {
    fn acquire(folder: &Path) -> io::Result<Self> {
        let path = folder.join(".rotating");
        let made = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path);
        match made {
            Ok(_) => Ok(Self(path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let path = path.display();
                let text =
                    format!("another key rotation is running; if there is none, delete {path}");
                Err(io::Error::other(text))
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for RotationLock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn file_name(signing: Signing) -> String {
    format!("jwt-{}.pem", signing.as_str().to_lowercase())
}

/// Parses the name of a key file into the algorithm and, for a replaced key, the time until which it is used.
fn parse_name(name: &str) -> Option<(Signing, Option<Millis>)> {
    let rest = name.strip_prefix("jwt-")?.strip_suffix(".pem")?;
    let mut parts = rest.split('.');
    let algorithm = parts.next()?;
    let signing = Signing::ALL
        .into_iter()
        .find(|s| s.as_str().eq_ignore_ascii_case(algorithm))?;
    let Some(_kid) = parts.next() else {
        return Some((signing, None));
    };
    let seconds: i64 = parts.next()?.strip_prefix("until-")?.parse().ok()?;
    Some((signing, Some(seconds.saturating_mul(1000))))
}

/// The key files of a folder, by name.
pub(super) fn files(folder: &Path) -> io::Result<Files> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if parse_name(&name).is_some() {
            files.push((name, entry.metadata()?.modified()?));
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path, signing: Signing, until: Option<Millis>) -> io::Result<SigningKey> {
    let broken =
        |what: &str| io::Error::other(format!("{}: not a usable key ({what})", path.display()));
    let file = fs::read(path)?;
    let der = unpem(&file).ok_or_else(|| broken("PEM"))?;
    let pair = key_pair(signing, &file, &der).ok_or_else(|| broken("key"))?;
    let kid: String = sha256_hex(&pair.identity).chars().take(16).collect();
    Ok(SigningKey {
        signing,
        jwk: jwk(signing, &kid, pair.public),
        kid,
        encoding: pair.encoding,
        decoding: pair.decoding,
        until,
    })
}

fn generate(signing: Signing) -> Option<Vec<u8>> {
    let random = SystemRandom::new();
    let der = match signing {
        Signing::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .ok()?
            .as_ref()
            .to_vec(),
        Signing::EdDsa => Ed25519KeyPair::generate_pkcs8(&random)
            .ok()?
            .as_ref()
            .to_vec(),
        Signing::Rs256 => {
            let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa3072).ok()?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)
                .ok()?
                .as_ref()
                .to_vec()
        }
        Signing::Hs256 => {
            let mut key = vec![0; 32];
            random.fill(&mut key).ok()?;
            key
        }
    };
    let label = if signing == Signing::Hs256 {
        "HMAC SECRET"
    } else {
        "PRIVATE KEY"
    };
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    Some(pem.into_bytes())
}

fn unpem(file: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(file).ok()?;
    let body: String = text.lines().filter(|l| !l.starts_with("-----")).collect();
    STANDARD.decode(body).ok()
}

/// A key in the forms for signing, for verification and for publication.
struct KeyPair {
    encoding: EncodingKey,
    decoding: DecodingKey,
    /// The value from which the key's ID is derived.
    identity: String,
    /// The members of the JSON Web Key, by their names in RFC 7518 and 8037; empty for a shared secret.
    public: Vec<(&'static str, String)>,
}

fn jwk(
    signing: Signing,
    kid: &str,
    public: Vec<(&'static str, String)>,
) -> Option<serde_json::Value> {
    if public.is_empty() {
        return None;
    }
    let fixed = [("use", "sig"), ("alg", signing.as_str()), ("kid", kid)];
    let fixed = fixed.map(|(name, value)| (name, value.to_owned()));
    let members: serde_json::Map<_, _> = public
        .into_iter()
        .chain(fixed)
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    Some(members.into())
}

fn key_pair(signing: Signing, pem: &[u8], der: &[u8]) -> Option<KeyPair> {
    let mut jwk = Vec::new();
    let mut member = |name, bytes: &[u8]| jwk.push((name, URL_SAFE_NO_PAD.encode(bytes)));
    let (encoding, decoding, public) = match signing {
        Signing::Es256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok()?;
            let public = pair.public_key().as_ref().to_vec();
            // An uncompressed point is the byte 4, followed by both coordinates.
            let (x, y) = public.get(1..)?.split_at_checked(32)?;
            member("x", x);
            member("y", y);
            (
                EncodingKey::from_ec_pem(pem).ok()?,
                DecodingKey::from_ec_der(&public),
                public,
            )
        }
        Signing::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8(der).ok()?;
            let public = pair.public_key().as_ref().to_vec();
            member("x", &public);
            (
                EncodingKey::from_ed_pem(pem).ok()?,
                DecodingKey::from_ed_der(&public),
                public,
            )
        }
        Signing::Rs256 => {
            let pair = rsa::KeyPair::from_pkcs8(der).ok()?;
            let public = pair.public_key().as_ref().to_vec();
            let (modulus, exponent) = (pair.public_key().modulus(), pair.public_key().exponent());
            member("n", modulus.big_endian_without_leading_zero());
            member("e", exponent.big_endian_without_leading_zero());
            (
                EncodingKey::from_rsa_pem(pem).ok()?,
                DecodingKey::from_rsa_der(&public),
                public,
            )
        }
        Signing::Hs256 => {
            let key = EncodingKey::from_secret(der);
            // The ID is public, so it is made from a hash of the secret.
            let identity = sha256_hex(&STANDARD.encode(der)).into_bytes();
            (key, DecodingKey::from_secret(der), identity)
        }
    };
    match signing {
        Signing::Es256 => jwk.extend([("kty", "EC".to_owned()), ("crv", "P-256".to_owned())]),
        Signing::EdDsa => jwk.extend([("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned())]),
        Signing::Rs256 => jwk.push(("kty", "RSA".to_owned())),
        Signing::Hs256 => {}
    }
    Some(KeyPair {
        encoding,
        decoding,
        identity: STANDARD.encode(public),
        public: jwk,
    })
}
