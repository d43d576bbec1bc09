//! Reads everything that is stored about the user, for the account page and for the data export.

use crate::domain::Millis;
use crate::domain::external_identity::LinkedIdentity;
use crate::operations::prelude::*;
use crate::store::audit::{self, Listed};
use crate::store::consents::{self, Decision};
use crate::store::email_undos::{self, EmailUndo};
use crate::store::profiles::Profile;
use crate::store::services::{self, Assignment};
use crate::store::sessions::{self, Session};
use crate::store::{external_identities, known_sources, organisations};

/// The maximum number of audit entries in a data export. Older entries are left out.
pub const MOST_EVENTS: i64 = 1000;

shape! {
    /// The parts to include.
    pub struct ShowAccountRequest = "ShowAccountRequest_V1" {
        /// If not empty, the answer includes the audit entries.
        events: String = "events", max = 1;
    }
}

/// Everything that is stored about a user.
#[derive(Debug)]
pub struct Account {
    pub user: User,
    pub profile: Profile,
    /// The user's external identities.
    pub identities: Vec<LinkedIdentity>,
    /// Changes of address that can still be undone.
    pub email_undos: Vec<EmailUndo>,
    pub memberships: Vec<Membership>,
    pub services: Vec<KnownService>,
    pub agreements: Vec<KnownAgreement>,
    /// This browser's session.
    pub session: Session,
    /// All sessions, the last used first.
    pub sessions: Vec<Session>,
    /// The expiry of each remembered network and browser.
    pub known_until: Vec<Millis>,
    /// The user's audit entries, newest first; at most [`MOST_EVENTS`].
    pub events: Vec<Listed>,
}

/// A service the user is assigned to.
#[derive(Debug)]
pub struct KnownService {
    pub id: i64,
    pub name: String,
    pub user_id_in_service: String,
    pub since: Millis,
}

/// An agreement and the user's decision on it.
#[derive(Debug)]
pub struct KnownAgreement {
    pub id: i64,
    pub name: String,
    pub accepted_at: Option<Millis>,
    pub withdrawn_at: Option<Millis>,
}

impl KnownAgreement {
    /// Whether the user has accepted the agreement and has not withdrawn it.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        self.accepted_at.is_some() && self.withdrawn_at.is_none()
    }
}

impl Request for ShowAccountRequest {
    type Answer = Account;
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "showAccount",
        AuditEvent::AccountShown,
        "Shows all data that the gateway stores about the user.",
    )
    .cost(Cost::Read);

    fn run(self, cx: &RequestContext<'_>) -> Result<Account> {
        let user = cx.signed_in()?.clone();
        let session = cx.session.clone();
        let session = session.ok_or_else(|| refuse(Code::TokenExpired))?;
        let idle_since = cx.now - cx.app.rules.session_idle_ms;
        Ok(cx.read(|c| {
            let events = match self.events.is_empty() {
                true => Vec::new(),
                false => audit::list(c, Some(&user.user_name), MOST_EVENTS)?,
            };
            let known = known_sources::all(c, user.id)?;
            Ok::<_, StoreError>(Account {
                profile: cx.profile.clone(),
                identities: external_identities::linked_to(c, user.id)?,
                email_undos: email_undos::of_user(c, user.id, cx.now)?,
                memberships: organisations::memberships(c, user.id)?,
                services: named(cx, services::assignments(c, user.id)?),
                agreements: all_agreements(cx, &consents::decisions(c, user.id)?),
                sessions: sessions::of_user(c, user.id, cx.now, idle_since)?,
                known_until: known.into_iter().map(|(_, until)| until).collect(),
                events,
                session,
                user,
            })
        })?)
    }
}

fn named(cx: &RequestContext<'_>, assignments: Vec<Assignment>) -> Vec<KnownService> {
    let registry = cx.app.registry.now();
    let name = |id| registry.service(id).map(|s| s.name.clone());
    assignments
        .into_iter()
        .map(|a| KnownService {
            id: a.service_id,
            name: name(a.service_id).unwrap_or_default(),
            user_id_in_service: a.user_id_in_service,
            since: a.created_at,
        })
        .collect()
}

/// Every agreement of the registry, with the user's decision if there is one.
fn all_agreements(cx: &RequestContext<'_>, decisions: &[Decision]) -> Vec<KnownAgreement> {
    let registry = cx.app.registry.now();
    let all = registry.agreements().iter();
    all.map(|(id, name)| {
        let decided = decisions.iter().find(|d| d.agreement_id == *id);
        KnownAgreement {
            id: *id,
            name: name.clone(),
            accepted_at: decided.map(|d| d.accepted_at),
            withdrawn_at: decided.and_then(|d| d.withdrawn_at),
        }
    })
    .collect()
}
