//! The limits of the REST face, and the context of its replies.

use crate::contract::messages::Language;
use crate::operations::Route;

/// The media type of JSON:API.
pub(super) const MEDIA_TYPE: &str = "application/vnd.api+json";

/// The limits of the REST face.
#[derive(Debug, Clone, Copy)]
pub struct JsonLimits {
    /// Levels of nesting in a body.
    pub depth: usize,
    /// Refuse fields that an operation does not know, instead of skipping them.
    pub refuse_unknown: bool,
}

/// The parts of a request that its reply depends on.
#[derive(Debug)]
pub(super) struct ResponseContext {
    pub(super) language: Language,
    pub(super) request_id: String,
    /// The path and query of the request, for the links of a list.
    pub(super) target: String,
    pub(super) route: Option<&'static Route>,
    /// The place of the fields in this request.
    pub(super) form: Form,
    /// The fields that have another name in the query, such as `page[limit]`, with that name.
    pub(super) named: Vec<(String, String)>,
}

/// The place of the fields in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Resource,
    Flat,
    Query,
}
