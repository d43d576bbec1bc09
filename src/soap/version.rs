//! The versions of SOAP: their namespaces and media types.

use crate::contract::xml::{Ns, SOAP11, SOAP12};
use crate::http::MediaType;

/// The two versions of SOAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Soap11,
    Soap12,
}

impl Version {
    /// The version of a media type. The envelope may have the other version.
    #[must_use]
    pub fn of_media_type(media_type: &MediaType<'_>) -> Version {
        match media_type.is_one_of(&["application/soap+xml"]) {
            true => Version::Soap12,
            false => Version::Soap11,
        }
    }

    /// The namespace of the envelope.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Version::Soap11 => SOAP11,
            Version::Soap12 => SOAP12,
        }
    }

    /// The media type of answers.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Version::Soap11 => "text/xml; charset=utf-8",
            Version::Soap12 => "application/soap+xml; charset=utf-8",
        }
    }

    pub(super) const fn ns(self) -> Ns {
        match self {
            Version::Soap11 => Ns::Soap11,
            Version::Soap12 => Ns::Soap12,
        }
    }
}
