//! The JSON envelope around answers of the directory and around refusals of partners' sign-ins.

use std::sync::Arc;

use super::Reply;
use crate::contract::json::JsonWriter;
use crate::contract::messages::Language;
use crate::contract::problem::{Code, Problem, Why};
use crate::contract::rejection::Rejection;
use crate::contract::shape::Shaped;
use crate::contract::time::directory_time;
use crate::domain::Millis;

/// The members of the envelope that do not depend on the outcome.
#[derive(Debug, Clone)]
pub struct Heading {
    /// The name of the call, like `api.user.create`.
    pub id: &'static str,
    /// The version in its path.
    pub ver: &'static str,
    pub now: Millis,
    pub request_id: Arc<str>,
    /// The caller's own ID of the message; without it, answers have the ID of the request.
    pub message_id: Option<Arc<str>>,
    pub language: Language,
}

impl Heading {
    /// An answer with this result.
    #[must_use]
    pub fn success(&self, result: &dyn Shaped) -> Reply {
        self.reply(200, "OK", None, Some(result))
    }

    /// An answer with the code and the texts of this refusal.
    #[must_use]
    pub fn refusal(&self, rejection: &Rejection) -> Reply {
        let kind = rejection.kind();
        let (status, response_code) = kind.envelope();
        let texts: Vec<String> = rejection
            .problems
            .iter()
            .map(|problem| problem.describe(self.language))
            .collect();
        let error = Some((code_of(rejection), texts.join("; ")));
        let mut reply = self.reply(status, response_code, error, None);
        if status == 401 {
            reply.headers.push(("WWW-Authenticate", "JWT".to_owned()));
        }
        reply
    }

    fn reply(
        &self,
        status: u16,
        response_code: &'static str,
        error: Option<(&'static str, String)>,
        result: Option<&dyn Shaped>,
    ) -> Reply {
        let (err, errmsg) = error.unzip();
        let mut out = JsonWriter::with_nulls();
        out.object(|out| {
            out.member("id", self.id);
            out.member("ver", self.ver);
            out.member("ts", &directory_time(self.now));
            out.name("params");
            out.object(|out| {
                // The specification leaves it empty.
                out.member("resmsgid", &());
                out.member(
                    "msgid",
                    self.message_id
                        .as_ref()
                        .unwrap_or(&self.request_id)
                        .as_ref(),
                );
                out.member("err", &err);
                out.member("status", err.unwrap_or("success"));
                out.member("errmsg", &errmsg);
            });
            out.member("responseCode", response_code);
            out.name("result");
            match result {
                Some(result) => result.write_object(out),
                None => out.object(|_| {}),
            }
        });
        Reply {
            status,
            content_type: "application/json; charset=utf-8",
            headers: vec![("Referrer-Policy", "no-referrer".to_owned())],
            body: out.finish(),
        }
    }
}

/// The code of a refusal in the envelope.
#[must_use]
pub fn code_of(rejection: &Rejection) -> &'static str {
    let first = rejection.problems.first();
    first.map_or(Code::InternalError.as_str(), spelling)
}

/// The code of a problem in the spelling of the directory's specification, which has its own names for some codes.
fn spelling(problem: &Problem) -> &'static str {
    match (problem.code, problem.why) {
        (Code::MissingField, _) => "MANDATORY_PARAMETER_MISSING",
        (Code::InvalidField, Some(Why::WrongContent)) => "DATA_TYPE_ERROR",
        (Code::InvalidField, Some(Why::NotAnEmail)) => "EMAIL_FORMAT_ERROR",
        (Code::InvalidField, Some(Why::NotAPhone)) => "INVALID_PHONE_NO_FORMAT",
        (Code::InvalidField, Some(Why::NoSuchParameter | Why::NotAKey)) => "INVALID_VALUE",
        (Code::InvalidField, _) => "INVALID_PARAMETER_VALUE",
        (Code::EmailAlreadyExists, _) => "EMAIL_IN_USE",
        (Code::UserAlreadyExists, _) => "USERNAME_IN_USE",
        (Code::AuthenticationRequired, _) => "UNAUTHORIZED_USER",
        (code, _) => code.as_str(),
    }
}
