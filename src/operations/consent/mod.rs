//! Operations of the consent API (User Multi Services, SPEC §8): which services a user is known to, and what it has agreed to.

pub mod accept_user_agreements;
pub mod assign_user_to_service;
pub mod check_if_service_is_assign_to_user;
pub mod check_user_agreements;
pub mod delete_user_from_service;
pub mod get_user_agreements;
pub mod get_user_services;
pub mod withdraw_user_agreements;

use super::{Answer, Call, Outcome, Refusal, Shown, refuse, refuse_field};
use crate::contract::common::Param;
use crate::contract::rejection::Code;
use crate::contract::shape::{Number, Order, Shape};
use crate::contract::xml::XmlWriter;
use crate::domain::Millis;
use crate::domain::user::User;
use crate::registry::{Service, Snapshot};
use crate::store::{AnyConnection, StoreError, users};

/// A result, for the documents: it has no fields of a name.
const fn result(name: &'static str, doc: &'static str) -> Shape {
    Shape {
        name,
        doc,
        order: Order::Sequence,
        fields: &[],
    }
}

static DONE: Shape = result("Done_V1", "The text OK.");
static WHETHER: Shape = result("Whether_V1", "true or false.");
static SERVICES: Shape = result("Services_V1", "A list of objects with a service_id.");
static MISSING: Shape = result("Missing_V1", "An object with the numbers that are missing.");
static ACCEPTED: Shape = result(
    "Accepted_V1",
    "A list of objects with an agreement_id and accepted_at, in UTC.",
);

impl Answer for Outcome {
    /// The consent API has no SOAP binding.
    fn write_xml(&mut self, _: &mut XmlWriter, _: &str) {}
    fn params(&self) -> &[Param] {
        &[]
    }
    fn shown(&self) -> Shown<'_> {
        Shown::Result(self)
    }
}

fn answer(outcome: Outcome) -> Box<dyn Answer> {
    Box::new(outcome)
}

/// The user whose token came along.
fn user<'a>(call: &'a Call<'_>) -> Result<&'a User, Refusal> {
    call.user
        .as_ref()
        .ok_or_else(|| refuse(Code::AuthenticationRequired))
}

/// The same, held until the transaction ends.
fn hold(call: &Call<'_>, c: &mut AnyConnection) -> Result<User, Refusal> {
    let id = user(call)?.id;
    users::hold(c, id)?.ok_or_else(|| refuse(Code::TokenExpired))
}

/// A service, if that portal has it.
fn service(registry: &Snapshot, portal: Number, service: Number) -> Result<&Service, Refusal> {
    registry
        .service(service.0.unwrap_or(0))
        .filter(|found| Some(found.portal_id) == portal.0)
        .ok_or_else(|| refuse_field(Code::ServiceNotFound, "service_id", None))
}

/// Has a change made to these agreements, all of which must be there.
pub(super) fn change_agreements(
    call: &Call<'_>,
    ids: &[Number],
    event: &str,
    change: fn(&mut AnyConnection, i64, i64, Millis) -> Result<(), StoreError>,
) -> Result<Box<dyn Answer>, Refusal> {
    let registry = call.parts.registry.now();
    let ids: Vec<i64> = ids.iter().filter_map(|n| n.0).collect();
    if ids.iter().any(|id| !registry.agreements().contains_key(id)) {
        let code = Code::AgreementNotFound;
        return Err(refuse_field(code, "agreement_ids", None));
    }
    call.parts.store.write(|c| {
        let user = hold(call, c)?;
        for id in &ids {
            change(c, user.id, *id, call.now)?;
        }
        call.audit(c, event, "ok", Some(&user.user_name))
    })?;
    Ok(answer(Outcome::Done))
}
