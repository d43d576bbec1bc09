//! The REST interface offers the same operations as vnd.api+json resources (SPEC §5). It contains no access rules.

mod context;
mod document;
mod face;
mod links;
mod negotiation;
mod request;
mod routing;

pub use context::JsonLimits;
pub use face::RestFace;
