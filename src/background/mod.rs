//! Background work of the server, other than deliveries.

pub mod hangup;
mod housekeeping;
pub mod registry_file;
mod worker;

pub use housekeeping::Housekeeping;
pub use worker::Background;
