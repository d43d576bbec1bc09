//! A service that receives callbacks: it records the requests and sends the answers that the test gives.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The answer to the nth request; an empty answer closes the connection.
type Answer = dyn Fn(usize) -> String + Send + Sync;

pub struct Receiver {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    pub fn start(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (told, answer): (_, Arc<Answer>) = (Arc::clone(&heard), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (told, answer) = (Arc::clone(&told), Arc::clone(&answer));
                std::thread::spawn(move || talk(stream.unwrap(), &told, &*answer));
            }
        });
        Self { address, heard }
    }

    /// A service that always answers 200.
    pub fn content() -> Self {
        Self::start(|_| answer("200 OK", ""))
    }

    /// The callback URL of this service.
    pub fn url(&self) -> String {
        format!("http://{}/users", self.address)
    }

    /// The heads of the requests so far.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// The request lines so far.
    pub fn lines(&self) -> Vec<String> {
        let first = |request: &String| request.lines().next().unwrap().to_owned();
        self.heard().iter().map(first).collect()
    }
}

/// An answer with this status and these header lines, without a body.
pub fn answer(status: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\n\r\n")
}

fn talk(mut stream: TcpStream, heard: &Mutex<Vec<String>>, answer: &Answer) {
    let mut pending = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some(end) = pending.windows(4).position(|w| w == b"\r\n\r\n") {
            let request: Vec<u8> = pending.drain(..end + 4).collect();
            let nth = {
                let mut heard = heard.lock().unwrap();
                heard.push(String::from_utf8(request).unwrap());
                heard.len() - 1
            };
            let answer = answer(nth);
            if answer.is_empty() || stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
        match stream.read(&mut buffer) {
            Ok(n) if n > 0 => pending.extend_from_slice(&buffer[..n]),
            _ => return,
        }
    }
}
