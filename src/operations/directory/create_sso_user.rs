//! Creates the user of a partner in its school, as portals do before the user's first sign-in.

use super::create_user::DirectoryCreateRequest;
use super::{ExternalIdField, Written};
use crate::operations::prelude::*;

shape! {
    /// The user of a partner.
    pub struct DirectoryCreateSsoRequest = "DirectoryCreateSsoRequest_V1" {
        /// The whole name or the first name.
        first_name: String = "firstName", alias = "name", max = 128, required;
        /// The last name.
        last_name: Option<String> = "lastName", max = 128;
        /// The e-mail address. It or the telephone number is required.
        email: Option<String> = "email", max = 254;
        /// Whether the e-mail address is verified; it must be.
        email_verified: bool = "emailVerified";
        /// The telephone number.
        phone: Option<String> = "phone", max = 16;
        /// Whether the telephone number is verified; it must be.
        phone_verified: bool = "phoneVerified";
        /// The external IDs of the user.
        external_ids: List<ExternalIdField> = "externalIds", item = "externalId", required;
        /// The channel of the user's organisation: the partner's state_id.
        channel: String = "channel", max = 128, required;
        /// The external ID of the user's organisation in the channel.
        org_external_id: Option<String> = "orgExternalId", max = 128;
    }
}

impl Request for DirectoryCreateSsoRequest {
    type Answer = Written;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "directoryCreateSso",
        AuditEvent::UserCreated,
        "Creates the active user of a partner, with a verified e-mail address or telephone number.",
    )
    .access(Access::TrustedOrAdmin)
    .cost(Cost::Write)
    .directory(&[DirectoryRoute::new(
        "POST",
        "/user/v1/sso/create",
        "api.user.sso.create",
    )]);

    fn run(self, cx: &RequestContext<'_>) -> Result<Written> {
        if self.email.is_none() && self.phone.is_none() {
            return Err(refuse(Code::EmailOrPhoneMissing));
        }
        if self.email.is_some() && !self.email_verified {
            return Err(refuse_field(Code::EmailVerifyError, "email"));
        }
        if self.phone.is_some() && !self.phone_verified {
            return Err(refuse_field(Code::PhoneVerifyError, "phone"));
        }
        let request = DirectoryCreateRequest {
            first_name: self.first_name,
            last_name: self.last_name,
            email: self.email,
            phone: self.phone,
            phone_verified: self.phone_verified,
            external_ids: self.external_ids,
            channel: Some(self.channel),
            org_external_id: self.org_external_id,
            ..Default::default()
        };
        request.run(cx)
    }
}
