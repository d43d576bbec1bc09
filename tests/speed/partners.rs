//! Measures how fast partners sign their users in.

use std::path::Path;
use std::time::Instant;

use chaingun_gateway::clock::Clock;
use chaingun_gateway::secrets::assertions::{self, Assertion};
use chaingun_gateway::secrets::{rsa_keys, sha256_hex};
use chaingun_gateway::store::{AnyConnection, Opening, Store, StoreError, used_assertions, users};
use serde_json::json;

use crate::harness::Database;
use crate::harness::process::Process;
use crate::{FEW, TURNS, filled, gateway, gateway_on, load, median, pass_or_fail};

/// The number of sign-ins by partners in each turn, and the number of users that sign in.
const ARRIVALS: usize = 4000;
const ARRIVING: usize = 100;

/// Compares sign-ins by partners with one signature check and one write each.
pub fn partners() {
    let data = filled(FEW);
    let process = gateway(data.path());
    partners_on("SQLite", &process, data.path(), None);
    process.stop();
    let database = Database::fresh();
    if let Some(url) = database.url() {
        let data = tempfile::tempdir().unwrap();
        let process = gateway_on(data.path(), Some(url.clone()));
        partners_on("PostgreSQL", &process, data.path(), Some(url));
        process.stop();
    }
}

fn partners_on(engine: &str, process: &Process, data: &Path, url: Option<String>) {
    let address = process.speaker.address;
    let key = std::fs::read_to_string(data.join("demo/apekx.pem")).unwrap();
    let seconds = Clock::System.now() / 1000;
    let token = |turn: usize, at: usize| {
        let claims = json!({
            "jti": format!("{turn}-{at}"), "iss": "apekx", "sub": format!("user{}", at % ARRIVING),
            "aud": format!("http://{address}"), "iat": seconds, "exp": seconds + 3600, "name": "Some User",
            "state_id": "apekx", "school_id": "pre_created_school_external_id",
        });
        assertions::sign(&key, &claims).unwrap()
    };
    let arrival = |token: String| {
        format!(
            "GET /v2/user/session/create?token={token} HTTP/1.1\r\nHost: gateway.test\r\nUser-Agent: Test/1.0\r\n\r\n"
        )
        .into_bytes()
    };
    // Create the users first.
    let first: Vec<_> = (0..ARRIVING).map(|at| arrival(token(TURNS, at))).collect();
    load::each(address, &first, 4);

    let public = rsa_keys::public_half(&key).unwrap();
    let checked = token(TURNS, 0);
    let location = url.unwrap_or_else(|| data.join("gateway.db").to_string_lossy().into_owned());
    let store = Store::open(Opening::parse(&location, 2, 5000).unwrap()).unwrap();
    let user = store.read(|c| users::by_name(c, "user0@apekx")).unwrap();
    let user_id = user.unwrap().id;
    let one_by_one = |turn: usize, whole: bool| {
        let begun = Instant::now();
        for at in 0..ARRIVALS {
            let assertion = Assertion::read(&checked).unwrap();
            assert!(assertion.is_signed_with(&public));
            let hash = sha256_hex(&format!("{turn}/{at}/{whole}"));
            let write = |c: &mut AnyConnection| {
                assert!(used_assertions::use_up(c, "bare", &hash, 0)?);
                if whole {
                    write_sign_in(c, &hash, user_id)?;
                }
                Ok::<_, StoreError>(())
            };
            store.write(write).unwrap();
        }
        ARRIVALS as f64 / begun.elapsed().as_secs_f64()
    };
    let (mut ours, mut rows, mut row) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let requests: Vec<_> = (0..ARRIVALS).map(|at| arrival(token(turn, at))).collect();
        ours.push(load::each(address, &requests, 16));
        rows.push(one_by_one(turn, true));
        row.push(one_by_one(turn, false));
    }
    let [ours, rows, row] = [&mut ours, &mut rows, &mut row].map(|rates| median(rates));
    let ratio = ours / rows;
    println!(
        "sign-ins by a partner on {engine}: {ours:.0}/s; one RS256 check and one write of what a sign-in leaves behind, \
         one after the other: {rows:.0}/s; ratio {ratio:.2} (at least 0.50: {}); with a write of one row: {row:.0}/s; \
         ratio {:.2}",
        pass_or_fail(ratio >= 0.5),
        ours / row
    );
}

/// Writes the rows of a sign-in besides the used token: a session and an audit entry.
fn write_sign_in(c: &mut AnyConnection, hash: &str, user_id: i64) -> Result<(), StoreError> {
    use chaingun_gateway::store::{audit, sessions};
    let session = sessions::NewSession {
        sha256: hash,
        user_id,
        organisation_uuid: Some("apekx-school"),
        started_at: 0,
        seen_at: 0,
        expires_at: i64::MAX,
        user_agent: "Test/1.0",
    };
    sessions::start(c, &session)?;
    let entry = audit::Entry {
        at: 0,
        event: "authn_partner_login".to_owned(),
        outcome: "ok".to_owned(),
        client_name: Some("partner:apekx".to_owned()),
        actor: None,
        on_behalf_of: None,
        subject: Some("user0@apekx".to_owned()),
        request_id: hash.to_owned(),
    };
    audit::record(c, &entry)
}
