//! Assigns the user to a service under the user's ID in that service. An ID in a service belongs to one user.

use super::Done;
use crate::domain::text::{has_control, is_dot_segment};
use crate::operations::prelude::*;
use crate::operations::throttle;
use crate::store::services::{self, Claim};

shape! {
    /// The user, and a service of a portal.
    pub struct AssignUserToServiceRequest = "AssignUserToServiceRequest_V1" {
        /// The ID of the calling application. The suffix .onetapi.pl is optional.
        client_id: String = "client_id", max = 256, required, role = Role::Application;
        /// The token of the user, with or without the prefix JWT.
        token: Secret = "token", max = 49152, required, role = Role::Authorization;
        /// The secret of the application. HTTP Basic may carry it instead. It is required unless the registry sets
        /// plain_calls for the application.
        application_secret: Option<Secret> = "application_secret", max = 256, role = Role::ApplicationSecret;
        /// The number of the portal.
        portal_id: Number = "portal_id", required;
        /// The number of the service. The service belongs to the portal.
        service_id: Number = "service_id", required;
        /// The ID of the user in the service. It must not be the ID of another user there; the
        /// comparison is case-insensitive.
        user_id_in_service: String = "user_id_in_service", alias = "user_id_id_service", max = 256, required;
    }
}

impl Request for AssignUserToServiceRequest {
    type Answer = Done;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "assign_user_to_service",
        AuditEvent::UserServiceAssigned,
        "Assigns the user to a service with the user's ID in that service. A new ID replaces the earlier ID; \
         the ID of another user is refused.",
    )
    .access(Access::ProvenApplication)
    .cost(Cost::Write)
    .rpc();

    fn run(self, cx: &RequestContext<'_>) -> Result<Done> {
        let name = self.user_id_in_service.as_str();
        // The id is a segment in the path of a callback.
        if has_control(name) || is_dot_segment(name) {
            return Err(refuse_invalid("user_id_in_service", Why::BadCharacters));
        }
        let registry = cx.app.registry.now();
        let service = super::service(&registry, self.portal_id, self.service_id)?;
        throttle::count_assignment(cx, cx.signed_in()?.id, Some(service.id))?;
        cx.write(|tx| {
            let user = tx.lock_user()?;
            match services::assign(tx.conn, user.id, service.id, name, cx.now)? {
                Claim::Granted => {}
                Claim::NoService => {
                    return Err(refuse_field(Code::ServiceNotFound, "service_id"));
                }
                Claim::Taken => {
                    let field = "user_id_in_service";
                    return Err(refuse_field(Code::IdInServiceTaken, field));
                }
            }
            tx.audit_ok(Self::OPERATION.event, &user.user_name)
        })?;
        Ok(Done::ok())
    }
}
