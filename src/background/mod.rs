//! The work that the server does beside requests and deliveries.

pub mod hangup;
mod housekeeping;
pub mod registry_file;
mod worker;

pub use housekeeping::Housekeeping;
pub use worker::Background;
