//! Assertions: JSON Web Tokens in which a partner states who a user is. Only RS256 is accepted (SPEC §11, RFC 7519).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The maximum length of a token in bytes; the samples of the original documents are shorter than 1,000.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// The reason why a text is not an assertion, independent of the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The token is too long, or it is not three parts of base64url with a JSON object in each of the first two.
    Malformed,
    /// The header has a parameter besides `alg`, `typ` and `kid`, such as a key or an extension.
    Header,
    /// The token is unsigned or is not signed with RS256.
    Algorithm,
}

/// The header of a token. Any other parameter is refused, because a token must not choose the key that verifies it
/// (RFC 7515 §4.1 `jwk`, `jku`, `x5u`, `x5c`, `crit`).
#[derive(Deserialize)]
struct Head {
    alg: Option<Value>,
    typ: Option<Value>,
    kid: Option<Value>,
    #[serde(flatten)]
    more: BTreeMap<String, IgnoredAny>,
}

/// The claims as sent, of any type; `null` counts as absent. A token with a duplicate claim is refused, because two
/// parsers could read it differently.
#[derive(Debug, Default, Deserialize)]
#[expect(missing_docs, reason = "the names are those of SPEC §11")]
pub struct Claims {
    pub iss: Option<Value>,
    pub aud: Option<Value>,
    pub sub: Option<Value>,
    pub jti: Option<Value>,
    pub iat: Option<Value>,
    pub exp: Option<Value>,
    pub nbf: Option<Value>,
    pub version: Option<Value>,
    pub state_id: Option<Value>,
    pub school_id: Option<Value>,
    pub name: Option<Value>,
    pub email: Option<Value>,
    pub email_verified: Option<Value>,
    pub phone_number: Option<Value>,
    pub phone_number_verified: Option<Value>,
    pub roles: Option<Value>,
    pub redirect_uri: Option<Value>,
    pub redirect_url: Option<Value>,
}

/// A parsed token that is not yet verified.
#[derive(Debug)]
pub struct Assertion<'a> {
    token: &'a str,
    /// The key ID in the header, if present.
    pub kid: Option<Value>,
    pub claims: Claims,
}

impl<'a> Assertion<'a> {
    /// Parses a token. Its claims are not trustworthy before [`Assertion::is_signed_with`] returns true.
    ///
    /// # Errors
    /// The flaw in the token's form.
    pub fn read(token: &'a str) -> Result<Self, Flaw> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Flaw::Malformed);
        }
        let mut parts = token.split('.');
        let (Some(head), Some(claims), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Flaw::Malformed);
        };
        let head: Head = object(head)?;
        if !head.more.is_empty() {
            return Err(Flaw::Header);
        }
        let is_jwt = |typ: &Value| typ.as_str().is_some_and(|t| t.eq_ignore_ascii_case("JWT"));
        if !head.typ.as_ref().is_none_or(is_jwt) {
            return Err(Flaw::Header);
        }
        if head.alg.as_ref().and_then(Value::as_str) != Some("RS256") {
            return Err(Flaw::Algorithm);
        }
        Ok(Self {
            token,
            kid: head.kid,
            claims: object(claims)?,
        })
    }

    /// Whether the token's signature is valid under this public key in PEM.
    #[must_use]
    pub fn is_signed_with(&self, public_key: &str) -> bool {
        let Ok(key) = DecodingKey::from_rsa_pem(public_key.as_bytes()) else {
            return false;
        };
        let Some((signed, signature)) = self.token.rsplit_once('.') else {
            return false;
        };
        // The library checks only the signature; the operation checks the claims.
        verify(signature, signed.as_bytes(), &key, Algorithm::RS256).unwrap_or(false)
    }
}

fn object<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, Flaw> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Malformed)?;
    // Serde's derived deserializer would also accept an array, so anything but an object is refused here.
    if bytes.first() != Some(&b'{') {
        return Err(Flaw::Malformed);
    }
    serde_json::from_slice(&bytes).map_err(|_| Flaw::Malformed)
}

/// Signs claims with a partner's private key in PEM; for the demo and for tests.
///
/// # Errors
/// The key is not an RSA key.
pub fn sign(private_key: &str, claims: &Value) -> Result<String, String> {
    let key = EncodingKey::from_rsa_pem(private_key.as_bytes()).map_err(|e| e.to_string())?;
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, &key).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::rsa_keys;
    use serde_json::json;

    fn forged(head: &Value, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.AAAA", part(&head.to_string()), part(claims))
    }

    #[test]
    fn accepts_signatures_of_the_partners_key_only() {
        let (one, two) = (rsa_keys::generate().unwrap(), rsa_keys::generate().unwrap());
        let token = sign(&one, &json!({"iss": "a", "iat": 1})).unwrap();
        let assertion = Assertion::read(&token).unwrap();
        assert_eq!(assertion.claims.iss, Some(json!("a")));
        assert!(assertion.is_signed_with(&rsa_keys::public_half(&one).unwrap()));
        assert!(!assertion.is_signed_with(&rsa_keys::public_half(&two).unwrap()));
        assert!(!assertion.is_signed_with("no key"));
        // A token with one changed character in the claims, and one with a changed character in the signature.
        for part in [1, 2] {
            let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
            let first = if parts[part].starts_with('A') {
                "B"
            } else {
                "A"
            };
            parts[part].replace_range(..1, first);
            let changed = parts.join(".");
            let signed = Assertion::read(&changed)
                .is_ok_and(|a| a.is_signed_with(&rsa_keys::public_half(&one).unwrap()));
            assert!(!signed, "{part}");
        }
    }

    #[test]
    fn refuses_headers_that_name_a_key_or_an_algorithm() {
        for (head, flaw) in [
            (json!({"alg": "none"}), Flaw::Algorithm),
            (json!({"alg": "None"}), Flaw::Algorithm),
            (json!({"alg": "HS256", "typ": "JWT"}), Flaw::Algorithm),
            (json!({"alg": "rs256"}), Flaw::Algorithm),
            (json!({"alg": "RS512"}), Flaw::Algorithm),
            (json!({"alg": ["RS256"]}), Flaw::Algorithm),
            (json!({"typ": "JWT"}), Flaw::Algorithm),
            (json!({"alg": "RS256", "typ": "at+jwt"}), Flaw::Header),
            (json!({"alg": "RS256", "jwk": {"kty": "RSA"}}), Flaw::Header),
            (json!({"alg": "RS256", "jku": "https://a"}), Flaw::Header),
            (json!({"alg": "RS256", "x5u": "https://a"}), Flaw::Header),
            (json!({"alg": "RS256", "x5c": ["AA"]}), Flaw::Header),
            (json!({"alg": "RS256", "crit": ["exp"]}), Flaw::Header),
            (json!(["RS256", null, null]), Flaw::Malformed),
        ] {
            let token = forged(&head, "{}");
            assert_eq!(Assertion::read(&token).unwrap_err(), flaw, "{head}");
        }
    }

    #[test]
    fn refuses_malformed_tokens() {
        let head = json!({"alg": "RS256"});
        let good = forged(&head, "{}");
        assert!(Assertion::read(&good).is_ok());
        let long = forged(
            &head,
            &json!({"a": "x".repeat(MAX_TOKEN_BYTES)}).to_string(),
        );
        let twice = forged(&head, r#"{"sub":"a","sub":"b"}"#);
        let list = forged(&head, "[]");
        for wrong in [
            "",
            "a",
            "a.b",
            "a.b.c",
            &format!("{good}.AAAA"),
            &good.replacen('.', "=.", 1),
            &long,
            &twice,
            &list,
        ] {
            assert_eq!(
                Assertion::read(wrong).unwrap_err(),
                Flaw::Malformed,
                "{wrong}"
            );
        }
    }
}
