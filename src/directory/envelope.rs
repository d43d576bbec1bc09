//! The envelope of the directory's answers, which partners' sign-ins are refused in as well.

use serde::Serialize;
use serde_json::{Value, json};

use crate::contract::messages::{Language, Why, describe};
use crate::contract::rejection::{Code, Problem, Rejection};
use crate::contract::time::utc;
use crate::domain::Millis;
use crate::http::Reply;

/// What stands around an answer, whatever it is.
#[derive(Debug, Clone)]
pub struct Heading {
    /// What was called, like `api.user.create`.
    pub id: &'static str,
    /// The version in its path.
    pub ver: &'static str,
    pub now: Millis,
    pub request_id: String,
    pub language: Language,
}

/// The members stand as the documents have them.
#[derive(Serialize)]
struct Envelope<'a> {
    id: &'static str,
    ver: &'static str,
    ts: String,
    params: Params<'a>,
    #[serde(rename = "responseCode")]
    response_code: &'static str,
    result: Value,
}

#[derive(Serialize)]
struct Params<'a> {
    /// The caller's own number for the call, which the documents leave empty.
    resmsgid: Option<()>,
    msgid: &'a str,
    err: Option<&'static str>,
    status: &'static str,
    errmsg: Option<String>,
}

impl Heading {
    /// An answer with this result.
    #[must_use]
    pub fn success(&self, result: Value) -> Reply {
        self.reply(200, "OK", None, result)
    }

    /// Why there is none.
    #[must_use]
    pub fn refusal(&self, rejection: &Rejection) -> Reply {
        rejection.log(&self.request_id, self.id);
        let kind = rejection.kind();
        let (status, response_code) = kind.envelope();
        let texts: Vec<String> = rejection
            .problems
            .iter()
            .map(|problem| describe(problem, self.language))
            .collect();
        let error = Some((code_of(rejection), texts.join("; ")));
        let mut reply = self.reply(status, response_code, error, json!({}));
        if status == 401 {
            reply.headers.push(("WWW-Authenticate", "JWT".to_owned()));
        }
        if let Some(seconds) = rejection.retry_after() {
            reply.headers.push(("Retry-After", seconds.to_string()));
        }
        reply
    }

    fn reply(
        &self,
        status: u16,
        response_code: &'static str,
        error: Option<(&'static str, String)>,
        result: Value,
    ) -> Reply {
        let (err, errmsg) = error.unzip();
        let envelope = Envelope {
            id: self.id,
            ver: self.ver,
            ts: moment(self.now),
            params: Params {
                resmsgid: None,
                msgid: &self.request_id,
                err,
                status: err.unwrap_or("success"),
                errmsg,
            },
            response_code,
            result,
        };
        Reply {
            status,
            content_type: "application/json; charset=utf-8",
            headers: vec![("Referrer-Policy", "no-referrer".to_owned())],
            body: serde_json::to_vec(&envelope).unwrap_or_default(),
        }
    }
}

/// The code of a refusal in the envelope.
#[must_use]
pub fn code_of(rejection: &Rejection) -> &'static str {
    let first = rejection.problems.first();
    first.map_or(Code::InternalError.as_str(), spelling)
}

/// The code of a problem as the directory's documents spell it, where they have one for it.
fn spelling(problem: &Problem) -> &'static str {
    match (problem.code, problem.why) {
        (Code::MissingField, _) => "MANDATORY_PARAMETER_MISSING",
        (Code::InvalidField, Some(Why::WrongContent)) => "DATA_TYPE_ERROR",
        (Code::InvalidField, Some(Why::NotAnEmail)) => "EMAIL_FORMAT_ERROR",
        (Code::InvalidField, _) => "INVALID_PARAMETER_VALUE",
        (Code::EmailAlreadyExists, _) => "EMAIL_IN_USE",
        (Code::UserAlreadyExists, _) => "USERNAME_IN_USE",
        (Code::AuthenticationRequired, _) => "UNAUTHORIZED_USER",
        (code, _) => code.as_str(),
    }
}

/// A moment in UTC, as the documents write it: `2020-11-23 06:59:16:472+0000`.
#[must_use]
pub fn moment(millis: Millis) -> String {
    let seconds = utc(millis.div_euclid(1000) * 1000);
    let seconds = seconds.trim_end_matches('Z').replace('T', " ");
    format!("{seconds}:{:03}+0000", millis.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_are_written_as_the_documents_have_them() {
        assert_eq!(moment(1_606_114_756_472), "2020-11-23 06:59:16:472+0000");
        assert_eq!(moment(0), "1970-01-01 00:00:00:000+0000");
    }
}
