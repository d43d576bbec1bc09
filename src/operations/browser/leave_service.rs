//! Ends the user's assignment to a service and notifies the service.

use crate::operations::consent::delete_user_from_service;
use crate::operations::prelude::*;
use crate::operations::throttle;

shape! {
    /// The service to leave.
    pub struct LeaveServiceRequest = "LeaveServiceRequest_V1" {
        /// The number of the service.
        service: Number = "service", required;
    }
}

impl Request for LeaveServiceRequest {
    type Answer = ();
    const OPERATION: &'static Operation = &Operation::page::<Self>(
        "leaveService",
        AuditEvent::UserServiceUnassigned,
        "Ends the user's assignment to a service and notifies the service.",
    );

    fn run(self, cx: &RequestContext<'_>) -> Result<()> {
        let id = self.service.0.unwrap_or(0);
        let service = cx.app.registry.now().service(id).map(|service| service.id);
        throttle::count_assignment(cx, cx.signed_in()?.id, service)?;
        cx.write(|tx| {
            let user = tx.lock_user()?;
            delete_user_from_service::leave(tx, &user, id)?;
            Ok(())
        })
    }
}
