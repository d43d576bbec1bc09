//! Operations of the consent API (User Multi Services, SPEC §8): read and change a user's services and agreements.

pub mod accept_user_agreements;
pub mod assign_user_to_service;
pub mod check_if_service_is_assign_to_user;
pub mod check_user_agreements;
pub mod delete_user_from_service;
pub mod get_user_agreements;
pub mod get_user_services;
pub mod withdraw_user_agreements;

use crate::domain::Millis;
use crate::operations::prelude::*;
use crate::registry::Snapshot;
use crate::store::services::RequiringService;

shape! {
    /// The confirmation.
    pub struct Done = "Done_V1" {
        /// The text OK.
        result: String = "result", max = 2, required;
    }
}

impl Done {
    fn ok() -> Self {
        Self {
            result: "OK".to_owned(),
        }
    }
}

/// The number of the portal. An unknown portal is refused.
fn portal(registry: &Snapshot, portal: Number) -> Result<i64> {
    let number = portal.0.filter(|id| registry.has_portal(*id));
    number.ok_or_else(|| refuse_field(Code::PortalNotFound, "portal_id"))
}

/// The service. A service that does not belong to the portal is refused.
fn service(registry: &Snapshot, portal: Number, service: Number) -> Result<&RequiringService> {
    let portal = self::portal(registry, portal)?;
    registry
        .service(service.0.unwrap_or(0))
        .filter(|found| found.portal_id == portal)
        .ok_or_else(|| refuse_field(Code::ServiceNotFound, "service_id"))
}

/// Applies a change to these agreements, all of which must exist.
pub(super) fn change_agreements(
    cx: &RequestContext<'_>,
    ids: &[Number],
    event: AuditEvent,
    change: fn(&mut AnyConnection, i64, i64, Millis) -> Result<(), StoreError>,
) -> Result<()> {
    let registry = cx.app.registry.now();
    let ids: Vec<i64> = ids.iter().filter_map(|n| n.0).collect();
    if ids.iter().any(|id| !registry.agreements().contains_key(id)) {
        let code = Code::AgreementNotFound;
        return Err(refuse_field(code, "agreement_ids"));
    }
    cx.write(|tx| {
        let user = tx.lock_user()?;
        for id in &ids {
            change(tx.conn, user.id, *id, cx.now)?;
        }
        tx.audit_ok(event, &user.user_name)
    })
}
