//! Access control: decides whether a caller may call an operation, runs the operation, and records refusals in the
//! audit log. No other module makes this decision.

use std::cell::Cell;

use super::context::{ClaimedName, Credentials, VerifiedToken};
use super::operation::{Claims, DecodedRequest};
use super::prelude::*;
use super::{application, throttle};
use crate::app_context::AppContext;
use crate::contract::problem::Kind;
use crate::contract::shape::Value as _;
use crate::domain::client::{Client, Trust};
use crate::domain::hidden::visible;
use crate::domain::session::{self, SEEN_EVERY_MS};
use crate::domain::user::same_name;
use crate::registry::Application;
use crate::store::profiles::Profile;
use crate::store::refusals::Cause;
use crate::store::token_families::{self, TokenRecord};
use crate::store::{sessions, users};

/// The published name of the client key.
const CLIENT_KEY: &str = "clientHashKey";

/// Decides whether the caller may call the operation, runs it, and records a refusal of access in the audit log.
pub fn run<A>(app: &AppContext, decoded: DecodedRequest<A>) -> Result<A, Rejection> {
    let DecodedRequest {
        request,
        problems,
        credentials,
        language,
        request_id,
    } = decoded;
    let operation = request.operation();
    let mut cx = RequestContext {
        app,
        now: app.clock.now(),
        request_id: &request_id,
        language,
        client: None,
        user: None,
        verified_token: None,
        session: None,
        profile: Profile::default(),
        on_behalf_of: None,
        source: credentials.source,
        known_browser: credentials.known_browser.clone(),
        owes_hash: Cell::new(false),
    };
    let claims = request.claims();
    let subject = claims.subject.map(str::to_owned);
    let decided = decide(&mut cx, operation, &credentials, &claims, &problems);
    // Anyone can send a name, so the audit log has only the claims of authenticated callers.
    if cx.is_trusted() || cx.user.is_some() {
        cx.on_behalf_of = claimed(&credentials).map(str::to_owned);
    }
    let result = decided
        .and_then(|()| refuse_all(problems))
        .and_then(|()| throttle::run(&cx, request));
    if matches!(result, Err(Refusal::Rejected(_))) {
        let username_token = credentials.username_token.as_ref();
        throttle::count_refused_after_hash(&cx, username_token.map(|(name, _)| name.as_str()));
    }
    result.map_err(|refusal| {
        let rejection = refusal.into_rejection();
        // A refusal for an expired session is not recorded, because its user is unknown.
        let is_known = operation.access != Access::Session || cx.user.is_some();
        if is_known && matches!(rejection.kind(), Kind::SignIn | Kind::Forbidden) {
            let code = rejection.code().as_str();
            app.metrics.refusal(code);
            if !rejection.is_recorded {
                record_refusal(&cx, operation.event, code, subject.as_deref());
            }
        }
        rejection
    })
}

/// Writes a refusal into the audit log if the caller is authenticated and was not refused often in the last minute;
/// otherwise only counts it.
fn record_refusal(
    cx: &RequestContext<'_>,
    event: AuditEvent,
    code: &'static str,
    subject: Option<&str>,
) {
    let client = cx.client.as_ref();
    let trusted = client.filter(|client| client.trust == Trust::Trusted);
    let cause = match (&cx.user, trusted) {
        (_, Some(client)) => Some(Cause::Party(&client.name)),
        (Some(user), None) => Some(Cause::User(user.id, code)),
        (None, None) => None,
    };
    if !cause.is_some_and(|cause| cx.app.refusals.take_row(cause, cx.now)) {
        return cx.count(event, code, subject, None);
    }
    let recorded = cx.write(|tx| {
        // Log the user name and not the e-mail address that the caller may have sent: addresses would stay in the log
        // after the user is deleted.
        let known = subject.map(|s| users::by_login(tx.conn, s)).transpose()?;
        let name = known.flatten().map(|user| user.user_name);
        // The caller typed the name of an unknown user. It must not look like another line or another name.
        let name = name.or_else(|| subject.map(visible));
        tx.audit(event, code, name.as_deref())
    });
    if let Err(error) = recorded {
        tracing::error!(cause = ?error, "a refusal could not be written to the audit log");
    }
}

/// The name of the user for whom the caller claims to act.
fn claimed(credentials: &Credentials) -> Option<&str> {
    credentials.user_name.as_ref().map(ClaimedName::as_str)
}

fn decide(
    cx: &mut RequestContext<'_>,
    operation: &Operation,
    credentials: &Credentials,
    claims: &Claims<'_>,
    problems: &Problems,
) -> Result<()> {
    cx.client = client(cx.app, credentials.client_key.as_ref())?;
    let authorization = sent_token(credentials, claims)?;
    let session = credentials.session.as_ref().map_or("", Secret::reveal);
    match operation.access {
        Access::Anyone => {
            check_claimed_user(cx, authorization, claimed(credentials))?;
            verify_username_token(cx, authorization, credentials, problems)
        }
        Access::Application => {
            require_application(cx, authorization, claims.application)?;
            Ok(())
        }
        Access::ProvenApplication => {
            let application = require_application(cx, authorization, claims.application)?;
            let basic = credentials.application.as_ref();
            application::prove(cx, &application, claims.application_secret, basic)
        }
        Access::Session => require_session(cx, session),
        Access::Visitor => {
            load_session(cx, session)?;
            Ok(())
        }
        Access::ClientOrUser | Access::User | Access::TrustedOrAdmin => {
            require_client_or_user(cx, operation.access, authorization, credentials, problems)
        }
    }
}

/// The token of the caller, from the header or from the request itself.
fn sent_token<'a>(credentials: &'a Credentials, claims: &Claims<'a>) -> Result<Option<&'a Secret>> {
    // The original documents describe this field as the kind of authorization, so clients may send a scheme without a
    // token. Such a value counts as absent.
    let in_request = claims.authorization;
    let in_request = in_request.filter(|a| !a.is_missing() && !is_bare_scheme(a));
    let header = credentials.authorization.as_ref();
    let in_header = header.filter(|a| !a.reveal().trim().is_empty() && is_token_header(a));
    match (in_header, in_request) {
        (Some(header), Some(field)) if without_scheme(header) != without_scheme(field) => {
            let why = Why::ExactlyOneOf("Authorization");
            Err(refuse_invalid("authorization", why))
        }
        (header, field) => Ok(header.or(field)),
    }
}

/// Authenticates the caller by client key, token and UsernameToken, and applies the access rule.
fn require_client_or_user(
    cx: &mut RequestContext<'_>,
    access: Access,
    authorization: Option<&Secret>,
    credentials: &Credentials,
    problems: &Problems,
) -> Result<()> {
    let is_directory = access == Access::TrustedOrAdmin;
    if cx.client.is_none() && !is_directory {
        return Err(refuse_field(Code::UnknownClient, CLIENT_KEY));
    }
    let key_is_enough = cx.is_trusted() && access != Access::User;
    if let Some(authorization) = authorization {
        authenticate(cx, authorization)?;
    }
    if let Some((name, password)) = &credentials.username_token {
        let named = match &cx.user {
            Some(_) => cx.read(|c| users::by_login(c, name))?,
            None => None,
        };
        // A UsernameToken and a JWT must name the same user. Check this before hashing a password.
        if let Some(user) = &cx.user
            && named.is_none_or(|named| named.id != user.id)
        {
            return Err(refuse(Code::AccessDenied));
        }
        cx.user = Some(user_of_username_token(cx, name, password, problems)?);
    }
    match (&cx.user, claimed(credentials)) {
        (None, _) if !key_is_enough => Err(not_signed_in()),
        // The caller authenticated as one user and sent the name of another.
        (Some(user), Some(claimed)) if !same_name(&user.user_name, claimed) => {
            Err(refuse(Code::AccessDenied))
        }
        _ if is_directory && !cx.may_do_everything() => Err(refuse(Code::AccessDenied)),
        _ => Ok(()),
    }
}

/// Requires a registered application and a user's token, because the consent API has no client keys. Returns the
/// application.
fn require_application(
    cx: &mut RequestContext<'_>,
    authorization: Option<&Secret>,
    application: Option<&str>,
) -> Result<Application> {
    let registry = cx.app.registry.now();
    let application = registry.application(application.unwrap_or("")).cloned();
    let application = application.ok_or_else(|| refuse_field(Code::UnknownClient, "client_id"))?;
    let authorization =
        authorization.ok_or_else(|| refuse_field(Code::AuthenticationRequired, "token"))?;
    let token = without_scheme(authorization).filter(|t| session::is_well_formed(t));
    let authenticated = match token {
        Some(token) => require_session(cx, token),
        None => authenticate(cx, authorization),
    };
    match authenticated {
        Ok(()) => Ok(application),
        Err(Refusal::Rejected(rejection)) => Err(refuse_field(rejection.code(), "token")),
        Err(error) => Err(error),
    }
}

fn require_session(cx: &mut RequestContext<'_>, token: &str) -> Result<()> {
    match load_session(cx, token)? {
        true => Ok(()),
        false => Err(refuse(Code::TokenExpired)),
    }
}

/// Loads the session of this cookie and its user; `false` if the session is unknown or expired, or the user is not
/// active.
fn load_session(cx: &mut RequestContext<'_>, token: &str) -> Result<bool> {
    if !session::is_well_formed(token) {
        return Ok(false);
    }
    let sha256 = sha256_hex(token);
    let idle_since = cx.now - cx.app.rules.session_idle_ms;
    let record = cx.read(|c| sessions::find(c, &sha256, cx.now, idle_since))?;
    let Some(record) = record.filter(|r| r.user.status == Status::Active) else {
        return Ok(false);
    };
    let session = record.session;
    if cx.now - session.seen_at >= SEEN_EVERY_MS {
        cx.write(|tx| sessions::touch(tx.conn, session.id, cx.now))?;
    }
    cx.user = Some(record.user);
    cx.session = Some(session);
    cx.profile = record.profile;
    Ok(true)
}

/// Refuses a valid token together with the name of another user (SPEC §3). An invalid token is ignored, because anyone
/// may call these operations.
fn check_claimed_user(
    cx: &RequestContext<'_>,
    authorization: Option<&Secret>,
    claimed: Option<&str>,
) -> Result<()> {
    let (Some(authorization), Some(claimed)) = (authorization, claimed) else {
        return Ok(());
    };
    match find_token(cx, authorization)? {
        Some((_, token)) if !same_name(&token.user.user_name, claimed) => {
            Err(refuse(Code::AccessDenied))
        }
        _ => Ok(()),
    }
}

/// Verifies a UsernameToken if the caller sent one. These operations do not require a UsernameToken, but a caller that
/// sends one relies on its verification. Its user must also be the user of the JWT and the user for whom the caller
/// claims to act.
fn verify_username_token(
    cx: &RequestContext<'_>,
    authorization: Option<&Secret>,
    credentials: &Credentials,
    problems: &Problems,
) -> Result<()> {
    let Some((name, password)) = &credentials.username_token else {
        return Ok(());
    };
    let user = user_of_username_token(cx, name, password, problems)?;
    match claimed(credentials) {
        Some(claimed) if !same_name(&user.user_name, claimed) => Err(refuse(Code::AccessDenied)),
        _ => check_claimed_user(cx, authorization, Some(&user.user_name)),
    }
}

/// Verifies a WS-Security UsernameToken and returns its user. Call this function on the hashing pool only, because it
/// hashes a password.
fn user_of_username_token(
    cx: &RequestContext<'_>,
    name: &str,
    password: &Secret,
    problems: &Problems,
) -> Result<User> {
    // Refuse invalid fields before hashing a password.
    refuse_all(problems.clone())?;
    throttle::guard(cx, Throttle::Guesses, Some(name), || {
        let user = cx.read(|c| users::by_login(c, name))?;
        let (user, _) = cx.verify_user(user, password)?;
        Ok(user)
    })
}

/// The client with this key; `None` if no key was sent. An unknown or inactive key is refused.
pub(super) fn client(app: &AppContext, key: Option<&Secret>) -> Result<Option<Client>> {
    let Some(key) = key.map(|k| k.reveal().trim()).filter(|k| !k.is_empty()) else {
        return Ok(None);
    };
    app.registry
        .now()
        .client(&sha256_hex(key))
        .filter(|c| c.active)
        .cloned()
        .map(Some)
        .ok_or_else(|| refuse_field(Code::UnknownClient, CLIENT_KEY))
}

/// Whether an `Authorization` header is read as a token: a token, or a scheme of [`SCHEMES`] with or without a token.
/// Other schemes (Basic, Negotiate) are ignored, as the legacy server ignored them. Every token has dots, so any other
/// word without a dot is a scheme (RFC 9110 §11.4).
fn is_token_header(authorization: &Secret) -> bool {
    let text = authorization.reveal().trim();
    without_scheme(authorization).is_some_and(|token| text != token || text.contains('.'))
        || is_bare_scheme(authorization)
}

/// Whether a value names a scheme of [`SCHEMES`] and carries no token.
fn is_bare_scheme(authorization: &Secret) -> bool {
    let text = authorization.reveal().trim();
    SCHEMES.iter().any(|known| text.eq_ignore_ascii_case(known))
}

/// The authentication schemes that carry a token.
const SCHEMES: [&str; 2] = ["jwt", "bearer"];

/// The token without its scheme; `None` for a scheme that is not in [`SCHEMES`].
fn without_scheme(authorization: &Secret) -> Option<&str> {
    let text = authorization.reveal().trim();
    match text.split_once(' ') {
        Some((scheme, token)) => SCHEMES
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
            .then(|| token.trim()),
        None => Some(text),
    }
}

/// A valid token and its record; `None` for an invalid token. The verified signature may come from a cache; the record
/// is read each time, because it can change.
fn find_token(
    cx: &RequestContext<'_>,
    authorization: &Secret,
) -> Result<Option<(VerifiedToken, TokenRecord)>> {
    let claims =
        without_scheme(authorization).and_then(|token| cx.app.tokens.verify(token, cx.now));
    let Some(claims) = claims else {
        return Ok(None);
    };
    let jti_sha256 = sha256_hex(&claims.jti);
    let organisation = claims.org.map(|o| o.uuid);
    let record = cx.read(|c| token_families::find(c, &jti_sha256, organisation.as_deref()))?;
    let Some(record) = record else {
        return Ok(None);
    };
    let is_valid =
        record.user.status == Status::Active && (organisation.is_none() || record.is_member);
    let verified_token = VerifiedToken {
        family: record.family,
        jti: claims.jti,
        organisation,
        started_at: record.started_at,
    };
    Ok(is_valid.then_some((verified_token, record)))
}

/// Authenticates the caller by a token. Use of a replaced token after its grace period is treated as theft and revokes
/// every token of that sign-in.
fn authenticate(cx: &mut RequestContext<'_>, authorization: &Secret) -> Result<()> {
    let expired = || refuse(Code::TokenExpired);
    let (verified_token, record) = find_token(cx, authorization)?.ok_or_else(expired)?;
    let ends_at = record.retired_at.map(|at| at + cx.app.rules.grace_ms);
    if ends_at.is_some_and(|at| at <= cx.now) {
        tracing::warn!(
            request.id = cx.request_id,
            "a replaced token was used again; all tokens of its sign-in are revoked"
        );
        cx.write(|tx| {
            if token_families::end(tx.conn, verified_token.family)? {
                let name = &record.user.user_name;
                tx.audit(AuditEvent::TokenReused, "revoked", Some(name))?;
            }
            Ok::<_, Refusal>(())
        })?;
        return Err(expired());
    }
    cx.user = Some(record.user);
    cx.verified_token = Some(verified_token);
    Ok(())
}
