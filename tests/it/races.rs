//! Races: simultaneous requests have the same result as requests one after another, and they do not deadlock.

use std::sync::Barrier;

use chaingun_gateway::domain::user::Status;
use chaingun_gateway::secrets::hashing::{Hasher, Pepper};
use chaingun_gateway::store::users;

use crate::harness::rest::{
    FLAT, KEY, PORTAL, ask, json, sign_in, status_and_code, try_to_sign_in,
};
use crate::harness::{Gateway, element, envelope};

/// Sends all envelopes at the same time and returns the answers' bodies.
fn at_once(gateway: &Gateway, envelopes: Vec<String>) -> Vec<String> {
    let start = Barrier::new(envelopes.len());
    std::thread::scope(|scope| {
        let callers: Vec<_> = envelopes
            .iter()
            .map(|envelope| {
                scope.spawn(|| {
                    start.wait();
                    gateway.soap(envelope).body
                })
            })
            .collect();
        callers.into_iter().map(|c| c.join().unwrap()).collect()
    })
}

fn new_user(name: &str, email: &str) -> String {
    envelope(
        "createUser",
        &format!(
            "<user><userName>{name}</userName><name>Sok Peti</name><email>{email}</email>\
             <passwordResetGuidChannel>RESPONSE</passwordResetGuidChannel></user>"
        ),
    )
}

#[test]
fn creates_one_of_200_simultaneous_users_with_the_same_name() {
    let gateway = Gateway::demo();
    let bodies = at_once(
        &gateway,
        (0..200)
            .map(|n| new_user("SokPeti", &format!("peti{n}@dbx.hu")))
            .collect(),
    );
    let made = bodies
        .iter()
        .filter(|b| element(b, "code") == Some("0"))
        .count();
    let refused = bodies
        .iter()
        .filter(|b| b.contains("<code>USER_ALREADY_EXISTS</code>"))
        .count();
    assert_eq!(
        (made, refused),
        (1, 199),
        "{:?}",
        bodies.iter().find(|b| !b.contains("EXISTS"))
    );
}

#[test]
fn creates_one_of_50_simultaneous_users_with_the_same_address() {
    let gateway = Gateway::demo();
    let envelopes = (0..50)
        .map(|n| match n % 2 {
            0 => new_user(&format!("peti{n}"), "PETI@dbx.hu"),
            _ => new_user("peti@DBX.hu", "peti@dbx.hu"),
        })
        .collect();
    let bodies = at_once(&gateway, envelopes);
    let made = bodies
        .iter()
        .filter(|b| element(b, "code") == Some("0"))
        .count();
    let refused = bodies
        .iter()
        .filter(|b| b.contains("_ALREADY_EXISTS</code>"))
        .count();
    assert_eq!((made, refused), (1, 49));
}

#[test]
fn accepts_a_reset_token_once_in_simultaneous_requests() {
    let gateway = Gateway::with(&[("throttle.guesses", "1000")]);
    let body = gateway.soap(&new_user("peti", "peti@dbx.hu")).body;
    let token = element(&body, "value").unwrap();
    let change = |n: usize| {
        envelope(
            "changePassword",
            &format!(
                "<password>Jelszavam-{n}-szer</password><passwordResetGuid>{token}</passwordResetGuid>"
            ),
        )
    };
    let bodies = at_once(&gateway, (0..10).map(change).collect());
    let done: Vec<_> = (0..10)
        .filter(|n| element(&bodies[*n], "code") == Some("0"))
        .collect();
    assert_eq!(done.len(), 1, "{bodies:?}");
    let refused = bodies
        .iter()
        .filter(|b| b.contains("TOKEN_INVALID_OR_EXPIRED"))
        .count();
    assert_eq!(refused, 9);
    let sign_in = |n: usize| {
        let request = format!(
            "<userNameOrEmail>peti</userNameOrEmail><password>Jelszavam-{n}-szer</password>"
        );
        element(
            &gateway.soap(&envelope("authenticate", &request)).body,
            "code",
        ) == Some("0")
    };
    assert_eq!((0..10).filter(|n| sign_in(*n)).collect::<Vec<_>>(), done);
}

/// A gateway with four write threads; their writes run in parallel on PostgreSQL.
fn busy() -> Gateway {
    Gateway::with(&[
        ("threads.write", "4"),
        ("throttle.guesses", "1000"),
        ("throttle.mails", "1000"),
    ])
}

fn patch(gateway: &Gateway, who: &str, body: &str) -> (u16, String) {
    let headers = format!("{KEY}{FLAT}");
    status_and_code(&ask(
        gateway,
        "PATCH",
        &format!("/users/{who}"),
        &headers,
        body,
    ))
}

fn ok() -> (u16, String) {
    (200, "ok".to_owned())
}

#[test]
fn keeps_a_deactivation_that_races_with_other_changes() {
    let gateway = busy();
    for round in 0..10 {
        assert_eq!(
            patch(
                &gateway,
                "mokamiki",
                r#"{"status":"ACTIVE","roles":["USER_ADMIN"]}"#
            ),
            ok()
        );
        let start = Barrier::new(4);
        std::thread::scope(|scope| {
            for n in 0..3 {
                let (gateway, start) = (&gateway, &start);
                scope.spawn(move || {
                    start.wait();
                    for turn in 0..5 {
                        patch(
                            gateway,
                            "mokamiki",
                            &format!(r#"{{"name":"Miki {n} {turn}"}}"#),
                        );
                    }
                });
            }
            start.wait();
            assert_eq!(
                patch(&gateway, "mokamiki", r#"{"status":"INACTIVE","roles":[]}"#),
                ok()
            );
        });
        let shown = json(&ask(&gateway, "GET", "/users/mokamiki", KEY, ""));
        let attributes = &shown["data"]["attributes"];
        assert_eq!(attributes["status"], "INACTIVE", "{round}");
        assert_eq!(attributes["roles"], serde_json::json!([]), "{round}");
    }
}

#[test]
fn changes_the_statuses_of_two_users_simultaneously_without_a_deadlock() {
    let gateway = busy();
    let begun = std::time::Instant::now();
    std::thread::scope(|scope| {
        for (who, first, then) in [
            ("mokamiki", "INACTIVE", "ACTIVE"),
            ("hakapeszimaki", "ACTIVE", "INACTIVE"),
        ] {
            let gateway = &gateway;
            scope.spawn(move || {
                for _ in 0..30 {
                    for status in [first, then] {
                        assert_eq!(
                            patch(gateway, who, &format!(r#"{{"status":"{status}"}}"#)),
                            ok()
                        );
                    }
                }
            });
        }
    });
    // PostgreSQL needs a second to detect a deadlock.
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[test]
fn revokes_sign_ins_that_race_with_a_password_change() {
    let gateway = busy();
    let mut passwords = ("MokaMiki-1234".to_owned(), "UjJelszo-0".to_owned());
    for round in 0..6 {
        let (old, new) = &passwords;
        let change =
            format!(r#"{{"userName":"mokamiki","oldPassword":"{old}","password":"{new}"}}"#);
        let tokens: Vec<String> = std::thread::scope(|scope| {
            let signing_in: Vec<_> = (0..6)
                .map(|_| scope.spawn(|| try_to_sign_in(&gateway, "mokamiki", old, None)))
                .collect();
            assert_eq!(
                status_and_code(&ask(&gateway, "POST", "/password/change", FLAT, &change)),
                ok()
            );
            let replies = signing_in.into_iter().map(|s| s.join().unwrap());
            replies
                .filter_map(|r| r.header("Authorization").map(str::to_owned))
                .collect()
        });
        for token in tokens {
            let headers = format!("{PORTAL}Authorization: {token}\r\n");
            let reply = ask(&gateway, "GET", "/users/mokamiki", &headers, "");
            assert_eq!(
                status_and_code(&reply),
                (401, "TOKEN_EXPIRED".to_owned()),
                "{round}"
            );
        }
        passwords = (passwords.1, format!("UjJelszo-{}", round + 1));
    }
}

#[test]
fn accepts_one_token_of_many_simultaneous_resets() {
    let gateway = busy();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let body = r#"{"userNameOrEmail":"mokamiki"}"#;
                assert_eq!(
                    status_and_code(&ask(&gateway, "POST", "/password/reset", FLAT, body)),
                    ok()
                );
            });
        }
    });
    let accepted = gateway
        .mails()
        .iter()
        .enumerate()
        .filter(|(n, mail)| {
            let token = &mail.split("Token: ").nth(1).unwrap()[..32];
            let body = format!(r#"{{"passwordResetGuid":"{token}","password":"UjJelszo-{n}"}}"#);
            ask(&gateway, "POST", "/password/change", FLAT, &body).status == 200
        })
        .count();
    assert_eq!(accepted, 1);
}

#[test]
fn accepts_simultaneous_sign_ins_that_rehash_the_same_password() {
    let gateway = Gateway::with(&[("password.cost", "5")]);
    let now = gateway.app.clock.now();
    let pepper = Pepper::load(&gateway.data.path().join("keys/pepper.key"), None).unwrap();
    let old = Hasher::new(4, pepper)
        .hash("MokaMiki-1234", [7; 16])
        .unwrap();
    gateway
        .app
        .store
        .write(|c| {
            let moka = users::by_name(c, "mokamiki")?.unwrap();
            users::set_password(c, moka.id, &old, Status::Active, now)
        })
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| sign_in(&gateway, "mokamiki", "MokaMiki-1234", None));
        }
    });
}

#[test]
fn issues_one_successor_for_simultaneous_refreshes_of_a_token() {
    let gateway = busy();
    let token = sign_in(&gateway, "mokamiki", "MokaMiki-1234", None);
    let headers = format!("{PORTAL}Authorization: {token}\r\n");
    let ids: Vec<_> = std::thread::scope(|scope| {
        let refreshing: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let reply = ask(&gateway, "POST", "/password/refreshAuthToken", &headers, "");
                    crate::harness::rest::claims(&reply)["jti"].clone()
                })
            })
            .collect();
        refreshing.into_iter().map(|r| r.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}
