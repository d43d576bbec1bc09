//! Application authentication: compares the application's secret with the registry.

use super::prelude::*;
use super::subject::{network, subject};
use crate::contract::shape::Value as _;
use crate::registry::Application;
use crate::secrets::is_same;
use crate::secrets::sealing::Binding;
use crate::store::attempts;

/// The audit event for an application whose secret was guessed too often.
const LOCKED: AuditEvent = AuditEvent::LoginLocked;

/// Checks every secret that was sent. If none was sent, the registry setting `plain_calls` decides whether the call is
/// allowed. Wrong secrets are counted by application and network, so that an attacker in another network does not delay
/// the application.
///
/// # Errors
/// The secret is missing or wrong, or too many wrong secrets were sent.
pub(super) fn prove(
    cx: &RequestContext<'_>,
    application: &Application,
    field: Option<&Secret>,
    basic: Option<&(String, Secret)>,
) -> Result<()> {
    let registry = cx.app.registry.now();
    // Ignore Basic credentials for another name: they may be meant for a proxy between client and gateway.
    let is_its_own = |name: &str| {
        let named = registry.application(name);
        named.is_some_and(|named| named.client_id == application.client_id)
    };
    let basic = basic.filter(|(name, _)| is_its_own(name));
    let field = field.filter(|s| !s.is_missing());
    let sent = [basic.map(|(_, secret)| secret), field];
    if sent.iter().all(Option::is_none) {
        return match (application.plain_calls, &application.secret) {
            (true, _) => Ok(()),
            (false, Some(_)) => Err(refuse(Code::ApplicationSecretRequired)),
            (false, None) => Err(refuse(Code::ApplicationHasNoSecret)),
        };
    }
    let source = cx.source.map(network).unwrap_or_default();
    let guesses = format!("{}\n{source}", application.client_id);
    let guesses = [subject(cx, "application secrets", &guesses)];
    let store = &cx.app.store;
    let open_at = store.read(|c| attempts::open_at(c, &guesses))?;
    if let Some(wait_ms) = open_at.map(|at| at - cx.now).filter(|wait| *wait > 0) {
        return Err(too_many_attempts(wait_ms));
    }
    let stored = stored(cx, application)?;
    let is_right = |sent: &Secret| stored.as_deref().is_some_and(|s| is_same(s, sent.reveal()));
    if sent.into_iter().flatten().all(is_right) {
        if open_at.is_some() {
            store.write(|c| attempts::forget(c, &guesses))?;
        }
        return Ok(());
    }
    let limit = cx.app.rules.throttle.guesses;
    cx.write(|tx| {
        for guess in &guesses {
            let tally = attempts::count(tx.conn, guess, limit, cx.now)?;
            // Record only the attempt that reaches the limit.
            if tally.attempts == limit.free {
                tx.audit(LOCKED, "slowed_down", Some(&application.client_id))?;
            }
        }
        Ok::<_, Refusal>(())
    })?;
    Err(refuse(Code::ApplicationSecretWrong))
}

/// The application's secret from the registry, unsealed; `None` if the application has no secret.
fn stored(cx: &RequestContext<'_>, application: &Application) -> Result<Option<String>> {
    let Some(sealed) = &application.secret else {
        return Ok(None);
    };
    let binding = Binding::ApplicationSecret(&application.client_id);
    match cx.app.sealer.open(binding, sealed) {
        Some(secret) => Ok(Some(secret)),
        None => {
            let cause = "the application's secret cannot be decrypted with this sealing key";
            Err(internal_error(cause))
        }
    }
}
