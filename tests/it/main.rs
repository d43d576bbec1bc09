//! The integration tests: one binary, each test with a gateway and a database of its own.
#![allow(
    clippy::allow_attributes,
    reason = "a harness offers more than each test uses"
)]

mod contract;
mod harness;
mod hostile_xml;
mod samples;
