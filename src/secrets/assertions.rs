//! What partners sign to say who somebody is: JSON Web Tokens with RS256 and nothing else (SPEC §11, RFC 7519).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The longest token that is looked at, in bytes; the documents' own have less than a thousand.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// Why a text is no token of a partner, whoever that may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Too long, or not three parts of base64url with an object in the first two.
    Malformed,
    /// Its header says more than `alg`, `typ` and `kid`: a key to check it with, an extension.
    Header,
    /// It is signed by anything but RS256, or by nothing.
    Algorithm,
}

/// A token's header. Whatever else stands there means something to somebody, and above all it must not choose the key
/// (RFC 7515 §4.1 `jwk`, `jku`, `x5u`, `x5c`, `crit`).
#[derive(Deserialize)]
struct Head {
    alg: Option<Value>,
    typ: Option<Value>,
    kid: Option<Value>,
    #[serde(flatten)]
    more: BTreeMap<String, IgnoredAny>,
}

/// The claims as they were sent, of whatever type; `null` counts as nothing. A name that is there twice makes the token
/// unreadable, since two readers could take it differently.
#[derive(Debug, Default, Deserialize)]
#[expect(missing_docs, reason = "they are called as SPEC §11 calls them")]
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
    pub redirect_uri: Option<Value>,
    pub redirect_url: Option<Value>,
}

/// A token that can be read, of which nothing is known yet.
#[derive(Debug)]
pub struct Assertion<'a> {
    token: &'a str,
    /// The key's name in the header, if it has one.
    pub kid: Option<Value>,
    pub claims: Claims,
}

impl<'a> Assertion<'a> {
    /// Takes a token apart; it is not to be believed before [`Assertion::is_signed_with`].
    ///
    /// # Errors
    /// What is wrong with its form.
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

    /// Whether the holder of this public key, in PEM, signed it.
    #[must_use]
    pub fn is_signed_with(&self, public_key: &str) -> bool {
        let Ok(key) = DecodingKey::from_rsa_pem(public_key.as_bytes()) else {
            return false;
        };
        let Some((signed, signature)) = self.token.rsplit_once('.') else {
            return false;
        };
        // The signature alone: what the claims mean is not the library's business.
        verify(signature, signed.as_bytes(), &key, Algorithm::RS256).unwrap_or(false)
    }
}

fn object<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, Flaw> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Malformed)?;
    // A derived reader would take a list as well, member by member.
    if bytes.first() != Some(&b'{') {
        return Err(Flaw::Malformed);
    }
    serde_json::from_slice(&bytes).map_err(|_| Flaw::Malformed)
}

/// Signs claims as a partner does, with a private key in PEM; for trying things out.
///
/// # Errors
/// A key that is no RSA key.
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
    fn only_who_holds_the_key_has_signed() {
        let (one, two) = (rsa_keys::generate().unwrap(), rsa_keys::generate().unwrap());
        let token = sign(&one, &json!({"iss": "a", "iat": 1})).unwrap();
        let assertion = Assertion::read(&token).unwrap();
        assert_eq!(assertion.claims.iss, Some(json!("a")));
        assert!(assertion.is_signed_with(&rsa_keys::public_half(&one).unwrap()));
        assert!(!assertion.is_signed_with(&rsa_keys::public_half(&two).unwrap()));
        assert!(!assertion.is_signed_with("no key"));
        // One character of the claims, and of the signature.
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
    fn headers_choose_neither_key_nor_algorithm() {
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
    fn what_is_no_token_is_malformed() {
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
