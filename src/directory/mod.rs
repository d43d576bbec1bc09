//! The directory: portals make users, look them up by what others call them, and give them roles (SPEC §11). Holds no rule
//! about users.

pub mod envelope;

use serde_json::{Value, json};

use crate::contract::json::{Json, parse};
use crate::contract::messages::Why;
use crate::contract::rejection::{Code, Problems, Rejection};
use crate::domain::Millis;
use crate::domain::user::Status;
use crate::http::{self, HttpRequest, Reply, path};
use crate::operations::access::Incoming;
use crate::operations::directory::{
    Entry, Person, assign_roles, create_user, read_user, update_user,
};
use crate::operations::{Answer, Operation, Shown};
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
        let below = request.path().trim_end_matches('/');
        // HEAD is asked for what GET answers.
        let method = match request.is_get() {
            true => "GET",
            false => request.method.as_str(),
        };
        let mut found = None;
        let mut allow = Vec::new();
        for route in &ROUTES {
            if let Some(named) = path::captures(route.path, below) {
                allow.push(route.method);
                if route.method == method {
                    found = Some((route, named));
                }
            }
        }
        if allow.contains(&"GET") {
            allow.push("HEAD");
        }
        let (route, named) = found.unzip();
        Self {
            heading: Heading {
                id: route.map_or("api.user", |route| route.id),
                ver: "v1",
                now,
                request_id: request.request_id.clone(),
                language: request.language(),
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
        let credentials = http::credentials(request, &mut problems);
        let object = if self.named.is_empty() {
            body(request, depth, &mut problems).map_err(|r| self.refusal(&r))?
        } else {
            let fields = self.named.iter();
            let fields = fields.map(|(name, text)| ((*name).to_owned(), Json::Text(text.clone())));
            Json::Object(fields.collect())
        };
        let decoded = (route.operation.read_json)(&object, &mut problems);
        Ok(Box::new(Incoming {
            operation: route.operation,
            request: decoded,
            problems: std::mem::take(&mut problems.found),
            credentials,
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

/// The `request` in a body.
fn body(request: &HttpRequest, depth: usize, problems: &mut Problems) -> Result<Json, Rejection> {
    if request.media_type().name != "application/json" {
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
