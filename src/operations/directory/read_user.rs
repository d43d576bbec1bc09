//! Looks a user up by what somebody else calls it.

use super::{Entry, Person, Triple};
use crate::contract::rejection::Code;
use crate::contract::shape::{Structure as _, shape};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Throttle, read_json_request,
    read_request, refuse, refuse_field,
};
use crate::store::{external_identities, organisations, profiles, users};

shape! {
    /// What somebody else calls it.
    pub struct DirectoryReadRequest = "DirectoryReadRequest_V1" Sequence {
        /// The id.
        external_id: Option<String> = "externalId" max 128;
        /// The system that has given it.
        external_id_provider: Option<String> = "externalIdProvider" max 128;
        /// What kind of id it is there.
        external_id_type: Option<String> = "externalIdType" max 128;
    }
}

/// Looking a user up in the directory.
pub static OPERATION: Operation = Operation {
    name: "directoryRead",
    doc: "Looks a user up by what somebody else calls it.",
    access: Access::TrustedOrAdmin,
    cost: Cost::Read,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: false,
    event: "user_read",
    request: DirectoryReadRequest::SHAPE,
    response: super::NOTHING,
    routes: &[],
    read_xml: read_request::<DirectoryReadRequest>,
    read_json: read_json_request::<DirectoryReadRequest>,
};

impl Request for DirectoryReadRequest {
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let triple = Triple {
            id: self.external_id.as_deref(),
            provider: self.external_id_provider.as_deref(),
            id_type: self.external_id_type.as_deref(),
        };
        let identity = triple.identity()?;
        let identity = identity.ok_or_else(|| refuse(Code::DependentParamsMissing))?;
        let person = call.parts.store.read(|c| {
            let Some(owner) = external_identities::owner(c, &identity)? else {
                return Ok(None);
            };
            let Some(user) = users::by_id(c, owner)? else {
                return Ok(None);
            };
            Ok::<_, Refusal>(Some(Person {
                phone: profiles::find(c, owner)?.and_then(|p| p.phone),
                identities: external_identities::of_user(c, owner)?,
                granted: organisations::granted(c, owner)?,
                user,
            }))
        })?;
        let unknown = || refuse_field(Code::ExternalidNotFound, "externalId", None);
        let person = person.ok_or_else(unknown)?;
        Ok(super::entry(Entry::Person(Box::new(person))))
    }
}
