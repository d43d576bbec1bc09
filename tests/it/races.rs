//! Many at once: one wins, the others are told so, and nothing is half done.

use std::sync::Barrier;

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
fn of_200_users_of_one_name_one_is_made() {
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
fn of_50_users_of_one_address_one_is_made_also_as_somebody_elses_name() {
    let gateway = Gateway::demo();
    let envelopes = (0..50)
        .map(|n| match n % 2 {
            0 => new_user(&format!("peti{n}"), "PETI@dbx.hu"),
            _ => new_user("peti@DBX.hu", &format!("peti{n}@dbx.hu")),
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
fn a_reset_token_opens_once_also_for_many_at_once() {
    let gateway = Gateway::demo();
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
