//! Compares answer times for known and unknown accounts: sign-in, reset, resend and registration.

use std::path::Path;
use std::time::{Duration, Instant};

use chaingun_gateway::domain::user::Status;
use chaingun_gateway::secrets::hashing::{Hasher, Pepper};
use chaingun_gateway::store::{Opening, Store, StoreError, users};

use crate::harness::browser::Browser;
use crate::harness::process::Process;
use crate::harness::{NOW, Reply, rest};
use crate::{FEW, filled, median, pass_or_fail};

type Ask<'a> = dyn Fn(String) -> (Reply, Duration) + 'a;

/// Requests of each kind, for known and for unknown accounts.
const TRIES: usize = 200;
/// The largest allowed ratio of the two times.
const ALIKE: f64 = 0.05;

/// Measures whether the time of an answer shows that the account exists.
pub fn alike() {
    let data = filled(FEW);
    let often = "1000000";
    let process = Process::start(
        data.path(),
        None,
        &[
            ("password.cost", "12"),
            ("throttle.guesses_per_source", often),
            ("throttle.mails_per_source", often),
        ],
        &["--demo"],
    );
    let speaker = &process.speaker;
    let pepper = Pepper::load(&data.path().join("keys/pepper.key"), None).unwrap();
    let with_password = Hasher::new(12, pepper)
        .hash("MokaMiki-1234", [7; 16])
        .unwrap();
    give_passwords(data.path(), &with_password);
    // One request for each account, because repeated ones are delayed.
    let known = |n: usize| {
        format!(
            "{}{n:07}@valami.hu",
            ["anna", "bela", "cili", "dani"][n % 4]
        )
    };
    let unknown = |n: usize| {
        format!(
            "{}{n:07}@valami.hu",
            ["emil", "fani", "geza", "hedi"][n % 4]
        )
    };
    let flat = "Content-Type: application/json\r\n";
    let post = |path: &str, body: String| rest::ask(speaker, "POST", path, flat, &body);
    let sign_in = |login: String| {
        let body = format!("{{\"userNameOrEmail\":\"{login}\",\"password\":\"Rossz-Jelszo-1\"}}");
        post("/password/authenticate", body)
    };
    let reset = |login: String| {
        post(
            "/password/reset",
            format!("{{\"userNameOrEmail\":\"{login}\"}}"),
        )
    };
    let resend = |login: String| {
        post(
            "/register/resend",
            format!("{{\"usernameOrEmail\":\"{login}\"}}"),
        )
    };
    let register = |login: String| {
        let mut browser = Browser::default();
        browser.get(speaker, "register.html");
        let fields = [
            ("name", "Valaki"),
            ("email", &login),
            ("password", "Valami-Jelszo-9"),
        ];
        let stamp = browser.stamp.clone();
        let fields = [&[("stamp", stamp.as_str())], &fields[..]].concat();
        let begun = Instant::now();
        (
            browser.send(speaker, "register.html", &fields),
            begun.elapsed(),
        )
    };
    let timed = |ask: &dyn Fn(String) -> Reply, login: String| {
        let begun = Instant::now();
        (ask(login), begun.elapsed())
    };
    let ask: [(&str, usize, &Ask<'_>); 4] = [
        ("signing in", 0, &|login| timed(&sign_in, login)),
        ("resetPassword", TRIES, &|login| timed(&reset, login)),
        // Unconfirmed accounts.
        ("resend", UNACTIVATED, &|login| timed(&resend, login)),
        ("registering on the page", 3 * TRIES, &register),
    ];
    for (what, first, ask) in ask {
        let (mut there, mut not_there) = (Vec::new(), Vec::new());
        for n in first..first + TRIES {
            let mut pair = [(known(n), &mut there), (unknown(n), &mut not_there)];
            // Background work of one side may slow the other side down.
            if n % 2 == 1 {
                pair.reverse();
            }
            for (login, times) in pair {
                let (reply, time) = ask(login);
                assert!(
                    reply.status == 200 || reply.status == 401,
                    "{what}: {reply:?}"
                );
                times.push(time.as_secs_f64() * 1000.0);
            }
        }
        let (there, not_there) = (median(&mut there), median(&mut not_there));
        let apart = (there / not_there - 1.0).abs();
        println!(
            "{what}: {there:.2} ms for an account, {not_there:.2} ms for none; {:.1} % apart (at most {:.0} %: {})",
            apart * 100.0,
            ALIKE * 100.0,
            pass_or_fail(apart <= ALIKE)
        );
    }
}

/// The number of the first unconfirmed user.
const UNACTIVATED: usize = 2 * TRIES;

/// Gives the first users a password; some of them have not confirmed their registration.
fn give_passwords(data: &Path, hash: &str) {
    let location = data.join("gateway.db");
    let store = Store::open(Opening::parse(&location.to_string_lossy(), 2, 5000).unwrap()).unwrap();
    store
        .write(|c| {
            for n in 0..4 * TRIES {
                let name = format!("{}{n:07}", ["anna", "bela", "cili", "dani"][n % 4]);
                let id = users::by_name(c, &name)?.unwrap().id;
                let status = match n {
                    n if (UNACTIVATED..UNACTIVATED + TRIES).contains(&n) => Status::Unactivated,
                    _ => Status::Active,
                };
                users::set_password(c, id, hash, status, NOW)?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}
