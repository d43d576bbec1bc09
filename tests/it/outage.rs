//! A node is killed while it works: every answered registration is stored, and its mail is sent once.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::process::Process;
use crate::harness::{Database, Speaker, element, envelope};

/// A higher limit on mails, because all registrations come from one address.
const MANY: [(&str, &str); 1] = [("throttle.mails_per_source", "1000")];

fn registration(n: usize) -> String {
    envelope(
        "registerUser",
        &format!(
            "<username>uj{n}</username><password>ValaKi1234</password><name>Új {n}</name>\
             <email>uj{n}@valami.hu</email>"
        ),
    )
    .replace("demo-hash-key", "")
}

#[test]
fn keeps_every_answered_registration_after_kill_9_and_mails_it_once() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::fresh();
    let mut process = Process::start(data.path(), database.url(), &MANY, &[]);
    let speaker = Speaker {
        address: process.speaker.address,
    };
    let answered: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    let Some(flag) = answered.get(n) else { break };
                    let reply = speaker.soap(&registration(n));
                    if element(&reply.body, "code") == Some("0") {
                        flag.store(1, Ordering::SeqCst);
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
        // Kill after a number of answers, not after a time.
        while done.load(Ordering::SeqCst) < 40 {
            std::thread::yield_now();
        }
        process.kill();
    });
    let answered: Vec<usize> = (0..100)
        .filter(|n| answered[*n].load(Ordering::SeqCst) == 1)
        .collect();
    assert!(
        answered.len() >= 40 && answered.len() < 100,
        "{}",
        answered.len()
    );

    let process = Process::start(data.path(), database.url(), &MANY, &[]);
    for n in 0..100 {
        let again = process.speaker.soap(&registration(n));
        let taken = again.body.contains("<code>USER_ALREADY_EXISTS</code>");
        assert!(
            taken || !answered.contains(&n),
            "uj{n} was answered and is lost: {again:?}"
        );
    }
    let mails = || -> Vec<String> {
        let folder = data.path().join("outbox");
        std::fs::read_dir(folder)
            .map(|files| {
                files
                    .flatten()
                    .filter(|f| !f.file_name().to_string_lossy().starts_with('.'))
                    .map(|f| std::fs::read_to_string(f.path()).unwrap())
                    .collect()
            })
            .unwrap_or_default()
    };
    // All 100 users are registered now, and the worker sends one mail to each of them.
    while mails().len() < 100 {
        std::thread::yield_now();
    }
    process.stop();
    let mails = mails();
    for n in 0..100 {
        let to = format!("<uj{n}@valami.hu>");
        assert_eq!(mails.iter().filter(|m| m.contains(&to)).count(), 1, "{to}");
    }
    assert_eq!(mails.len(), 100);
}
