//! /metrics: counters of calls and of the outbox, and access to them.

use crate::harness::rest::{KEY, RESOURCE, ask};
use crate::harness::{Gateway, envelope};

fn has(text: &str, line: &str) {
    assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
}

#[test]
fn counts_calls_deliveries_and_the_outbox_backlog() {
    let gateway = Gateway::demo();
    gateway.soap(&envelope("showUser", "<userName>mokamiki</userName>"));
    gateway.soap(&envelope("showUser", "<userName>nobody</userName>"));
    ask(&gateway, "GET", "/users/mokamiki", KEY, "");
    let reset = r#"{"data":{"type":"resetPasswordRequest","id":"mokamiki"}}"#;
    ask(&gateway, "POST", "/password/reset", RESOURCE, reset);
    gateway.app.clock.advance(90_000);
    let reply = gateway.get("/metrics");
    assert_eq!(
        (reply.status, reply.header("Content-Type")),
        (
            200,
            Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
        )
    );
    for (face, outcome) in [("soap", "ok"), ("soap", "USER_NOT_FOUND"), ("rest", "ok")] {
        has(
            &reply.body,
            &format!(
                "chaingun_requests_total{{face=\"{face}\",operation=\"showUser\",outcome=\"{outcome}\"}} 1"
            ),
        );
    }
    has(
        &reply.body,
        "chaingun_duration_seconds_count{operation=\"showUser\"} 3",
    );
    has(
        &reply.body,
        "chaingun_outbox_rows{kind=\"mail\",state=\"pending\"} 1",
    );
    has(
        &reply.body,
        "chaingun_outbox_oldest_seconds{kind=\"mail\",state=\"pending\"} 90.0",
    );
    gateway.mails();
    let reply = gateway.get("/metrics");
    has(
        &reply.body,
        "chaingun_deliveries_total{kind=\"mail\",outcome=\"delivered\"} 1",
    );
    assert!(!reply.body.contains("outbox_rows{"), "{}", reply.body);
    for personal in ["mokamiki", "moka.miklos", "nobody"] {
        assert!(!reply.body.contains(personal), "{personal}");
    }
}

#[test]
fn serves_metrics_only_to_addresses_in_metrics_for() {
    let ask = |gateway: &Gateway, headers: &str| {
        let head =
            format!("GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
        gateway.raw(head.as_bytes()).status
    };
    let gateway = Gateway::demo();
    assert_eq!(ask(&gateway, ""), 200);
    assert_eq!(ask(&gateway, "X-Forwarded-For: 203.0.113.7\r\n"), 404);
    assert_eq!(ask(&Gateway::with(&[("metrics_for", "")]), ""), 404);
    assert_eq!(ask(&Gateway::with(&[("metrics_for", "10.0.0.1")]), ""), 404);
    let everyone = Gateway::with(&[("metrics_for", "*")]);
    assert_eq!(ask(&everyone, "X-Forwarded-For: 203.0.113.7\r\n"), 200);
}
