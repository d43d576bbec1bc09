//! What partners do: sign their users in with tokens of their own (SPEC §11). Beside the catalogue, like what browsers do.

mod claims;
mod destination;
pub(super) mod provisioning;
pub mod sign_in;

use super::{Answer, Call, Refusal, Shown};
use crate::contract::common::Param;
use crate::contract::shape::Secret;
use crate::contract::xml::XmlWriter;
use crate::domain::text::canonical;
use crate::store::{AnyConnection, audit};

pub use claims::{Introduction, School};
pub use sign_in::examine;

/// A user that a partner has signed in.
#[derive(Debug)]
pub struct Admitted {
    /// What the browser's cookie is to hold.
    pub token: Secret,
    /// Where it goes on to; to the account's page if the partner does not say.
    pub to: Option<String>,
}

impl Answer for Admitted {
    /// Browsers have no SOAP binding.
    fn write_xml(&mut self, _: &mut XmlWriter, _: &str) {}
    fn params(&self) -> &[Param] {
        &[]
    }
    fn shown(&self) -> Shown<'_> {
        Shown::Admitted(self)
    }
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
            client_name: Some(format!("partner:{iss}")),
            actor: None,
            on_behalf_of: None,
            subject: subject.map(canonical),
            request_id: call.request_id.to_owned(),
        },
    )?;
    Ok(())
}
