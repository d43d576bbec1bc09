//! The published vocabulary: shapes with their field tables, their XML and JSON forms, the rejection table and the
//! printed contract. Contains no envelopes, and imports neither the store nor the operations.

pub mod common;
pub mod field;
pub mod json;
mod kind;
pub mod messages;
pub mod openapi;
pub mod problem;
pub mod rejection;
pub mod shape;
pub mod time;
pub mod user;
pub mod wsdl;
pub mod xml;

/// The namespace of ChaingunUserAPI; only operation elements are in it (SPEC §4).
pub const NAMESPACE: &str = "http://ws.service.user.api.chaingun.dbx.hu/";
/// The name of the SOAP contract. The names of its service, port type, bindings and ports begin with it.
pub const SERVICE: &str = "ChaingunUserAPI";
