//! Accounts: registration, confirmation, sign-in, password reset, changes. Operations without a SOAP binding are called
//! directly.

use chaingun_gateway::contract::json::Json;
use chaingun_gateway::contract::messages::Language;
use chaingun_gateway::contract::problem::{Code, Problems};
use chaingun_gateway::contract::rejection::Rejection;
use chaingun_gateway::operations::access::run;
use chaingun_gateway::operations::from_fields;
use chaingun_gateway::operations::user::confirm_user::ConfirmUserRequest;
use chaingun_gateway::operations::{Credentials, DecodedRequest, user};
use chaingun_gateway::store::{organisations, users};

use crate::harness::{Gateway, element, envelope};

/// The code of the first message, or the code of the status after a success.
fn outcome(gateway: &Gateway, operation: &str, request: &str) -> String {
    let body = gateway.soap(&envelope(operation, request)).body;
    let message = body.split("<message>").nth(1);
    element(message.unwrap_or(&body), "code")
        .unwrap()
        .to_owned()
}

fn confirm(gateway: &Gateway, token: &str) -> Result<(), Code> {
    let object = Json::Object(vec![("token".to_owned(), Json::Text(token.to_owned()))]);
    let mut problems = Problems::none(false);
    let decoded = DecodedRequest {
        request: from_fields::<ConfirmUserRequest, _>(&object, &mut problems, |_| ()),
        problems,
        credentials: Credentials::default(),
        language: Language::Hungarian,
        request_id: "test".into(),
    };
    run(&gateway.app, decoded).map_err(|r: Rejection| r.code())
}

fn register(gateway: &Gateway, extra: &str) -> String {
    let request = format!(
        "<username>ubul</username><password>ValaKi1234</password><name>Ubul</name><email>ubul@valami.hu</email>{extra}"
    );
    assert_eq!(outcome(gateway, "registerUser", &request), "0");
    token(gateway)
}

/// The token in the newest mail.
fn token(gateway: &Gateway) -> String {
    let mail = gateway.mails().pop().unwrap();
    mail.split("Token: ").nth(1).unwrap()[..32].to_owned()
}

fn sign_in(gateway: &Gateway, login: &str, password: &str) -> String {
    let request =
        format!("<userNameOrEmail>{login}</userNameOrEmail><password>{password}</password>");
    outcome(gateway, "authenticate", &request)
}

#[test]
fn confirms_a_registration_once_and_then_adds_the_membership() {
    let gateway = Gateway::demo();
    let token = register(&gateway, "<organizationUuid>hammy</organizationUuid>");
    let granted = || {
        gateway
            .app
            .store
            .read(|c| {
                let user = users::by_name(c, "ubul")?.unwrap();
                organisations::memberships(c, user.id)
            })
            .unwrap()
    };
    assert!(granted().is_empty(), "membership starts at confirmation");
    assert_eq!(sign_in(&gateway, "ubul", "ValaKi1234"), "USER_NOT_ACTIVE");
    assert_eq!(sign_in(&gateway, "ubul", "ValaKi1235"), "BAD_CREDENTIALS");
    assert_eq!(
        confirm(&gateway, &"0".repeat(32)),
        Err(Code::TokenInvalidOrExpired)
    );
    assert_eq!(confirm(&gateway, &token), Ok(()));
    assert_eq!(confirm(&gateway, &token), Err(Code::TokenInvalidOrExpired));
    assert_eq!(granted().len(), 1);
    assert_eq!(granted()[0].uuid, "hammy");
    assert_eq!(sign_in(&gateway, "UBUL@valami.hu", "ValaKi1234"), "0");
    let log = gateway.log(Some("ubul"), 10);
    let events: Vec<_> = log
        .iter()
        .rev()
        .map(|e| (e.event.as_str(), e.outcome.as_str()))
        .collect();
    assert_eq!(
        events[..4],
        [
            ("user_registered", "ok"),
            ("authn_login", "USER_NOT_ACTIVE"),
            ("authn_login", "BAD_CREDENTIALS"),
            ("user_confirmed", "ok")
        ]
    );
}

#[test]
fn refuses_activation_and_reset_tokens_that_have_expired() {
    let gateway = Gateway::demo();
    let activation = register(&gateway, "");
    gateway.app.clock.advance(48 * 3_600_000);
    assert_eq!(
        confirm(&gateway, &activation),
        Err(Code::TokenInvalidOrExpired)
    );
    let reset = "<userNameOrEmail>mokamiki</userNameOrEmail>";
    assert_eq!(outcome(&gateway, "resetPassword", reset), "0");
    let token = token(&gateway);
    gateway.app.clock.advance(30 * 60_000);
    let change =
        format!("<password>UjJelszo-1234</password><passwordResetGuid>{token}</passwordResetGuid>");
    assert_eq!(
        outcome(&gateway, "changePassword", &change),
        "TOKEN_INVALID_OR_EXPIRED"
    );
}

#[test]
fn refuses_an_activation_token_for_a_reset_and_a_reset_token_for_a_confirmation() {
    let gateway = Gateway::demo();
    let activation = register(&gateway, "");
    let change = |token: &str| {
        let request = format!(
            "<password>UjJelszo-1234</password><passwordResetGuid>{token}</passwordResetGuid>"
        );
        outcome(&gateway, "changePassword", &request)
    };
    assert_eq!(change(&activation), "TOKEN_INVALID_OR_EXPIRED");
    assert_eq!(
        outcome(
            &gateway,
            "resetPassword",
            "<userNameOrEmail>ubul</userNameOrEmail>"
        ),
        "0"
    );
    let reset = token(&gateway);
    assert_eq!(confirm(&gateway, &reset), Err(Code::TokenInvalidOrExpired));
    assert_eq!(
        change(&reset),
        "0",
        "the reset activates the account: the user reads this mailbox"
    );
    assert_eq!(sign_in(&gateway, "ubul", "UjJelszo-1234"), "0");
    assert_eq!(
        confirm(&gateway, &activation),
        Err(Code::TokenInvalidOrExpired),
        "the reset revokes all tokens"
    );
}

#[test]
fn revokes_reset_tokens_when_the_address_changes() {
    let gateway = Gateway::demo();
    assert_eq!(
        outcome(
            &gateway,
            "resetPassword",
            "<userNameOrEmail>mokamiki</userNameOrEmail>"
        ),
        "0"
    );
    let token = token(&gateway);
    let moved = "<user><userName>mokamiki</userName><email>uj@dbx.hu</email></user>";
    assert_eq!(outcome(&gateway, "modifyUser", moved), "0");
    let change =
        format!("<password>UjJelszo-1234</password><passwordResetGuid>{token}</passwordResetGuid>");
    assert_eq!(
        outcome(&gateway, "changePassword", &change),
        "TOKEN_INVALID_OR_EXPIRED"
    );
    assert_eq!(
        sign_in(&gateway, "moka.miklos@dbx.hu", "MokaMiki-1234"),
        "BAD_CREDENTIALS"
    );
    assert_eq!(sign_in(&gateway, "uj@dbx.hu", "MokaMiki-1234"), "0");
}

#[test]
fn refuses_sign_ins_and_sends_no_mail_for_an_inactive_user() {
    let gateway = Gateway::demo();
    let off = "<user><userName>mokamiki</userName><status>INACTIVE</status></user>";
    assert_eq!(outcome(&gateway, "modifyUser", off), "0");
    assert_eq!(
        sign_in(&gateway, "mokamiki", "MokaMiki-1234"),
        "USER_NOT_ACTIVE"
    );
    assert_eq!(
        outcome(
            &gateway,
            "resetPassword",
            "<userNameOrEmail>mokamiki</userNameOrEmail>"
        ),
        "0"
    );
    assert_eq!(gateway.mails().len(), 0);
    let change = "<oldPassword>MokaMiki-1234</oldPassword><password>UjJelszo-1234</password><userName>mokamiki</userName>";
    assert_eq!(
        outcome(&gateway, "changePassword", change),
        "USER_NOT_ACTIVE"
    );
}

#[test]
fn issues_a_token_with_the_organisation_and_its_roles() {
    use base64::Engine as _;
    let gateway = Gateway::demo();
    gateway
        .app
        .store
        .write(|c| {
            let user = users::by_name(c, "mokamiki")?.unwrap();
            let roles = ["ORG_ADMIN", "majomidomar"].map(str::to_owned);
            organisations::join(c, user.id, "moby", &roles, 0)
        })
        .unwrap();
    let claims = |params: &str| -> serde_json::Value {
        let request = format!(
            "<params>{params}</params><userNameOrEmail>mokamiki</userNameOrEmail><password>MokaMiki-1234</password>"
        );
        let reply = gateway.soap(&envelope("authenticate", &request));
        let token = reply.header("Authorization").unwrap();
        let claims = token.split('.').nth(1).unwrap();
        let json = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(claims)
            .unwrap();
        serde_json::from_slice(&json).unwrap()
    };
    let wanted = format!(
        "<param><key>{}</key><value>moby</value></param>",
        user::authenticate::USER_ORG_UUID
    );
    let moby = claims(&wanted);
    assert_eq!(moby["sub"], "mokamiki");
    assert_eq!(
        moby["org"],
        serde_json::json!({"uuid": "moby", "name": "Moby Organization"})
    );
    assert_eq!(
        moby["rls"],
        serde_json::json!(["majomidomar", "csokidealer", "ORG_ADMIN"])
    );
    assert_eq!(
        moby["exp"].as_i64().unwrap() - moby["iat"].as_i64().unwrap(),
        1800
    );
    let default = claims("<param><key>USER_ORG_UUID</key><value>default</value></param>");
    assert_eq!(
        default["rls"],
        serde_json::json!(["majomidomar", "csokidealer"])
    );
    assert_ne!(moby["jti"], default["jti"]);
}

#[test]
fn rehashes_an_imported_password_at_the_next_sign_in() {
    let gateway = Gateway::demo();
    let foreign = bcrypt::hash_with_salt("TeszT1234", 4, [3; 16])
        .unwrap()
        .format_for_version(bcrypt::Version::TwoY);
    let store = &gateway.app.store;
    let hash = || {
        store
            .read(|c| users::by_name(c, "mokamiki"))
            .unwrap()
            .unwrap()
            .password_hash
            .unwrap()
    };
    let before = hash();
    let id = store
        .read(|c| users::by_name(c, "mokamiki"))
        .unwrap()
        .unwrap()
        .id;
    store
        .write(|c| users::rehash(c, id, &before, &foreign))
        .unwrap();
    assert_eq!(
        sign_in(&gateway, "mokamiki", "MokaMiki-1234"),
        "BAD_CREDENTIALS"
    );
    assert_eq!(hash(), foreign);
    assert_eq!(sign_in(&gateway, "mokamiki", "TeszT1234"), "0");
    assert!(
        hash().starts_with("hmac-sha384+pepper:$2b$04$"),
        "{}",
        hash()
    );
    assert_eq!(sign_in(&gateway, "mokamiki", "TeszT1234"), "0");
}

#[test]
fn refuses_a_weak_new_password() {
    let gateway = Gateway::demo();
    let change = |password: &str| {
        let request = format!(
            "<oldPassword>MokaMiki-1234</oldPassword><password>{password}</password><userName>mokamiki</userName>"
        );
        outcome(&gateway, "changePassword", &request)
    };
    for weak in [
        "rövid12",
        "password",
        "Password1",
        "qwertyuiop",
        "mokamiki",
        "MOKAMIKI",
        "Móka Miklós",
        "moka.miklos@dbx.hu",
        "Default Org",
        &"é".repeat(65),
    ] {
        assert_eq!(change(weak), "WEAK_PASSWORD", "{weak}");
    }
    // The length of the field is checked before the password rules.
    assert_eq!(change(&"x".repeat(1025)), "INVALID_FIELD");
    let long: String = "Őrült ű, ívelő ú: éjjel ágyúszó, öt hűtlen bűvész únja; árvíz jő, tűz!!"
        .chars()
        .take(64)
        .collect();
    assert_eq!((long.chars().count(), long.len() > 72), (64, true));
    assert_eq!(change(&long), "0");
}

#[test]
fn filters_a_search_by_client_name_status_and_text() {
    let gateway = Gateway::demo();
    let made = "<user><userName>portalos</userName><name>Portál Pál</name><email>pal@dbx.hu</email><clientName>Portal</clientName></user>";
    assert_eq!(outcome(&gateway, "createUser", made), "0");
    let found = |request: &str| {
        let body = gateway.soap(&envelope("findUsers", request)).body;
        let names: Vec<_> = body
            .split("<userName>")
            .skip(1)
            .map(|p| p.split('<').next().unwrap().to_owned())
            .collect();
        (
            element(&body, "total").unwrap().parse::<usize>().unwrap(),
            names.join(" "),
        )
    };
    let all = "admin hakapeszimaki mokamiki portalos";
    assert_eq!(found(""), (4, all.to_owned()));
    assert_eq!(
        found("<limit>2</limit><offset>1</offset>"),
        (4, "hakapeszimaki mokamiki".to_owned())
    );
    assert_eq!(found("<limit>0</limit>"), (4, String::new()));
    assert_eq!(found("<offset>9</offset>"), (4, String::new()));
    assert_eq!(
        found("<clientNames>Portal</clientNames>"),
        (1, "portalos".to_owned())
    );
    assert_eq!(
        found("<clientNames>Portal</clientNames><clientNames>Default</clientNames>"),
        (4, all.to_owned())
    );
    assert_eq!(
        found("<statuses>UNACTIVATED</statuses>"),
        (1, "portalos".to_owned())
    );
    assert_eq!(
        found("<statuses>ACTIVE</statuses><name>MÓ</name>"),
        (1, "mokamiki".to_owned())
    );
    assert_eq!(
        found("<email>DBX</email><name>p</name><userName>o</userName>"),
        (1, "portalos".to_owned())
    );
    for literal in ["%", "_", "a%", "\"", "'", "*", "m* OR n", "\\"] {
        assert_eq!(found(&format!("<name>{literal}</name>")).0, 0, "{literal}");
    }
}

#[test]
fn adds_the_membership_when_a_trusted_client_activates_the_user() {
    let gateway = Gateway::demo();
    let token = register(&gateway, "<organizationUuid>hammy</organizationUuid>");
    let active = "<user><userName>ubul</userName><status>ACTIVE</status></user>";
    assert_eq!(outcome(&gateway, "modifyUser", active), "0");
    let granted = gateway
        .app
        .store
        .read(|c| {
            let user = users::by_name(c, "ubul")?.unwrap();
            organisations::memberships(c, user.id)
        })
        .unwrap();
    assert_eq!(granted[0].uuid, "hammy");
    assert_eq!(confirm(&gateway, &token), Err(Code::TokenInvalidOrExpired));
}
