//! The names that most operations need. The file of an operation begins with `use crate::operations::prelude::*`.

pub(super) use super::context::RequestContext;
pub(super) use super::operation::{
    Access, Body, Cost, DirectoryRoute, Operation, Request, Route, Throttle, USERS,
};
pub(super) use super::refusal::{
    Refusal, Result, internal_error, invalid_one_time_token, not_signed_in, refuse, refuse_all,
    refuse_field, refuse_invalid, too_many_attempts,
};
pub(super) use super::transaction::{Addressee, Transaction};
pub(super) use crate::contract::common::{
    EmptyResponse, Param, RequestMeta, ResponseStatus, param,
};
pub(super) use crate::contract::field::Role;
pub(super) use crate::contract::problem::{Code, Problem, Problems, Why};
pub(super) use crate::contract::rejection::Rejection;
pub(super) use crate::contract::shape::{List, Number, Secret, shape};
pub(super) use crate::domain::audit_event::AuditEvent;
pub(super) use crate::domain::notice::Topic;
pub(super) use crate::domain::one_time_token::Purpose;
pub(super) use crate::domain::organisation::Membership;
pub(super) use crate::domain::user::{Status, User};
pub(super) use crate::secrets::sha256_hex;
pub(super) use crate::store::{AnyConnection, StoreError};
