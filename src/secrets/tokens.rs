//! Our own JWTs: issued and verified with one algorithm a key.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::keys::load_or_make;
use super::sha256_hex;
use crate::domain::Millis;

/// The claims of the seeds' sample, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user name.
    pub sub: String,
    /// Seconds since 1970, as the next two.
    pub exp: i64,
    pub nbf: i64,
    pub iat: i64,
    pub jti: String,
    /// Global roles and the roles in `org`.
    pub rls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgClaim>,
}

/// The organisation a token is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgClaim {
    pub uuid: String,
    pub name: String,
}

/// How tokens can be signed.
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

    /// Reads that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Signing> {
        Signing::ALL.into_iter().find(|s| s.as_str() == text)
    }

    const fn algorithm(self) -> Algorithm {
        match self {
            Signing::Es256 => Algorithm::ES256,
            Signing::Hs256 => Algorithm::HS256,
            Signing::Rs256 => Algorithm::RS256,
            Signing::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// Verified tokens that are remembered, since a signature takes longer to check than all the rest
/// of a request.
const REMEMBERED_TOKENS: usize = 10_000;
/// The longest token that is looked at, in bytes: more than one with all the roles a user and a
/// membership can have, and less than the head of a request may be.
const MAX_TOKEN_BYTES: usize = 48 * 1024;
/// How far in the future a token may begin, in seconds: other nodes' clocks differ, and a token issued
/// right after some changes of the password begins some seconds later.
const LEEWAY_SECONDS: i64 = 5;

/// Issues and verifies tokens.
pub struct Tokens {
    signing: Signing,
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    /// The published half of the key, with its id; a shared secret has none.
    jwks: String,
    /// By SHA-256 of the token. Only the signature and the claims are remembered; whether the user
    /// may still use it is asked anew each time.
    verified: Mutex<HashMap<String, Claims>>,
}

impl Tokens {
    /// Loads the signing key of this algorithm from a folder, or makes it there.
    ///
    /// # Errors
    /// A key file that cannot be read or made, or holds something else.
    pub fn load(folder: &Path, signing: Signing) -> io::Result<Self> {
        let path = folder.join(format!("jwt-{}.pem", signing.as_str().to_lowercase()));
        let broken =
            |what: &str| io::Error::other(format!("{}: not a usable key ({what})", path.display()));
        let file = load_or_make(&path, || generate(signing).unwrap_or_default())?;
        let der = unpem(&file).ok_or_else(|| broken("PEM"))?;
        let pair = key_pair(signing, &file, &der).ok_or_else(|| broken("key"))?;
        let KeyPair {
            encoding,
            decoding,
            identity,
            public,
        } = pair;
        let kid: String = sha256_hex(&identity).chars().take(16).collect();
        Ok(Self {
            jwks: jwks(signing, &kid, public),
            signing,
            kid,
            encoding,
            decoding,
            verified: Mutex::default(),
        })
    }

    /// The JSON Web Key Set by which others check our tokens (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// Signs a token.
    ///
    /// # Errors
    /// What the library reports; none is known for a loaded key.
    pub fn issue(&self, claims: &Claims) -> Result<String, String> {
        let mut header = Header::new(self.signing.algorithm());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(|e| e.to_string())
    }

    /// The claims of a token that is ours, unaltered and within its time.
    #[must_use]
    pub fn verify(&self, token: &str, now: Millis) -> Option<Claims> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let hash = sha256_hex(token);
        let known = self.lock().get(&hash).cloned();
        let claims = match known {
            Some(claims) => claims,
            None => self.check_signature(token)?,
        };
        let seconds = now.div_euclid(1000);
        if claims.exp <= seconds || claims.nbf.max(claims.iat) > seconds + LEEWAY_SECONDS {
            self.lock().remove(&hash);
            return None;
        }
        let mut verified = self.lock();
        if verified.len() >= REMEMBERED_TOKENS {
            verified.retain(|_, c| c.exp > seconds);
            if verified.len() >= REMEMBERED_TOKENS {
                verified.clear();
            }
        }
        verified.entry(hash).or_insert_with(|| claims.clone());
        Some(claims)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Claims>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_signature(&self, token: &str) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.kid.as_deref() != Some(self.kid.as_str()) {
            return None;
        }
        let mut validation = Validation::new(self.signing.algorithm());
        // Times are checked against our own clock above; the claims' types and presence by serde.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation)
            .ok()
            .map(|data| data.claims)
    }
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

/// The two halves of a key, and what is made of them.
struct KeyPair {
    encoding: EncodingKey,
    decoding: DecodingKey,
    /// What the key's id is made of.
    identity: String,
    /// Members of its JSON Web Key, by their names in RFC 7518 and 8037; none for a shared secret.
    public: Vec<(&'static str, String)>,
}

fn jwks(signing: Signing, kid: &str, public: Vec<(&'static str, String)>) -> String {
    let mut keys = Vec::new();
    if !public.is_empty() {
        let fixed = [("use", "sig"), ("alg", signing.as_str()), ("kid", kid)];
        let fixed = fixed.map(|(name, value)| (name, value.to_owned()));
        let members: serde_json::Map<_, _> = public
            .into_iter()
            .chain(fixed)
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        keys.push(members);
    }
    serde_json::json!({ "keys": keys }).to_string()
}

fn key_pair(signing: Signing, pem: &[u8], der: &[u8]) -> Option<KeyPair> {
    let mut jwk = Vec::new();
    let mut member = |name, bytes: &[u8]| jwk.push((name, URL_SAFE_NO_PAD.encode(bytes)));
    let (encoding, decoding, public) = match signing {
        Signing::Es256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok()?;
            let public = pair.public_key().as_ref().to_vec();
            // An uncompressed point: a four, then both coordinates.
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
            // A hash of a hash, since the id is public.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(exp: i64) -> Claims {
        Claims {
            sub: "admin".into(),
            exp,
            nbf: 1_601_973_889,
            iat: 1_601_973_889,
            jti: "7851781a-9338-454e-84bc-4694f7e62957".into(),
            rls: vec![],
            org: Some(OrgClaim {
                uuid: "hammy".into(),
                name: "Hammy Organization".into(),
            }),
        }
    }

    #[test]
    fn every_algorithm_verifies_what_it_signed_and_refuses_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let now = 1_601_973_890_000;
        let all = Signing::ALL.map(|s| Tokens::load(folder.path(), s).unwrap());
        for tokens in &all {
            let token = tokens.issue(&claims(1_601_975_689)).unwrap();
            assert_eq!(tokens.verify(&token, now), Some(claims(1_601_975_689)));
            assert_eq!(
                tokens.verify(&token, now),
                Some(claims(1_601_975_689)),
                "remembered"
            );
            assert_eq!(tokens.verify(&token, 1_601_975_689_000), None, "expired");
            assert_eq!(
                tokens.verify(&token, 1_601_973_883_999),
                None,
                "not yet valid"
            );
            let accepted = all
                .iter()
                .filter(|t| t.verify(&token, now).is_some())
                .count();
            assert_eq!(accepted, 1);
            let mut forged = token.clone().into_bytes();
            let middle = forged.len() / 2;
            forged[middle] ^= 1;
            assert_eq!(
                tokens.verify(&String::from_utf8(forged).unwrap(), now),
                None
            );
        }
    }

    #[test]
    fn others_can_check_a_token_by_what_is_published() {
        let folder = tempfile::tempdir().unwrap();
        for signing in Signing::ALL {
            let tokens = Tokens::load(folder.path(), signing).unwrap();
            let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_str(tokens.jwks()).unwrap();
            let token = tokens.issue(&claims(4_000_000_000)).unwrap();
            let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
            let Some(key) = keys.find(&kid) else {
                assert_eq!((signing, keys.keys.len()), (Signing::Hs256, 0));
                continue;
            };
            let decoding = DecodingKey::from_jwk(key).unwrap();
            let validation = Validation::new(signing.algorithm());
            let read = jsonwebtoken::decode::<Claims>(&token, &decoding, &validation);
            assert_eq!(read.unwrap().claims, claims(4_000_000_000));
        }
    }

    #[test]
    fn a_restart_keeps_the_key_and_the_file_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let before = Tokens::load(folder.path(), Signing::Es256).unwrap();
        let token = before.issue(&claims(1_601_975_689)).unwrap();
        let after = Tokens::load(folder.path(), Signing::Es256).unwrap();
        assert!(after.verify(&token, 1_601_973_890_000).is_some());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let file = std::fs::metadata(folder.path().join("jwt-es256.pem")).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600);
        }
    }
}
