//! Claims of partners and portals on an account end when its owner takes the account over, unlinks an identity, or
//! restores a changed e-mail address.

use chaingun_gateway::domain::external_identity::ExternalIdentity;
use chaingun_gateway::domain::user::User;
use chaingun_gateway::secrets::assertions::sign;
use chaingun_gateway::store::{
    AnyConnection, StoreError, audit, clients, email_undos, external_identities, partners,
    user_search, users,
};
use serde_json::{Value, json};

use crate::harness::browser::{Browser, signed_in, token_in};
use crate::harness::rest::{
    FLAT, KEY, PORTAL, RESOURCE, ask, sign_in, status_and_code, try_to_sign_in,
};
use crate::harness::{Gateway, NOW, PARTNER_KEY, Reply};

const VICTIM: &str = "victim@dbx.hu";
const DAY: i64 = 86_400_000;

fn run<T>(gateway: &Gateway, work: impl Fn(&mut AnyConnection) -> Result<T, StoreError>) -> T {
    gateway.app.store.write(work).unwrap()
}

/// The user with this name or address.
fn user(gateway: &Gateway, login: &str) -> User {
    run(gateway, |c| users::by_login(c, login)).unwrap()
}

fn identities(gateway: &Gateway, login: &str) -> Vec<String> {
    let id = user(gateway, login).id;
    let all = run(gateway, |c| external_identities::of_user(c, id));
    all.into_iter().map(|i| i.id).collect()
}

fn events(gateway: &Gateway, event: &str) -> usize {
    let all = run(gateway, |c| audit::list(c, None, 10_000));
    all.iter().filter(|e| e.event == event).count()
}

/// Calls the directory as the trusted client.
fn directory(gateway: &Gateway, method: &str, path: &str, request: &Value) -> Value {
    let body = json!({ "request": request }).to_string();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nX-Client-Hash-Key: demo-hash-key\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let reply = gateway.raw(head.as_bytes());
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_str(&reply.body).unwrap()
}

/// Creates a user with the victim's address and an identity of the partner, as a portal. Returns the UUID.
fn create_as_portal(gateway: &Gateway) -> String {
    let request = json!({
        "firstName": "Victim", "email": VICTIM, "userName": "claimed",
        "externalIds": [{ "id": "thief", "provider": "apekx", "idType": "apekx" }],
    });
    let made = directory(gateway, "POST", "/user/v1/create", &request);
    made["result"]["userId"].as_str().unwrap().to_owned()
}

fn link(gateway: &Gateway, uuid: &str, id: &str, provider: &str) {
    let request = json!({
        "userId": uuid, "externalIds": [{ "id": id, "provider": provider, "idType": provider }],
    });
    directory(gateway, "PATCH", "/user/v1/update", &request);
}

/// A token of the demo's partner for its user `sub`, with these changes.
fn partner_token(gateway: &Gateway, sub: &str, changes: &[(&str, Value)]) -> String {
    let mut claims = json!({
        "jti": format!("{sub} {}", gateway.app.entropy.uuid()), "iss": "apekx", "sub": sub,
        "aud": format!("http://{}", gateway.address), "iat": NOW / 1000, "exp": NOW / 1000 + 600,
        "name": "Thief", "state_id": "apekx", "school_id": "pre_created_school_external_id",
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    sign(PARTNER_KEY, &claims).unwrap()
}

/// Opens the partner's sign-in in this browser.
fn arrive(gateway: &Gateway, browser: &mut Browser, token: &str, headers: &str) -> Reply {
    request(
        gateway,
        browser,
        ("GET", &format!("?token={token}")),
        headers,
        "",
    )
}

fn request(
    gateway: &Gateway,
    browser: &mut Browser,
    (method, query): (&str, &str),
    headers: &str,
    body: &str,
) -> Reply {
    let cookies: Vec<_> = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let head = format!(
        "{method} /v2/user/session/create{query} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\
         Accept-Language: en\r\nCookie: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        cookies.join("; "),
        body.len()
    );
    let reply = gateway.raw(head.as_bytes());
    browser.keep(&reply);
    reply
}

/// Signs the partner's user in and returns its account.
fn arriving_user(gateway: &Gateway, sub: &str) -> User {
    let token = partner_token(gateway, sub, &[]);
    let reply = arrive(gateway, &mut Browser::default(), &token, "");
    assert_eq!(reply.status, 303, "{reply:?}");
    let who = ExternalIdentity {
        id: sub.to_owned(),
        provider: "apekx".to_owned(),
        id_type: "apekx".to_owned(),
    };
    let id = run(gateway, |c| external_identities::owner(c, &who)).unwrap();
    run(gateway, |c| users::by_id(c, id)).unwrap()
}

fn reset(gateway: &Gateway, login: &str) -> String {
    let body = json!({ "userNameOrEmail": login }).to_string();
    let reply = ask(gateway, "POST", "/password/reset", FLAT, &body);
    assert_eq!(status_and_code(&reply).0, 200, "{reply:?}");
    token_in(gateway.mails().last().unwrap())
}

fn set_password(gateway: &Gateway, token: &str, password: &str) -> Reply {
    let body = json!({ "passwordResetGuid": token, "password": password }).to_string();
    ask(gateway, "POST", "/password/change", FLAT, &body)
}

/// The recipients of the mails of this topic, in order.
fn mailed(gateway: &Gateway, topic: &str) -> Vec<String> {
    gateway.mails();
    let folder = gateway.data.path().join("outbox");
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let mut paths: Vec<_> = files.map(|f| f.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(&format!("-{topic}.eml")));
    paths.sort();
    let read = |path| std::fs::read_to_string(path).unwrap();
    let mails: Vec<String> = paths.into_iter().map(read).collect();
    mails
        .iter()
        .map(|mail| {
            let to = mail.lines().find(|line| line.starts_with("To: ")).unwrap();
            let to = to.rsplit([' ', '<']).next().unwrap();
            to.trim_end_matches('>').to_owned()
        })
        .collect()
}

/// The last mail of this topic.
fn last_mail(gateway: &Gateway, topic: &str) -> String {
    gateway.mails();
    let folder = gateway.data.path().join("outbox");
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let mut paths: Vec<_> = files.map(|f| f.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(&format!("-{topic}.eml")));
    paths.sort();
    std::fs::read_to_string(paths.last().unwrap()).unwrap()
}

#[test]
fn unlinks_a_partners_identity_when_the_owner_sets_a_password_by_mail() {
    let gateway = Gateway::demo();
    create_as_portal(&gateway);
    let mut thief = Browser::default();
    let token = partner_token(&gateway, "thief", &[]);
    arrive(&gateway, &mut thief, &token, "");
    assert!(thief.is_signed_in(&gateway), "the partner could sign in");
    assert_eq!(arriving_user(&gateway, "thief").user_name, "claimed");

    let token = reset(&gateway, VICTIM);
    assert_eq!(
        status_and_code(&set_password(&gateway, &token, "Sajat-Jelszo-1")).0,
        200
    );
    assert!(
        !thief.is_signed_in(&gateway),
        "the partner's session has ended"
    );
    assert_eq!(identities(&gateway, VICTIM), [""; 0]);
    assert_eq!(events(&gateway, "user_identity_unlinked"), 1);
    assert_eq!(mailed(&gateway, "identity-unlinked"), [VICTIM]);
    // The partner's user gets another account from now on.
    let other = arriving_user(&gateway, "thief");
    assert_ne!(other.id, user(&gateway, VICTIM).id);
    assert_eq!(arriving_user(&gateway, "thief").id, other.id);
    assert_eq!(identities(&gateway, VICTIM), [""; 0]);
    signed_in(&gateway, "claimed", "Sajat-Jelszo-1");
}

#[test]
fn keeps_the_user_name_with_the_account_that_was_taken_over() {
    let gateway = Gateway::demo();
    let email = [("email", json!(VICTIM)), ("email_verified", json!(true))];
    let token = partner_token(&gateway, "42", &email);
    arrive(&gateway, &mut Browser::default(), &token, "");
    let taken_over = user(&gateway, "42@apekx");
    assert_eq!(taken_over.email, VICTIM);
    let token = reset(&gateway, VICTIM);
    assert_eq!(
        status_and_code(&set_password(&gateway, &token, "Sajat-Jelszo-1")).0,
        200
    );

    let token = partner_token(&gateway, "42", &email);
    let reply = arrive(&gateway, &mut Browser::default(), &token, "");
    assert_eq!(reply.status, 303, "{reply:?}");
    let other = arriving_user(&gateway, "42");
    assert_ne!(other.id, taken_over.id);
    assert_eq!(other.user_name, other.uuid, "sub@state_id is taken");
    assert_eq!(other.address(), None, "the address is taken, too");
    assert_eq!(user(&gateway, VICTIM).id, taken_over.id);
}

#[test]
fn unlinks_identities_when_the_owner_confirms_the_address() {
    let gateway = Gateway::demo();
    let body = json!({
        "username": "claimed", "name": "Victim", "email": VICTIM, "password": "Valami-Jelszo-9",
    });
    ask(&gateway, "POST", "/register", FLAT, &body.to_string());
    let token = token_in(gateway.mails().last().unwrap());
    link(&gateway, &user(&gateway, VICTIM).uuid, "thief", "apekx");
    let confirm = json!({ "token": token }).to_string();
    let reply = ask(&gateway, "POST", "/register/confirm", FLAT, &confirm);
    assert_eq!(status_and_code(&reply).0, 200, "{reply:?}");
    assert_eq!(identities(&gateway, VICTIM), [""; 0]);
    assert_ne!(
        arriving_user(&gateway, "thief").id,
        user(&gateway, VICTIM).id
    );
    assert_eq!(mailed(&gateway, "identity-unlinked"), [VICTIM]);
}

/// Whether the gateway accepts this token of mokamiki.
fn is_accepted(gateway: &Gateway, token: &str) -> bool {
    let headers = format!("{PORTAL}Authorization: {token}\r\n");
    ask(gateway, "GET", "/users/mokamiki", &headers, "").status == 200
}

/// The values of the page's checkboxes for identities to keep.
fn boxes(page: &Reply) -> Vec<String> {
    let boxes = page.body.split("name=\"keep\" value=\"").skip(1);
    boxes
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// The values of the hidden fields that list the linked identities.
fn hidden_fields(page: &Reply) -> Vec<String> {
    let fields = page.body.split("name=\"linked\" value=\"").skip(1);
    fields
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

#[test]
fn keeps_the_marked_identities_on_the_password_page_and_unlinks_the_rest() {
    let gateway = Gateway::demo();
    let uuid = create_as_portal(&gateway);
    link(&gateway, &uuid, "mine", "Other School");
    let token = reset(&gateway, VICTIM);
    let mut browser = Browser::default();
    let page = browser.get(&gateway, &format!("new-password.html?token={token}"));
    assert!(page.body.contains("apekx: thief"), "{}", page.body);
    assert!(page.body.contains("Other School: mine"), "{}", page.body);
    assert!(!page.body.contains("checked"), "no box is checked at first");
    let (keys, linked) = (boxes(&page), hidden_fields(&page));
    assert_eq!(keys.len(), 2);
    let mine = linked.iter().find(|value| value.contains("mine")).unwrap();
    let mine = mine.split(' ').next().unwrap().to_owned();
    let fields = |password| {
        let mut fields = vec![
            ("passwordResetGuid", token.as_str()),
            ("password", password),
            ("keep", mine.as_str()),
        ];
        fields.extend(linked.iter().map(|value| ("linked", value.as_str())));
        fields
    };
    // The page after a weak password still has the list and the mark.
    let again = browser.post(&gateway, "new-password.html", &fields("password"));
    assert_eq!(again.status, 422, "{again:?}");
    assert_eq!(boxes(&again), keys);
    let marked: Vec<_> = again
        .body
        .lines()
        .filter(|l| l.contains("checked"))
        .collect();
    assert_eq!(marked.len(), 1, "{marked:?}");
    assert!(marked.iter().all(|line| line.contains(&mine)), "{marked:?}");
    let done = browser.post(&gateway, "new-password.html", &fields("Sajat-Jelszo-1"));
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(identities(&gateway, VICTIM), ["mine"]);
    // A spent token shows no identities.
    let page = browser.get(&gateway, &format!("new-password.html?token={token}"));
    assert_eq!((page.status, boxes(&page).len()), (200, 0));
}

#[test]
fn keeps_the_marked_identities_on_the_confirmation_page() {
    let gateway = Gateway::demo();
    let body = json!({
        "username": "claimed", "name": "Victim", "email": VICTIM, "password": "Valami-Jelszo-9",
    });
    ask(&gateway, "POST", "/register", FLAT, &body.to_string());
    let token = token_in(gateway.mails().last().unwrap());
    link(&gateway, &user(&gateway, VICTIM).uuid, "mine", "apekx");
    let mut browser = Browser::default();
    let page = browser.get(&gateway, &format!("confirm.html?token={token}"));
    let keep = boxes(&page).remove(0);
    let fields = [("token", token.as_str()), ("keep", &keep)];
    let done = browser.post(&gateway, "confirm.html", &fields);
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(identities(&gateway, VICTIM), ["mine"]);
    assert_eq!(
        arriving_user(&gateway, "mine").id,
        user(&gateway, VICTIM).id
    );
}

#[test]
fn lists_identities_on_the_account_page_and_unlinks_one() {
    let gateway = Gateway::demo();
    let moka = user(&gateway, "mokamiki");
    link(&gateway, &moka.uuid, "m-1", "apekx");
    assert_eq!(mailed(&gateway, "identity-linked"), ["moka.miklos@dbx.hu"]);
    link(&gateway, &moka.uuid, "m-1", "apekx");
    assert_eq!(
        mailed(&gateway, "identity-linked").len(),
        1,
        "an existing link is not mailed"
    );
    let mut partners = Browser::default();
    arrive(
        &gateway,
        &mut partners,
        &partner_token(&gateway, "m-1", &[]),
        "",
    );
    assert_eq!(
        mailed(&gateway, "identity-linked").len(),
        1,
        "a sign-in is not mailed"
    );
    assert!(partners.is_signed_in(&gateway));

    let mut browser = signed_in(&gateway, "mokamiki", "MokaMiki-1234");
    let elsewhere = sign_in(&gateway, "mokamiki", "MokaMiki-1234", Some("default"));
    let page = browser.get(&gateway, "account.html");
    assert!(
        page.body.contains("<strong>apekx: m-1</strong>"),
        "{}",
        page.body
    );
    assert!(
        page.body
            .contains("2020-10-06</time> · asserted by Default"),
        "{}",
        page.body
    );
    let (_, rest) = page.body.split_once("name=\"identity\" value=\"").unwrap();
    let key = rest.split('"').next().unwrap().to_owned();
    let fields = [("do", "unlink"), ("identity", key.as_str())];
    let foreign = browser.send(
        &gateway,
        "account.html",
        &[&fields[..], &[("csrf_token", "x")]].concat(),
    );
    assert_eq!(foreign.status, 403);
    assert_eq!(identities(&gateway, "mokamiki"), ["m-1"]);
    let done = browser.post(&gateway, "account.html", &fields);
    assert_eq!(
        done.header("Location"),
        Some("/checkSSO/account.html?done=identity_unlinked")
    );
    assert_eq!(identities(&gateway, "mokamiki"), [""; 0]);
    assert!(
        !partners.is_signed_in(&gateway),
        "the session that the partner opened ends"
    );
    assert!(!is_accepted(&gateway, &elsewhere), "every token is revoked");
    assert!(browser.is_signed_in(&gateway));
    assert_eq!(events(&gateway, "user_identity_unlinked"), 1);
    assert_eq!(
        mailed(&gateway, "identity-unlinked"),
        ["moka.miklos@dbx.hu"]
    );
}

#[test]
fn refuses_to_unlink_the_last_identity_of_a_user_without_a_password() {
    let gateway = Gateway::demo();
    let mut browser = Browser::default();
    let token = partner_token(&gateway, "only", &[]);
    arrive(&gateway, &mut browser, &token, "");
    let name = arriving_user(&gateway, "only").user_name;
    let unlink = |browser: &mut Browser, text: &str| {
        let page = browser.get(&gateway, "account.html");
        let row = page
            .body
            .split("<li>")
            .find(|row| row.contains(text))
            .unwrap();
        let (_, rest) = row.split_once("name=\"identity\" value=\"").unwrap();
        let key = rest.split('"').next().unwrap().to_owned();
        browser.post(
            &gateway,
            "account.html",
            &[("do", "unlink"), ("identity", &key)],
        )
    };
    let page = browser.get(&gateway, "account.html");
    assert!(
        page.body
            .contains("neither a password nor an e-mail address"),
        "{}",
        page.body
    );
    let refused = unlink(&mut browser, "apekx: only");
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("set a password first"),
        "{}",
        refused.body
    );
    assert_eq!(identities(&gateway, &name), ["only"]);
    // An identity of a system without sign-in does not count, and can be unlinked.
    link(&gateway, &user(&gateway, &name).uuid, "k-1", "library");
    assert_eq!(unlink(&mut browser, "apekx: only").status, 422);
    assert_eq!(unlink(&mut browser, "library: k-1").status, 303);
    // A user with an address can set a password: the page links to the form.
    let set = json!({ "userId": user(&gateway, &name).uuid, "email": VICTIM });
    directory(&gateway, "PATCH", "/user/v1/update", &set);
    let page = browser.get(&gateway, "account.html");
    assert!(
        page.body.contains("forgotten-password.html"),
        "{}",
        page.body
    );
    assert_eq!(unlink(&mut browser, "apekx: only").status, 422);
}

#[test]
fn mails_the_owner_when_the_directory_links_or_unlinks_an_identity() {
    let gateway = Gateway::demo();
    let moka = user(&gateway, "mokamiki");
    link(&gateway, &moka.uuid, "m-1", "Apekx School");
    let edit = |operation: &str, id: &str| {
        let one = json!({ "id": id, "provider": "Apekx School", "idType": "Apekx School", "operation": operation });
        directory(
            &gateway,
            "PATCH",
            "/user/v1/update",
            &json!({ "userId": moka.uuid, "externalIds": [one] }),
        );
        let count = |topic| mailed(&gateway, topic).len();
        (count("identity-linked"), count("identity-unlinked"))
    };
    assert!(last_mail(&gateway, "identity-linked").contains("(Apekx School)"));
    assert_eq!(edit("EDIT", "m-2"), (2, 1));
    assert_eq!(edit("EDIT", "M-2"), (2, 1), "the same id in another case");
    assert_eq!(edit("REMOVE", "m-2"), (2, 2));
    // The mail holds no URL from a provider's name.
    let request = json!({ "userId": moka.uuid, "externalIds": [
        { "id": "x", "provider": "https://evil.example/x", "idType": "evil.example" },
    ] });
    directory(&gateway, "PATCH", "/user/v1/update", &request);
    let mail = last_mail(&gateway, "identity-linked");
    assert!(!mail.contains("evil"), "{mail}");
}

/// Changes a user's address as the trusted client.
fn change_email(gateway: &Gateway, login: &str, email: &str) -> Reply {
    let data = json!({ "type": "users", "id": login, "attributes": { "email": email } });
    let body = json!({ "data": data }).to_string();
    ask(gateway, "PUT", "/users", &format!("{KEY}{RESOURCE}"), &body)
}

/// The token in the last mail about a changed address.
fn undo_token(gateway: &Gateway) -> String {
    token_in(&last_mail(gateway, "email-changed"))
}

fn undo(gateway: &Gateway, token: &str) -> (u16, String) {
    let mut browser = Browser::default();
    let page = browser.get(gateway, &format!("undo-email.html?token={token}"));
    assert_eq!(page.status, 200, "{page:?}");
    let done = browser.post(gateway, "undo-email.html", &[("token", token)]);
    (done.status, done.body)
}

const OWN: &str = "moka.miklos@dbx.hu";

#[test]
fn restores_the_old_address_and_revokes_what_the_thief_had() {
    let gateway = Gateway::demo();
    let changed = change_email(&gateway, "mokamiki", "thief@dbx.hu");
    assert_eq!(status_and_code(&changed).0, 200, "{changed:?}");
    assert_eq!(mailed(&gateway, "email-changed"), [OWN]);
    assert!(last_mail(&gateway, "email-changed").contains("72"));
    let token = undo_token(&gateway);
    // The thief takes the account over with the new address.
    let stolen = reset(&gateway, "thief@dbx.hu");
    assert_eq!(
        status_and_code(&set_password(&gateway, &stolen, "Lopott-Jelszo-1")).0,
        200
    );
    link(&gateway, &user(&gateway, "mokamiki").uuid, "thief", "apekx");
    let mut thief = signed_in(&gateway, "mokamiki", "Lopott-Jelszo-1");
    let thiefs_token = sign_in(&gateway, "mokamiki", "Lopott-Jelszo-1", None);
    assert!(is_accepted(&gateway, &thiefs_token));
    let pending = reset(&gateway, "thief@dbx.hu");

    // Mail scanners open links; a GET changes nothing.
    Browser::default().get(&gateway, &format!("undo-email.html?token={token}"));
    assert_eq!(user(&gateway, "mokamiki").email, "thief@dbx.hu");
    let (status, page) = undo(&gateway, &token);
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("Your e-mail address is restored"), "{page}");
    assert_eq!(user(&gateway, "mokamiki").email, OWN);
    assert!(!thief.is_signed_in(&gateway));
    assert!(!is_accepted(&gateway, &thiefs_token));
    assert_eq!(
        try_to_sign_in(&gateway, "mokamiki", "Lopott-Jelszo-1", None).status,
        401
    );
    assert_eq!(
        status_and_code(&set_password(&gateway, &pending, "Lopott-Jelszo-2")).0,
        422
    );
    assert_eq!(
        identities(&gateway, "mokamiki"),
        [""; 0],
        "identities linked after the change are unlinked"
    );
    assert_eq!(events(&gateway, "user_email_restored"), 1);
    // The owner gets a link to set a new password.
    let mail = last_mail(&gateway, "password-reset");
    assert!(mail.contains(&format!("<{OWN}>")), "{mail}");
    assert_eq!(
        status_and_code(&set_password(&gateway, &token_in(&mail), "Sajat-Jelszo-1")).0,
        200
    );
    signed_in(&gateway, "mokamiki", "Sajat-Jelszo-1");
    assert_eq!(undo(&gateway, &token).0, 422, "the link works once");
    assert_eq!(
        mailed(&gateway, "email-changed").len(),
        1,
        "the thief's address gets no link"
    );
}

#[test]
fn keeps_identities_linked_before_the_change_when_the_address_is_restored() {
    let gateway = Gateway::demo();
    let uuid = user(&gateway, "mokamiki").uuid;
    link(&gateway, &uuid, "own", "apekx");
    gateway.app.clock.advance(1);
    change_email(&gateway, "mokamiki", "thief@dbx.hu");
    link(&gateway, &uuid, "thief", "library");
    assert_eq!(undo(&gateway, &undo_token(&gateway)).0, 200);
    assert_eq!(identities(&gateway, "mokamiki"), ["own"]);
}

#[test]
fn refuses_an_activation_token_of_the_new_address_when_the_old_one_is_restored() {
    let gateway = Gateway::demo();
    change_email(&gateway, "mokamiki", "thief@dbx.hu");
    let undo_link = undo_token(&gateway);
    let body = r#"{"status":"UNACTIVATED"}"#;
    let headers = format!("{KEY}{FLAT}");
    let reply = ask(&gateway, "PATCH", "/users/mokamiki", &headers, body);
    assert_eq!(status_and_code(&reply).0, 200, "{reply:?}");
    let resend = r#"{"usernameOrEmail":"thief@dbx.hu"}"#;
    ask(&gateway, "POST", "/register/resend", FLAT, resend);
    let activation = token_in(&last_mail(&gateway, "activation"));
    assert_eq!(undo(&gateway, &undo_link).0, 200);
    let confirm = json!({ "token": activation }).to_string();
    let refused = ask(&gateway, "POST", "/register/confirm", FLAT, &confirm);
    assert_eq!(
        status_and_code(&refused),
        (422, "TOKEN_INVALID_OR_EXPIRED".to_owned())
    );
}

#[test]
fn lets_the_owner_restore_the_address_after_many_changes_by_a_thief() {
    let gateway = Gateway::demo();
    change_email(&gateway, "mokamiki", "thief@dbx.hu");
    let owners = undo_token(&gateway);
    change_email(&gateway, "mokamiki", "thief2@dbx.hu");
    assert_eq!(mailed(&gateway, "email-changed"), [OWN, "thief@dbx.hu"]);
    let thiefs = undo_token(&gateway);
    assert_ne!(owners, thiefs);
    // The thief may undo the second change; the owner can still undo the first.
    assert_eq!(undo(&gateway, &thiefs).0, 200);
    assert_eq!(user(&gateway, "mokamiki").email, "thief@dbx.hu");
    change_email(&gateway, "mokamiki", "thief3@dbx.hu");
    let later = undo_token(&gateway);
    for at in 4..20 {
        change_email(&gateway, "mokamiki", &format!("thief{at}@dbx.hu"));
    }
    let id = user(&gateway, "mokamiki").id;
    let kept = run(&gateway, |c| email_undos::of_user(c, id, NOW));
    assert_eq!(
        i64::try_from(kept.len()).unwrap(),
        email_undos::MAX_PER_USER
    );
    assert_eq!(undo(&gateway, &owners).0, 200);
    assert_eq!(user(&gateway, "mokamiki").email, OWN);
    // The links in the thief's mails do not work any more.
    assert_eq!(undo(&gateway, &later).0, 422);
    assert_eq!(user(&gateway, "mokamiki").email, OWN);
}

#[test]
fn refuses_to_undo_a_change_after_72_hours_or_to_a_taken_address() {
    let gateway = Gateway::demo();
    change_email(&gateway, "mokamiki", "new@dbx.hu");
    let token = undo_token(&gateway);
    // The old address is reserved: no registration and no partner can take it.
    let body =
        json!({ "username": "squatter", "name": "S", "email": OWN, "password": "Valami-Jelszo-9" });
    let reply = ask(&gateway, "POST", "/register", FLAT, &body.to_string());
    assert_eq!(
        status_and_code(&reply),
        (422, "EMAIL_ALREADY_EXISTS".to_owned())
    );
    let email = [("email", json!(OWN)), ("email_verified", json!(true))];
    let partners = partner_token(&gateway, "squatter", &email);
    arrive(&gateway, &mut Browser::default(), &partners, "");
    assert_eq!(arriving_user(&gateway, "squatter").address(), None);
    // An administrator may give the old address to another user.
    assert_eq!(
        status_and_code(&change_email(&gateway, "hakapeszimaki", OWN)).0,
        200
    );
    let (status, page) = undo(&gateway, &token);
    assert_eq!(status, 422);
    assert!(page.contains("already taken"), "{page}");
    change_email(&gateway, "hakapeszimaki", "haka@dbx.hu");

    gateway.app.clock.advance(3 * DAY - 1);
    let mut browser = Browser::default();
    browser.get(&gateway, "undo-email.html");
    gateway.app.clock.advance(1);
    assert_eq!(undo(&gateway, &token).0, 422);
    let reply = ask(&gateway, "POST", "/register", FLAT, &body.to_string());
    assert_eq!(status_and_code(&reply).0, 200, "{reply:?}");
}

#[test]
fn sends_no_undo_for_an_unconfirmed_unchanged_or_missing_address() {
    let gateway = Gateway::demo();
    let body = json!({ "username": "new", "name": "N", "email": "typo@dbx.hu", "password": "Valami-Jelszo-9" });
    ask(&gateway, "POST", "/register", FLAT, &body.to_string());
    change_email(&gateway, "new", "right@dbx.hu");
    // Only the case of the address changes.
    change_email(&gateway, "mokamiki", "Moka.Miklos@dbx.hu");
    let name = arriving_user(&gateway, "nobody").user_name;
    change_email(&gateway, &name, "now@dbx.hu");
    assert_eq!(mailed(&gateway, "email-changed"), [""; 0]);
}

#[test]
fn mails_the_old_address_when_the_directory_changes_it() {
    let gateway = Gateway::demo();
    let moka = user(&gateway, "mokamiki");
    let request = json!({ "userId": moka.uuid, "email": "thief@dbx.hu" });
    directory(&gateway, "PATCH", "/user/v1/update", &request);
    assert_eq!(mailed(&gateway, "email-changed"), [OWN]);
    assert_eq!(undo(&gateway, &undo_token(&gateway)).0, 200);
    assert_eq!(user(&gateway, "mokamiki").email, OWN);
}

#[test]
fn undoes_a_change_once_for_simultaneous_requests() {
    let gateway = Gateway::demo();
    change_email(&gateway, "mokamiki", "thief@dbx.hu");
    let token = undo_token(&gateway);
    let results: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| undo(&gateway, &token).0))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(
        results.iter().filter(|s| **s == 200).count(),
        1,
        "{results:?}"
    );
    assert_eq!(events(&gateway, "user_email_restored"), 1);
}

#[test]
fn refuses_a_partners_sign_in_that_is_no_navigation_and_keeps_its_token() {
    let gateway = Gateway::demo();
    let mut browser = signed_in(&gateway, "mokamiki", "MokaMiki-1234");
    let token = partner_token(&gateway, "n-1", &[]);
    for headers in [
        "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
        "Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n",
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: embed\r\n",
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: object\r\n",
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: frame\r\n",
        "Sec-Fetch-Dest: iframe\r\n",
        "Sec-Fetch-Mode: websocket\r\n",
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Purpose: prefetch;prerender\r\n",
        "Purpose: prefetch\r\n",
    ] {
        let page = arrive(&gateway, &mut browser, &token, headers);
        assert_eq!(page.status, 403, "{headers}");
        assert!(page.body.contains("NAVIGATION_REQUIRED"), "{headers}");
        let json = format!("{headers}Accept: application/json\r\n");
        let reply = arrive(&gateway, &mut browser, &token, &json);
        assert!(
            reply.body.contains("\"err\":\"NAVIGATION_REQUIRED\""),
            "{reply:?}"
        );
    }
    assert!(browser.is_signed_in(&gateway), "the session is unchanged");
    let navigation =
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let reply = arrive(&gateway, &mut Browser::default(), &token, navigation);
    assert_eq!(reply.status, 303, "{reply:?}");
}

#[test]
fn asks_before_a_partners_sign_in_replaces_another_user() {
    let gateway = Gateway::demo();
    let mut browser = signed_in(&gateway, "mokamiki", "MokaMiki-1234");
    let session = browser.session().unwrap().to_owned();
    let users_before = run(&gateway, users_count);
    let away = format!("http://{}/start", gateway.address);
    let token = partner_token(&gateway, "t-1", &[("redirect_uri", json!(away))]);
    let page = arrive(&gateway, &mut browser, &token, "");
    assert_eq!(page.status, 200, "{page:?}");
    assert!(
        page.body.contains("Another user is signed in"),
        "{}",
        page.body
    );
    assert!(page.body.contains("Stay signed in as"), "{}", page.body);
    assert_eq!(page.header("Referrer-Policy"), Some("no-referrer"));
    let csp = page.header("Content-Security-Policy").unwrap();
    assert!(
        csp.contains(&format!("http://{}", gateway.address)),
        "{csp}"
    );
    assert_eq!(
        run(&gateway, users_count),
        users_before,
        "no user is created yet"
    );
    assert_eq!(browser.session(), Some(session.as_str()));
    let used = partner_token(&gateway, "t-2", &[]);
    arrive(&gateway, &mut Browser::default(), &used, "");
    let replayed = arrive(&gateway, &mut browser, &used, "");
    assert_eq!(replayed.status, 401, "a used token gets no question");
    let json = arrive(
        &gateway,
        &mut browser,
        &token,
        "Accept: application/json\r\n",
    );
    assert!(
        json.body.contains("\"err\":\"OTHER_USER_SIGNED_IN\""),
        "{json:?}"
    );

    // Forms without a valid CSRF token or with a foreign origin get the question, too.
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let forged = format!("token={token}&switch=1&csrf_token={}", "0".repeat(64));
    let reply = request(&gateway, &mut browser, ("POST", ""), form, &forged);
    assert_eq!(reply.status, 200, "{reply:?}");
    let foreign = format!("{form}Origin: https://evil.example\r\n");
    let own = format!("token={token}&switch=1&csrf_token={}", browser.csrf_token);
    let reply = request(&gateway, &mut browser, ("POST", ""), &foreign, &own);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(browser.session(), Some(session.as_str()));
    assert!(browser.is_signed_in(&gateway));

    let own = format!("token={token}&switch=1&csrf_token={}", browser.csrf_token);
    let reply = request(&gateway, &mut browser, ("POST", ""), form, &own);
    assert_eq!(
        (reply.status, reply.header("Location")),
        (303, Some(away.as_str()))
    );
    assert_ne!(browser.session(), Some(session.as_str()));
    let mut old = Browser::default();
    old.cookies.insert("chaingun_session".to_owned(), session);
    assert!(
        !old.is_signed_in(&gateway),
        "the switch ends the old session"
    );
    // The token is used up now. A sign-in as the same user needs no question.
    let again = arrive(&gateway, &mut Browser::default(), &token, "");
    assert_eq!(again.status, 401, "{again:?}");
    let token = partner_token(&gateway, "t-1", &[]);
    assert_eq!(arrive(&gateway, &mut browser, &token, "").status, 303);
}

fn users_count(c: &mut AnyConnection) -> Result<i64, StoreError> {
    let all = user_search::Filter {
        limit: 1000,
        ..Default::default()
    };
    let anchors = user_search::PageAnchors::default();
    user_search::find(c, &all, &anchors).map(|(_, total)| total)
}

#[test]
fn refuses_the_state_id_that_names_the_old_layout() {
    // Users of the old layout are stored under loginId, so a state_id of that name would reach them.
    let gateway = Gateway::demo();
    let mut partner = run(&gateway, partners::all).remove(0);
    partner.state_ids.push("LoginID".to_owned());
    run(&gateway, |c| {
        partners::put(c, &partner)?;
        clients::touch(c)
    });
    gateway.app.registry.refresh(&gateway.app.store).unwrap();
    let token = partner_token(&gateway, "x", &[("state_id", json!("LoginID"))]);
    let json = arrive(
        &gateway,
        &mut Browser::default(),
        &token,
        "Accept: application/json\r\n",
    );
    assert!(json.body.contains("STATE_ID_NOT_ALLOWED"), "{json:?}");
}
