//! The kinds of registry entries.

mod application;
mod client;
mod named;
pub mod organisation;
pub mod partner;
mod service;

/// The rule for an origin.
pub const ORIGIN: &str = "http:// or https:// and a host in lower case, without a path";
