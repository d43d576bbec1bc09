//! Published types that several operations share: request meta data, parameters and the response status.

use super::messages::Language;
use super::problem::Problem;
use super::rejection::Rejection;
use super::shape::{List, Secret, StatusCode, shape};

/// The longest claimed user name in requestMeta/userName and in `X-User-Name`, in characters.
pub const MAX_CLAIM_CHARS: u32 = 256;

shape! {
    /// A parameter: a key and its value.
    pub struct Param = "Param_V1" {
        /// The name of the parameter, for example USER_ORG_UUID.
        key: String = "key", max = 128, required;
        /// The value. A list or an object is written as JSON.
        value: String = "value", max = 65536;
    }
}

shape! {
    /// The calling client and its user.
    pub struct RequestMeta = "RequestMeta_V1" {
        /// The key of the calling client.
        client_hash_key: Option<Secret> = "clientHashKey", max = 256;
        /// The user on whose behalf the client calls.
        user_name: Option<String> = "userName", max = 256;
        /// Further parameters.
        params: List<Param> = "params", item = "param", wrapped;
    }
}

shape! {
    /// A message about the outcome of a request.
    pub struct Message = "Message_V1" {
        /// The severity: ERROR if the message is the reason of the refusal.
        severity: String = "severity", max = 16, required;
        /// The message code. Codes never change their meaning.
        code: String = "code", max = 64, required;
        /// The message for people: in English if Accept-Language prefers it, otherwise in Hungarian.
        description: String = "description", max = 1024;
    }
}

shape! {
    /// The outcome of the request.
    pub struct ResponseStatus = "ResponseStatus_V1" {
        /// 0: success. 1: the service failed. 2: the request is invalid. 3: the caller is not allowed to do this.
        code: StatusCode = "code", required;
        /// The reasons of a refusal; empty after success.
        messages: List<Message> = "messages", item = "message", always, required;
    }
}

shape! {
    /// The answer of an operation that returns only its outcome, and every refusal.
    pub struct EmptyResponse = "EmptyResponse_V1" {
        /// The outcome of the request.
        status: ResponseStatus = "status", required;
        /// Further parameters.
        params: List<Param> = "params", item = "param";
    }
}

/// The parameter that carries the user's token. Faces repeat its value in the `Authorization` header.
pub const P_AUTH_TOKEN: &str = "P_AUTH_TOKEN";

/// The value of the first parameter with this key.
#[must_use]
pub fn param<'a>(params: &'a [Param], key: &str) -> Option<&'a str> {
    params
        .iter()
        .find(|p| p.key == key)
        .map(|p| p.value.as_str())
}

/// The response status of a refusal, with this code.
#[must_use]
pub fn status_of(rejection: &Rejection, code: i32, language: Language) -> ResponseStatus {
    let message = |problem: &Problem| Message {
        severity: "ERROR".to_owned(),
        code: problem.code.as_str().to_owned(),
        description: problem.describe(language),
    };
    ResponseStatus {
        code: StatusCode(code),
        messages: List(rejection.problems.iter().map(message).collect()),
    }
}

/// The parameters of a refusal.
#[must_use]
pub fn params_of(rejection: &Rejection) -> List<Param> {
    let params = rejection.params.iter().map(|(key, value)| Param {
        key: (*key).to_owned(),
        value: value.clone(),
    });
    List(params.collect())
}
