//! What partners do: sign their users in with tokens of their own (SPEC §11).

mod claims;
mod destination;
pub(super) mod provisioning;
pub mod sign_in;

use super::{Call, Refusal};
use crate::contract::shape::Secret;
use crate::store::audit::logged;
use crate::store::refusals::Cause;
use crate::store::{AnyConnection, audit};

pub use claims::{Introduction, School};
pub use sign_in::examine;

/// What a partner's sign-in comes to.
#[derive(Debug)]
pub enum Admitted {
    SignedIn {
        /// What the browser's cookie is to hold.
        token: Secret,
        /// Where it goes on to; to the account's page if the partner does not say.
        to: Option<String>,
    },
    /// Another user is signed in with the browser and has to agree first. The partner's token is not used up.
    OtherUser {
        /// The name of the user who is signed in.
        current: String,
        /// The name of the user whom the partner brings.
        arriving: String,
        to: Option<String>,
    },
}

/// Writes an audit entry about what a partner does, in the caller's transaction. It stands where clients do, and not where
/// users do: one of them may be called like it.
fn record(
    call: &Call<'_>,
    c: &mut AnyConnection,
    (event, outcome): (&str, &str),
    iss: &str,
    subject: Option<&str>,
) -> Result<(), Refusal> {
    audit::record(
        c,
        &audit::Entry {
            at: call.now,
            event: event.to_owned(),
            outcome: outcome.to_owned(),
            client_name: Some(named(iss)),
            actor: None,
            on_behalf_of: None,
            subject: subject.map(logged),
            request_id: call.request_id.to_owned(),
        },
    )?;
    Ok(())
}

/// A partner as the audit log calls it.
fn named(iss: &str) -> String {
    format!("partner:{iss}")
}

/// Records that a token of this partner was refused. One token can be sent any number of times, so that only the first
/// refusals of a minute are audit entries, and the others are counted.
fn record_refusal(
    call: &Call<'_>,
    event: &'static str,
    code: &'static str,
    iss: &str,
) -> Result<(), Refusal> {
    let partner = named(iss);
    if call
        .parts
        .refusals
        .take_row(Cause::Party(&partner), call.now)
    {
        let store = &call.parts.store;
        return store.write(|c| record(call, c, (event, code), iss, None));
    }
    call.count(event, code, None, Some(&partner));
    Ok(())
}
