//! The SOAP face: decodes envelopes into operations of the catalogue, and encodes their answers. The module contains no
//! rules about users.

mod context;
mod contract;
mod encoding;
mod envelope;
mod face;
mod fault;
mod header;
mod version;

pub use context::SoapLimits;
pub use contract::{Contract, Difference, Names};
pub use face::{SoapFace, check};
pub use version::Version;
