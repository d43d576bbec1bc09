//! Leaves a service, which is told.

use super::Visit;
use crate::contract::shape::{Number, Structure as _, shape};
use crate::operations::consent::delete_user_from_service;
use crate::operations::throttle;
use crate::operations::{
    Access, Answer, Call, Cost, Operation, Refusal, Request, Throttle, read_json_request,
    read_request,
};

shape! {
    /// Which service.
    pub struct LeaveServiceRequest = "LeaveServiceRequest_V1" Sequence {
        /// Its number.
        service: Number = "service" is required;
    }
}

/// Leaves a service, which is told.
pub static OPERATION: Operation = Operation {
    name: "leaveService",
    doc: "Leaves a service, which is told.",
    access: Access::Session,
    cost: Cost::Write,
    throttle: Throttle::Nothing,
    soap: false,
    rpc: false,
    event: "user_service_unassigned",
    request: LeaveServiceRequest::SHAPE,
    response: super::NOTHING,
    routes: &[],
    read_xml: read_request::<LeaveServiceRequest>,
    read_json: read_json_request::<LeaveServiceRequest>,
};

impl Request for LeaveServiceRequest {
    fn run(self: Box<Self>, call: &Call<'_>) -> Result<Box<dyn Answer>, Refusal> {
        let id = self.service.0.unwrap_or(0);
        let service = call
            .parts
            .registry
            .now()
            .service(id)
            .map(|service| service.id);
        throttle::count_assignment(call, super::user(call)?.id, service)?;
        call.parts.store.write(|c| {
            let user = super::hold(call, c)?;
            delete_user_from_service::leave(call, c, &user, id)
        })?;
        Ok(super::answer(Visit::Done))
    }
}
