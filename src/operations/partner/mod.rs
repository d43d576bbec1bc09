//! Operations of partners, who sign their users in with signed tokens (SPEC §11).

mod claims;
mod destination;
pub(super) mod provisioning;
pub mod sign_in;

use crate::operations::prelude::*;
use crate::store::audit;
use crate::store::audit::logged;
use crate::store::refusals::Cause;

pub use claims::{School, VerifiedAssertion};
pub use sign_in::examine;

/// The parameter of a refusal that names the partner's error page. Only a refusal after a valid signature has it.
pub const ERROR_REDIRECT: &str = "error_redirect";

/// The outcome of a partner's sign-in.
#[derive(Debug)]
pub enum PartnerSignInResult {
    SignedIn {
        /// The value of the session cookie.
        token: Secret,
        /// The redirect URL; `None` for the account page.
        to: Option<String>,
    },
    /// The browser opened the link again and is still in the session that the link has started.
    AlreadySignedIn {
        /// The redirect URL; `None` for the account page.
        to: Option<String>,
    },
    /// Another user is signed in with the browser and must agree first. The partner's token stays unused.
    OtherUser {
        /// The name of the signed-in user.
        current: String,
        /// The name of the partner's user.
        arriving: String,
        to: Option<String>,
    },
}

/// Writes an audit entry about a partner, in the caller's transaction. The entry names the partner as a client and not
/// as an actor, because a user may have the same name.
fn record(
    tx: &mut Transaction<'_>,
    (event, outcome): (AuditEvent, &str),
    iss: &str,
    subject: Option<&str>,
) -> Result<()> {
    audit::record(
        tx.conn,
        &audit::Entry {
            at: tx.cx.now,
            event: event.as_str().to_owned(),
            outcome: outcome.to_owned(),
            client_name: Some(named(iss)),
            actor: None,
            on_behalf_of: None,
            subject: subject.map(logged),
            request_id: tx.cx.request_id.to_owned(),
        },
    )?;
    Ok(())
}

/// The name of a partner in the audit log.
fn named(iss: &str) -> String {
    format!("partner:{iss}")
}

/// Records a refused or repeated token of this partner. One token can be sent any number of times, so only the first
/// entries of a minute are audit entries; the others are counted.
fn record_or_count(
    cx: &RequestContext<'_>,
    (event, outcome): (AuditEvent, &'static str),
    iss: &str,
    subject: Option<&str>,
) -> Result<()> {
    let partner = named(iss);
    if cx.app.refusals.take_row(Cause::Party(&partner), cx.now) {
        return cx.write(|tx| record(tx, (event, outcome), iss, subject));
    }
    cx.count(event, outcome, subject, Some(&partner));
    Ok(())
}
