//! Chaingun Gateway.
pub mod clock;
pub mod contract;
pub mod domain;
pub mod entropy;
pub mod secrets;
pub mod store;
