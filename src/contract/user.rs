//! The two published forms of a user: with flat roles and with wrapped roles (SPEC §4).

use super::shape::{List, shape};
use crate::domain::user::User;

shape! {
    /// A user in the answers of findUsers, showUser and authenticate.
    pub struct FlatUser = "User_V1" {
        /// The client that the user belongs to.
        client_name: Option<String> = "clientName", max = 128;
        /// The e-mail address. No two users have the same.
        email: Option<String> = "email", max = 254;
        /// The name of the person.
        name: Option<String> = "name", max = 128;
        /// The organisational unit.
        organizational_unit: Option<String> = "organizationalUnit", max = 128;
        /// The global roles of the user.
        roles: List<String> = "roles", max = 128;
        /// The status: UNACTIVATED, ACTIVE or INACTIVE.
        status: Option<String> = "status", max = 16;
        /// The user name. No two users have the same.
        user_name: Option<String> = "userName", max = 128, id;
    }
}

shape! {
    /// A user in the request of createUser, and in the answers of createUser and modifyUser.
    pub struct WrappedUser = "UserData_V1" {
        /// The client that the user belongs to.
        client_name: Option<String> = "clientName", max = 128;
        /// The e-mail address. No two users have the same.
        email: Option<String> = "email", max = 254;
        /// The name of the person.
        name: Option<String> = "name", max = 128;
        /// The organisational unit.
        organizational_unit: Option<String> = "organizationalUnit", max = 128;
        /// The way by which the token for setting a password is sent: RESPONSE returns it in the answer, EMAIL mails
        /// it. Used by createUser only; EMAIL by default.
        password_reset_guid_channel: Option<String> = "passwordResetGuidChannel", max = 16;
        /// The global roles of the user.
        roles: Option<List<String>> = "roles", item = "role", wrapped, max = 128;
        /// The status: UNACTIVATED, ACTIVE or INACTIVE.
        status: Option<String> = "status", max = 16;
        /// The user name. No two users have the same.
        user_name: Option<String> = "userName", max = 128, id;
    }
}

shape! {
    /// The new values of a user in the request of modifyUser. Absent fields keep their values.
    pub struct UserChange = "UserChange_V1" {
        /// The client that the user belongs to.
        client_name: Option<String> = "clientName", max = 128, never_empty;
        /// The e-mail address. No two users have the same.
        email: Option<String> = "email", max = 254, never_empty;
        /// The name of the person.
        name: Option<String> = "name", max = 128, never_empty;
        /// The organisational unit.
        organizational_unit: Option<String> = "organizationalUnit", max = 128, clears;
        /// The status: UNACTIVATED, ACTIVE or INACTIVE.
        status: Option<String> = "status", max = 16, never_empty;
        /// The user name of the user to change.
        user_name: Option<String> = "userName", max = 128, id;
        /// The new global roles, which replace the present ones. An empty list removes all roles; without the field
        /// they stay.
        roles: Option<List<String>> = "roles", item = "role", wrapped, max = 128, clears;
    }
}

impl From<UserChange> for WrappedUser {
    fn from(change: UserChange) -> Self {
        Self {
            client_name: change.client_name,
            email: change.email,
            name: change.name,
            organizational_unit: change.organizational_unit,
            password_reset_guid_channel: None,
            roles: change.roles,
            status: change.status,
            user_name: change.user_name,
        }
    }
}

impl From<User> for FlatUser {
    fn from(user: User) -> Self {
        let has_address = user.address().is_some();
        Self {
            email: has_address.then_some(user.email),
            client_name: Some(user.client_name),
            name: Some(user.name),
            organizational_unit: user.organizational_unit,
            roles: List(user.roles),
            status: Some(user.status.as_str().to_owned()),
            user_name: Some(user.user_name),
        }
    }
}

impl From<User> for WrappedUser {
    fn from(user: User) -> Self {
        Self {
            email: user.address().map(str::to_owned),
            client_name: Some(user.client_name),
            name: Some(user.name),
            organizational_unit: user.organizational_unit,
            password_reset_guid_channel: None,
            roles: Some(List(user.roles)),
            status: Some(user.status.as_str().to_owned()),
            user_name: Some(user.user_name),
        }
    }
}
