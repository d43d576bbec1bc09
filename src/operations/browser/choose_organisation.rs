//! Chooses the organisation that a user of several is signed in for.

use super::Visit;
use crate::contract::rejection::Code;
use crate::contract::shape::{Structure as _, shape};
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Throttle, read_json_request,
    read_request, refuse, refuse_field,
};
use crate::store::{organisations, sessions};

shape! {
    /// Which one.
    pub struct ChooseOrganisationRequest = "ChooseOrganisationRequest_V1" Sequence {
        /// Its uuid; the user must be a member of it.
        organisation: String = "organisation" max 128 is required;
    }
}

/// Chooses the organisation that the user is signed in for.
pub static OPERATION: Operation = Operation {
    name: "chooseOrganisation",
    doc: "Chooses the organisation that the user is signed in for.",
    access: Access::Session,
    cost: Cost::Write,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: false,
    event: "session_organisation_chosen",
    request: ChooseOrganisationRequest::SHAPE,
    response: super::NOTHING,
    routes: &[],
    read_xml: read_request::<ChooseOrganisationRequest>,
    read_json: read_json_request::<ChooseOrganisationRequest>,
};

impl Request for ChooseOrganisationRequest {
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let session = call.session.as_ref();
        let session = session.ok_or_else(|| refuse(Code::TokenExpired))?.id;
        call.parts.store.write(|c| {
            let user = super::hold(call, c)?;
            let granted = organisations::granted(c, user.id)?;
            if !granted.iter().any(|g| g.uuid == self.organisation) {
                let code = Code::OrganizationNotFound;
                return Err(refuse_field(code, "organisation", None));
            }
            sessions::choose_organisation(c, session, &self.organisation)?;
            call.audit(c, OPERATION.event, "ok", Some(&user.user_name))
        })?;
        Ok(super::answer(Visit::Done))
    }
}
