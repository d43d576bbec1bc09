//! The only gatekeeper: turns what a face found into a decided call, runs it, and writes refusals down.

use super::{Access, Answer, Call, Credentials, Operation, Refusal, Request, refuse};
use crate::contract::messages::Language;
use crate::contract::rejection::{Code, Kind, Problem, Rejection};
use crate::contract::shape::Secret;
use crate::domain::client::{Client, Trust};
use crate::domain::user::{Status, User, same_name};
use crate::parts::Parts;
use crate::secrets::hashing::Verdict;
use crate::secrets::sha256_hex;
use crate::store::users;

/// A request on its way to being run.
#[derive(Debug)]
pub struct Incoming {
    pub operation: &'static Operation,
    pub request: Box<dyn Request>,
    /// What is wrong with its values; told only to those who may call at all.
    pub problems: Vec<Problem>,
    pub credentials: Credentials,
    pub language: Language,
    pub request_id: String,
}

/// Decides, runs, and records a refusal of rights.
///
/// # Errors
/// What the client is to be told.
pub fn run(parts: &Parts, incoming: Incoming) -> Result<Box<dyn Answer>, Rejection> {
    let Incoming {
        operation,
        request,
        problems,
        credentials,
        language,
        request_id,
    } = incoming;
    let mut call = Call {
        parts,
        now: parts.clock.now(),
        request_id: &request_id,
        language,
        client: None,
        user: None,
        on_behalf_of: credentials.user_name.clone(),
    };
    let subject = request.subject().map(str::to_owned);
    let result = decide(&mut call, operation, &credentials)
        .and_then(|()| super::refuse_all(problems))
        .and_then(|()| request.run(&call));
    result.map_err(|refusal| {
        let rejection = refusal.into_rejection();
        if matches!(rejection.kind(), Kind::SignIn | Kind::Forbidden) {
            let recorded = parts.store.write(|c| {
                call.audit(
                    c,
                    operation.event,
                    rejection.code().as_str(),
                    subject.as_deref(),
                )
            });
            if let Err(error) = recorded {
                tracing::error!(cause = ?error, "a refusal could not be written to the audit log");
            }
        }
        rejection
    })
}

fn decide(call: &mut Call<'_>, operation: &Operation, found: &Credentials) -> Result<(), Refusal> {
    call.client = client(call.parts, found.client_key.as_ref())?;
    let authorization = found
        .authorization
        .as_ref()
        .filter(|a| !a.reveal().trim().is_empty());
    if operation.access == Access::Anyone {
        return claim_beside_token(call, authorization, found.user_name.as_deref());
    }
    let Some(client) = &call.client else {
        return Err(refuse(Code::UnknownClient));
    };
    let key_is_enough = client.trust == Trust::Trusted && operation.access != Access::User;
    if let Some(authorization) = authorization {
        call.user = Some(user_of_token(call, authorization)?);
    } else if let Some((name, password)) = &found.username_token {
        call.user = Some(user_of_password(call, name, password)?);
    }
    match (&call.user, &found.user_name) {
        (None, _) if !key_is_enough => Err(refuse(Code::AuthenticationRequired)),
        // The name beside a token is a claim, and a false one here.
        (Some(user), Some(claimed)) if !same_name(&user.user_name, claimed) => {
            Err(refuse(Code::AccessDenied))
        }
        _ => Ok(()),
    }
}

/// Operations for anyone need no token, and an old one does no harm. But a valid one beside somebody
/// else's name is a false claim here too (SPEC §3).
fn claim_beside_token(
    call: &Call<'_>,
    authorization: Option<&Secret>,
    claimed: Option<&str>,
) -> Result<(), Refusal> {
    let (Some(authorization), Some(claimed)) = (authorization, claimed) else {
        return Ok(());
    };
    match user_of_token(call, authorization) {
        Ok(user) if !same_name(&user.user_name, claimed) => Err(refuse(Code::AccessDenied)),
        Ok(_) | Err(Refusal::Rejected(_)) => Ok(()),
        Err(trouble) => Err(trouble),
    }
}

/// The client with this key; none when there is no key, a refusal when the key is nobody's.
fn client(parts: &Parts, key: Option<&Secret>) -> Result<Option<Client>, Refusal> {
    let Some(key) = key.map(|k| k.reveal().trim()).filter(|k| !k.is_empty()) else {
        return Ok(None);
    };
    parts
        .registry
        .client(&sha256_hex(key))
        .filter(|c| c.active)
        .map(Some)
        .ok_or_else(|| refuse(Code::UnknownClient))
}

/// The user a token stands for. The signature may be remembered; the user is asked for each time.
fn user_of_token(call: &Call<'_>, authorization: &Secret) -> Result<User, Refusal> {
    let expired = || refuse(Code::TokenExpired);
    let text = authorization.reveal().trim();
    let token = match text.split_once(' ') {
        Some((scheme, token))
            if ["jwt", "bearer"].contains(&scheme.to_ascii_lowercase().as_str()) =>
        {
            token.trim()
        }
        Some(_) => return Err(expired()),
        None => text,
    };
    let claims = call
        .parts
        .tokens
        .verify(token, call.now)
        .ok_or_else(expired)?;
    let user = call
        .parts
        .store
        .read(|c| users::by_name(c, &claims.sub))?
        .ok_or_else(expired)?;
    // Issued before the last change of the password: dead, to the second that claims count in.
    let alive = user.status == Status::Active && claims.iat >= user.epoch.div_euclid(1000);
    if alive { Ok(user) } else { Err(expired()) }
}

/// The user a WS-Security UsernameToken signs in; runs on the hashing pool.
fn user_of_password(call: &Call<'_>, name: &str, password: &Secret) -> Result<User, Refusal> {
    let user = call.parts.store.read(|c| users::by_login(c, name))?;
    let hash = user.as_ref().and_then(|u| u.password_hash.as_deref());
    let verdict = call.parts.hasher.verify(password.reveal(), hash);
    match user {
        Some(user) if verdict != Verdict::Wrong => {
            if user.status == Status::Active {
                Ok(user)
            } else {
                Err(refuse(Code::UserNotActive))
            }
        }
        _ => Err(refuse(Code::BadCredentials)),
    }
}
