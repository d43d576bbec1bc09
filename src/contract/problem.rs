//! The problems of a request. They tell the client the reason of a refusal.

pub use super::kind::{FaultCode, Kind, SoapForm};
pub use super::messages::{Code, Why};

use super::messages::Language;

/// One message of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    /// The published name of the field, if the problem concerns a field.
    pub field: Option<String>,
    /// The exact reason.
    pub why: Option<Why>,
}

impl Problem {
    /// The text of the code, followed by the field and the reason.
    #[must_use]
    pub fn describe(&self, language: Language) -> String {
        self.text(self.field.as_deref(), language)
    }

    /// The text for a web page, without the name of the field.
    #[must_use]
    pub fn explain(&self, language: Language) -> String {
        self.text(None, language)
    }

    fn text(&self, field: Option<&str>, language: Language) -> String {
        let mut out = String::from(self.code.title(language));
        if let Some(field) = field {
            out.push_str(&format!(" ({field})"));
        }
        if let Some(why) = self.why {
            out.push_str(": ");
            out.push_str(&why.text(language));
        }
        out
    }

    /// A problem of this field, or of the whole request.
    #[must_use]
    pub fn new(code: Code, field: Option<&str>, why: Option<Why>) -> Self {
        let field = field.map(str::to_owned);
        Self { code, field, why }
    }
}

/// The most problems that are reported for one request.
pub const MAX_PROBLEMS: usize = 32;

/// The problems of one request, collected while it is read.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    /// In the order in which they were found.
    pub found: Vec<Problem>,
    refuse_unknown: bool,
}

impl Problems {
    /// An empty collection. Unknown fields are problems only if `refuse_unknown` is set.
    #[must_use]
    pub fn none(refuse_unknown: bool) -> Self {
        Self {
            found: Vec::new(),
            refuse_unknown,
        }
    }

    /// Notes a wrong value.
    pub fn note(&mut self, field: &str, why: Why) {
        self.add(Code::InvalidField, Some(field), Some(why));
    }

    /// Notes a missing field, unless a problem of this field is noted already.
    pub fn note_missing(&mut self, field: &str) {
        if self.found.iter().any(|p| p.field.as_deref() == Some(field)) {
            return;
        }
        self.add(Code::MissingField, Some(field), None);
    }

    /// Notes an unknown field, if the settings refuse unknown fields.
    pub fn note_unknown(&mut self, field: &str) {
        if self.refuse_unknown {
            let short: String = field.chars().take(64).collect();
            self.add(Code::UnknownField, Some(&short), None);
        }
    }

    /// Notes content that is not allowed here.
    pub fn note_content(&mut self) {
        self.add(Code::InvalidField, None, Some(Why::WrongContent));
    }

    /// Notes a problem once, up to [`MAX_PROBLEMS`], so that a small request cannot cause a large answer.
    fn add(&mut self, code: Code, field: Option<&str>, why: Option<Why>) {
        let problem = Problem::new(code, field, why);
        if self.found.len() < MAX_PROBLEMS && !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }
}
