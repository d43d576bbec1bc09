//! Access to operations without a REST route: the consent API, the directory, partners' sign-in and the pages. The
//! operations with a REST route are in `access_table.rs`.

use chaingun_gateway::contract::json::Json;
use chaingun_gateway::contract::messages::Language;
use chaingun_gateway::contract::problem::Problems;
use chaingun_gateway::contract::shape::Secret;
use chaingun_gateway::operations::access::run;
use chaingun_gateway::operations::browser::sign_in::SignInRequest;
use chaingun_gateway::operations::{Access, CATALOG, Credentials, DecodedRequest, Operation};
use chaingun_gateway::operations::{Runnable, from_fields};

use crate::harness::Gateway;
use crate::harness::rest::sign_in;

/// An operation, its fields, and the code for callers with access. `{token}` is the caller's token, and `{n}` is a
/// different number for each caller.
struct Row(
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

const CLIENT: (&str, &str) = ("client_id", "konto.onet.pl.front.onetapi.pl");
const TOKEN: (&str, &str) = ("token", "{token}");
const PORTAL: (&str, &str) = ("portal_id", "1");
const SERVICE: (&str, &str) = ("service_id", "1");

const ROWS: [Row; 34] = [
    Row(
        "assign_user_to_service",
        &[
            CLIENT,
            TOKEN,
            PORTAL,
            SERVICE,
            ("user_id_in_service", "u{n}"),
        ],
        "ok",
    ),
    Row(
        "delete_user_from_service",
        &[CLIENT, TOKEN, PORTAL, SERVICE],
        "ok",
    ),
    Row("get_user_services", &[CLIENT, TOKEN, PORTAL], "ok"),
    Row(
        "check_if_service_is_assign_to_user",
        &[CLIENT, TOKEN, PORTAL, SERVICE],
        "ok",
    ),
    Row(
        "check_user_agreements",
        &[CLIENT, TOKEN, PORTAL, SERVICE],
        "ok",
    ),
    Row(
        "accept_user_agreements",
        &[CLIENT, TOKEN, ("agreement_ids", "1")],
        "ok",
    ),
    Row(
        "withdraw_user_agreements",
        &[CLIENT, TOKEN, ("agreement_ids", "1")],
        "ok",
    ),
    Row("get_user_agreements", &[CLIENT, TOKEN], "ok"),
    Row(
        "directoryCreate",
        &[("firstName", "Béla"), ("userName", "bela{n}")],
        "ok",
    ),
    Row(
        "directoryUpdate",
        &[("userId", "1"), ("phone", "+36123456{n}")],
        "ok",
    ),
    Row(
        "directoryRead",
        &[
            ("externalId", "x"),
            ("externalIdProvider", "x"),
            ("externalIdType", "x"),
        ],
        "EXTERNALID_NOT_FOUND",
    ),
    Row(
        "directoryCreateSso",
        &[
            ("firstName", "Béla"),
            ("channel", "apekx"),
            ("externalIds", ""),
        ],
        "INVALID_FIELD",
    ),
    Row("directoryReadById", &[("id", "nobody")], "USER_NOT_FOUND"),
    Row(
        "directoryLookup",
        &[("loginId", "nobody")],
        "USER_NOT_FOUND",
    ),
    Row("directorySearchOrganisations", &[("limit", "1")], "ok"),
    Row(
        "assignRoles",
        &[
            ("userId", "1"),
            ("organisationId", "nowhere"),
            ("roles", ""),
        ],
        "INVALID_FIELD",
    ),
    Row(
        "partnerSignIn",
        &[("token", "x.y.z"), ("ownUrl", "https://a")],
        "TOKEN_MALFORMED",
    ),
    Row("showVisitor", &[], "ok"),
    Row(
        "signIn",
        &[
            ("userNameOrEmail", "mokamiki"),
            ("password", "MokaMiki-1234"),
        ],
        "ok",
    ),
    Row("signOut", &[], "ok"),
    Row(
        "chooseOrganisation",
        &[("organisation", "nowhere")],
        "ORGANIZATION_NOT_FOUND",
    ),
    Row(
        "registerVisitor",
        &[
            ("name", "Új"),
            ("email", "uj{n}@dbx.hu"),
            ("password", "ValaKi1234"),
        ],
        "ok",
    ),
    Row("showTakeOver", &[], "ok"),
    Row(
        "confirmVisitor",
        &[("token", "x")],
        "TOKEN_INVALID_OR_EXPIRED",
    ),
    Row(
        "setPassword",
        &[("passwordResetGuid", "x"), ("password", "UjJelszo-1234")],
        "TOKEN_INVALID_OR_EXPIRED",
    ),
    Row(
        "undoEmailChange",
        &[("token", "x")],
        "TOKEN_INVALID_OR_EXPIRED",
    ),
    Row("showAccount", &[], "ok"),
    Row(
        "changeOwnPassword",
        &[("oldPassword", "x"), ("password", "UjJelszo-1234")],
        "BAD_CREDENTIALS",
    ),
    Row("deleteOwnAccount", &[("password", "x")], "BAD_CREDENTIALS"),
    Row("leaveService", &[("service", "1")], "ok"),
    Row("acceptAgreement", &[("agreement", "1")], "ok"),
    Row("withdrawAgreement", &[("agreement", "1")], "ok"),
    Row("endSession", &[("session", "999")], "ok"),
    Row("unlinkIdentity", &[("identity", "x")], "ok"),
];

/// The kinds of callers, in the order of [`expected_codes`].
const CALLERS: [&str; 7] = [
    "unauthenticated",
    "public client",
    "trusted client",
    "user's token",
    "administrator's token",
    "ended session",
    "session",
];

/// The expected code for each caller; `through` is the code for callers with access.
fn expected_codes(access: Access, through: &'static str) -> [&'static str; 7] {
    let (denied, over) = ("ACCESS_DENIED", "TOKEN_EXPIRED");
    let unknown = "AUTHENTICATION_REQUIRED";
    match access {
        Access::Anyone | Access::Visitor => [through; 7],
        Access::Session => [over, over, over, over, over, over, through],
        Access::TrustedOrAdmin => [unknown, unknown, through, denied, through, unknown, unknown],
        // The consent API accepts a session's token as a user's token.
        Access::Application | Access::ProvenApplication => {
            [unknown, unknown, unknown, through, through, over, through]
        }
        Access::ClientOrUser | Access::User => unreachable!("these operations have a REST route"),
    }
}

#[test]
fn answers_every_caller_of_operations_without_a_rest_route_as_the_table_says() {
    for operation in CATALOG.iter().filter(|o| o.routes.is_empty()) {
        assert!(
            ROWS.iter().any(|row| row.0 == operation.name),
            "add a row for {} to ROWS in tests/it/access_elsewhere.rs",
            operation.name
        );
    }
    std::thread::scope(|scope| {
        for row in &ROWS {
            scope.spawn(move || check(row));
        }
    });
}

fn check(Row(name, fields, through): &Row) {
    let operation = CATALOG.iter().find(|o| o.name == *name).unwrap();
    let gateway = Gateway::demo();
    let wanted = expected_codes(operation.access, through);
    for (n, who) in CALLERS.into_iter().enumerate() {
        let (credentials, token) = caller(&gateway, who);
        let fill = |text: &str| {
            text.replace("{n}", &n.to_string())
                .replace("{token}", &token)
        };
        let fields = fields
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Json::Text(fill(text))));
        let code = outcome_code(
            &gateway,
            operation,
            Json::Object(fields.collect()),
            credentials,
        );
        assert_eq!(code, wanted[n], "{name} by {who}");
    }
}

fn outcome_code(
    gateway: &Gateway,
    operation: &Operation,
    object: Json,
    who: Credentials,
) -> &'static str {
    let mut problems = Problems::none(false);
    let request = (operation.decode_json)(&object, &mut problems);
    let outcome = run(&gateway.app, decoded(request, problems, who));
    outcome.map_or_else(|rejection| rejection.code().as_str(), |_| "ok")
}

fn decoded<A>(
    request: Box<dyn Runnable<A>>,
    problems: Problems,
    credentials: Credentials,
) -> DecodedRequest<A> {
    DecodedRequest {
        request,
        problems,
        credentials,
        language: Language::English,
        request_id: "test".into(),
    }
}

/// The credentials in a request of this caller, and the token among its fields.
fn caller(gateway: &Gateway, who: &str) -> (Credentials, String) {
    let none = Credentials::default;
    let with_key = |key: &str| Credentials {
        client_key: Some(Secret::from(key)),
        ..none()
    };
    let with_token = |token: String| {
        let authorization = Some(Secret::from(token.as_str()));
        let credentials = Credentials {
            authorization,
            ..none()
        };
        (credentials, token)
    };
    match who {
        "public client" => (with_key("demo-portal-key"), String::new()),
        "trusted client" => (with_key("demo-hash-key"), String::new()),
        "user's token" => with_token(sign_in(gateway, "mokamiki", "MokaMiki-1234", None)),
        "administrator's token" => with_token(sign_in(gateway, "admin", "Admin-Demo-2026", None)),
        "ended session" | "session" => {
            let token = session(gateway);
            if who == "ended session" {
                gateway.app.clock.advance(gateway.app.rules.session_ms);
            }
            let credentials = Credentials {
                session: Some(token.clone()),
                ..none()
            };
            (credentials, token.reveal().to_owned())
        }
        _ => (none(), String::new()),
    }
}

/// A session of a user who has just signed in at the page.
fn session(gateway: &Gateway) -> Secret {
    let fields = [
        ("userNameOrEmail", "mokamiki"),
        ("password", "MokaMiki-1234"),
    ];
    let fields = fields.map(|(name, text)| (name.to_owned(), Json::Text(text.to_owned())));
    let mut problems = Problems::none(false);
    let object = Json::Object(fields.into());
    let request = from_fields::<SignInRequest, _>(&object, &mut problems, |answer| answer.token);
    let outcome = run(
        &gateway.app,
        decoded(request, problems, Credentials::default()),
    );
    outcome.unwrap_or_else(|rejection| unreachable!("{rejection:?}"))
}
