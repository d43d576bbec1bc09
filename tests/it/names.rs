//! Names that could impersonate other users are refused on every face, and the addresses of one mailbox count as one.

use chaingun_gateway::secrets::assertions::sign;
use chaingun_gateway::store::users;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use serde_json::{Value, json};

use crate::cli::Shell;
use crate::harness::browser::Browser;
use crate::harness::rest::{
    FLAT, KEY, RESOURCE, ask, json, mailed_token, status_and_code, try_to_sign_in,
};
use crate::harness::{Gateway, NOW, PARTNER_KEY, element, envelope};

/// Each operation that creates a user, with the name of its field for the user name.
const CREATORS: [(CreateUser, &str); 5] = [
    (soap_register, "username"),
    (rest_register, "username"),
    (soap_create, "userName"),
    (rest_create, "userName"),
    (directory_create, "userName"),
];

/// Creates a user with this user name, display name and address; returns the code of the answer, and the field that the
/// answer names.
type CreateUser = fn(&Gateway, &str, &str, &str) -> (String, String);

fn soap_outcome(body: &str) -> (String, String) {
    let message = body.split("<message>").nth(1);
    let code = element(message.unwrap_or(body), "code").unwrap().to_owned();
    let text = element(body, "description").unwrap_or("").to_owned();
    (code, field_in(&text))
}

/// The field in parentheses in a description.
fn field_in(text: &str) -> String {
    let inside = text.split('(').nth(1).and_then(|t| t.split(')').next());
    inside.unwrap_or("").to_owned()
}

/// The text as character references.
fn references(text: &str) -> String {
    text.chars()
        .map(|c| format!("&#x{:x};", u32::from(c)))
        .collect()
}

fn soap_register(gateway: &Gateway, user_name: &str, name: &str, email: &str) -> (String, String) {
    let request = format!(
        "<username>{}</username><password>ValaKi1234</password><name>{}</name><email>{}</email>",
        references(user_name),
        references(name),
        references(email)
    );
    soap_outcome(&gateway.soap(&envelope("registerUser", &request)).body)
}

fn soap_create(gateway: &Gateway, user_name: &str, name: &str, email: &str) -> (String, String) {
    let request = format!(
        "<user><email>{}</email><name>{}</name><userName>{}</userName></user>",
        references(email),
        references(name),
        references(user_name)
    );
    soap_outcome(&gateway.soap(&envelope("createUser", &request)).body)
}

fn rest_outcome(reply: &crate::harness::Reply) -> (String, String) {
    let document = json(reply);
    match document["errors"][0]["code"].as_str() {
        Some(code) => {
            let detail = document["errors"][0]["detail"].as_str().unwrap_or("");
            (code.to_owned(), field_in(detail))
        }
        None => ("0".to_owned(), String::new()),
    }
}

fn rest_register(gateway: &Gateway, user_name: &str, name: &str, email: &str) -> (String, String) {
    let body =
        json!({"username": user_name, "name": name, "email": email, "password": "ValaKi1234"});
    let headers = format!("{KEY}{FLAT}");
    rest_outcome(&ask(
        gateway,
        "POST",
        "/register",
        &headers,
        &body.to_string(),
    ))
}

fn rest_create(gateway: &Gateway, user_name: &str, name: &str, email: &str) -> (String, String) {
    let body = json!({"data": {"type": "users", "id": user_name, "attributes": {"name": name, "email": email}}});
    let headers = format!("{KEY}{RESOURCE}");
    rest_outcome(&ask(gateway, "POST", "/users", &headers, &body.to_string()))
}

fn directory(gateway: &Gateway, method: &str, path: &str, request: &Value) -> Value {
    let body = json!({ "request": request }).to_string();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{KEY}{FLAT}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    serde_json::from_str(&gateway.raw(head.as_bytes()).body).unwrap()
}

fn directory_outcome(envelope: &Value) -> (String, String) {
    match envelope["params"]["err"].as_str() {
        Some(code) => {
            let text = envelope["params"]["errmsg"].as_str().unwrap();
            let field = field_in(text).replace("firstName", "name");
            // The directory has its own codes.
            let code = match code {
                "INVALID_PARAMETER_VALUE" | "EMAIL_FORMAT_ERROR" => "INVALID_FIELD",
                other => other,
            };
            (code.to_owned(), field)
        }
        None => ("0".to_owned(), String::new()),
    }
}

fn directory_create(
    gateway: &Gateway,
    user_name: &str,
    name: &str,
    email: &str,
) -> (String, String) {
    let request = json!({"firstName": name, "userName": user_name, "email": email});
    directory_outcome(&directory(gateway, "POST", "/user/v1/create", &request))
}

fn invalid(field: &str) -> (String, String) {
    ("INVALID_FIELD".to_owned(), field.to_owned())
}

fn accepted() -> (String, String) {
    ("0".to_owned(), String::new())
}

/// Characters that no name and no address may hold, with their kind.
const FORBIDDEN: [(&str, char); 14] = [
    ("zero width space", '\u{200b}'),
    ("zero width joiner", '\u{200d}'),
    ("word joiner", '\u{2060}'),
    ("soft hyphen", '\u{ad}'),
    ("byte order mark", '\u{feff}'),
    ("variation selector", '\u{fe0f}'),
    ("Hangul filler, which is a letter", '\u{3164}'),
    ("tag character", '\u{e0041}'),
    ("right-to-left override", '\u{202e}'),
    ("right-to-left mark", '\u{200f}'),
    ("isolate", '\u{2067}'),
    ("private use", '\u{e000}'),
    ("unassigned", '\u{378}'),
    ("noncharacter", '\u{fdd0}'),
];

#[test]
fn refuses_forbidden_characters_in_every_name_on_every_face() {
    let gateway = Gateway::demo();
    for (i, (what, c)) in FORBIDDEN.into_iter().enumerate() {
        for (n, (create, field)) in CREATORS.into_iter().enumerate() {
            let email = format!("a{i}.{n}@valami.hu");
            let user_name = format!("va{c}laki{i}-{n}");
            let found = create(&gateway, &user_name, "Valaki", &email);
            assert_eq!(
                found,
                invalid(field),
                "{what} in the user name, operation {n}"
            );
            let user_name = format!("valaki{i}-{n}");
            let found = create(&gateway, &user_name, &format!("Va{c}laki"), &email);
            assert_eq!(found, invalid("name"), "{what} in the name, operation {n}");
            let found = create(
                &gateway,
                &user_name,
                "Valaki",
                &format!("a{c}b{i}{n}@valami.hu"),
            );
            assert_eq!(
                found,
                invalid("email"),
                "{what} in the address, operation {n}"
            );
        }
    }
}

#[test]
fn refuses_names_without_a_letter_or_with_loose_marks_on_every_face() {
    let gateway = Gateway::demo();
    let wrong = [
        ".",
        "..",
        "．．",
        "\u{301}valaki",
        "valaki\u{336}",
        "valaki\u{20dd}",
        "\u{b4}",
        "\u{2800}",
        "\u{301}",
    ];
    for (i, user_name) in wrong.into_iter().enumerate() {
        for (n, (create, field)) in CREATORS.into_iter().enumerate() {
            let email = format!("a{i}.{n}@valami.hu");
            let found = create(&gateway, user_name, "Valaki", &email);
            assert_eq!(found, invalid(field), "{user_name:?}, operation {n}");
        }
    }
    for (i, name) in ["\u{2800}", "\u{301}Valaki", "Valaki\u{336}", "A \u{301}B"]
        .into_iter()
        .enumerate()
    {
        for (n, (create, _)) in CREATORS.into_iter().enumerate() {
            let (user_name, email) = (format!("valaki{i}{n}"), format!("b{i}.{n}@valami.hu"));
            let found = create(&gateway, &user_name, name, &email);
            assert_eq!(found, invalid("name"), "{name:?}, operation {n}");
        }
    }
}

#[test]
fn accepts_names_of_many_languages_on_every_face() {
    let gateway = Gateway::demo();
    let names = [
        "Árvíztűrő Tükörfúrógép",
        "Kovácsné Őry-Űző Zs.",
        // The decomposed form that macOS types.
        "Kissne\u{301}",
        "Nguyễn Văn Á",
        "Adébáyọ\u{300}",
        "Łódź Żółć",
        "प्रिया शर्मा",
        "สวัสดี",
        "محمد",
        "Ελένη",
        "Наталья",
        "王小明",
        "O'Neill ☺",
    ];
    for (i, name) in names.into_iter().enumerate() {
        for (n, (create, _)) in CREATORS.into_iter().enumerate() {
            let (user_name, email) = (format!("Őry{i}.{n}"), format!("ő{i}.{n}@példa.hu"));
            let found = create(&gateway, &user_name, name, &email);
            assert_eq!(found, accepted(), "{name:?}, operation {n}");
        }
    }
}

#[test]
fn refuses_a_user_name_that_is_another_address_on_every_face() {
    let gateway = Gateway::demo();
    let wrong = [
        "aldozat@example.org",
        "ALDOZAT@EXAMPLE.ORG",
        "aldozat＠example．org",
        "al dozat@example.org",
        "aldozat@example。org",
        "aldozat@example.org.",
    ];
    for (i, user_name) in wrong.into_iter().enumerate() {
        for (n, (create, field)) in CREATORS.into_iter().enumerate() {
            let email = format!("masvalaki{i}.{n}@example.com");
            let found = create(&gateway, user_name, "Valaki", &email);
            assert_eq!(found, invalid(field), "{user_name:?}, operation {n}");
        }
    }
    // A user without an email address may not have an address as the user name.
    let request = json!({"firstName": "Valaki", "userName": "aldozat@example.org"});
    let made = directory(&gateway, "POST", "/user/v1/create", &request);
    assert_eq!(directory_outcome(&made), invalid("userName"));
    for (n, (create, _)) in CREATORS.into_iter().enumerate() {
        let (user_name, email) = (
            format!("Sajat{n}@Example.ORG"),
            format!("sajat{n}@example.org"),
        );
        assert_eq!(
            create(&gateway, &user_name, "Valaki", &email),
            accepted(),
            "{n}"
        );
        // Partners name their users in this way. Such a name is not an address, because its domain has no dot.
        let (user_name, email) = (format!("{n}@apekx"), format!("b{n}@example.org"));
        assert_eq!(
            create(&gateway, &user_name, "Valaki", &email),
            accepted(),
            "{n}"
        );
    }
}

#[test]
fn refuses_a_user_name_confusable_with_an_administrators_on_every_face() {
    let gateway = Gateway::demo();
    let wrong = [
        // Cyrillic and other letters replace Latin letters, `rn` replaces `m`, and `1` or `|` replaces `i`.
        "\u{430}dmin",
        "\u{410}DMIN",
        "adm\u{456}n",
        "adm\u{131}n",
        "adrnin",
        "ADRNIN",
        "adm1n",
        "adm|n",
        "\u{251}dmin",
    ];
    for (i, user_name) in wrong.into_iter().enumerate() {
        for (n, (create, field)) in CREATORS.into_iter().enumerate() {
            let email = format!("a{i}.{n}@example.com");
            let found = create(&gateway, user_name, "Valaki", &email);
            assert_eq!(found, invalid(field), "{user_name:?}, operation {n}");
        }
    }
    // The other users of the demo are not administrators.
    for (n, (create, _)) in CREATORS.into_iter().enumerate() {
        let user_name = format!("m\u{43e}kamiki{}", ["", "a", "b", "c", "d"][n]);
        let email = format!("b{n}@example.com");
        assert_eq!(
            create(&gateway, &user_name, "Valaki", &email),
            accepted(),
            "{n}"
        );
    }
}

#[test]
fn protects_the_name_of_a_user_while_the_user_is_an_administrator() {
    let gateway = Gateway::with(&[("admin_role", "FŐNÖK")]);
    // With this role name the demo's `admin` is not an administrator.
    assert_eq!(
        rest_register(&gateway, "adm1n", "A", "a@valami.hu"),
        accepted()
    );
    assert_eq!(
        rest_create(&gateway, "vezeto", "V", "v@valami.hu"),
        accepted()
    );
    let roles = |roles: &[&str]| {
        let body =
            json!({"data": {"type": "users", "id": "vezeto", "attributes": {"roles": roles}}});
        let headers = format!("{KEY}{RESOURCE}");
        let reply = ask(
            &gateway,
            "PATCH",
            "/users/vezeto",
            &headers,
            &body.to_string(),
        );
        assert_eq!(status_and_code(&reply), (200, "ok".to_owned()));
    };
    let lookalike = |n: usize| {
        let email = format!("b{n}@valami.hu");
        rest_register(
            &gateway,
            &format!("v\u{435}zet\u{3bf}{}", "-".repeat(n)),
            "B",
            &email,
        )
    };
    roles(&["csokidealer", "FŐNÖK"]);
    assert_eq!(lookalike(0), invalid("username"));
    roles(&["csokidealer"]);
    assert_eq!(lookalike(0), accepted());
}

/// Registers on the page; returns the page of the answer.
fn page_register(gateway: &Gateway, name: &str, email: &str) -> String {
    let mut browser = Browser {
        headers: "Accept-Language: en\r\n".to_owned(),
        ..Browser::default()
    };
    let fields = [("name", name), ("email", email), ("password", "ValaKi1234")];
    browser.fill(gateway, "register.html", &fields).body
}

#[test]
fn refuses_forbidden_names_on_the_registration_page() {
    let gateway = Gateway::with(&[("throttle.mails_per_source", "1000")]);
    let refused = |name: &str, email: &str| {
        let page = page_register(&gateway, name, email);
        page.contains("Invalid field")
    };
    for (i, (what, c)) in FORBIDDEN.into_iter().enumerate() {
        let email = format!("a{i}@valami.hu");
        assert!(refused(&format!("Va{c}laki"), &email), "{what}");
        assert!(refused("Valaki", &format!("a{c}{email}")), "{what}");
    }
    assert!(!refused("Valaki", "valaki@valami.hu"));
    assert!(
        gateway
            .app
            .store
            .read(|c| users::by_name(c, "valaki@valami.hu"))
            .unwrap()
            .is_some()
    );
}

#[test]
fn refuses_an_address_like_an_administrators_on_the_registration_page() {
    let gateway = Gateway::demo();
    assert_eq!(
        rest_create(&gateway, "kiss@dbx.hu", "Kiss", "kiss@dbx.hu"),
        accepted()
    );
    let body = json!({"data": {"type": "users", "id": "kiss@dbx.hu", "attributes": {"roles": ["USER_ADMIN"]}}});
    let headers = format!("{KEY}{RESOURCE}");
    let reply = ask(
        &gateway,
        "PATCH",
        "/users/kiss@dbx.hu",
        &headers,
        &body.to_string(),
    );
    assert_eq!(reply.status, 200, "{reply:?}");
    let page = page_register(&gateway, "Kiss", "k\u{456}ss@dbx.hu");
    assert!(page.contains("too much like an administrator"), "{page}");
}

#[test]
fn checks_changed_fields_only() {
    let gateway = Gateway::demo();
    // An older release accepted such names.
    gateway
        .app
        .store
        .write(|c| {
            let mut user = users::by_name(c, "mokamiki")?.unwrap();
            user.name = "Mo\u{200b}ka".to_owned();
            user.email = "mo\u{3164}ka@dbx.hu".to_owned();
            users::update(c, &user)
        })
        .unwrap();
    let patch = |attributes: Value| {
        let body = json!({"data": {"type": "users", "id": "mokamiki", "attributes": attributes}});
        let headers = format!("{KEY}{RESOURCE}");
        rest_outcome(&ask(
            &gateway,
            "PATCH",
            "/users/mokamiki",
            &headers,
            &body.to_string(),
        ))
    };
    let unchanged = json!({"name": "Mo\u{200b}ka", "email": "mo\u{3164}ka@dbx.hu", "organizationalUnit": "kert"});
    assert_eq!(patch(unchanged), accepted());
    assert_eq!(patch(json!({"name": "Mo\u{200d}ka"})), invalid("name"));
    assert_eq!(
        patch(json!({"organizationalUnit": "ke\u{202e}rt"})),
        invalid("organizationalUnit")
    );
    assert_eq!(
        patch(json!({"email": "mo\u{115f}ka@dbx.hu"})),
        invalid("email")
    );
    let request = format!(
        "<user><name>{}</name><userName>mokamiki</userName></user>",
        references("Mo\u{2060}ka")
    );
    let found = soap_outcome(&gateway.soap(&envelope("modifyUser", &request)).body);
    assert_eq!(found, invalid("name"));
    assert_eq!(
        try_to_sign_in(&gateway, "mokamiki", "MokaMiki-1234", None).status,
        200
    );
    let update = |fields: Value| {
        let id = gateway
            .app
            .store
            .read(|c| users::by_name(c, "mokamiki"))
            .unwrap()
            .unwrap()
            .uuid;
        let mut request = json!({"userId": id});
        for (key, value) in fields.as_object().unwrap() {
            request[key] = value.clone();
        }
        directory_outcome(&directory(&gateway, "PATCH", "/user/v1/update", &request))
    };
    assert_eq!(
        update(json!({"firstName": "Mo\u{200b}ka", "phone": "3612345"})),
        accepted()
    );
    assert_eq!(update(json!({"email": "mo\u{3164}ka@dbx.hu"})), accepted());
    assert_eq!(
        update(json!({"firstName": "Mo\u{202e}ka"})),
        invalid("name")
    );
    assert_eq!(
        update(json!({"email": "mo\u{1160}ka@dbx.hu"})),
        invalid("email")
    );
    assert_eq!(
        patch(json!({"name": "Móka", "email": "moka@dbx.hu"})),
        accepted()
    );
}

#[test]
fn reserves_the_user_name_of_a_user_who_changes_the_address() {
    let gateway = Gateway::demo();
    assert_eq!(
        rest_register(&gateway, "regi@valami.hu", "R", "regi@valami.hu"),
        accepted()
    );
    let body = json!({"data": {"type": "users", "id": "regi@valami.hu", "attributes": {"email": "uj@valami.hu"}}});
    let headers = format!("{KEY}{RESOURCE}");
    let reply = ask(
        &gateway,
        "PATCH",
        "/users/regi@valami.hu",
        &headers,
        &body.to_string(),
    );
    assert_eq!(status_and_code(&reply), (200, "ok".to_owned()));
    assert_eq!(
        rest_register(&gateway, "idegen", "I", "regi@valami.hu").0,
        "EMAIL_ALREADY_EXISTS"
    );
    assert_eq!(
        rest_register(&gateway, "regi@valami.hu", "I", "regi@valami.hu").0,
        "USER_ALREADY_EXISTS"
    );
}

#[test]
fn treats_an_idn_domain_and_its_ascii_form_as_one_mailbox() {
    let gateway = Gateway::with(&[("throttle.mails", "100")]);
    let (typed, ascii) = ("user@b\u{fc}cher.de", "user@xn--bcher-kva.de");
    assert_eq!(rest_register(&gateway, typed, "U", typed), accepted());
    let token = mailed_token(&gateway);
    let confirmed = ask(
        &gateway,
        "POST",
        "/register/confirm",
        FLAT,
        &json!({"token": token}).to_string(),
    );
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    let mail = gateway.mails().pop().unwrap();
    // Mail servers without SMTPUTF8 accept the ASCII form.
    assert!(mail.contains(ascii), "{mail}");
    for same in [ascii, "User@XN--BCHER-KVA.de", "user@BU\u{308}CHER.de"] {
        assert_eq!(
            rest_register(&gateway, "mas", "M", same).0,
            "EMAIL_ALREADY_EXISTS",
            "{same}"
        );
        assert_eq!(
            rest_register(&gateway, same, "M", same).0,
            "USER_ALREADY_EXISTS"
        );
        assert_eq!(
            try_to_sign_in(&gateway, same, "ValaKi1234", None).status,
            200,
            "{same}"
        );
    }
    let with_another_dot = "user@b\u{fc}cher\u{3002}de";
    let reply = try_to_sign_in(&gateway, with_another_dot, "ValaKi1234", None);
    assert_eq!(reply.status, 200);
    let shown = ask(&gateway, "GET", &format!("/users/{ascii}"), KEY, "");
    assert_eq!(json(&shown)["data"]["attributes"]["email"], typed);
    // A search finds any part of the typed form.
    let found = ask(&gateway, "GET", "/users?email=b%C3%BCch", KEY, "");
    assert_eq!(json(&found)["meta"]["total"], 1);
    // Wrong passwords for both forms count together.
    for n in 0..6 {
        let login = [typed, ascii][n % 2];
        try_to_sign_in(&gateway, login, "wrong-password", None);
    }
    for login in [typed, ascii] {
        assert_eq!(
            try_to_sign_in(&gateway, login, "ValaKi1234", None).status,
            429,
            "{login}"
        );
    }
}

#[test]
fn refuses_addresses_with_an_invalid_domain_on_every_face() {
    let gateway = Gateway::demo();
    let long = format!("{}.hu", "\u{151}".repeat(60));
    for (i, domain) in [
        "xn--zz--zz.hu",
        "xn--a.hu",
        "a\u{200c}b.hu",
        "b_c.hu",
        &long,
        "NOWHERE.Invalid",
    ]
    .into_iter()
    .enumerate()
    {
        for (n, (create, _)) in CREATORS.into_iter().enumerate() {
            let found = create(&gateway, &format!("n{i}{n}"), "N", &format!("n@{domain}"));
            assert_eq!(found, invalid("email"), "{domain}, operation {n}");
        }
    }
}

/// A valid token of the old layout with these changes.
fn partner_token(gateway: &Gateway, changes: Value) -> String {
    let own = format!("http://{}", gateway.address);
    let second = NOW / 1000;
    let mut claims = json!({
        "jti": changes.to_string(), "iss": "apekx", "sub": "1", "aud": own, "iat": second, "exp": second + 3600,
        "name": "Valaki",
    });
    for (key, value) in changes.as_object().unwrap() {
        claims[key] = value.clone();
    }
    sign(PARTNER_KEY, &claims).unwrap()
}

#[test]
fn cleans_the_name_of_a_partners_user_at_sign_in() {
    let gateway = Gateway::demo();
    let arrive = |changes: Value| {
        let token = partner_token(&gateway, changes);
        let reply = gateway.get(&format!("/v1/user/session/create?token={token}"));
        assert_eq!(reply.status, 303, "{reply:?}");
    };
    let newest = || {
        gateway
            .app
            .store
            .read(|c| {
                let mut last = None;
                for id in 1..100 {
                    last = users::by_id(c, id)?.or(last);
                }
                Ok::<_, chaingun_gateway::store::StoreError>(last.unwrap())
            })
            .unwrap()
    };
    arrive(json!({"sub": "va\u{200b}laki", "name": "\u{202e}Va\u{200b}laki\u{336}"}));
    let user = newest();
    assert_eq!((user.user_name, user.name.as_str()), (user.uuid, "Valaki"));
    // A later name is cleaned in the same way.
    arrive(json!({"sub": "va\u{200b}laki", "name": "\u{2066}Másvalaki\u{2069}"}));
    assert_eq!(newest().name, "Másvalaki");
    arrive(json!({"sub": "va\u{200b}laki", "name": "\u{2066}\u{2069}"}));
    assert_eq!(newest().name, "Másvalaki");
    // Without a name the user gets its ID as name, or its UUID if the ID is unreadable.
    arrive(json!({"sub": "\u{3164}", "name": null}));
    let user = newest();
    assert_eq!((&user.user_name, &user.name), (&user.uuid, &user.uuid));
    // The user name `l@apekx` would look like the administrator's, so the user gets its UUID as user name.
    assert_eq!(
        rest_create(&gateway, "1@apekx", "F", "f@dbx.hu"),
        accepted()
    );
    let body = json!({"data": {"type": "users", "id": "1@apekx", "attributes": {"roles": ["USER_ADMIN"]}}});
    ask(
        &gateway,
        "PATCH",
        "/users/1@apekx",
        &format!("{KEY}{RESOURCE}"),
        &body.to_string(),
    );
    arrive(json!({"sub": "l"}));
    let user = newest();
    assert_eq!(
        (&user.user_name, user.name.as_str()),
        (&user.uuid, "Valaki")
    );
    arrive(json!({"sub": "2"}));
    assert_eq!(newest().user_name, "2@apekx");
}

#[test]
fn refuses_forbidden_names_in_commands() {
    let gateway = Gateway::empty();
    let shell = Shell {
        data: gateway.data.path().parent().unwrap(),
        database: &gateway.database,
    };
    let data = gateway.data.path().to_str().unwrap();
    let run = |arguments: &[&str]| shell.run(&[&["--data-dir", data], arguments].concat());
    let add = |user_name: &str, name: &str, email: &str| {
        run(&["user", "add", user_name, "--name", name, "--email", email]).code
    };
    assert_eq!(add("fonok", "F", "fonok@dbx.hu"), 0);
    for (user_name, name, email) in [
        ("va\u{200b}laki", "V", "v@dbx.hu"),
        ("..", "V", "v@dbx.hu"),
        ("valaki", "V\u{202e}", "v@dbx.hu"),
        ("valaki", "V", "v\u{3164}@dbx.hu"),
        ("valaki@dbx.hu", "V", "v@dbx.hu"),
    ] {
        assert_ne!(
            add(user_name, name, email),
            0,
            "{user_name:?} {name:?} {email:?}"
        );
    }
    let organisation = ["org", "add", "o1", "Szer\u{200b}vezet"];
    assert_ne!(run(&organisation).code, 0);
}

/// Runs SQL on a gateway's database, which bypasses all rules.
fn execute(gateway: &Gateway, sql: &str) {
    match gateway.database.url() {
        None => {
            let file = gateway.data.path().join("gateway.db");
            let mut c = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
            c.batch_execute(&format!("PRAGMA busy_timeout = 5000; {sql}"))
                .unwrap();
        }
        Some(url) => {
            let mut c = PgConnection::establish(&url).unwrap();
            c.batch_execute(sql).unwrap();
        }
    }
}

#[test]
fn reports_names_that_break_the_rules_in_migrate_and_changes_none() {
    let gateway = Gateway::demo();
    // Rows as an older release wrote them: names, addresses and login names in folded form.
    let older = [
        (101, "user@b\u{fc}cher.de", "U", "user@b\u{fc}cher.de", ""),
        (102, "masik", "M", "user@xn--bcher-kva.de", ""),
        (103, "gyula", "Gy", "gyula@b\u{fc}cher.de", ""),
        (104, "aldozat@example.org", "A", "a@example.com", ""),
        (105, "va\u{200b}laki", "V\u{202e}", "v@a.hu", ""),
        (106, "x", " ", "x\u{3164}@a.hu", ""),
        (107, "f\u{43e}n\u{43e}k", "F", "f@a.hu", "csokidealer"),
        (108, "fonok", "F", "g@a.hu", "csokidealer\nUSER_ADMIN"),
        (109, "nincs", "N", "u109@nowhere.invalid", ""),
    ];
    let mut sql = "DELETE FROM settings WHERE key = 'canonical_names';".to_owned();
    for (id, user_name, name, email, roles) in older {
        sql += &format!(
            "INSERT INTO users (id, uuid, user_name, user_name_ci, name, name_ci, email, email_ci, client_name, status, \
             roles, created_at, updated_at, password_hash) SELECT {id}, 'u{id}', '{user_name}', '{user_name}', '{name}', \
             '{name}', '{email}', '{email}', 'Default', 'ACTIVE', '{roles}', 0, 0, password_hash FROM users \
             WHERE user_name = 'mokamiki'; INSERT INTO login_names (name_ci, user_id) VALUES ('{user_name}', {id});"
        );
        if email != user_name {
            sql += &format!("INSERT INTO login_names (name_ci, user_id) VALUES ('{email}', {id});");
        }
    }
    execute(&gateway, &sql);
    let stored = || {
        let user = |id| gateway.app.store.read(|c| users::by_id(c, id)).unwrap();
        (101..110).map(|id| user(id).unwrap()).collect::<Vec<_>>()
    };
    let before = stored();

    let shell = Shell {
        data: gateway.data.path(),
        database: &gateway.database,
    };
    let data = gateway.data.path().to_str().unwrap();
    let migrate = |more: &[&str]| {
        let ended = shell.run(&[&["migrate", "--data-dir", data], more].concat());
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended
    };
    let found: Vec<_> = migrate(&["--json"]).records()[1..]
        .iter()
        .map(|r| (r["finding"].clone(), r["place"].clone()))
        .collect();
    let expected = [
        ("shared_mailbox", "user 101, \"user@b\u{fc}cher.de\""),
        (
            "address_of_another_as_user_name",
            "user 104, \"aldozat@example.org\"",
        ),
        ("forbidden_user_name", "user 105, \"va\u{200b}laki\""),
        ("forbidden_name", "user 105, \"va\u{200b}laki\""),
        ("forbidden_name", "user 106, \"x\""),
        ("forbidden_address", "user 106, \"x\""),
        (
            "user_name_like_an_administrators",
            "user 107, \"f\u{43e}n\u{43e}k\"",
        ),
    ];
    let expected: Vec<_> = expected
        .map(|(kind, place)| (json!(kind), json!(place)))
        .into();
    assert_eq!(found, expected);
    // The text output escapes hidden characters. A second run reports the same findings.
    let printed = migrate(&[]).out;
    assert!(
        printed.contains("Finding: user 105, \"va\\u{200b}laki\": the user name holds characters that are invisible"),
        "{printed}"
    );
    assert_eq!(printed.lines().count(), 1 + expected.len(), "{printed}");
    assert_eq!(stored(), before);

    // Each user can still sign in with the typed form, and can still be changed. If a mailbox belongs to one user only,
    // that user can sign in with both forms.
    let node = gateway.beside();
    for (login, id) in [
        ("user@b\u{fc}cher.de", 101),
        ("user@xn--bcher-kva.de", 102),
        ("gyula@b\u{fc}cher.de", 103),
        ("gyula@xn--bcher-kva.de", 103),
        ("aldozat@example.org", 104),
        ("va\u{200b}laki", 105),
    ] {
        let reply = try_to_sign_in(&node, login, "MokaMiki-1234", None);
        assert_eq!(reply.status, 200, "{login}: {reply:?}");
        let found = gateway.app.store.read(|c| users::by_login(c, login));
        assert_eq!(found.unwrap().unwrap().id, id, "{login}");
    }
    for user in before {
        let body = json!({"data": {"type": "users", "id": user.user_name, "attributes": {"organizationalUnit": "kert"}}});
        let headers = format!("{KEY}{RESOURCE}");
        let reply = ask(&node, "PUT", "/users", &headers, &body.to_string());
        assert_eq!(
            status_and_code(&reply),
            (200, "ok".to_owned()),
            "{}",
            user.user_name
        );
    }
    let body = json!({"data": {"type": "users", "id": "user@b\u{fc}cher.de", "attributes": {"email": "uj@a.hu"}}});
    let headers = format!("{KEY}{RESOURCE}");
    let reply = ask(&node, "PUT", "/users", &headers, &body.to_string());
    assert_eq!(status_and_code(&reply), (200, "ok".to_owned()));
    let lookalike = rest_register(&gateway, "f0n0k", "F", "f0n0k@a.hu");
    assert_eq!(lookalike, invalid("username"));
}
