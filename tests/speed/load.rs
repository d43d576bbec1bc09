//! The load generator: a closed loop that sends as fast as the server answers, and an open loop with a fixed rate.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A POST on a persistent connection.
pub fn request(envelope: &str) -> Vec<u8> {
    format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: text/xml; charset=utf-8\r\n\
         Content-Length: {}\r\n\r\n{envelope}",
        envelope.len()
    )
    .into_bytes()
}

/// A GET on a persistent connection.
pub fn get(target: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\nHost: gateway.test\r\nX-Client-Hash-Key: demo-hash-key\r\n\r\n"
    )
    .into_bytes()
}

/// The length of the answer at the start of `bytes`, or `None` while the head of the answer is incomplete.
pub fn answer_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head])
        .unwrap()
        .to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    Some(head + length.map_or(0, |length| length.parse().unwrap()))
}

/// Returns the answers per second. Each connection sends its next request after the answer to the last one.
pub fn closed(address: SocketAddr, request: &[u8], connections: usize, window: Duration) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let count = std::rc::Rc::new(std::cell::Cell::new(0_u64));
    let local = tokio::task::LocalSet::new();
    let begun = Instant::now();
    local.block_on(&runtime, async {
        for _ in 0..connections {
            let request = request.to_vec();
            let count = std::rc::Rc::clone(&count);
            tokio::task::spawn_local(async move {
                let stream = tokio::net::TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut buffer = vec![0; 16 * 1024];
                // All answers to the same request have the same length, so it is computed once.
                let mut length = None;
                loop {
                    // With one answer at a time the socket has room for the whole request.
                    assert_eq!(stream.try_write(&request).unwrap(), request.len());
                    let mut got = 0;
                    while length.is_none_or(|l| got < l) {
                        stream.readable().await.unwrap();
                        got += stream.try_read(&mut buffer[got..]).unwrap_or(0);
                        length = length.or_else(|| answer_length(&buffer[..got]));
                    }
                    assert_eq!(Some(got), length);
                    assert_eq!(buffer[9..12], *b"200");
                    count.set(count.get() + 1);
                }
            });
        }
        tokio::time::sleep(window).await;
    });
    count.get() as f64 / begun.elapsed().as_secs_f64()
}

/// Returns the answers per second over `connections` connections. Each request is sent once and must get a 303.
pub fn each(address: SocketAddr, requests: &[Vec<u8>], connections: usize) -> f64 {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_nodelay(true).unwrap();
                let mut buffer = vec![0; 16 * 1024];
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    stream.write_all(request).unwrap();
                    let mut got = 0;
                    // A redirect has no body.
                    while !buffer[..got].ends_with(b"\r\n\r\n") {
                        got += stream.read(&mut buffer[got..]).unwrap();
                    }
                    assert_eq!(buffer[9..12], *b"303");
                }
            });
        }
    });
    requests.len() as f64 / begun.elapsed().as_secs_f64()
}

/// The latencies at a fixed rate.
pub struct Latency {
    /// The 99th percentile of all requests, including unanswered ones.
    pub p99_ms: f64,
    pub rate: f64,
    /// The share of the requests that were answered with 200 within [`IN_TIME`].
    pub answered: f64,
}

/// The time limit of an answer at a fixed rate. A request that is already later is not sent.
const IN_TIME: Duration = Duration::from_secs(1);

/// Sends each request at its scheduled time, whether or not earlier ones are answered;
/// the latency counts from the scheduled time.
pub fn open(address: SocketAddr, request: &[u8], rate: usize, window: Duration) -> Latency {
    let threads = 16;
    let total = rate * usize::try_from(window.as_secs()).unwrap();
    let step = Duration::from_secs_f64(1.0 / rate as f64);
    let next = AtomicUsize::new(0);
    let begun = Instant::now() + Duration::from_millis(50);
    let answered = AtomicUsize::new(0);
    let mut times: Vec<f64> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut buffer = vec![0; 16 * 1024];
                    let mut times = Vec::new();
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= total {
                            return times;
                        }
                        let due = begun + step * u32::try_from(at).unwrap();
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        if due.elapsed() > IN_TIME {
                            times.push(due.elapsed().as_secs_f64() * 1000.0);
                            continue;
                        }
                        stream.write_all(request).unwrap();
                        let mut got = 0;
                        while answer_length(&buffer[..got]).is_none_or(|l| got < l) {
                            got += stream.read(&mut buffer[got..]).unwrap();
                        }
                        let took = due.elapsed();
                        times.push(took.as_secs_f64() * 1000.0);
                        if buffer[9..12] == *b"200" && took <= IN_TIME {
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect()
    });
    let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    Latency {
        p99_ms: times[times.len() * 99 / 100],
        rate,
        answered: answered.load(Ordering::Relaxed) as f64 / total as f64,
    }
}
