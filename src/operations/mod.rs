//! The operations, one file each, and the catalogue of all operations. Each face (the code of one protocol, such as
//! SOAP or REST) decodes requests for these operations and encodes their answers.

pub mod access;
mod application;
pub mod browser;
pub mod consent;
pub mod context;
pub mod directory;
pub mod identities;
mod known_sources;
mod operation;
mod origin;
pub mod partner;
pub mod phones;
mod prelude;
mod refusal;
pub mod route_descriptions;
mod subject;
mod throttle;
mod transaction;
pub mod user;

use crate::contract::wsdl::Entry;

pub use context::{ClaimedName, Credentials, RequestContext};
pub use operation::{
    Access, Body, Cost, DecodedRequest, DirectoryRoute, Operation, Payload, Request, Route,
    Runnable, Throttle, USERS, from_fields,
};
pub use origin::Origin;
pub use refusal::{Refusal, Result};
pub use route_descriptions::rest_entries;
pub use transaction::Transaction;

/// Every operation, in the order of the documents.
pub static CATALOG: &[&Operation] = &[
    user::find_users::FindUsersRequest::OPERATION,
    user::show_user::ShowUserRequest::OPERATION,
    user::create_user::CreateUserRequest::OPERATION,
    user::modify_user::ModifyUserRequest::OPERATION,
    user::delete_user::DeleteUserRequest::OPERATION,
    user::register_user::RegisterUserRequest::OPERATION,
    user::resend::ResendRequest::OPERATION,
    user::confirm_user::ConfirmUserRequest::OPERATION,
    user::add_to_org::AddToOrgRequest::OPERATION,
    user::reset_password::ResetPasswordRequest::OPERATION,
    user::change_password::ChangePasswordRequest::OPERATION,
    user::authenticate::AuthenticateRequest::OPERATION,
    user::refresh_auth_token::RefreshAuthTokenRequest::OPERATION,
    consent::assign_user_to_service::AssignUserToServiceRequest::OPERATION,
    consent::delete_user_from_service::DeleteUserFromServiceRequest::OPERATION,
    consent::get_user_services::GetUserServicesRequest::OPERATION,
    consent::check_if_service_is_assign_to_user::CheckIfServiceIsAssignToUserRequest::OPERATION,
    consent::check_user_agreements::CheckUserAgreementsRequest::OPERATION,
    consent::accept_user_agreements::AcceptUserAgreementsRequest::OPERATION,
    consent::withdraw_user_agreements::WithdrawUserAgreementsRequest::OPERATION,
    consent::get_user_agreements::GetUserAgreementsRequest::OPERATION,
    directory::create_user::DirectoryCreateRequest::OPERATION,
    directory::create_sso_user::DirectoryCreateSsoRequest::OPERATION,
    directory::update_user::DirectoryUpdateRequest::OPERATION,
    directory::read_user::DirectoryReadRequest::OPERATION,
    directory::read_user::DirectoryReadByIdRequest::OPERATION,
    directory::read_user::DirectoryLookupRequest::OPERATION,
    directory::search_organisations::OrganisationSearchRequest::OPERATION,
    directory::assign_roles::AssignRolesRequest::OPERATION,
    partner::sign_in::PartnerSignInRequest::OPERATION,
    browser::show_visitor::ShowVisitorRequest::OPERATION,
    browser::sign_in::SignInRequest::OPERATION,
    browser::sign_out::SignOutRequest::OPERATION,
    browser::choose_organisation::ChooseOrganisationRequest::OPERATION,
    browser::register_visitor::RegisterVisitorRequest::OPERATION,
    browser::show_take_over::ShowTakeOverRequest::OPERATION,
    browser::take_over::ConfirmVisitorRequest::OPERATION,
    browser::take_over::SetPasswordRequest::OPERATION,
    browser::undo_email_change::UndoEmailChangeRequest::OPERATION,
    browser::show_account::ShowAccountRequest::OPERATION,
    browser::change_own_password::ChangeOwnPasswordRequest::OPERATION,
    browser::delete_own_account::DeleteOwnAccountRequest::OPERATION,
    browser::leave_service::LeaveServiceRequest::OPERATION,
    browser::accept_agreement::AcceptAgreementRequest::OPERATION,
    browser::withdraw_agreement::WithdrawAgreementRequest::OPERATION,
    browser::end_session::EndSessionRequest::OPERATION,
    browser::unlink_identity::UnlinkIdentityRequest::OPERATION,
];

/// The operations of the SOAP contract, from which the WSDL and the XSD are generated.
#[must_use]
pub fn soap_entries() -> Vec<Entry> {
    CATALOG
        .iter()
        .filter(|o| o.soap)
        .map(|o| Entry {
            name: o.name,
            doc: o.doc,
            request: o.request,
            response: o.response,
        })
        .collect()
}
