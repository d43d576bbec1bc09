//! Compares the answer times for known and unknown accounts: sign-in, reset, resend and registration. Also compares
//! sign-ins to accounts whose passwords are hashed at different costs.

use std::path::Path;
use std::time::{Duration, Instant};

use chaingun_gateway::domain::user::Status;
use chaingun_gateway::secrets::hashing::{Hasher, Pepper};

use crate::harness::browser::Browser;
use crate::harness::{Reply, rest};
use crate::{FEW, filled, gateway_with, give_password, median, pass_or_fail, user_name};

type Ask<'a> = dyn Fn(String) -> (Reply, Duration) + 'a;

/// The number of requests of each kind, for known and for unknown accounts. The environment variable `ALIKE_TRIES`
/// overrides the number for a short trial.
const TRIES: usize = 200;
/// The largest allowed relative difference of the two times.
const ALIKE: f64 = 0.05;

/// Measures whether the time of an answer shows that the account exists.
pub fn alike() {
    let data = filled(FEW);
    let often = "1000000";
    let settings = [
        ("throttle.guesses_per_source", often),
        ("throttle.mails_per_source", often),
    ];
    let process = gateway_with(data.path(), None, &settings);
    let speaker = &process.speaker;
    let tries = std::env::var("ALIKE_TRIES").map_or(TRIES, |text| text.parse().unwrap());
    // The numbers of the first unconfirmed user, and of the first user of `stored_costs`.
    let (unactivated, stored) = (2 * tries, 4 * tries);
    let with_password = hasher(data.path(), 12)
        .hash("MokaMiki-1234", [7; 16])
        .unwrap();
    let give = |numbers, status| give_password(data.path(), numbers, &with_password, status);
    give(0..stored, Status::Active);
    give(unactivated..unactivated + tries, Status::Unactivated);
    // Each account gets one request, because repeated requests are delayed.
    let known = |n: usize| format!("{}@valami.hu", user_name(n));
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
        let csrf_token = browser.csrf_token.clone();
        let fields = [&[("csrf_token", csrf_token.as_str())], &fields[..]].concat();
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
        ("resetPassword", tries, &|login| timed(&reset, login)),
        // The accounts of this kind are unconfirmed.
        ("resend", unactivated, &|login| timed(&resend, login)),
        ("registering on the page", 3 * tries, &register),
    ];
    for (what, first, ask) in ask {
        let (mut there, mut not_there) = (Vec::new(), Vec::new());
        for n in first..first + tries {
            let mut pair = [(known(n), &mut there), (unknown(n), &mut not_there)];
            // The order alternates, because background work of one side may slow the other side down.
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
    let sign_in = |login| timed(&sign_in, login);
    stored_costs(data.path(), stored, tries, &known, &unknown, &sign_in);
}

fn hasher(data: &Path, cost: u32) -> Hasher {
    let pepper = Pepper::load(&data.join("keys/pepper.key"), None).unwrap();
    Hasher::new(cost, pepper)
}

/// Compares the times of refused sign-ins by the stored cost: accounts keep hashes of a lower cost after the configured
/// cost was raised, and after an import.
fn stored_costs(
    data: &Path,
    first: usize,
    tries: usize,
    known: &dyn Fn(usize) -> String,
    unknown: &dyn Fn(usize) -> String,
    sign_in: &Ask<'_>,
) {
    let of_cost = |cost| hasher(data, cost).hash("MokaMiki-1234", [7; 16]).unwrap();
    let imported = bcrypt::hash_with_salt("MokaMiki-1234", 10, [7; 16])
        .unwrap()
        .format_for_version(bcrypt::Version::TwoY);
    let stored = [
        ("cost 8", of_cost(8)),
        ("cost 10", of_cost(10)),
        ("cost 12", of_cost(12)),
        ("an imported hash of cost 10", imported),
    ];
    for (kind, (_, hash)) in stored.iter().enumerate() {
        let begin = first + kind * tries;
        give_password(data, begin..begin + tries, hash, Status::Active);
    }
    let kinds: Vec<_> = stored
        .iter()
        .map(|(kind, _)| *kind)
        .chain(["no account"])
        .collect();
    let mut times = vec![Vec::new(); kinds.len()];
    for n in 0..tries {
        // The kinds alternate, and each round starts with another kind, so that drift affects all kinds alike.
        for turn in 0..kinds.len() {
            let kind = (n + turn) % kinds.len();
            let login = if kind < stored.len() {
                known(first + kind * tries + n)
            } else {
                unknown(first + n)
            };
            let (reply, time) = sign_in(login);
            assert_eq!(reply.status, 401, "{}: {reply:?}", kinds[kind]);
            times[kind].push(time.as_secs_f64() * 1000.0);
        }
    }
    let medians: Vec<_> = times.iter_mut().map(|times| median(times)).collect();
    let each: Vec<_> = kinds
        .iter()
        .zip(&medians)
        .map(|(kind, median)| format!("{kind} {median:.2} ms"))
        .collect();
    let least = medians.iter().copied().fold(f64::INFINITY, f64::min);
    let most = medians.iter().copied().fold(0.0, f64::max);
    let apart = most / least - 1.0;
    println!(
        "signing in with a wrong password at cost 12, {tries} tries each: {}; {:.1} % apart (at most {:.0} %: {})",
        each.join(", "),
        apart * 100.0,
        ALIKE * 100.0,
        pass_or_fail(apart <= ALIKE)
    );
}
