//! The limits of the REST face, and the context of its replies.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use crate::contract::messages::Language;
use crate::http::Uri;
use crate::operations::Route;

/// The media type of JSON:API.
pub(super) const MEDIA_TYPE: &str = "application/vnd.api+json";

/// The limits of the REST face.
#[derive(Debug, Clone, Copy)]
pub struct JsonLimits {
    /// Levels of nesting in a body.
    pub depth: usize,
    /// Whether fields that an operation does not have are refused instead of skipped.
    pub refuse_unknown: bool,
}

/// The parts of a request that its reply depends on.
#[derive(Debug)]
pub(super) struct ResponseContext {
    pub(super) language: Language,
    pub(super) request_id: Arc<str>,
    /// The URL of the gateway as this client sees it, without a path; empty if the answer has no links.
    pub(super) base_url: String,
    /// The path and the query of the request.
    pub(super) uri: Uri,
    pub(super) route: Option<&'static Route>,
    /// The fields, each with its place in the request, or with the member that should hold it.
    pub(super) places: Vec<(Cow<'static, str>, Source)>,
}

/// The place of a field in a request (JSON:API 1.1, Error Objects).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    Pointer(String),
    Parameter(String),
    Header(&'static str),
}

/// The most characters of a name that a reply repeats.
const MAX_NAME_CHARS: usize = 64;

impl ResponseContext {
    /// The URL of the request with its query, for the links of a list.
    pub(super) fn target(&self) -> String {
        format!("{}{}", self.base_url, self.uri)
    }

    /// Notes the place of a field.
    pub(super) fn place(&mut self, field: impl Into<Cow<'static, str>>, source: Source) {
        self.places.push((field.into(), source));
    }

    /// Notes the pointer to a member of the object at `parent`.
    pub(super) fn place_member(&mut self, field: &str, parent: &str, member: &str) {
        let member = short(member).replace('~', "~0").replace('/', "~1");
        self.place(short(field), Source::Pointer(format!("{parent}/{member}")));
    }

    /// Notes a query parameter that stands for this field.
    pub(super) fn place_parameter(&mut self, field: &str, parameter: &str) {
        self.place(short(field), Source::Parameter(short(parameter)));
    }

    /// The place of a field; `None` if the request has neither the field nor a member that should hold it.
    pub(super) fn source_of(&self, field: &str) -> Option<Source> {
        let placed = self.places.iter().find(|(name, _)| name == field);
        placed.map(|(_, source)| source.clone())
    }
}

fn short(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).collect()
}
