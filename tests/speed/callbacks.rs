//! Measures how fast a backlog of callbacks is delivered.

use std::time::{Duration, Instant};

use chaingun_gateway::domain::outbox::OutboxKind;
use chaingun_gateway::secrets::sealing::{Binding, Sealer};
use chaingun_gateway::store::services::{self, Service};
use chaingun_gateway::store::{Opening, Store, StoreError, outbox};

use crate::harness::receiver::Receiver;
use crate::harness::{Database, NOW};
use crate::{gateway_on, pass_or_fail};

/// The number of pending callbacks when the gateway starts.
const CALLBACKS: usize = 10_000;
/// The lowest allowed rate of the delivery, in callbacks per second.
const DRAINED_PER_SECOND: f64 = 1_000.0;

/// Measures the delivery to services that answer at once; each service gets its callbacks one by one.
pub fn callbacks() {
    for services in [1, 4] {
        drained("SQLite", services, None);
        let database = Database::fresh();
        if let Some(url) = database.url() {
            drained("PostgreSQL", services, Some(url));
        }
    }
}

fn drained(where_: &str, services: usize, database_url: Option<String>) {
    let data = tempfile::tempdir().unwrap();
    gateway_on(data.path(), database_url.clone()).stop();
    let receiver = Receiver::content();
    let location = database_url.clone().unwrap_or_else(|| {
        let file = data.path().join("gateway.db");
        file.to_string_lossy().into_owned()
    });
    let store = Store::open(Opening::parse(&location, 2, 5000).unwrap()).unwrap();
    let sealer = Sealer::load(&data.path().join("keys/outbox.key")).unwrap();
    store
        .write(|c| {
            for id in 1..=services as i64 {
                services::put(
                    c,
                    &Service {
                        id: 100 + id,
                        portal_id: 1,
                        name: format!("Service {id}"),
                        callback_url: Some(format!("{}/{id}", receiver.url())),
                        credentials: Some(
                            sealer
                                .seal(
                                    Binding::ServiceCredentials(100 + id),
                                    "gateway:a-secret-of-it",
                                )
                                .unwrap(),
                        ),
                        case_sensitive_ids: false,
                        gone_is_done: false,
                    },
                )?;
            }
            for n in 0..CALLBACKS {
                let id = 101 + (n % services) as i64;
                let sealed = sealer
                    .seal(Binding::Callback(id), &format!("user-{n}"))
                    .unwrap();
                outbox::enqueue_callback(c, id, &format!("user-{n}"), &sealed, NOW)?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let process = gateway_on(data.path(), database_url);
    let begun = Instant::now();
    while store
        .read(outbox::undelivered)
        .unwrap()
        .iter()
        .any(|row| row.kind == OutboxKind::Callback)
    {
        std::thread::sleep(Duration::from_millis(20));
    }
    let rate = CALLBACKS as f64 / begun.elapsed().as_secs_f64();
    assert_eq!(receiver.heard().len(), CALLBACKS);
    process.stop();
    println!(
        "{CALLBACKS} callbacks to {services} services from {where_}: {rate:.0}/s (at least {DRAINED_PER_SECOND}: {})",
        pass_or_fail(rate >= DRAINED_PER_SECOND)
    );
}
