//! The events of the audit log.

use super::words::words;

words! {
    /// An event of the audit log. The names follow the OWASP logging vocabulary if the vocabulary has a matching event.
    pub enum AuditEvent {
        UserCreated = "user_created",
        UserRegistered = "user_registered",
        /// Housekeeping deleted accounts that were never confirmed.
        UserRegistrationsExpired = "user_registrations_lapsed",
        UserConfirmed = "user_confirmed",
        UserActivationResent = "user_activation_resent",
        UserUpdated = "user_updated",
        UserEmailRestored = "user_email_restored",
        UserDeleted = "user_deleted",
        UserShown = "user_shown",
        UserRead = "user_read",
        UsersFound = "users_found",
        OrganisationsFound = "organisations_found",
        UserJoinedOrganisation = "user_joined_organisation",
        UserIdentityUnlinked = "user_identity_unlinked",
        UserServiceAssigned = "user_service_assigned",
        UserServiceUnassigned = "user_service_unassigned",
        /// A callback was withheld.
        UserServiceCallback = "user_service_callback",
        UserServicesShown = "user_services_shown",
        UserAgreementsAccepted = "user_agreements_accepted",
        UserAgreementsWithdrawn = "user_agreements_withdrawn",
        UserAgreementsShown = "user_agreements_shown",
        AccountShown = "account_shown",
        TakeOverShown = "take_over_shown",
        SessionShown = "session_shown",
        SessionEnded = "session_ended",
        SessionOrganisationChosen = "session_organisation_chosen",
        Login = "authn_login",
        /// Further attempts at an account or an application are delayed.
        LoginLocked = "authn_login_lock",
        PartnerLogin = "authn_partner_login",
        PasswordChanged = "authn_password_change",
        PasswordReset = "authn_password_reset",
        TokenCreated = "authn_token_created",
        /// A replaced token was used again, so every token of its sign-in was revoked.
        TokenReused = "authn_token_reuse",
        RolesChanged = "authz_change",
        RateLimitExceeded = "excess_rate_limit_exceeded",
        ClientAdded = "client_added",
        ClientEnabled = "client_enabled",
        ClientDisabled = "client_disabled",
        ClientKeyRotated = "client_key_rotated",
        PartnerAdded = "partner_added",
        PartnerKeyRotated = "partner_key_rotated",
        OrganisationAdded = "organisation_added",
        RegistryApplied = "registry_applied",
        OutboxRetried = "outbox_retried",
        OutboxGivenUp = "outbox_given_up",
        OutboxPurged = "outbox_purged",
    }
}
