//! HTTP as every face sees it: requests, replies, and the headers and encodings that all faces share. This module
//! does not handle connections.

pub mod accept;
pub mod body;
mod credentials;
pub mod envelope;
mod face;
pub mod media_type;
pub mod parameters;
pub mod path;
mod reply;
mod request;

pub use credentials::{ambiguous, credentials};
pub use face::{Decoded, Face};
pub use media_type::MediaType;
pub use parameters::Parameters;
pub use reply::Reply;
pub use request::{HttpRequest, header_text};

pub use hyper::{HeaderMap, Method, Uri, header};
