//! The directory: portals make users, look them up by what others call them, and give them roles (SPEC §11). Holds no rule
//! about users.

pub mod envelope;

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::contract::json::{Json, parse};
use crate::contract::messages::{Language, Why};
use crate::contract::rejection::{Code, Problems, Rejection};
use crate::contract::shape::Secret;
use crate::domain::Millis;
use crate::domain::user::Status;
use crate::exchange::{HttpRequest, Reply};
use crate::operations::access::Incoming;
use crate::operations::directory::{
    Entry, Person, assign_roles, create_user, read_user, update_user,
};
use crate::operations::{Answer, Credentials, Operation, Shown};
use envelope::{Heading, moment};

/// What every path of the directory starts with.
const PREFIXES: [&str; 2] = ["/user/v1/", "/orguser/v1/"];

/// One way to an operation.
struct Route {
    method: &'static str,
    /// Segments; one in braces is a field of the request, percent-decoded.
    path: &'static str,
    id: &'static str,
    operation: &'static Operation,
}

const fn route(
    method: &'static str,
    path: &'static str,
    id: &'static str,
    operation: &'static Operation,
) -> Route {
    Route {
        method,
        path,
        id,
        operation,
    }
}

static ROUTES: [Route; 7] = [
    route(
        "POST",
        "/user/v1/create",
        "api.user.create",
        &create_user::OPERATION,
    ),
    route(
        "PATCH",
        "/user/v1/update",
        "api.user.update",
        &update_user::OPERATION,
    ),
    route(
        "GET",
        "/user/v1/get/externalId/{externalId}/externalIdProvider/{externalIdProvider}/externalIdType/{externalIdType}",
        "api.user.get.externalId",
        &read_user::OPERATION,
    ),
    // As an older revision of the document has it.
    route(
        "GET",
        "/user/v1/get/externalId/{externalId}/channel/{externalIdProvider}/idType/{externalIdType}",
        "api.user.get.externalId",
        &read_user::OPERATION,
    ),
    route(
        "POST",
        "/orguser/v1/memberrole/assign",
        "api.orguser.memberrole.assign",
        &assign_roles::OPERATION,
    ),
    // Older and newer names of the same.
    route(
        "POST",
        "/orguser/v1/memberrole/add",
        "api.orguser.memberrole.add",
        &assign_roles::OPERATION,
    ),
    route(
        "POST",
        "/user/v1/role/assign",
        "api.user.assign.role",
        &assign_roles::OPERATION,
    ),
];

/// Whether this path is the directory's.
#[must_use]
pub fn is_below(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

/// One call, but for what comes of it.
pub struct Asked {
    heading: Heading,
    route: Option<&'static Route>,
    /// What stands in the path, with the names of its fields.
    named: Vec<(&'static str, String)>,
    /// The methods of the path, if it is one.
    allow: Vec<&'static str>,
}

impl Asked {
    /// The call of this request, at this time.
    #[must_use]
    pub fn of(request: &HttpRequest, now: Millis) -> Self {
        let path = request.path.trim_end_matches('/');
        // HEAD is asked for what GET answers.
        let method = match request.method.as_str() {
            "HEAD" => "GET",
            method => method,
        };
        let mut found = None;
        let mut allow = Vec::new();
        for route in &ROUTES {
            if let Some(named) = matched(route.path, path) {
                allow.push(route.method);
                if route.method == method {
                    found = Some((route, named));
                }
            }
        }
        if allow.contains(&"GET") {
            allow.push("HEAD");
        }
        let accepted = request.accept_language.as_deref().unwrap_or("");
        let (route, named) = found.unzip();
        Self {
            heading: Heading {
                id: route.map_or("api.user", |route| route.id),
                ver: "v1",
                now,
                request_id: request.request_id.clone(),
                language: Language::from_accept_language(accepted),
            },
            route,
            named: named.unwrap_or_default(),
            allow,
        }
    }

    /// Reads it, with so many levels of JSON at most.
    ///
    /// # Errors
    /// The reply for what is no call.
    pub fn read(&self, request: &HttpRequest, depth: usize) -> Result<Box<Incoming>, Reply> {
        let Some(route) = self.route else {
            return Err(self.not_routed());
        };
        let mut problems = Problems::none(false);
        let object = if self.named.is_empty() {
            body(request, depth, &mut problems).map_err(|r| self.refusal(&r))?
        } else {
            let fields = self.named.iter();
            let fields = fields.map(|(name, text)| ((*name).to_owned(), Json::Text(text.clone())));
            Json::Object(fields.collect())
        };
        let decoded = (route.operation.read_json)(&object, &mut problems);
        let secret = |text: &Option<String>| text.as_deref().map(Secret::from);
        Ok(Box::new(Incoming {
            operation: route.operation,
            request: decoded,
            problems: std::mem::take(&mut problems.found),
            credentials: Credentials {
                source: request.source,
                client_key: secret(&request.client_key),
                user_name: request.user_name.clone(),
                authorization: secret(&request.authorization),
                ..Credentials::default()
            },
            language: self.heading.language,
            request_id: request.request_id.clone(),
        }))
    }

    /// A path that leads nowhere, or not by this method.
    fn not_routed(&self) -> Reply {
        let mut reply = self.refusal(&Rejection::new(Code::NoSuchOperation));
        if !self.allow.is_empty() {
            reply.status = 405;
            reply.headers.push(("Allow", self.allow.join(", ")));
        }
        reply
    }

    /// The reply to it.
    #[must_use]
    pub fn reply(&self, outcome: Result<Box<dyn Answer>, Rejection>) -> Reply {
        match outcome {
            Err(rejection) => self.refusal(&rejection),
            Ok(answer) => match answer.shown() {
                Shown::Entry(entry) => self.heading.success(result(entry)),
                _ => self.refusal(&Rejection::new(Code::InternalError)),
            },
        }
    }

    /// Why it was not done.
    #[must_use]
    pub fn refusal(&self, rejection: &Rejection) -> Reply {
        self.heading.refusal(rejection)
    }
}

/// What stands in the place of the fields of a path, if it is one of this form. What is no text is none.
fn matched(form: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let (mut form, mut path) = (form.split('/'), path.split('/'));
    let mut named = Vec::new();
    loop {
        match (form.next(), path.next()) {
            (None, None) => return Some(named),
            (Some(wanted), Some(found)) => {
                let field = wanted.strip_prefix('{').and_then(|w| w.strip_suffix('}'));
                match field {
                    Some(field) => {
                        let text = percent_decode_str(found).decode_utf8().ok()?;
                        named.push((field, text.into_owned()));
                    }
                    None if wanted == found => {}
                    None => return None,
                }
            }
            _ => return None,
        }
    }
}

/// The `request` in a body.
fn body(request: &HttpRequest, depth: usize, problems: &mut Problems) -> Result<Json, Rejection> {
    let content_type = request.content_type.as_deref().unwrap_or("");
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    let is_json = media_type.eq_ignore_ascii_case("application/json");
    let is_plain = request
        .content_encoding
        .as_deref()
        .is_none_or(|e| e == "identity");
    if !is_json || !is_plain {
        return Err(Rejection::new(Code::UnsupportedMediaType));
    }
    let Json::Object(members) = parse(&request.body, depth)? else {
        return Err(Rejection::field(
            Code::InvalidField,
            "request",
            Some(Why::WrongContent),
        ));
    };
    let inner = members.into_iter().find(|(name, _)| name == "request");
    match inner {
        Some((_, object @ Json::Object(_))) => Ok(object),
        Some((_, Json::Null)) | None => {
            problems.note_missing("request");
            Ok(Json::Object(Vec::new()))
        }
        Some(_) => {
            problems.note("request", Why::WrongContent);
            Ok(Json::Object(Vec::new()))
        }
    }
}

fn result(entry: &Entry) -> Value {
    match entry {
        Entry::Made(uuid) => json!({ "response": "SUCCESS", "userId": uuid, "errors": [] }),
        Entry::Changed(uuid) => json!({ "response": "SUCCESS", "userId": uuid, "errors": [] }),
        Entry::Assigned => json!({ "response": "SUCCESS" }),
        Entry::Person(person) => json!({ "response": shown(person) }),
    }
}

fn shown(person: &Person) -> Value {
    let user = &person.user;
    let organisations: Vec<_> = person
        .granted
        .iter()
        .map(|granted| {
            json!({
                "organisationId": granted.uuid,
                "orgName": granted.name,
                "userId": user.uuid,
                "roles": granted.roles,
                "isDeleted": false,
            })
        })
        .collect();
    let identities: Vec<_> = person
        .identities
        .iter()
        .map(|i| json!({ "id": i.id, "provider": i.provider, "idType": i.id_type }))
        .collect();
    json!({
        "id": user.uuid,
        "identifier": user.uuid,
        "userId": user.uuid,
        "userName": user.user_name,
        "firstName": user.name,
        "lastName": null,
        "email": user.address(),
        "phone": person.phone,
        "status": i32::from(user.status == Status::Active),
        "isDeleted": false,
        "roles": user.roles,
        "organisations": organisations,
        "externalIds": identities,
        "createdDate": moment(user.created_at),
        "updatedDate": moment(user.updated_at),
    })
}

#[cfg(test)]
mod tests {
    use super::matched;

    #[test]
    fn paths_are_matched_segment_by_segment() {
        let form = "/a/{x}/b/{y}";
        assert_eq!(
            matched(form, "/a/1%2F2%20%C3%A9%2B%25/b/+"),
            Some(vec![("x", "1/2 é+%".to_owned()), ("y", "+".to_owned())])
        );
        for other in ["/a/1/b", "/a/1/b/2/3", "/a/1/c/2", "/a/%FF/b/2", "a/1/b/2"] {
            assert_eq!(matched(form, other), None, "{other}");
        }
    }
}
