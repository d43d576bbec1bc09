//! Names that impersonate: refused at every door that takes one, and addresses that are one mailbox.

use chaingun_gateway::secrets::assertions::sign;
use chaingun_gateway::store::users;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use serde_json::{Value, json};

use crate::cli::Shell;
use crate::harness::browser::Browser;
use crate::harness::rest::{FLAT, KEY, RESOURCE, ask, json, mailed_token, told, try_to_sign_in};
use crate::harness::{Gateway, NOW, PARTNER_KEY, element, envelope};

/// Each way to make a user, with the name of its user name field.
const DOORS: [(Door, &str); 5] = [
    (soap_register, "username"),
    (rest_register, "username"),
    (soap_create, "userName"),
    (rest_create, "userName"),
    (directory_create, "userName"),
];

/// Makes a user of this user name, display name and address; returns the code of the answer and the field it is about.
type Door = fn(&Gateway, &str, &str, &str) -> (String, String);

fn soap_outcome(body: &str) -> (String, String) {
    let message = body.split("<message>").nth(1);
    let code = element(message.unwrap_or(body), "code").unwrap().to_owned();
    let text = element(body, "description").unwrap_or("").to_owned();
    (code, field_in(&text))
}

/// The field that stands in brackets in a description.
fn field_in(text: &str) -> String {
    let inside = text.split('(').nth(1).and_then(|t| t.split(')').next());
    inside.unwrap_or("").to_owned()
}

/// A text as XML holds it, whatever its characters.
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
            // The directory has words of its own.
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

fn done() -> (String, String) {
    ("0".to_owned(), String::new())
}

/// What no name and no address may hold anywhere, by what is wrong with it.
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
fn refuses_forbidden_characters_in_every_name_at_every_door() {
    let gateway = Gateway::demo();
    for (i, (what, c)) in FORBIDDEN.into_iter().enumerate() {
        for (n, (door, field)) in DOORS.into_iter().enumerate() {
            let email = format!("a{i}.{n}@valami.hu");
            let user_name = format!("va{c}laki{i}-{n}");
            let found = door(&gateway, &user_name, "Valaki", &email);
            assert_eq!(found, invalid(field), "{what} in the user name, door {n}");
            let user_name = format!("valaki{i}-{n}");
            let found = door(&gateway, &user_name, &format!("Va{c}laki"), &email);
            assert_eq!(found, invalid("name"), "{what} in the name, door {n}");
            let found = door(
                &gateway,
                &user_name,
                "Valaki",
                &format!("a{c}b{i}{n}@valami.hu"),
            );
            assert_eq!(found, invalid("email"), "{what} in the address, door {n}");
        }
    }
}

#[test]
fn refuses_user_names_without_a_letter_or_with_loose_marks_at_every_door() {
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
        for (n, (door, field)) in DOORS.into_iter().enumerate() {
            let email = format!("a{i}.{n}@valami.hu");
            let found = door(&gateway, user_name, "Valaki", &email);
            assert_eq!(found, invalid(field), "{user_name:?}, door {n}");
        }
    }
    for (i, name) in ["\u{2800}", "\u{301}Valaki", "Valaki\u{336}", "A \u{301}B"]
        .into_iter()
        .enumerate()
    {
        for (n, (door, _)) in DOORS.into_iter().enumerate() {
            let (user_name, email) = (format!("valaki{i}{n}"), format!("b{i}.{n}@valami.hu"));
            let found = door(&gateway, &user_name, name, &email);
            assert_eq!(found, invalid("name"), "{name:?}, door {n}");
        }
    }
}

#[test]
fn accepts_names_of_many_languages_at_every_door() {
    let gateway = Gateway::demo();
    let names = [
        "Árvíztűrő Tükörfúrógép",
        "Kovácsné Őry-Űző Zs.",
        // As macOS types it: the accents are characters of their own.
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
        for (n, (door, _)) in DOORS.into_iter().enumerate() {
            let (user_name, email) = (format!("Őry{i}.{n}"), format!("ő{i}.{n}@példa.hu"));
            let found = door(&gateway, &user_name, name, &email);
            assert_eq!(found, done(), "{name:?}, door {n}");
        }
    }
}

#[test]
fn refuses_a_user_name_that_is_another_address_at_every_door() {
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
        for (n, (door, field)) in DOORS.into_iter().enumerate() {
            let email = format!("masvalaki{i}.{n}@example.com");
            let found = door(&gateway, user_name, "Valaki", &email);
            assert_eq!(found, invalid(field), "{user_name:?}, door {n}");
        }
    }
    // Without an address there is none that it could be.
    let request = json!({"firstName": "Valaki", "userName": "aldozat@example.org"});
    let made = directory(&gateway, "POST", "/user/v1/create", &request);
    assert_eq!(directory_outcome(&made), invalid("userName"));
    for (n, (door, _)) in DOORS.into_iter().enumerate() {
        let (user_name, email) = (
            format!("Sajat{n}@Example.ORG"),
            format!("sajat{n}@example.org"),
        );
        assert_eq!(door(&gateway, &user_name, "Valaki", &email), done(), "{n}");
        // As partners name their users; nothing is sent there.
        let (user_name, email) = (format!("{n}@apekx"), format!("b{n}@example.org"));
        assert_eq!(door(&gateway, &user_name, "Valaki", &email), done(), "{n}");
    }
}

#[test]
fn refuses_a_user_name_confusable_with_an_administrators_at_every_door() {
    let gateway = Gateway::demo();
    let wrong = [
        // Cyrillic, Greek and other letters; rn for m; 1 and I for l and i.
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
        for (n, (door, field)) in DOORS.into_iter().enumerate() {
            let email = format!("a{i}.{n}@example.com");
            let found = door(&gateway, user_name, "Valaki", &email);
            assert_eq!(found, invalid(field), "{user_name:?}, door {n}");
        }
    }
    // Other names of the demo belong to no administrator.
    for (n, (door, _)) in DOORS.into_iter().enumerate() {
        let user_name = format!("m\u{43e}kamiki{}", ["", "a", "b", "c", "d"][n]);
        let email = format!("b{n}@example.com");
        assert_eq!(door(&gateway, &user_name, "Valaki", &email), done(), "{n}");
    }
}

#[test]
fn follows_the_administrators_role_where_it_is_given_and_taken() {
    let gateway = Gateway::with(&[("admin_role", "FŐNÖK")]);
    // Here the demo's administrator is none.
    assert_eq!(rest_register(&gateway, "adm1n", "A", "a@valami.hu"), done());
    assert_eq!(rest_create(&gateway, "vezeto", "V", "v@valami.hu"), done());
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
        assert_eq!(told(&reply), (200, "ok".to_owned()));
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
    assert_eq!(lookalike(0), done());
}

/// A registration at the page, and the problems that it shows.
fn page_register(gateway: &Gateway, name: &str, email: &str) -> String {
    let mut browser = Browser {
        headers: "Accept-Language: en\r\n".to_owned(),
        ..Browser::default()
    };
    let fields = [("name", name), ("email", email), ("password", "ValaKi1234")];
    browser.fill(gateway, "register.html", &fields).body
}

#[test]
fn refuses_forbidden_names_at_the_page() {
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
            .parts
            .store
            .read(|c| users::by_name(c, "valaki@valami.hu"))
            .unwrap()
            .is_some()
    );
}

#[test]
fn refuses_an_address_at_the_page_that_looks_like_an_administrators() {
    let gateway = Gateway::demo();
    assert_eq!(
        rest_create(&gateway, "kiss@dbx.hu", "Kiss", "kiss@dbx.hu"),
        done()
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
fn a_change_is_checked_and_what_stays_is_not() {
    let gateway = Gateway::demo();
    // As an older release let them in.
    gateway
        .parts
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
    assert_eq!(patch(unchanged), done());
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
            .parts
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
        done()
    );
    assert_eq!(update(json!({"email": "mo\u{3164}ka@dbx.hu"})), done());
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
        done()
    );
}

#[test]
fn a_user_named_by_its_address_gets_another_address_and_nobody_the_old_one() {
    let gateway = Gateway::demo();
    assert_eq!(
        rest_register(&gateway, "regi@valami.hu", "R", "regi@valami.hu"),
        done()
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
    assert_eq!(told(&reply), (200, "ok".to_owned()));
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
fn an_idn_domain_and_its_ascii_form_are_one_mailbox_everywhere() {
    let gateway = Gateway::with(&[("throttle.mails", "100")]);
    let (typed, ascii) = ("user@b\u{fc}cher.de", "user@xn--bcher-kva.de");
    assert_eq!(rest_register(&gateway, typed, "U", typed), done());
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
    // Mail servers without SMTPUTF8 take it too.
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
    // A search finds it as it was typed, by any part.
    let found = ask(&gateway, "GET", "/users?email=b%C3%BCch", KEY, "");
    assert_eq!(json(&found)["meta"]["total"], 1);
    // Both are counted as one.
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
fn refuses_addresses_with_an_invalid_domain_at_every_door() {
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
        for (n, (door, _)) in DOORS.into_iter().enumerate() {
            let found = door(&gateway, &format!("n{i}{n}"), "N", &format!("n@{domain}"));
            assert_eq!(found, invalid("email"), "{domain}, door {n}");
        }
    }
}

/// The document's old payload with this name, in a token that is good now.
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
fn a_partners_user_signs_in_whatever_its_name_and_is_called_something_harmless() {
    let gateway = Gateway::demo();
    let arrive = |changes: Value| {
        let token = partner_token(&gateway, changes);
        let reply = gateway.get(&format!("/v1/user/session/create?token={token}"));
        assert_eq!(reply.status, 303, "{reply:?}");
    };
    let newest = || {
        gateway
            .parts
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
    // What it said before is kept up to date in the same way.
    arrive(json!({"sub": "va\u{200b}laki", "name": "\u{2066}Másvalaki\u{2069}"}));
    assert_eq!(newest().name, "Másvalaki");
    arrive(json!({"sub": "va\u{200b}laki", "name": "\u{2066}\u{2069}"}));
    assert_eq!(newest().name, "Másvalaki");
    // Without a name it is called by its id, unless nothing can be read of that.
    arrive(json!({"sub": "\u{3164}", "name": null}));
    let user = newest();
    assert_eq!((&user.user_name, &user.name), (&user.uuid, &user.uuid));
    // A name like an administrator's.
    assert_eq!(rest_create(&gateway, "1@apekx", "F", "f@dbx.hu"), done());
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
fn refuses_forbidden_names_at_the_command_line() {
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

/// Runs SQL on a gateway's database, past all rules.
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
fn migrate_reports_names_that_break_the_rules_and_changes_none_of_them() {
    let gateway = Gateway::demo();
    // As an older release wrote them: names, addresses and login names in folded form.
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
        let user = |id| gateway.parts.store.read(|c| users::by_id(c, id)).unwrap();
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
    // For people, hidden characters are made visible; and a second run says the same.
    let printed = migrate(&[]).out;
    assert!(
        printed.contains("Finding: user 105, \"va\\u{200b}laki\": the user name holds characters that are invisible"),
        "{printed}"
    );
    assert_eq!(printed.lines().count(), 1 + expected.len(), "{printed}");
    assert_eq!(stored(), before);

    // Each still signs in by what it typed, and can be changed; the mailbox that is nobody else's has both forms.
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
        let found = gateway.parts.store.read(|c| users::by_login(c, login));
        assert_eq!(found.unwrap().unwrap().id, id, "{login}");
    }
    for user in before {
        let body = json!({"data": {"type": "users", "id": user.user_name, "attributes": {"organizationalUnit": "kert"}}});
        let headers = format!("{KEY}{RESOURCE}");
        let reply = ask(&node, "PUT", "/users", &headers, &body.to_string());
        assert_eq!(told(&reply), (200, "ok".to_owned()), "{}", user.user_name);
    }
    let body = json!({"data": {"type": "users", "id": "user@b\u{fc}cher.de", "attributes": {"email": "uj@a.hu"}}});
    let headers = format!("{KEY}{RESOURCE}");
    let reply = ask(&node, "PUT", "/users", &headers, &body.to_string());
    assert_eq!(told(&reply), (200, "ok".to_owned()));
    let lookalike = rest_register(&gateway, "f0n0k", "F", "f0n0k@a.hu");
    assert_eq!(lookalike, invalid("username"));
}
