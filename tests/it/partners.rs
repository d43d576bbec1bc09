//! Partners: their registration, and sign-ins of their users by signed tokens.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chaingun_gateway::contract::messages::Language;
use chaingun_gateway::contract::problem::Code;
use chaingun_gateway::domain::external_identity::ExternalIdentity;
use chaingun_gateway::domain::organisation::JoinPolicy;
use chaingun_gateway::domain::user::{Status, User};
use chaingun_gateway::registry::apply::Applier;
use chaingun_gateway::registry::kind::ApplyOptions;
use chaingun_gateway::secrets::assertions::sign;
use chaingun_gateway::secrets::{rsa_keys, sha256_hex};
use chaingun_gateway::store::audit::{self, Listed};
use chaingun_gateway::store::{
    AnyConnection, StoreError, clients, external_identities, organisations, partners, profiles,
    sessions, used_assertions, users,
};
use serde_json::{Value, json};

use crate::cli::Shell;
use crate::harness::browser::Browser;
use crate::harness::process::Process;
use crate::harness::{
    Database, Gateway, NOW, PARTNER_KEY, Reply, Speaker, element, envelope, rest,
};

#[test]
fn adds_and_lists_a_partner_and_rotates_its_key() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let private = [1, 2].map(|_| rsa_keys::generate().unwrap());
    for (at, key) in private.iter().enumerate() {
        let public = rsa_keys::public_half(key).unwrap();
        std::fs::write(data.path().join(format!("{at}.pub")), public).unwrap();
    }
    std::fs::write(data.path().join("private.pem"), &private[0]).unwrap();

    let add = ["partner", "add", "gj", "--key", "0.pub", "--json"];
    let added = &shell.run(&add).records()[0];
    assert_eq!(added["state_ids"], json!(["gj"]));
    assert_eq!(added["max_life_s"], 3600);
    let again = shell.run(&add);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("already"), "{}", again.err);

    let rotate = ["partner", "rotate-key", "gj", "--key", "1.pub", "--json"];
    let rotated = &shell.run(&rotate).records()[0];
    assert_eq!(rotated["keys"][1], added["keys"][0]);
    // The same command again changes nothing.
    assert_eq!(&shell.run(&rotate).records()[0], rotated);
    let listed = &shell.run(&["partner", "list", "--json"]).records()[0];
    assert_eq!(listed["keys"], rotated["keys"]);
    let only = shell.run(&[&rotate[..], &["--only"]].concat());
    assert_eq!(only.records()[0]["keys"], json!([rotated["keys"][0]]));

    for (arguments, told) in [
        (
            &["add", "b", "--key", "private.pem"][..],
            "private.pem: must be an RSA key",
        ),
        (&["add", "b", "--key", "none.pem"], "none.pem"),
        (
            &[
                "add",
                "b",
                "--key",
                "0.pub",
                "--redirect-origin",
                "https://a/",
            ],
            "without a path",
        ),
        (
            &["add", "b", "--key", "0.pub", "--state-id", " a"],
            "a state_id",
        ),
        (
            &["rotate-key", "b", "--key", "0.pub"],
            "there is no partner",
        ),
    ] {
        let ended = shell.run(&[&["partner"], arguments].concat());
        assert_eq!(ended.code, 1, "{arguments:?}");
        assert!(ended.err.contains(told), "{}", ended.err);
        assert!(!ended.err.contains("BEGIN PRIVATE"), "{}", ended.err);
    }
    let too_long = [
        "partner",
        "add",
        "b",
        "--key",
        "0.pub",
        "--max-life",
        "315360001",
    ];
    assert_eq!(shell.run(&too_long).code, 2);
    // More than a day is accepted with a warning.
    let long = |iss: &str, life: &str| {
        let add = ["partner", "add", iss, "--key", "0.pub", "--json"];
        let more = ["--max-life", life, "--assigns-roles"];
        shell.run(&[&add[..], &more].concat())
    };
    let day = long("day", "86400");
    assert_eq!((day.code, day.err.as_str()), (0, ""));
    assert_eq!(day.records()[0]["assigns_roles"], true);
    let decade = long("decade", "315360000");
    assert_eq!(decade.records()[0]["max_life_s"], 315_360_000);
    assert!(
        decade
            .err
            .contains("warning: tokens of partner decade may be valid for 315360000 s"),
        "{}",
        decade.err
    );
    let exported = shell.run(&["registry", "export"]).out;
    assert!(exported.contains("iss = \"gj\""), "{exported}");
    let log = shell.run(&["audit", "list", "--json"]).records();
    let events = ["partner_added", "partner_key_rotated"];
    for event in events {
        assert!(
            log.iter()
                .any(|e| e["event"] == event && e["subject"] == "gj")
        );
    }
}

#[test]
fn finds_a_school_by_channel_and_external_id_and_refuses_duplicates() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let add = |uuid: &str, id: &str| {
        let known_as = ["--channel", "GJ", "--external-id", id];
        shell.run(&[&["org", "add", uuid, "A school"], &known_as[..]].concat())
    };
    assert_eq!(add("one", "S-1").code, 0);
    let taken = add("two", "s-1");
    assert!(
        taken.code == 1 && taken.err.contains("\"one\""),
        "{}",
        taken.err
    );
    assert_eq!(add("two", "S-2").code, 0);
    assert_eq!(
        shell.run(&["org", "add", "x", "X", "--channel", "a"]).code,
        2
    );
    let listed = shell.run(&["org", "list", "--json"]).records();
    assert_eq!(listed[1]["external_id"], "S-2");

    // A file can exchange the IDs of two schools; mistakes are reported.
    let file = |first: &str, second: &str| {
        let school = |uuid, id: &str| {
            format!(
                "[[organisations]]\nuuid = \"{uuid}\"\nname = \"A school\"\nchannel = \"GJ\"\nexternal_id = \"{id}\"\n"
            )
        };
        school("one", first) + &school("two", second)
    };
    let apply = |text: &str| {
        std::fs::write(data.path().join("registry.toml"), text).unwrap();
        shell.run(&["apply", "registry.toml"])
    };
    let swapped = apply(&file("S-2", "S-1"));
    assert_eq!(
        swapped.out,
        "~ organisation one external_id\n~ organisation two external_id\n= 0 unchanged\n",
        "{}",
        swapped.err
    );
    let exported = shell.run(&["registry", "export"]).out;
    assert!(exported.contains("channel = \"GJ\"\nexternal_id = \"S-2\""));
    for (text, told) in [
        (
            file("S", "s"),
            "organisations[1].external_id: organisations[0] has the same",
        ),
        (
            file("S-2", "S-1")
                .replace("\"one\"", "\"three\"")
                .replace("two", "four"),
            "organisations[0].external_id: organisation one has this id in the channel",
        ),
        (
            "[[organisations]]\nuuid = \"x\"\nname = \"X\"\nchannel = \"a\"\n".to_owned(),
            "organisations[0].external_id: channel and external_id go together",
        ),
    ] {
        let ended = apply(&text);
        assert_eq!(ended.code, 64, "{text}");
        assert!(ended.err.contains(told), "{}", ended.err);
    }
}

#[test]
fn keeps_the_key_of_the_demos_partner_across_restarts() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let start = || {
        crate::harness::process::Process::start(data.path(), database.url(), &[], &["--demo"])
            .stop();
        let file = data.path().join("demo/apekx.pem");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::read_to_string(file).unwrap()
    };
    let first = start();
    assert!(rsa_keys::public_half(&first).is_some());
    assert_eq!(start(), first);
}

/// A gateway with the demo's partner, which signs tokens.
struct Partner {
    gateway: Gateway,
    own: String,
}

/// The time of the tests, in seconds.
const SECOND: i64 = NOW / 1000;

impl Partner {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(settings: &[(&str, &str)]) -> Self {
        let gateway = Gateway::with(settings);
        let own = format!("http://{}", gateway.address);
        Self { gateway, own }
    }

    /// The claims of the document's new layout for this gateway, valid for an hour, with these changes.
    fn new_layout(&self, changes: Value) -> Value {
        changed(
            json!({
                "jti": unique(), "iss": "apekx", "sub": "user_external_id", "aud": self.own,
                "iat": SECOND, "exp": SECOND + 3600, "name": "Some User", "state_id": "apekx",
                "school_id": "pre_created_school_external_id", "redirect_uri": format!("{}/resources", self.own),
                "version": "v1",
            }),
            changes,
        )
    }

    /// The claims of the document's old layout for this gateway, valid for an hour, with these changes.
    fn old_layout(&self, changes: Value) -> Value {
        changed(
            json!({
                "jti": unique(), "iss": "apekx", "sub": "manzarul07+110332", "aud": self.own,
                "iat": SECOND, "exp": SECOND + 3600, "name": "Harish kumar Gangula",
                "email": "t4harishkumar16@test.com", "email_verified": true, "phone_number": "8884930864",
                "phone_number_verified": true, "redirect_url": format!("{}/profile", self.own),
            }),
            changes,
        )
    }

    fn arrive(&self, token: &str) -> Reply {
        arrive(&self.gateway, token, "")
    }

    /// A token of the new layout with these changes.
    fn token(&self, changes: Value) -> String {
        signed(&self.new_layout(changes))
    }

    /// The status and code of a JSON sign-in with a token of the new layout with these changes.
    fn told(&self, changes: Value) -> (u16, String) {
        told(&self.gateway, &self.token(changes))
    }

    fn run<T>(&self, work: impl Fn(&mut AnyConnection) -> Result<T, StoreError>) -> T {
        self.gateway.app.store.write(work).unwrap()
    }

    fn user(&self, name: &str) -> Option<User> {
        self.run(|c| users::by_name(c, name))
    }

    fn events(&self, event: &str) -> Vec<Listed> {
        let mut all = self.gateway.log(None, 10_000);
        all.retain(|e| e.event == event);
        all
    }
}

fn unique() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("261263cd-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The claims with these changes; null removes a claim.
fn changed(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn signed(claims: &Value) -> String {
    sign(PARTNER_KEY, claims).unwrap()
}

fn arrive(gateway: &Speaker, token: &str, headers: &str) -> Reply {
    let target = format!("/v2/user/session/create?token={token}");
    ask(gateway, "GET", &target, headers, "")
}

fn ask(gateway: &Speaker, method: &str, target: &str, headers: &str, body: &str) -> Reply {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nAccept-Language: en\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    gateway.raw(head.as_bytes())
}

/// The status and the code of a sign-in that asks for JSON. The function also checks the envelope of the answer.
fn told(gateway: &Speaker, token: &str) -> (u16, String) {
    let reply = arrive(gateway, token, "Accept: application/json\r\n");
    if reply.status == 303 {
        return (303, String::new());
    }
    let envelope: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(envelope["id"], "api.user.session.create");
    assert_eq!(envelope["ver"], "v2");
    assert_eq!(envelope["ts"], "2020-10-06 08:44:49:000+0000");
    assert_eq!(envelope["result"], json!({}));
    let params = &envelope["params"];
    assert_eq!(params["err"], params["status"]);
    assert!(params["errmsg"].as_str().unwrap().len() > 5, "{envelope}");
    let name = match reply.status {
        400 => "CLIENT_ERROR",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        _ => "another",
    };
    assert_eq!(envelope["responseCode"], name);
    assert_eq!(reply.header("Referrer-Policy"), Some("no-referrer"));
    assert_eq!(reply.header("Set-Cookie"), None, "{reply:?}");
    (reply.status, params["err"].as_str().unwrap().to_owned())
}

/// The browser that got this reply.
fn browser(reply: &Reply) -> Browser {
    assert_eq!(reply.status, 303, "{reply:?}");
    let mut browser = Browser::default();
    browser.keep(reply);
    assert!(browser.session().is_some(), "{reply:?}");
    browser
}

#[test]
fn signs_in_the_same_user_each_time_with_the_new_layout() {
    let partner = Partner::new();
    let reply = partner.arrive(&partner.token(json!({})));
    assert_eq!(reply.header("Location"), Some("/checkSSO/account.html"));
    assert_eq!(reply.header("Referrer-Policy"), Some("no-referrer"));
    assert_eq!(reply.header("Cache-Control"), Some("no-store"));
    let mut first = browser(&reply);
    let page = first.get(&partner.gateway, "account.html");
    for known in ["Some User", "user_external_id@apekx", "Apekx School"] {
        assert!(page.body.contains(known), "{known}: {}", page.body);
    }
    assert!(!page.body.contains("nowhere.invalid"), "{}", page.body);
    let copy = first.get(&partner.gateway, "data.json");
    let copy: Value = serde_json::from_str(&copy.body).unwrap();
    let identity = json!({
        "id": "user_external_id", "provider": "apekx", "idType": "apekx",
        "linkedAt": "2020-10-06T08:44:49Z", "assertedBy": "partner:apekx",
    });
    assert_eq!(copy["externalIds"], json!([identity]));
    assert_eq!(copy["user"]["email"], Value::Null);
    let bar = "loginbar.json?client_id=konto.onet.pl.front&body[params][fields]=login,signature";
    let bar = first.get(&partner.gateway, bar);
    assert!(
        bar.body.contains("\"login\":\"user_external_id@apekx\"")
            && bar.body.contains("\"name\":\"Some User\""),
        "{bar:?}"
    );

    let user = partner.user("user_external_id@apekx").unwrap();
    assert_eq!(user.status, Status::Active);
    assert_eq!((user.address(), user.password_hash.as_ref()), (None, None));
    let identities = partner.run(|c| external_identities::of_user(c, user.id));
    let identity = |id: &str, provider: &str, id_type: &str| ExternalIdentity {
        id: id.to_owned(),
        provider: provider.to_owned(),
        id_type: id_type.to_owned(),
    };
    assert_eq!(identities, [identity("user_external_id", "apekx", "apekx")]);

    // IDs are compared without case. Without a redirect URI the user is sent to the account page.
    let again = json!({"sub": "USER_External_ID", "name": "Some Other User", "redirect_uri": null, "version": null});
    let reply = partner.arrive(&partner.token(again));
    assert_eq!(reply.header("Location"), Some("/checkSSO/account.html"));
    let mut second = browser(&reply);
    let page = second.get(&partner.gateway, "account.html");
    assert!(page.body.contains("Some Other User"), "{}", page.body);
    let bar = second.get(
        &partner.gateway,
        "loginbar.json?body[params][fields]=signature",
    );
    assert!(bar.body.contains("\"name\":\"Some Other User\""), "{bar:?}");
    let now = partner.user("user_external_id@apekx").unwrap();
    assert_eq!((now.id, now.name.as_str()), (user.id, "Some Other User"));
    assert!(first.is_signed_in(&partner.gateway));

    let created = partner.events("user_created");
    assert_eq!(created.len(), 1);
    assert_eq!(created[0].client_name.as_deref(), Some("partner:apekx"));
    assert_eq!(partner.events("user_updated").len(), 1);
    assert_eq!(partner.events("user_joined_organisation").len(), 1);
    let signed_in = partner.events("authn_partner_login");
    assert_eq!(signed_in.len(), 2);
    assert!(
        signed_in
            .iter()
            .all(|e| e.outcome == "ok" && e.subject.as_deref() == Some("user_external_id@apekx"))
    );
}

#[test]
fn stores_the_verified_address_and_phone_of_the_old_layout() {
    let partner = Partner::new();
    let form = format!("token={}", signed(&partner.old_layout(json!({}))));
    let header = "Content-Type: application/x-www-form-urlencoded\r\n";
    let reply = ask(
        &partner.gateway,
        "POST",
        "/v1/user/session/create",
        header,
        &form,
    );
    assert_eq!(reply.header("Location"), Some("/checkSSO/account.html"));
    let mut first = browser(&reply);
    let bar = first.get(&partner.gateway, "loginbar.json");
    assert!(
        bar.body.contains("\"login\":\"t4harishkumar16@test.com\""),
        "{bar:?}"
    );
    let user = partner.user("manzarul07+110332@apekx").unwrap();
    assert_eq!(user.name, "Harish kumar Gangula");
    let profile = partner.run(|c| profiles::find(c, user.id)).unwrap();
    assert_eq!(profile.phone.as_deref(), Some("8884930864"));
    assert!(
        partner
            .run(|c| organisations::memberships(c, user.id))
            .is_empty()
    );

    // The same ID in the new layout is another user.
    let new = json!({"sub": "manzarul07+110332"});
    browser(&partner.arrive(&partner.token(new)));
    let all = partner.events("user_created");
    assert_eq!(all.len(), 2);
    assert_ne!(all[0].subject, all[1].subject);

    // The gateway does not store an unverified address or another user's address, and links no account by it.
    for (sub, email, verified) in [
        ("1", "new@test.com", json!(false)),
        ("2", "new@test.com", json!("true")),
        ("3", "Moka.Miklos@dbx.hu", json!(true)),
    ] {
        let changes = json!({"sub": sub, "email": email, "email_verified": verified});
        let claims = partner.old_layout(changes);
        browser(&partner.arrive(&signed(&claims)));
        let user = partner.user(&format!("{sub}@apekx")).unwrap();
        assert_eq!(user.address(), None, "{sub}");
        assert_eq!(user.password_hash, None);
    }
    let later = json!({"sub": "1", "email": "new@test.com"});
    browser(&partner.arrive(&signed(&partner.old_layout(later))));
    assert_eq!(
        partner.user("1@apekx").unwrap().address(),
        Some("new@test.com")
    );
    let moka = partner.user("mokamiki").unwrap();
    assert_eq!(moka.email, "moka.miklos@dbx.hu");
}

#[test]
fn creates_a_new_user_when_a_deleted_one_returns() {
    let partner = Partner::new();
    let mut visitor = browser(&partner.arrive(&partner.token(json!({}))));
    let deleted = visitor.fill(&partner.gateway, "delete.html", &[]);
    assert_eq!(deleted.status, 200, "{deleted:?}");
    assert_eq!(partner.user("user_external_id@apekx"), None);
    let said = ExternalIdentity {
        id: "user_external_id".to_owned(),
        provider: "apekx".to_owned(),
        id_type: "apekx".to_owned(),
    };
    assert_eq!(partner.run(|c| external_identities::owner(c, &said)), None);
    while partner.run(audit::erase_names) {}
    let log = partner.events("authn_partner_login");
    assert!(
        log[0].subject.as_deref().unwrap().starts_with("erased:"),
        "{log:?}"
    );
    browser(&partner.arrive(&partner.token(json!({}))));
    assert!(partner.user("user_external_id@apekx").is_some());
}

#[test]
fn sends_no_mail_to_a_user_without_an_address() {
    let partner = Partner::new();
    browser(&partner.arrive(&partner.token(json!({}))));
    let name = ("userNameOrEmail", "user_external_id@apekx");
    let reply = Browser::default().fill(&partner.gateway, "forgotten-password.html", &[name]);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(partner.gateway.mails(), [""; 0]);
    let shown = rest::ask(
        &partner.gateway,
        "GET",
        "/users/user_external_id@apekx",
        rest::KEY,
        "",
    );
    assert_eq!(shown.status, 200);
    assert!(!shown.body.contains("invalid"), "{shown:?}");
}

#[test]
fn gives_a_uuid_as_user_name_when_the_wanted_name_is_taken_or_an_address() {
    let partner = Partner::new();
    let clash = envelope(
        "registerUser",
        "<username>7@apekx</username><name>Q</name><email>q@dbx.hu</email><password>ValaKi1234</password>",
    );
    let registered = partner.gateway.soap(&clash);
    assert_eq!(
        element(&registered.body, "code"),
        Some("0"),
        "{registered:?}"
    );
    browser(&partner.arrive(&partner.token(json!({"sub": "7"}))));
    assert_eq!(partner.user("7@apekx").unwrap().name, "Q");
    partner.add(&Other {
        iss: "school.example.org",
        state_ids: &["school.example.org"],
        ..Other::default()
    });
    let claims = json!({"iss": "school.example.org", "sub": "jani"});
    browser(&partner.arrive(&signed(&partner.old_layout(claims))));
    assert!(partner.user("jani@school.example.org").is_none());
    let long = "x".repeat(128);
    browser(&partner.arrive(&partner.token(json!({"sub": long}))));
    assert!(partner.user(&format!("{long}@apekx")).is_none());
    let names: Vec<_> = partner
        .events("user_created")
        .into_iter()
        .map(|e| e.subject.clone().unwrap())
        .collect();
    assert!(names.iter().all(|n| n.len() == 36), "{names:?}");
}

/// Another partner.
#[derive(Default)]
struct Other<'a> {
    iss: &'a str,
    state_ids: &'a [&'a str],
    keys: &'a str,
    max_life_s: i64,
    assigns_roles: bool,
}

impl Partner {
    /// Adds a partner. A partner without keys gets the key of the demo's partner.
    fn add(&self, other: &Other<'_>) {
        let key = rsa_keys::public_half(PARTNER_KEY).unwrap();
        let partner = partners::Partner {
            iss: other.iss.to_owned(),
            public_keys: if other.keys.is_empty() {
                key
            } else {
                other.keys.to_owned()
            },
            state_ids: other.state_ids.iter().map(|s| (*s).to_owned()).collect(),
            error_redirect: None,
            redirect_origins: vec!["https://school.example.org".to_owned()],
            max_life_s: if other.max_life_s == 0 {
                3600
            } else {
                other.max_life_s
            },
            assigns_roles: other.assigns_roles,
        };
        self.run(|c| {
            partners::put(c, &partner)?;
            clients::touch(c)
        });
        self.gateway
            .app
            .registry
            .refresh(&self.gateway.app.store)
            .unwrap();
    }

    fn school(&self, uuid: &str, channel: &str, id: &str) {
        self.run(|c| {
            organisations::add(c, uuid, uuid, JoinPolicy::Closed, NOW)?;
            organisations::set_external_id(c, uuid, Some((channel, id)))
        });
    }

    fn schools(&self, user: &str) -> Vec<String> {
        let id = self.user(user).unwrap().id;
        let granted = self.run(|c| organisations::memberships(c, id));
        granted.into_iter().map(|g| g.uuid).collect()
    }
}

#[test]
fn creates_two_users_for_one_sub_of_two_partners() {
    let partner = Partner::new();
    partner.add(&Other {
        iss: "gj",
        state_ids: &["gj"],
        ..Other::default()
    });
    partner.school("gj-school", "gj", "321456");
    browser(&partner.arrive(&partner.token(json!({}))));
    let other = json!({"iss": "gj", "state_id": "gj", "school_id": "321456"});
    browser(&partner.arrive(&partner.token(other.clone())));
    let (one, two) = (
        partner.user("user_external_id@apekx"),
        partner.user("user_external_id@gj"),
    );
    assert_ne!(one.unwrap().id, two.unwrap().id);
    // Each partner has its own `jti`s, and cannot use the other's `state_id`.
    let jti = json!("the-same-jti");
    let as_one = partner.told(json!({"jti": jti}));
    let mut as_two = other;
    as_two["jti"] = jti;
    assert_eq!((as_one.0, partner.told(as_two).0), (303, 303));
    let foreign = json!({"iss": "gj", "state_id": "apekx"});
    assert_eq!(
        partner.told(foreign),
        (403, "STATE_ID_NOT_ALLOWED".to_owned())
    );
}

#[test]
fn moves_a_user_to_the_new_school_and_keeps_other_memberships() {
    let partner = Partner::new();
    partner.school("second", "APEKX", "S-2");
    partner.school("elsewhere", "other", "S-2");
    let user = "user_external_id@apekx";
    browser(&partner.arrive(&partner.token(json!({}))));
    assert_eq!(partner.schools(user), ["apekx-school"]);
    let id = partner.user(user).unwrap().id;
    partner.run(|c| organisations::join(c, id, "elsewhere", &[], NOW));
    let mut moved = browser(&partner.arrive(&partner.token(json!({"school_id": "s-2"}))));
    assert_eq!(partner.schools(user), ["elsewhere", "second"]);
    // The partner has named the school, so the user need not choose an organisation.
    let login = moved.get(&partner.gateway, "login.html");
    assert_eq!(login.header("Location"), Some("/checkSSO/account.html"));
    // The user joins apekx-school again, but not by a token. The next token names S-2 and does not end this membership.
    partner.run(|c| organisations::join(c, id, "apekx-school", &["TEACHER".to_owned()], NOW));
    browser(&partner.arrive(&partner.token(json!({"school_id": "S-2"}))));
    assert_eq!(
        partner.schools(user),
        ["apekx-school", "elsewhere", "second"]
    );
}

/// Refused tokens: changes to the new layout, the status and the code.
fn refused(own: &str) -> Vec<(Value, u16, &'static str)> {
    vec![
        (json!({"iss": "nobody"}), 401, "UNKNOWN_ISSUER"),
        (json!({"iss": "APEKX"}), 401, "UNKNOWN_ISSUER"),
        (json!({"iss": null}), 400, "PAYLOAD_DATA_MISSING"),
        (json!({"state_id": "gj"}), 403, "STATE_ID_NOT_ALLOWED"),
        (json!({"aud": null}), 400, "PAYLOAD_DATA_MISSING"),
        (
            json!({"aud": "https://other.example.org"}),
            401,
            "AUDIENCE_MISMATCH",
        ),
        (
            json!({"aud": "http://gateway.test"}),
            401,
            "AUDIENCE_MISMATCH",
        ),
        (json!({"aud": format!("{own}/")}), 401, "AUDIENCE_MISMATCH"),
        (
            json!({"aud": [own, "https://other.example.org"]}),
            401,
            "AUDIENCE_MISMATCH",
        ),
        (json!({"aud": 1}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"iat": null}), 400, "PAYLOAD_DATA_MISSING"),
        (json!({"exp": null}), 400, "PAYLOAD_DATA_MISSING"),
        (
            json!({"iat": SECOND.to_string()}),
            400,
            "PAYLOAD_DATA_INVALID",
        ),
        (
            json!({"exp": (SECOND + 60).to_string()}),
            400,
            "PAYLOAD_DATA_INVALID",
        ),
        (json!({"exp": true}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"sub": ["a"]}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"sub": {}}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"state_id": null}), 400, "PAYLOAD_DATA_MISSING"),
        (json!({"exp": 1e300}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"exp": u64::MAX}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"iat": -1}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"nbf": "0"}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"iat": SECOND + 31}), 401, "TOKEN_IAT_FUTURE"),
        (
            json!({"iat": SECOND as f64 + 30.5}),
            401,
            "TOKEN_IAT_FUTURE",
        ),
        (json!({"nbf": SECOND + 31}), 401, "TOKEN_NOT_YET_VALID"),
        (
            json!({"iat": SECOND - 60, "exp": SECOND - 30}),
            401,
            "TOKEN_EXPIRED",
        ),
        (json!({"exp": SECOND + 3601}), 401, "TOKEN_LIFE_TOO_LONG"),
        (
            json!({"iat": 1_499_405_029, "exp": 1_999_405_029}),
            401,
            "TOKEN_LIFE_TOO_LONG",
        ),
        (json!({"jti": null}), 400, "PAYLOAD_DATA_MISSING"),
        (json!({"jti": ""}), 400, "PAYLOAD_DATA_MISSING"),
        (json!({"jti": "x".repeat(257)}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"sub": null}), 400, "PAYLOAD_DATA_MISSING"),
        (json!({"sub": 1}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"sub": " a"}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"sub": "a\nb"}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"sub": "x".repeat(129)}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"name": null}), 400, "PAYLOAD_DATA_MISSING"),
        (json!({"name": "  "}), 400, "PAYLOAD_DATA_MISSING"),
        (
            json!({"name": "x".repeat(129)}),
            400,
            "PAYLOAD_DATA_INVALID",
        ),
        (json!({"name": {"first": "a"}}), 400, "PAYLOAD_DATA_INVALID"),
        (json!({"state_id": null}), 400, "PAYLOAD_DATA_MISSING"),
        (
            json!({"state_id": "x".repeat(129)}),
            400,
            "PAYLOAD_DATA_INVALID",
        ),
        (json!({"school_id": null}), 400, "PAYLOAD_DATA_MISSING"),
        (
            json!({"school_id": "x".repeat(129)}),
            400,
            "PAYLOAD_DATA_INVALID",
        ),
        (
            json!({"school_id": "unknown"}),
            400,
            "SCHOOL_ID_NOT_REGISTERED",
        ),
        (json!({"version": "v2"}), 400, "PAYLOAD_DATA_INVALID"),
        (
            json!({"email_verified": true, "email": "none"}),
            400,
            "PAYLOAD_DATA_INVALID",
        ),
        (
            json!({"phone_number_verified": true, "phone_number": "<b>"}),
            400,
            "PAYLOAD_DATA_INVALID",
        ),
        (
            json!({"redirect_uri": "https://evil.example/"}),
            400,
            "REDIRECT_NOT_ALLOWED",
        ),
        (
            json!({"redirect_url": "/other"}),
            400,
            "PAYLOAD_DATA_INVALID",
        ),
    ]
}

#[test]
fn refuses_invalid_claims_with_their_code_in_json_and_on_a_page() {
    let partner = Partner::new();
    let list = refused(&partner.own);
    for (changes, status, code) in &list {
        let told = partner.told(changes.clone());
        assert_eq!(told, (*status, (*code).to_owned()), "{changes}");
        let page = partner.arrive(&partner.token(changes.clone()));
        assert_error_page(&page, *status, code);
    }
    assert_eq!(partner.events("user_created"), [], "no user was created");
    let log = partner.events("authn_partner_login");
    for (_, _, code) in &list {
        // The signature is valid, so the log names each refusal.
        let is_known = log.iter().any(|e| e.outcome == *code);
        assert!(is_known, "{code}");
    }
    // A refused token is not used up.
    let jti = json!("kept");
    assert_eq!(
        partner.told(json!({"jti": jti, "school_id": "unknown"})).0,
        400
    );
    assert_eq!(partner.told(json!({"jti": jti})).0, 303);
}

fn assert_error_page(page: &Reply, status: u16, code: &str) {
    assert_eq!(page.status, status, "{code}: {page:?}");
    assert_eq!(
        page.header("Content-Type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("Referrer-Policy"), Some("no-referrer"));
    assert!(page.header("Content-Security-Policy").is_some());
    assert!(!page.head.contains("chaingun_session"), "{page:?}");
    assert!(
        page.body.contains(&format!("<code>{code}</code>")),
        "{}",
        page.body
    );
    let code = match code {
        "MANDATORY_PARAMETER_MISSING" => "MISSING_FIELD",
        code => code,
    };
    let code = Code::ALL.iter().find(|c| c.as_str() == code).unwrap();
    let text = code.title(Language::English).replace('\'', "&#x27;");
    assert!(page.body.contains(&text), "{text}: {}", page.body);
    // The page links to the gateway's own pages, without the token.
    assert!(
        page.body.contains("checkSSO&#x2f;login.html"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("token="), "{}", page.body);
}

#[test]
fn refuses_tokens_that_are_not_signed_with_the_partners_key_by_rs256() {
    let partner = Partner::new();
    let claims = partner.new_layout(json!({}));
    let stranger = rsa_keys::generate().unwrap();
    let public = rsa_keys::public_half(PARTNER_KEY).unwrap();
    let with = |head: Value, claims: &Value, key: &[u8]| {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", part(&head), part(claims));
        let signature = if key.is_empty() {
            String::new()
        } else {
            let key = jsonwebtoken::EncodingKey::from_secret(key);
            jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256)
                .unwrap()
        };
        format!("{message}.{signature}")
    };
    let rsa = |head: Value| {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", part(&head), part(&claims));
        let key = jsonwebtoken::EncodingKey::from_rsa_pem(PARTNER_KEY.as_bytes()).unwrap();
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::RS256)
                .unwrap();
        format!("{message}.{signature}")
    };
    let hs256 = json!({"alg": "HS256", "typ": "JWT"});
    let good = signed(&claims);
    let cut = good.rsplit_once('.').unwrap().0;
    let list = [
        (sign(&stranger, &claims).unwrap(), 401, "INVALID_SIGNATURE"),
        (format!("{cut}."), 401, "INVALID_SIGNATURE"),
        (cut.to_owned(), 400, "TOKEN_MALFORMED"),
        (format!("{good}.x"), 400, "TOKEN_MALFORMED"),
        ("x".to_owned(), 400, "TOKEN_MALFORMED"),
        (
            with(hs256.clone(), &claims, public.as_bytes()),
            401,
            "ALGORITHM_NOT_ALLOWED",
        ),
        (
            with(hs256, &claims, public.trim().as_bytes()),
            401,
            "ALGORITHM_NOT_ALLOWED",
        ),
        (
            with(json!({"alg": "none"}), &claims, b""),
            401,
            "ALGORITHM_NOT_ALLOWED",
        ),
        (
            with(json!({"alg": "nOnE"}), &claims, b""),
            401,
            "ALGORITHM_NOT_ALLOWED",
        ),
        (with(json!({}), &claims, b""), 401, "ALGORITHM_NOT_ALLOWED"),
        // Algorithm confusion: an HMAC with the public key, declared as RS256.
        (
            with(json!({"alg": "RS256"}), &claims, public.as_bytes()),
            401,
            "INVALID_SIGNATURE",
        ),
        (rsa(json!({"alg": "RS512"})), 401, "ALGORITHM_NOT_ALLOWED"),
        (
            rsa(json!({"alg": "RS256", "kid": "other"})),
            401,
            "KEY_ID_MISMATCH",
        ),
        (
            rsa(json!({"alg": "RS256", "kid": 1})),
            401,
            "KEY_ID_MISMATCH",
        ),
        (
            rsa(json!({"alg": "RS256", "jwk": {"kty": "RSA", "e": "AQAB"}})),
            401,
            "HEADER_NOT_ALLOWED",
        ),
        (
            rsa(json!({"alg": "RS256", "jku": "https://evil.example/"})),
            401,
            "HEADER_NOT_ALLOWED",
        ),
        (
            rsa(json!({"alg": "RS256", "x5u": "https://evil.example/"})),
            401,
            "HEADER_NOT_ALLOWED",
        ),
        (
            rsa(json!({"alg": "RS256", "x5c": ["AAAA"]})),
            401,
            "HEADER_NOT_ALLOWED",
        ),
        (
            rsa(json!({"alg": "RS256", "crit": ["b64"], "b64": false})),
            401,
            "HEADER_NOT_ALLOWED",
        ),
        ("x".repeat(8193), 400, "INVALID_PARAMETER_VALUE"),
    ];
    for (token, status, code) in &list {
        let told = told(&partner.gateway, token);
        assert_eq!(told, (*status, (*code).to_owned()), "{token}");
        if *code != "INVALID_PARAMETER_VALUE" {
            assert_error_page(&partner.arrive(token), *status, code);
        }
    }
    let none = ask(&partner.gateway, "GET", "/v2/user/session/create", "", "");
    assert_error_page(&none, 400, "MANDATORY_PARAMETER_MISSING");
    // The signature is checked before the claims.
    let claims = partner.new_layout(json!({"exp": 1, "sub": null}));
    let forged = sign(&stranger, &claims).unwrap();
    assert_eq!(told(&partner.gateway, &forged).1, "INVALID_SIGNATURE");
    // `kid` may be present if it names the partner.
    let named = rsa(json!({"typ": "jwt", "kid": "apekx", "alg": "RS256"}));
    assert_eq!(told(&partner.gateway, &named).0, 303);
}

#[test]
fn refuses_known_open_redirect_bypasses() {
    let partner = Partner::new();
    let (own, host) = (&partner.own, partner.own.replace("http://", ""));
    let bypasses = [
        "//evil.example/".to_owned(),
        "///evil.example/".into(),
        "/\\evil.example/".into(),
        "\\\\evil.example/".into(),
        "\\/evil.example".into(),
        "/%zz".into(),
        "/#x".into(),
        "resources".into(),
        "./resources".into(),
        "?resources".into(),
        format!("http:/{host}/"),
        format!("http:{host}/"),
        format!("https://{host}/"),
        format!("HTTP://{host}/"),
        format!("//{host}/"),
        format!("{own}.evil.example/"),
        format!("{own}@evil.example/"),
        format!("http://x@{host}/"),
        format!("http://{host}%2f@evil.example/"),
        format!("{own}\\.evil.example/"),
        format!("{own}\\@evil.example/"),
        format!("{own}#/"),
        format!("{own}/#x"),
        format!("{own}0/"),
        format!(" {own}/"),
        format!("{own}/ "),
        format!("http://evil.example/{own}/"),
        format!("http://evil.example?{own}/"),
        format!("http://evil.example#{own}/"),
        format!("javascript:alert(1)//{own}/"),
        format!("data:text/html,{own}/"),
        "http://gateway.test/".into(),
        "http://127.0.0.1/".into(),
        "http://localhost:9098@evil.example/".into(),
        "http://localhost:90980/".into(),
        "http://LOCALHOST:9098/".into(),
        "https://localhost:9098/".into(),
        "http://localhost:9098.evil.example/".into(),
    ];
    for to in &bypasses {
        let told = partner.told(json!({"redirect_uri": to}));
        assert_eq!(told, (400, "REDIRECT_NOT_ALLOWED".to_owned()), "{to}");
        let page = partner.arrive(&partner.token(json!({"redirect_uri": to})));
        assert_error_page(&page, 400, "REDIRECT_NOT_ALLOWED");
        assert_eq!(page.header("Location"), None);
    }
    for to in [
        "/other?a=b",
        "http://localhost:9098/authorize?x=1",
        own.as_str(),
    ] {
        let reply = partner.arrive(&partner.token(json!({"redirect_uri": to})));
        assert_eq!(reply.header("Location"), Some(to), "{reply:?}");
    }
    let control =
        partner.told(json!({"redirect_uri": format!("{own}/\r\nLocation: http://evil.example")}));
    assert_eq!(control.1, "PAYLOAD_DATA_INVALID");
    let long = partner.told(json!({"redirect_uri": format!("/{}", "x".repeat(2048))}));
    assert_eq!(long.1, "PAYLOAD_DATA_INVALID");
}

#[test]
fn accepts_clocks_that_differ_by_the_leeway() {
    let partner = Partner::new();
    let expired = json!({"iat": SECOND - 60, "exp": SECOND - 29, "jti": "late"});
    assert_eq!(partner.told(json!({"iat": SECOND + 30})).0, 303);
    assert_eq!(partner.told(json!({"nbf": SECOND + 30})).0, 303);
    assert_eq!(partner.told(expired.clone()).0, 303);
    // The `jti` is kept for as long as the expired token is accepted.
    partner.run(|c| used_assertions::purge_expired(c, NOW + 999, 10));
    assert_eq!(partner.told(expired).1, "TOKEN_REPLAYED");
    let strict = Partner::with(&[("session.partner_leeway_s", "0")]);
    assert_eq!(
        strict.told(json!({"iat": SECOND + 1})).1,
        "TOKEN_IAT_FUTURE"
    );
}

#[test]
fn accepts_a_token_once_on_any_node_and_after_a_restart() {
    let partner = Partner::new();
    let token = partner.token(json!({"exp": SECOND + 600}));
    browser(&partner.arrive(&token));
    let replayed = (401, "TOKEN_REPLAYED".to_owned());
    assert_eq!(told(&partner.gateway, &token), replayed);
    assert_error_page(&partner.arrive(&token), 401, "TOKEN_REPLAYED");
    let log = partner.events("authn_partner_login");
    let entry = log.iter().find(|e| e.outcome == "TOKEN_REPLAYED").unwrap();
    assert_eq!(entry.client_name.as_deref(), Some("partner:apekx"));
    // A new node has nothing in its memory.
    let other = partner.gateway.beside();
    let at = |node: &Speaker, changes: &Value| {
        let aud = json!({"aud": format!("http://{}", node.address), "redirect_uri": null});
        told(
            node,
            &signed(&changed(partner.new_layout(aud), changes.clone())),
        )
    };
    assert_eq!(at(&other, &json!({"jti": "a"})).0, 303);
    assert_eq!(at(&partner.gateway, &json!({"jti": "a"})), replayed);
    drop(other);
    let other = partner.gateway.beside();
    assert_eq!(at(&other, &json!({"jti": "a"})), replayed);
    assert_eq!(
        at(&other, &json!({"jti": "A"})).0,
        303,
        "the case of a jti counts"
    );

    // The `jti` is forgotten only when no node can accept the token any more.
    let used = || partner.run(|c| used_assertions::use_up(c, "apekx", &sha256_hex("a"), 0));
    partner.run(|c| used_assertions::purge_expired(c, NOW + 3_629_999, 10));
    assert!(!used());
    partner.run(|c| used_assertions::purge_expired(c, NOW + 3_630_000, 10));
    assert!(used());
}

#[test]
fn redirects_to_the_account_page_in_place_of_the_pages_of_the_documents() {
    let partner = Partner::new();
    let own = &partner.own;
    let account = "/checkSSO/account.html";
    for (to, location) in [
        (format!("{own}/resources"), account.to_owned()),
        (format!("{own}/profile/?a=b"), account.to_owned()),
        ("/resources?a=b".into(), account.to_owned()),
        ("/profile".into(), account.to_owned()),
        ("/profile/1".into(), "/profile/1".to_owned()),
        (format!("{own}/resources2"), format!("{own}/resources2")),
        (
            "http://localhost:9098/profile".into(),
            "http://localhost:9098/profile".to_owned(),
        ),
    ] {
        let reply = partner.arrive(&partner.token(json!({"redirect_uri": to})));
        assert_eq!(reply.header("Location"), Some(location.as_str()), "{to}");
    }
}

#[test]
fn leads_the_same_browser_on_when_it_opens_the_link_again() {
    let partner = Partner::new();
    let gateway = &partner.gateway;
    let token = partner.token(json!({"redirect_uri": "http://localhost:9098/start"}));
    let mut visitor = browser(&partner.arrive(&token));
    let cookie = |session: &str| format!("Cookie: chaingun_session={session}\r\n");
    let own = cookie(visitor.session().unwrap());
    let is_led_on = |headers: &str| {
        let reply = arrive(gateway, &token, headers);
        assert_eq!(reply.status, 303, "{reply:?}");
        let location = reply.header("Location");
        assert_eq!(location, Some("http://localhost:9098/start"));
        assert!(!reply.head.contains("chaingun_session"), "{reply:?}");
    };
    is_led_on(&own);
    is_led_on(&format!("{own}Accept: application/json\r\n"));
    assert!(visitor.is_signed_in(gateway));
    let form = format!("token={token}");
    let headers = format!("{own}Content-Type: application/x-www-form-urlencoded\r\n");
    let posted = ask(gateway, "POST", "/v2/user/session/create", &headers, &form);
    assert_eq!(posted.status, 303, "{posted:?}");
    // The rules for navigations and claims hold as at the first sign-in.
    let framed = arrive(gateway, &token, &format!("{own}Sec-Fetch-Dest: iframe\r\n"));
    assert_error_page(&framed, 403, "NAVIGATION_REQUIRED");
    let log = partner.events("authn_partner_login");
    let again: Vec<_> = log
        .iter()
        .filter(|e| e.outcome == "already_signed_in")
        .collect();
    assert_eq!(again.len(), 3, "{log:?}");
    assert_eq!(again[0].client_name.as_deref(), Some("partner:apekx"));
    assert_eq!(again[0].subject.as_deref(), Some("user_external_id@apekx"));
    assert_eq!(log.iter().filter(|e| e.outcome == "ok").count(), 1);

    // Another browser is refused: without a session, with another session of the same user, or of another user.
    assert_error_page(&partner.arrive(&token), 401, "TOKEN_REPLAYED");
    for changes in [json!({}), json!({"sub": "another"})] {
        let other = browser(&partner.arrive(&partner.token(changes)));
        let refused = arrive(gateway, &token, &cookie(other.session().unwrap()));
        assert_error_page(&refused, 401, "TOKEN_REPLAYED");
    }
    // After the session has ended, its cookie is worth nothing.
    let user = partner.user("user_external_id@apekx").unwrap();
    partner.run(|c| sessions::end_all(c, user.id, None));
    assert_error_page(&arrive(gateway, &token, &own), 401, "TOKEN_REPLAYED");
}

#[test]
fn replaces_the_roles_in_the_school_if_the_partner_may_give_roles() {
    let partner = Partner::new();
    partner.school("second", "apekx", "S-2");
    let name = "user_external_id@apekx";
    let roles = || {
        let id = partner.user(name).unwrap().id;
        let mut all = partner.run(|c| organisations::memberships(c, id));
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0).roles
    };
    let sign_in = |roles: Value| partner.told(json!({ "roles": roles }));
    // Without the setting the claim is ignored, whatever it holds.
    assert_eq!(sign_in(json!(["PUBLIC"])).0, 303);
    assert_eq!(sign_in(json!("USER_ADMIN")).0, 303);
    assert_eq!(roles(), [""; 0]);
    assert_eq!(partner.events("authz_change"), []);

    partner.add(&Other {
        iss: "apekx",
        state_ids: &["apekx"],
        assigns_roles: true,
        ..Other::default()
    });
    assert_eq!(
        sign_in(json!(["ContentCreator", "PUBLIC", "public"])).0,
        303
    );
    assert_eq!(roles(), ["CONTENT_CREATOR", "PUBLIC"]);
    assert_eq!(sign_in(json!(["CONTENT_CREATOR", "PUBLIC"])).0, 303);
    let log = partner.events("authz_change");
    assert_eq!(log.len(), 1, "equal roles change nothing");
    assert_eq!(log[0].client_name.as_deref(), Some("partner:apekx"));
    assert_eq!(log[0].subject.as_deref(), Some(name));
    // Without the claim the roles stay. In a new school the user begins with the roles of the token.
    assert_eq!(sign_in(Value::Null).0, 303);
    assert_eq!(roles(), ["CONTENT_CREATOR", "PUBLIC"]);
    for (wrong, code) in [
        (json!(["USER_ADMIN"]), "INVALID_ROLE"),
        (json!(["PUBLIC", "NONE"]), "INVALID_ROLE"),
        (json!(["ADMIN"]), "INVALID_ROLE"),
        (json!(["orgadmin"]), "INVALID_ROLE"),
        (json!(["SYSTEM_ADMINISTRATION"]), "INVALID_ROLE"),
        (json!("PUBLIC"), "PAYLOAD_DATA_INVALID"),
        (json!([1]), "PAYLOAD_DATA_INVALID"),
        (json!(vec!["PUBLIC"; 65]), "PAYLOAD_DATA_INVALID"),
    ] {
        assert_eq!(sign_in(wrong.clone()), (400, code.to_owned()), "{wrong}");
    }
    assert_eq!(roles(), ["CONTENT_CREATOR", "PUBLIC"]);
    let moved = json!({"school_id": "S-2", "roles": ["BOOK_CREATOR"]});
    assert_eq!(partner.told(moved).0, 303);
    assert_eq!(partner.schools(name), ["second"]);
    assert_eq!(roles(), ["BOOK_CREATOR"]);
    let emptied = json!({"school_id": "S-2", "roles": []});
    assert_eq!(partner.told(emptied).0, 303);
    assert_eq!(roles(), [""; 0]);
    assert_eq!(
        partner.user(name).unwrap().roles,
        [""; 0],
        "global roles stay"
    );
    // The old layout has no school, so its claim is ignored.
    let old = partner.old_layout(json!({"roles": ["PUBLIC"]}));
    assert_eq!(told(&partner.gateway, &signed(&old)).0, 303);
}

#[test]
fn refuses_the_role_of_administrators_under_any_name() {
    let partner = Partner::with(&[("admin_role", "PROGRAM_MANAGER")]);
    partner.add(&Other {
        iss: "apekx",
        state_ids: &["apekx"],
        assigns_roles: true,
        ..Other::default()
    });
    let told = partner.told(json!({"roles": ["PROGRAM_MANAGER"]}));
    assert_eq!(told, (400, "INVALID_ROLE".to_owned()));
    assert_eq!(partner.events("user_created"), []);
}

#[test]
fn accepts_one_of_two_simultaneous_uses_of_a_token() {
    let partner = Partner::new();
    let race = |tokens: [String; 2]| {
        let gateway = &partner.gateway;
        std::thread::scope(|scope| {
            let runs = tokens.map(|token| scope.spawn(move || told(gateway, &token)));
            let mut codes = runs.map(|run| run.join().unwrap());
            codes.sort();
            codes
        })
    };
    for round in 0..8 {
        // Two requests use the same token, first for a new user and then for a known user. Last, two tokens of a
        // new user are used.
        for sub in [format!("new{round}"), "known".to_owned()] {
            let token = partner.token(json!({"sub": sub}));
            let [first, second] = race([token.clone(), token]);
            assert_eq!(
                (first.0, second.0, second.1.as_str()),
                (303, 401, "TOKEN_REPLAYED")
            );
        }
        let sub = json!({"sub": format!("both{round}")});
        let both = race([partner.token(sub.clone()), partner.token(sub)]);
        assert_eq!(both.map(|told| told.0), [303, 303]);
    }
    assert_eq!(partner.events("user_created").len(), 17);
    assert_eq!(partner.events("user_joined_organisation").len(), 17);
}

#[test]
fn accepts_both_keys_of_a_partner_during_a_rotation() {
    let partner = Partner::new();
    let new = rsa_keys::generate().unwrap();
    let keys = [&new, PARTNER_KEY].map(|key| rsa_keys::public_half(key).unwrap());
    let both = keys.concat();
    let with = |keys: &str| {
        partner.add(&Other {
            iss: "apekx",
            state_ids: &["apekx"],
            keys,
            max_life_s: 60,
            ..Other::default()
        });
    };
    let minute = || partner.new_layout(json!({"exp": SECOND + 60}));
    with(&both);
    assert_eq!(told(&partner.gateway, &signed(&minute())).0, 303);
    assert_eq!(
        told(&partner.gateway, &sign(&new, &minute()).unwrap()).0,
        303
    );
    assert_eq!(
        partner.told(json!({"exp": SECOND + 61})).1,
        "TOKEN_LIFE_TOO_LONG"
    );
    with(&keys[0]);
    assert_eq!(
        told(&partner.gateway, &signed(&minute())).1,
        "INVALID_SIGNATURE"
    );
    assert_eq!(
        told(&partner.gateway, &sign(&new, &minute()).unwrap()).0,
        303
    );
}

#[test]
fn replaces_the_session_of_a_signed_in_user_and_refuses_an_inactive_one() {
    let partner = Partner::new();
    let mut visitor = browser(&partner.arrive(&partner.token(json!({}))));
    let before = visitor.session().unwrap().to_owned();
    let cookie = format!(
        "Cookie: chaingun_session={before}\r\nUser-Agent: {}\r\n",
        "x".repeat(2000)
    );
    let token = partner.token(json!({}));
    let mut again = browser(&arrive(&partner.gateway, &token, &cookie));
    assert_ne!(again.session(), Some(before.as_str()));
    assert!(again.is_signed_in(&partner.gateway));
    assert!(
        !visitor.is_signed_in(&partner.gateway),
        "the old session has ended"
    );
    let token = partner.token(json!({"sub": "another"}));
    assert!(browser(&partner.arrive(&token)).is_signed_in(&partner.gateway));

    let user = partner.user("another@apekx").unwrap();
    let shut_out = User {
        status: Status::Inactive,
        ..user
    };
    partner.run(|c| users::update(c, &shut_out));
    let told = partner.told(json!({"sub": "another"}));
    assert_eq!(told, (403, "USER_NOT_ACTIVE".to_owned()));
}

#[test]
fn accepts_tokens_for_the_public_url_only() {
    let partner = Partner::with(&[("public_url", "https://id.example.org")]);
    let told = |aud: &str| partner.told(json!({"aud": aud, "redirect_uri": "/resources"}));
    assert_eq!(told(&partner.own).1, "AUDIENCE_MISMATCH");
    assert_eq!(told("https://id.example.org").0, 303);
    let claims =
        json!({"aud": "https://id.example.org", "redirect_uri": "https://id.example.org/other"});
    let reply = partner.arrive(&partner.token(claims));
    assert_eq!(
        reply.header("Location"),
        Some("https://id.example.org/other")
    );
    let cookie = reply
        .head
        .lines()
        .find(|l| l.contains("chaingun_session"))
        .unwrap();
    for mark in [
        "__Host-",
        "HttpOnly",
        "Secure",
        "SameSite=None",
        "Path=/",
        "Max-Age=7776000",
    ] {
        assert!(cookie.contains(mark), "{cookie}");
    }
}

#[test]
fn accepts_get_and_post_only() {
    let partner = Partner::new();
    let path = "/v1/user/session/create";
    let target = format!("{path}?token={}", partner.token(json!({})));
    for method in ["HEAD", "PUT", "DELETE", "OPTIONS"] {
        let reply = ask(&partner.gateway, method, &target, "", "");
        assert_eq!(
            (reply.status, reply.header("Allow")),
            (405, Some("GET, POST")),
            "{method}"
        );
    }
    let json = "Content-Type: application/json\r\n";
    let wrong = ask(&partner.gateway, "POST", &target, json, "{}");
    assert_eq!(wrong.status, 415);
    let reply = ask(&partner.gateway, "POST", &format!("{target}&x=1"), "", "");
    browser(&reply);
    let reply = ask(
        &partner.gateway,
        "GET",
        "/v1/user/session/create/",
        "Accept: application/json\r\n",
        "",
    );
    let envelope: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(
        (&envelope["ver"], &envelope["params"]["err"]),
        (&json!("v1"), &json!("MANDATORY_PARAMETER_MISSING"))
    );
}

#[test]
fn tests_tokens_at_the_command_line_without_using_them_up() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let folder = data.path().join("data");
    let settings = [("log", "trace")];
    let process = Process::start(&folder, database.url(), &settings, &["--demo"]);
    let url = format!("http://{}", process.speaker.address);
    let test = |more: &[&str], input: &str| {
        let arguments = [&["partner", "test-token", "--url", &url, "--json"], more].concat();
        shell.run_with(&arguments, input, &[])
    };
    let sign = |school: &str, more: &[&str]| {
        let key = "data/demo/apekx.pem";
        let known = [
            "--sign-with",
            key,
            "--iss",
            "apekx",
            "--sub",
            "42",
            "--school-id",
            school,
        ];
        let signed = test(&[&known[..], more].concat(), "");
        assert_eq!(signed.code, 0, "{}", signed.err);
        let record = signed.records().remove(0);
        let token = record["token"].as_str().unwrap().to_owned();
        assert!(record["url"].as_str().unwrap().starts_with(&url));
        token
    };
    let school = "pre_created_school_external_id";
    let token = sign(school, &[]);
    let checked = || test(&[], &format!("{token}\n"));
    let record = &checked().records()[0];
    assert_eq!(
        (&record["external_id"], &record["user"]),
        (&json!("42"), &Value::Null)
    );
    assert_eq!(checked().code, 0, "a test does not use the token up");
    assert_eq!(arrive(&process.speaker, &token, "").status, 303);
    let refused = |input: &str, code: &str| {
        let ended = test(&[], input);
        assert_eq!(ended.code, 1, "{}", ended.out);
        assert!(ended.err.contains(code), "{}", ended.err);
    };
    refused(&token, "TOKEN_REPLAYED");
    refused(&sign("elsewhere", &[]), "SCHOOL_ID_NOT_REGISTERED");
    refused(&sign(school, &["--life", "3601"]), "TOKEN_LIFE_TOO_LONG");
    refused(
        &sign(school, &["--redirect-uri", "//a"]),
        "REDIRECT_NOT_ALLOWED",
    );
    refused("nonsense", "TOKEN_MALFORMED");
    let again = sign(school, &["--name", "Another"]);
    assert_eq!(test(&[], &again).records()[0]["user"], "42@apekx");
    let public = test(
        &[
            "--sign-with",
            "data/gateway.db",
            "--iss",
            "a",
            "--sub",
            "b",
            "--school-id",
            "c",
        ],
        "",
    );
    assert_eq!(public.code, 1);
    let log = process.stop();
    assert!(!log.contains(&token), "no token is ever logged");
}

#[test]
fn refuses_partner_names_and_state_ids_that_differ_in_case_only() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let key = rsa_keys::public_half(PARTNER_KEY).unwrap();
    std::fs::write(data.path().join("a.pub"), &key).unwrap();
    assert_eq!(
        shell.run(&["partner", "add", "gj", "--key", "a.pub"]).code,
        0
    );
    let taken = shell.run(&["partner", "add", "GJ", "--key", "a.pub"]);
    assert!(
        taken.code == 1 && taken.err.contains("\"gj\""),
        "{}",
        taken.err
    );
    let of = |iss: &str| {
        format!(
            "[[partners]]\niss = \"{iss}\"\npublic_keys = ['''\n{key}''']\nstate_ids = [\"a\"]\n"
        )
    };
    let apply = |text: &str, flags: &[&str]| {
        std::fs::write(data.path().join("registry.toml"), text).unwrap();
        shell.run(&[&["apply", "registry.toml"], flags].concat())
    };
    // Each `state_id` belongs to one partner, whatever its case.
    let add =
        |flags: &[&str]| shell.run(&[&["partner", "add", "b", "--key", "a.pub"], flags].concat());
    let almost = add(&["--state-id", "GJ"]);
    let is_told = |ended: &crate::cli::Ended, told: &str| {
        assert!(ended.code != 0 && ended.err.contains(told), "{}", ended.err);
    };
    is_told(&almost, "state_id \"GJ\" belongs to partner \"gj\"");
    is_told(&add(&["--state-id", "gj"]), "belongs to partner \"gj\"");
    is_told(
        &add(&["--state-id", "x", "--state-id", "X"]),
        "is given twice",
    );
    is_told(&add(&["--state-id", "LoginId"]), "cannot be a state_id");
    let reserved = apply(&of("c").replace("\"a\"", "\"loginid\""), &[]);
    is_told(
        &reserved,
        "partners[0].state_ids: \"loginid\" names the users",
    );
    let repeated = apply(&of("c").replace("\"a\"", "\"a\", \"A\""), &[]);
    is_told(&repeated, "partners[0].state_ids: \"A\" is listed twice");
    let same = apply(&of("c").replace("\"a\"", "\"gj\""), &[]);
    is_told(
        &same,
        "partners[0].state_ids: \"gj\" belongs to partner \"gj\"",
    );
    is_told(&apply(&(of("c") + &of("d")), &[]), "belongs to partner");
    let almost = apply(&of("c").replace("\"a\"", "\"Gj\""), &[]);
    assert!(
        almost
            .err
            .contains("partners[0].state_ids: \"Gj\" belongs to partner \"gj\""),
        "{}",
        almost.err
    );
    let almost = apply(&(of("c") + &of("d").replace("\"a\"", "\"A\"")), &[]);
    assert!(
        almost.err.contains("partners[1].state_ids"),
        "{}",
        almost.err
    );
    let stored = apply(&of("Gj"), &[]);
    assert!(
        stored
            .err
            .contains("partners[0].iss: there is a partner \"gj\""),
        "{}",
        stored.err
    );
    let twice = apply(&(of("x") + &of("X")), &[]);
    assert!(
        twice
            .err
            .contains("partners[1].iss: partners[0] has the same value"),
        "{}",
        twice.err
    );
    assert_eq!(apply(&of("Gj"), &["--prune"]).code, 0);
    let keys = vec![format!("'''\n{key}'''"); 5].join(", ");
    let many = apply(&of("gj").replace(&format!("'''\n{key}'''"), &keys), &[]);
    assert!(many.err.contains("public_keys"), "{}", many.err);
}

#[test]
fn warns_of_a_long_life_in_a_registry_file_and_keeps_the_right_to_give_roles() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let key = rsa_keys::public_half(PARTNER_KEY).unwrap();
    let file = |life: i64| {
        let text = format!(
            "[[partners]]\niss = \"gj\"\npublic_keys = ['''\n{key}''']\nstate_ids = [\"gj\"]\nmax_life_s = {life}\n\
             assigns_roles = true\n"
        );
        std::fs::write(data.path().join("registry.toml"), text).unwrap();
        let environment = [("GATEWAY_REGISTRY", "registry.toml")];
        let checked = shell.run_with(&["check-config"], "", &environment);
        [shell.run(&["apply", "registry.toml"]), checked]
    };
    for ended in file(86_400) {
        assert_eq!((ended.code, ended.err.contains("max_life_s")), (0, false));
    }
    for ended in file(86_401) {
        let told =
            "registry.toml: partners[0].max_life_s: tokens of partner gj may be valid for 86401 s";
        assert!(ended.code == 0 && ended.err.contains(told), "{}", ended.err);
    }
    let exported = shell.run(&["registry", "export"]).out;
    assert!(
        exported.contains("max_life_s = 86401\nassigns_roles = true"),
        "{exported}"
    );
}

#[test]
fn lets_two_partners_exchange_state_ids_and_a_new_one_take_a_removed_one() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let shell = Shell {
        data: data.path(),
        database: &database,
    };
    let key = rsa_keys::public_half(PARTNER_KEY).unwrap();
    let of = |iss: &str, id: &str| {
        format!(
            "[[partners]]\niss = \"{iss}\"\npublic_keys = ['''\n{key}''']\nstate_ids = [\"{id}\"]\n"
        )
    };
    let apply = |text: &str, flags: &[&str]| {
        std::fs::write(data.path().join("registry.toml"), text).unwrap();
        shell.run(&[&["apply", "registry.toml"], flags].concat())
    };
    assert_eq!(apply(&(of("a", "one") + &of("b", "two")), &[]).code, 0);
    let exchanged = apply(&(of("a", "Two") + &of("b", "ONE")), &[]);
    assert_eq!(
        exchanged.out, "~ partner a state_ids\n~ partner b state_ids\n= 0 unchanged\n",
        "{}",
        exchanged.err
    );
    let ended = apply(&(of("c", "two") + &of("b", "one")), &["--prune"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}

/// A partner with the demo's key.
fn partner_of(iss: &str, state_id: &str) -> partners::Partner {
    partners::Partner {
        iss: iss.to_owned(),
        public_keys: rsa_keys::public_half(PARTNER_KEY).unwrap(),
        state_ids: vec![state_id.to_owned()],
        error_redirect: None,
        redirect_origins: Vec::new(),
        max_life_s: 3600,
        assigns_roles: false,
    }
}

#[test]
fn refuses_a_second_partner_with_the_same_state_id_or_name_in_the_database() {
    let gateway = Gateway::demo();
    let put = |partner: &partners::Partner| {
        let put = gateway.app.store.write(|c| partners::put(c, partner));
        matches!(put, Err(StoreError::Collided(_)))
    };
    assert!(
        put(&partner_of("b", "Apekx")),
        "the demo's partner has this id"
    );
    assert!(put(&partner_of("APEKX", "b")));
    assert!(!put(&partner_of("b", "b")));
    assert!(
        put(&partner_of("b", "APEKX")),
        "the demo's partner still has it"
    );
    assert!(!put(&partner_of("apekx", "c")));
    assert!(!put(&partner_of("b", "APEKX")), "the id is free now");
    let all = gateway.app.store.read(partners::all).unwrap();
    let ids: Vec<_> = all.iter().map(|p| p.state_ids.join(",")).collect();
    assert_eq!(ids, ["c", "APEKX"]);
}

#[test]
fn grants_a_state_id_to_one_of_two_simultaneous_registry_files() {
    let gateway = Gateway::demo();
    let nodes = [gateway.beside(), gateway.beside()];
    let key = rsa_keys::public_half(PARTNER_KEY).unwrap();
    let results: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = nodes
            .iter()
            .zip([("one", "new"), ("two", "NEW")])
            .map(|(node, (iss, id))| {
                let path = gateway.data.path().join(format!("{iss}.toml"));
                let text = format!(
                    "[[partners]]\niss = \"{iss}\"\npublic_keys = ['''\n{key}''']\nstate_ids = [\"{id}\"]\n"
                );
                std::fs::write(&path, text).unwrap();
                scope.spawn(move || {
                    let applier = Applier {
                        store: &node.app.store,
                        sealer: &node.app.sealer,
                        by: "test",
                        now: NOW,
                    };
                    applier.apply(&path, ApplyOptions::default()).is_ok()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|ok| **ok).count(), 1, "{results:?}");
}
