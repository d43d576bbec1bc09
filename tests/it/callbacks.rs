//! Callbacks to services over real sockets, timed by the test's clock.

use std::time::Duration;

use chaingun_gateway::clock::Clock;
use chaingun_gateway::delivery::{
    CallbackSettings, Delivery, DeliverySettings, MailSettings, MailTemplates, Reach, RetryPolicy,
    Transport,
};
use chaingun_gateway::secrets::sealing::Binding;
use chaingun_gateway::store::outbox::{self, RetryTarget, Row};
use chaingun_gateway::store::services::{self, Service};
use chaingun_gateway::store::{AnyConnection, StoreError, callback_queues, users};

use crate::harness::process::Process;
use crate::harness::receiver::{Receiver, answer};
use crate::harness::rest::{KEY, ask, status_and_code};
use crate::harness::{DeliverDue as _, Gateway, NOW, outbox_rows};

const HERE: (&str, &str) = ("callbacks.allow_private", "loopback");
const SECOND: i64 = 1000;
const HOUR: i64 = 3_600_000;

/// Service `id` at this URL, with `key-id` and `secret-id` as its credentials.
fn add_service(gateway: &Gateway, id: i64, url: &str) {
    let app = &gateway.app;
    let credentials = app
        .sealer
        .seal(
            Binding::ServiceCredentials(id),
            &format!("key-{id}:secret-{id}"),
        )
        .unwrap();
    let service = Service {
        id,
        portal_id: 1,
        name: format!("Service {id}"),
        callback_url: Some(url.to_owned()),
        credentials: Some(credentials),
        case_sensitive_ids: false,
        gone_is_done: false,
    };
    app.store.write(|c| services::put(c, &service)).unwrap();
}

/// Queues the callback that tells a service that this user has left the service.
fn queue(gateway: &Gateway, service: i64, user: &str) {
    queue_at(gateway, service, user, &gateway.app.clock);
}

fn queue_at(gateway: &Gateway, service: i64, user: &str, clock: &Clock) {
    let app = &gateway.app;
    let sealed = app.sealer.seal(Binding::Callback(service), user).unwrap();
    let now = clock.now();
    app.store
        .write(|c| outbox::enqueue_callback(c, service, user, &sealed, now))
        .unwrap();
}

fn rows(gateway: &Gateway) -> Vec<Row> {
    gateway.app.store.read(outbox_rows).unwrap()
}

fn set_callback(c: &mut AnyConnection, id: i64, url: &str) -> Result<(), StoreError> {
    let service = services::all(c)?
        .into_iter()
        .find(|service| service.id == id);
    let service = Service {
        callback_url: Some(url.to_owned()),
        ..service.unwrap()
    };
    services::put(c, &service)
}

fn deliver(gateway: &Gateway) -> usize {
    gateway.delivery.deliver_due().unwrap()
}

/// The state, the number of attempts, the seconds until the next attempt, and the last error of the only row.
fn only(gateway: &Gateway) -> (String, i32, i64, String) {
    let rows = rows(gateway);
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    let wait = row.due_at - gateway.app.clock.now();
    let error = row.last_error.clone().unwrap_or_default();
    (
        row.state.as_str().to_owned(),
        row.attempts,
        wait / SECOND,
        error,
    )
}

#[test]
fn sends_the_documented_delete_to_each_service_of_a_deleted_account() {
    let gateway = Gateway::with(&[HERE]);
    let receiver = Receiver::content();
    let user = gateway
        .app
        .store
        .read(|c| users::by_name(c, "mokamiki"))
        .unwrap()
        .unwrap();
    for (service, name) in [(11, "a/b?c#d é%2F.."), (12, "42"), (13, "x\r\nHost: y")] {
        add_service(&gateway, service, &format!("{}/{service}/", receiver.url()));
        gateway
            .app
            .store
            .write(|c| services::assign(c, user.id, service, name, NOW))
            .unwrap();
    }
    assert_eq!(
        status_and_code(&ask(&gateway, "DELETE", "/users/mokamiki", KEY, "")).0,
        200
    );
    assert_eq!(
        receiver.heard().len(),
        0,
        "no callback is sent while a request is handled"
    );
    assert_eq!(deliver(&gateway), 3);
    let mut heard = receiver.heard();
    heard.sort();
    for (request, line, basic) in [
        (
            &heard[0],
            "DELETE /users/11/a%2Fb%3Fc%23d%20%C3%A9%252F.. HTTP/1.1",
            "a2V5LTExOnNlY3JldC0xMQ==",
        ),
        (
            &heard[1],
            "DELETE /users/12/42 HTTP/1.1",
            "a2V5LTEyOnNlY3JldC0xMg==",
        ),
        (
            &heard[2],
            "DELETE /users/13/x%0D%0AHost%3A%20y HTTP/1.1",
            "a2V5LTEzOnNlY3JldC0xMw==",
        ),
    ] {
        assert_eq!(request.lines().next(), Some(line));
        let lower = request.to_lowercase();
        let basic = format!("authorization: basic {}\r\n", basic.to_lowercase());
        assert!(lower.contains(&basic), "{request}");
        assert!(!lower.contains("transfer-encoding"), "no body: {request}");
        assert!(!lower.contains("content-length: 1"), "no body: {request}");
    }
    assert!(heard[0].contains("a2V5LTExOnNlY3JldC0xMQ=="));
    assert!(
        rows(&gateway)
            .iter()
            .all(|r| r.state.as_str() == "delivered")
    );
    assert_eq!(deliver(&gateway), 0);
    assert_eq!(receiver.heard().len(), 3, "one callback for each service");
}

#[test]
fn retries_a_callback_on_schedule_after_any_answer_but_200() {
    let gateway = Gateway::with(&[HERE]);
    let other = Receiver::content();
    let elsewhere = format!("Location: {}\r\n", other.url());
    let receiver = Receiver::start(move |nth| match nth {
        0 => answer("500 Internal Server Error", ""),
        1 => answer("302 Found", &elsewhere),
        2 => String::new(),
        3 => answer("503 Service Unavailable", "Retry-After: 7200\r\n"),
        4 => answer("204 No Content", ""),
        5 => answer("404 Not Found", ""),
        _ => answer("200 OK", ""),
    });
    add_service(&gateway, 11, &receiver.url());
    queue(&gateway, 11, "42");
    for (n, (least, most, error)) in [
        (3, 6, "the service answered 500"),
        (
            22,
            37,
            "the service answered 302, and redirects are not followed",
        ),
        (90, 150, "no answer: "),
        (7200, 7200, "the service answered 503"),
        (1350, 2250, "the service answered 204"),
        (2700, 4500, "the service answered 404"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(deliver(&gateway), 0);
        let (state, attempts, wait, told) = only(&gateway);
        assert_eq!((state.as_str(), attempts), ("pending", n as i32 + 1));
        assert!((least..=most).contains(&wait), "{n}: {wait}");
        assert!(told.starts_with(error), "{told}");
        assert_eq!(receiver.heard().len(), n + 1);
        assert_eq!(deliver(&gateway), 0, "no attempt before the row is due");
        assert_eq!(receiver.heard().len(), n + 1);
        gateway.app.clock.advance((wait + 1) * SECOND);
    }
    assert_eq!(deliver(&gateway), 1);
    let (state, _, _, told) = only(&gateway);
    assert_eq!((state.as_str(), told.as_str()), ("delivered", ""));
    assert_eq!(other.heard().len(), 0);
}

#[test]
fn makes_an_unanswered_callback_a_dead_letter_and_resends_it_on_retry() {
    let gateway = Gateway::with(&[
        HERE,
        ("callbacks.timeout_s", "1"),
        ("outbox.give_up_hours", "1"),
    ]);
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let receiver = Receiver::start(move |nth| {
        if nth == 0 {
            // Blocks until the test ends.
            let _ = held.lock().unwrap().recv();
        }
        answer("200 OK", "")
    });
    add_service(&gateway, 11, &receiver.url());
    queue(&gateway, 11, "42");
    assert_eq!(deliver(&gateway), 0);
    assert_eq!(only(&gateway).3, "no answer in time");
    let gone = Receiver::start(|_| String::new());
    gateway
        .app
        .store
        .write(|c| set_callback(c, 11, &gone.url()))
        .unwrap();
    let mut attempts = 1;
    while only(&gateway).0 == "pending" {
        assert!(attempts < 20);
        gateway.app.clock.advance((only(&gateway).2 + 1) * SECOND);
        assert_eq!(deliver(&gateway), 0);
        attempts += 1;
    }
    assert_eq!(
        (only(&gateway).0.as_str(), only(&gateway).1),
        ("dead", attempts)
    );
    let age = gateway.app.clock.now() - NOW;
    assert!(
        (HOUR..HOUR + 10 * SECOND).contains(&age),
        "the gateway gives up after one hour: {age}"
    );
    gateway.app.clock.advance(HOUR);
    assert_eq!(deliver(&gateway), 0);
    assert_eq!(gone.heard().len(), attempts as usize - 1);

    let now = gateway.app.clock.now();
    let again = gateway.app.store.write(|c| {
        set_callback(c, 11, &receiver.url())?;
        outbox::retry(c, &RetryTarget::Dead, now)
    });
    assert_eq!(again.unwrap(), 1);
    assert_eq!(deliver(&gateway), 1);
    assert_eq!(only(&gateway).0, "delivered");
    drop(hold);
}

fn lines(users: &[&str]) -> Vec<String> {
    let line = |user: &&str| format!("DELETE /users/{user} HTTP/1.1");
    users.iter().map(line).collect()
}

#[test]
fn keeps_the_order_of_an_id_and_delays_neither_other_ids_nor_other_services() {
    let gateway = Gateway::with(&[HERE]);
    let stubborn = Receiver::start(|nth| {
        if nth < 1 {
            answer("404 Not Found", "Retry-After: 1800\r\n")
        } else {
            answer("200 OK", "")
        }
    });
    let content = Receiver::content();
    add_service(&gateway, 11, &stubborn.url());
    add_service(&gateway, 12, &content.url());
    for user in ["1", "2", "1", "3"] {
        queue(&gateway, 11, user);
        queue(&gateway, 12, user);
    }
    assert_eq!(deliver(&gateway), 6);
    assert_eq!(content.lines(), lines(&["1", "2", "1", "3"]));
    assert_eq!(stubborn.lines(), lines(&["1", "2", "3"]));
    queue(&gateway, 11, "1");
    assert_eq!(
        deliver(&gateway),
        0,
        "the new callback waits for the earlier ones"
    );
    gateway.app.clock.advance(HOUR / 2);
    assert_eq!(deliver(&gateway), 3);
    assert_eq!(stubborn.lines(), lines(&["1", "2", "3", "1", "1", "1"]));
}

#[test]
fn pauses_a_service_after_three_errors_and_resumes_with_every_callback() {
    let gateway = Gateway::with(&[HERE]);
    let receiver = Receiver::start(|nth| {
        if nth < 3 {
            answer("500 No", "")
        } else {
            answer("200 OK", "")
        }
    });
    add_service(&gateway, 11, &receiver.url());
    let users: Vec<_> = (0..60).map(|user| user.to_string()).collect();
    for user in &users {
        queue(&gateway, 11, user);
    }
    assert_eq!(deliver(&gateway), 0);
    assert_eq!(receiver.lines(), lines(&["0", "1", "2"]));
    queue(&gateway, 11, "60");
    assert_eq!(
        deliver(&gateway),
        0,
        "the pause holds for new callbacks too"
    );
    gateway.app.clock.advance(7 * SECOND);
    assert_eq!(deliver(&gateway), 61);
    assert!(
        rows(&gateway)
            .iter()
            .all(|r| r.state.as_str() == "delivered")
    );
}

#[test]
fn makes_all_old_callbacks_of_an_unreachable_service_dead_letters_after_one_attempt_each_pause() {
    let gateway = Gateway::with(&[HERE, ("outbox.give_up_hours", "1")]);
    let gone = Receiver::start(|_| String::new());
    add_service(&gateway, 11, &gone.url());
    for user in 0..100 {
        queue(&gateway, 11, &user.to_string());
    }
    for _ in 0..20 {
        assert_eq!(deliver(&gateway), 0);
        gateway.app.clock.advance(HOUR / 6);
    }
    assert!(rows(&gateway).iter().all(|r| r.state.as_str() == "dead"));
    assert!(gone.heard().len() <= 20, "{}", gone.heard().len());
    let again = gateway
        .app
        .store
        .write(|c| outbox::retry(c, &RetryTarget::Dead, gateway.app.clock.now()));
    assert_eq!(again.unwrap(), 100);
    let content = Receiver::content();
    gateway
        .app
        .store
        .write(|c| set_callback(c, 11, &content.url()))
        .unwrap();
    assert_eq!(deliver(&gateway), 100, "a retry ends the pause");
}

#[test]
fn counts_404_and_410_as_done_for_services_with_gone_is_done() {
    let gateway = Gateway::with(&[HERE]);
    let receiver = Receiver::start(|nth| {
        if nth % 2 == 0 {
            answer("404 Not Found", "")
        } else {
            answer("410 Gone", "")
        }
    });
    add_service(&gateway, 11, &receiver.url());
    let done = gateway.app.store.write(|c| {
        let service = services::find(c, 11)?.unwrap();
        services::put(
            c,
            &Service {
                gone_is_done: true,
                ..service
            },
        )
    });
    done.unwrap();
    queue(&gateway, 11, "1");
    queue(&gateway, 11, "2");
    assert_eq!(deliver(&gateway), 2);
}

#[test]
fn respects_retry_after_up_to_the_configured_limit() {
    let gateway = Gateway::with(&[HERE, ("callbacks.max_retry_after_s", "60")]);
    let receiver = Receiver::start(|_| answer("503 No", "Retry-After: 31536000\r\n"));
    add_service(&gateway, 11, &receiver.url());
    queue(&gateway, 11, "1");
    assert_eq!(deliver(&gateway), 0);
    assert_eq!(only(&gateway).2, 60);
}

#[test]
fn gives_up_undeliverable_callbacks_at_once_and_sends_the_next() {
    let gateway = Gateway::with(&[HERE]);
    let receiver = Receiver::content();
    add_service(&gateway, 11, &receiver.url());
    for user in ["..", ".", "", "42"] {
        queue(&gateway, 11, user);
    }
    assert_eq!(deliver(&gateway), 1);
    assert_eq!(receiver.lines(), ["DELETE /users/42 HTTP/1.1"]);
    let states: Vec<_> = rows(&gateway)
        .into_iter()
        .map(|r| r.state.as_str())
        .collect();
    assert_eq!(states, ["dead", "dead", "dead", "delivered"]);
}

#[test]
fn refuses_callbacks_to_private_addresses_unless_they_are_allowed() {
    let receiver = Receiver::content();
    let port = receiver.address.port();
    for (reach, url, reason) in [
        (
            "no",
            format!("http://127.0.0.1:{port}/u"),
            "refused: 127.0.0.1 is a loopback address",
        ),
        (
            "no",
            format!("https://[::1]:{port}/u"),
            "refused: ::1 is a loopback address",
        ),
        (
            "no",
            format!("https://[::ffff:127.0.0.1]:{port}/u"),
            "refused: ::ffff:127.0.0.1 is a loopback address",
        ),
        (
            "no",
            format!("https://2130706433:{port}/u"),
            "refused: 127.0.0.1 is a loopback address",
        ),
        (
            "no",
            format!("https://localhost:{port}/u"),
            "refused: localhost resolves to ",
        ),
        (
            "no",
            "https://10.0.0.1/u".to_owned(),
            "refused: 10.0.0.1 is a private address",
        ),
        (
            "no",
            "http://service.invalid/u".to_owned(),
            "refused: callbacks to service.invalid must use https, not http",
        ),
        (
            "loopback",
            "http://192.168.0.1/u".to_owned(),
            "refused: 192.168.0.1 is a private address",
        ),
        (
            "yes",
            "http://169.254.169.254/u".to_owned(),
            "refused: 169.254.169.254 is a link-local address",
        ),
    ] {
        let gateway = Gateway::with(&[("callbacks.allow_private", reach)]);
        add_service(&gateway, 11, &url);
        queue(&gateway, 11, "42");
        assert_eq!(deliver(&gateway), 0);
        let (state, _, _, told) = only(&gateway);
        assert_eq!(
            state, "pending",
            "the row is retried, because an operator can correct the settings"
        );
        assert!(told.starts_with(reason), "{url}: {told}");
    }
    assert_eq!(receiver.heard().len(), 0);
    let gateway = Gateway::with(&[HERE]);
    add_service(&gateway, 11, &format!("http://localhost:{port}/users"));
    queue(&gateway, 11, "42");
    assert_eq!(deliver(&gateway), 1, "{:?}", rows(&gateway));
}

#[test]
fn stops_reading_an_answer_of_a_gigabyte() {
    let gateway = Gateway::with(&[HERE]);
    let receiver = Receiver::start(|_| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n{}",
            "x".repeat(1_000_000)
        )
    });
    add_service(&gateway, 11, &receiver.url());
    queue(&gateway, 11, "42");
    let begun = std::time::Instant::now();
    assert_eq!(deliver(&gateway), 1);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// A second node on the same database.
fn second_node(gateway: &Gateway) -> Delivery {
    Delivery::new(
        std::sync::Arc::clone(&gateway.app),
        DeliverySettings {
            mail: MailSettings {
                transport: Transport::Folder(gateway.data.path().join("outbox")),
                from: "noreply@localhost".to_owned(),
                templates: MailTemplates::built_in(),
                link_base: String::new(),
            },
            callbacks: CallbackSettings {
                reach: Reach::Loopback,
                timeout: Duration::from_secs(5),
                parallel: 3,
                max_retry_after_ms: HOUR,
            },
            retry: RetryPolicy {
                first_retry_ms: 5_000,
                give_up_ms: 72 * HOUR,
            },
        },
    )
}

#[test]
fn shares_callbacks_between_two_nodes_and_keeps_the_order() {
    let gateway = Gateway::with(&[HERE]);
    let receivers: Vec<_> = (0..5).map(|_| Receiver::content()).collect();
    for (id, receiver) in (11..).zip(&receivers) {
        add_service(&gateway, id, &receiver.url());
    }
    for user in 0..120 {
        for id in 11..16 {
            queue(&gateway, id, &user.to_string());
        }
    }
    let node = second_node(&gateway);
    let settled = std::thread::scope(|scope| {
        let other = scope.spawn(|| node.deliver_due().unwrap());
        deliver(&gateway) + other.join().unwrap()
    });
    assert_eq!(settled, 600);
    let expected: Vec<_> = (0..120)
        .map(|user| format!("DELETE /users/{user} HTTP/1.1"))
        .collect();
    for receiver in &receivers {
        assert_eq!(receiver.lines(), expected);
    }
}

#[test]
fn takes_over_the_claim_of_a_killed_node_when_it_expires() {
    let gateway = Gateway::with(&[HERE]);
    let receiver = Receiver::content();
    add_service(&gateway, 11, &receiver.url());
    for user in ["1", "2", "3"] {
        queue(&gateway, 11, user);
    }
    let claim = |until| {
        gateway
            .app
            .store
            .write(|c| callback_queues::claim(c, NOW, until))
    };
    let claimed = claim(NOW + 60 * SECOND).unwrap().unwrap();
    assert_eq!(claimed.service_id, 11);
    assert!(claim(NOW + SECOND).unwrap().is_none());
    assert_eq!(deliver(&gateway), 0);
    gateway.app.clock.advance(60 * SECOND);
    assert_eq!(deliver(&gateway), 3);
    assert_eq!(receiver.heard().len(), 3);
}

/// The distinct request lines, in the order of their first arrival.
fn first_heard(receiver: &Receiver) -> Vec<String> {
    let mut users: Vec<String> = Vec::new();
    for line in receiver.lines() {
        if !users.contains(&line) {
            users.push(line);
        }
    }
    users
}

#[test]
fn delivers_every_callback_in_order_after_kill_9() {
    let gateway = Gateway::with(&[HERE]);
    let receivers: Vec<_> = (0..3)
        .map(|_| {
            Receiver::start(|nth| match nth {
                70 => answer("500 No", ""),
                _ => answer("200 OK", ""),
            })
        })
        .collect();
    for (id, receiver) in (11..).zip(&receivers) {
        add_service(&gateway, id, &receiver.url());
        for user in 0..200 {
            // The process has the real clock and would give up rows of the test's clock, which are years old.
            queue_at(&gateway, id, &user.to_string(), &Clock::System);
        }
    }
    // On PostgreSQL the claim of the killed node expires only after half a minute, so one kill is enough.
    let url = gateway.database.url();
    let kills = if url.is_some() { 1 } else { 3 };
    let heard = || receivers.iter().map(|r| r.heard().len()).sum::<usize>();
    for _ in 0..kills {
        let before = heard();
        let mut process = Process::start(gateway.data.path(), url.clone(), &[HERE], &[]);
        while heard() < before + 40 {
            std::thread::yield_now();
        }
        process.kill();
    }
    let process = Process::start(gateway.data.path(), url, &[HERE], &[]);
    while rows(&gateway)
        .iter()
        .any(|r| r.state.as_str() != "delivered")
    {
        std::thread::yield_now();
    }
    process.stop();
    let expected: Vec<_> = (0..200)
        .map(|user| format!("DELETE /users/{user} HTTP/1.1"))
        .collect();
    for receiver in &receivers {
        assert_eq!(first_heard(receiver), expected);
    }
}
