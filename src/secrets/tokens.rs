//! The gateway's own JWTs: issuing and verification. Each key has one algorithm.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Header, Validation};
use serde::{Deserialize, Serialize};

use super::sha256_hex;
use super::signing_keys::{self, KeyRing, SigningKey};
use crate::domain::Millis;

pub use super::signing_keys::Signing;

/// The claims of a token, in the order of the original sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user name.
    pub sub: String,
    /// The expiry. `exp`, `nbf` and `iat` are in seconds since 1970.
    pub exp: i64,
    pub nbf: i64,
    pub iat: i64,
    pub jti: String,
    /// The global roles and the roles in `org`.
    pub rls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgClaim>,
}

/// The organisation that a token is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgClaim {
    pub uuid: String,
    pub name: String,
}

/// The capacity of the cache of verified tokens. Checking a signature takes longer than the rest of a request.
const REMEMBERED_TOKENS: usize = 10_000;
/// The maximum length of a token in bytes. A token with all the roles that a user and a membership can have is
/// shorter, and a request head may be longer.
const MAX_TOKEN_BYTES: usize = 48 * 1024;
/// The minimum time between two searches for an unknown key.
const SEARCH_INTERVAL_MS: Millis = 200;
/// The leeway for clocks of other nodes, in seconds: a token may start this far in the future.
const LEEWAY_SECONDS: i64 = 5;

/// Issues and verifies tokens.
pub struct Tokens {
    folder: PathBuf,
    signing: Signing,
    keys: RwLock<Arc<KeyRing>>,
    /// The cache of verified tokens, by the SHA-256 of the token. It holds only the claims; whether the user may
    /// still use the token is checked at every request.
    verified: Mutex<HashMap<String, Claims>>,
    /// The time of the last search for an unknown key.
    searched_at: AtomicI64,
}

/// The complete header of a token. Any other parameter (RFC 7515 `jku`, `x5u`, `jwk`, `crit`) shows that another
/// system made the token, so it is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    alg: String,
    kid: String,
    typ: Option<String>,
}

impl Tokens {
    /// Loads the keys of a folder; creates the signing key for `signing` if it is missing.
    ///
    /// # Errors
    /// A key file cannot be read, created or parsed.
    pub fn load(folder: &Path, signing: Signing) -> io::Result<Self> {
        Ok(Self {
            folder: folder.to_path_buf(),
            signing,
            keys: RwLock::new(Arc::new(KeyRing::load(folder, signing)?)),
            verified: Mutex::default(),
            searched_at: AtomicI64::new(0),
        })
    }

    /// Loads the keys again if the folder has changed; returns whether it has.
    ///
    /// # Errors
    /// As for [`Tokens::load`]; the loaded keys then stay in use.
    pub fn reload(&self) -> io::Result<bool> {
        if signing_keys::files(&self.folder)? == self.keys().files {
            return Ok(false);
        }
        let fresh = Arc::new(KeyRing::load(&self.folder, self.signing)?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        // Tokens that a removed key had verified are no longer valid.
        self.lock().clear();
        Ok(true)
    }

    /// The JSON Web Key Set with which other systems verify these tokens (RFC 7517).
    #[must_use]
    pub fn jwks(&self, now: Millis) -> String {
        self.keys().jwks(now)
    }

    /// Signs a token.
    ///
    /// # Errors
    /// The error of the library; none is known for a loaded key.
    pub fn issue(&self, claims: &Claims) -> Result<String, String> {
        let keys = self.keys();
        let key = keys.current().ok_or("no signing key is loaded")?;
        let mut header = Header::new(key.signing.algorithm());
        header.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&header, claims, &key.encoding).map_err(|e| e.to_string())
    }

    /// Verifies a token: returns its claims if the gateway signed it and it is valid at `now`.
    #[must_use]
    pub fn verify(&self, token: &str, now: Millis) -> Option<Claims> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let hash = sha256_hex(token);
        let known = self.lock().get(&hash).cloned();
        let claims = match known {
            Some(claims) => claims,
            None => self.check_signature(token, now)?,
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

    /// Whether the folder may be searched for an unknown key now. The limit keeps callers with invented key IDs from
    /// causing a disk read with each request.
    fn may_search_again(&self, now: Millis) -> bool {
        let last = self.searched_at.swap(now, Ordering::Relaxed);
        if (now - last).abs() < SEARCH_INTERVAL_MS {
            self.searched_at.store(last, Ordering::Relaxed);
            return false;
        }
        true
    }

    fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn check_signature(&self, token: &str, now: Millis) -> Option<Claims> {
        let head = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
        let head: Head = serde_json::from_slice(&head).ok()?;
        let mut keys = self.keys();
        if keys.find(&head.kid, now).is_none() && self.may_search_again(now) {
            // Another node may have created the key just now.
            self.reload().ok()?;
            keys = self.keys();
        }
        let key: &SigningKey = keys.find(&head.kid, now)?;
        let typed = head.typ.is_none_or(|t| t.eq_ignore_ascii_case("JWT"));
        if head.alg != key.signing.as_str() || !typed {
            return None;
        }
        let mut validation = Validation::new(key.signing.algorithm());
        // `verify` checks the times against `now`; serde checks the types and presence of the claims.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation)
            .ok()
            .map(|data| data.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::DecodingKey;

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
    fn accepts_tokens_of_its_own_algorithm_and_refuses_those_of_others() {
        let folders = Signing::ALL.map(|_| tempfile::tempdir().unwrap());
        let now = 1_601_973_890_000;
        let mut folder = folders.iter();
        let all = Signing::ALL.map(|s| Tokens::load(folder.next().unwrap().path(), s).unwrap());
        for tokens in &all {
            let token = tokens.issue(&claims(1_601_975_689)).unwrap();
            assert_eq!(tokens.verify(&token, now), Some(claims(1_601_975_689)));
            assert_eq!(
                tokens.verify(&token, now),
                Some(claims(1_601_975_689)),
                "from the cache"
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
    fn verifies_a_token_with_the_published_keys() {
        for signing in Signing::ALL {
            let folder = tempfile::tempdir().unwrap();
            let tokens = Tokens::load(folder.path(), signing).unwrap();
            let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&tokens.jwks(0)).unwrap();
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
    fn accepts_tokens_of_a_replaced_key_until_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let (now, until) = (1_601_973_890_000, 1_601_973_990_000);
        let tokens = Tokens::load(folder.path(), Signing::Es256).unwrap();
        let old = tokens.issue(&claims(1_601_975_689)).unwrap();
        assert!(tokens.verify(&old, now).is_some());
        let keys = signing_keys::rotate(folder.path(), Signing::Es256, now, until).unwrap();
        assert_eq!(
            keys.iter().map(|k| (k.signs, k.until)).collect::<Vec<_>>(),
            [(true, None), (false, Some(until))]
        );
        assert!(tokens.reload().unwrap());
        assert!(!tokens.reload().unwrap(), "the folder is unchanged");
        let new = tokens.issue(&claims(1_601_975_689)).unwrap();
        let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid;
        assert_eq!(kid(&new), Some(keys[0].kid.clone()));
        assert_eq!(kid(&old), Some(keys[1].kid.clone()));
        assert!(tokens.verify(&old, now).is_some());
        for kid in keys.iter().map(|k| &k.kid) {
            assert!(tokens.jwks(now).contains(kid));
        }
        assert!(!tokens.jwks(until).contains(&keys[1].kid));
        let later = Tokens::load(folder.path(), Signing::Es256).unwrap();
        assert!(later.verify(&old, until).is_none(), "the key has expired");
        assert!(later.verify(&new, until).is_some());
        // After a change of algorithm, tokens with the old algorithm stay valid.
        let other = Tokens::load(folder.path(), Signing::EdDsa).unwrap();
        assert!(other.verify(&new, now).is_some());
        // A rotation without overlap, for a key that has leaked; it also removes expired key files.
        signing_keys::rotate(folder.path(), Signing::Es256, until, until).unwrap();
        assert!(tokens.reload().unwrap());
        assert!(tokens.verify(&new, now).is_none());
        assert_eq!(signing_keys::files(folder.path()).unwrap().len(), 2);
    }

    #[test]
    fn refuses_an_own_token_with_additional_header_parameters() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::load(folder.path(), Signing::Hs256).unwrap();
        let keys = tokens.keys();
        let key = keys.current().unwrap();
        let signed = |head: &str, claims: &str| {
            let text = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(head),
                URL_SAFE_NO_PAD.encode(claims)
            );
            let signature = jsonwebtoken::crypto::sign(
                text.as_bytes(),
                &key.encoding,
                jsonwebtoken::Algorithm::HS256,
            );
            format!("{text}.{}", signature.unwrap())
        };
        let kid = &key.kid;
        let good = serde_json::to_string(&claims(1_601_975_689)).unwrap();
        let now = 1_601_973_890_000;
        let head = format!("{{\"alg\":\"HS256\",\"kid\":\"{kid}\"}}");
        assert!(tokens.verify(&signed(&head, &good), now).is_some());
        for more in [
            "\"jku\":\"https://a.example\"",
            "\"x5u\":\"https://a.example\"",
            "\"jwk\":{}",
            "\"crit\":[\"exp\"]",
            "\"typ\":\"state\"",
            "\"alg\":\"HS256\"",
        ] {
            let head = head.replace('}', &format!(",{more}}}"));
            assert!(
                tokens.verify(&signed(&head, &good), now).is_none(),
                "{more}"
            );
        }
        for head in [
            format!("{{\"alg\":\"HS384\",\"kid\":\"{kid}\"}}"),
            format!("{{\"alg\":\"none\",\"kid\":\"{kid}\"}}"),
            "{\"alg\":\"HS256\"}".to_owned(),
            "{\"alg\":\"HS256\",\"kid\":\"0000000000000000\"}".to_owned(),
        ] {
            assert!(
                tokens.verify(&signed(&head, &good), now).is_none(),
                "{head}"
            );
        }
        for (from, to) in [
            ("\"exp\":1601975689", "\"exp\":\"1601975689\""),
            ("\"exp\":1601975689,", ""),
            ("\"nbf\":1601973889,", ""),
            ("\"iat\":1601973889", "\"iat\":1601973889.5"),
            ("\"sub\":\"admin\",", ""),
            ("\"rls\":[]", "\"rls\":\"\""),
            ("\"jti\":\"7851781a-9338-454e-84bc-4694f7e62957\",", ""),
        ] {
            assert!(good.contains(from), "{from}");
            let other = signed(&head, &good.replace(from, to));
            assert!(tokens.verify(&other, now).is_none(), "{from} {to}");
        }
    }

    #[test]
    fn keeps_the_key_over_a_restart_in_a_private_file() {
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
