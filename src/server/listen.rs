//! Opens the socket that the server listens on.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// The length of the system's queue of connections that are not accepted yet; the system may allow fewer. A client that
/// reopens its connections at once fills the usual queue of 128. The system then ignores connections of other clients,
/// which retry after a second.
const BACKLOG: u32 = 4096;

/// Listens like [`TcpListener::bind`], with a longer backlog. Requires a Tokio runtime.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Without this option, a restart fails while the system remembers connections of the last process.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    #[test]
    fn connects_one_more_client_while_1100_connections_are_not_accepted() {
        let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn");
        let limit = limit.ok().and_then(|l| l.trim().parse().ok());
        let count = limit.unwrap_or(128).min(1_100);
        rlimit::increase_nofile_limit(4_096).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        // Shorter than the second after which the system retries.
        let soon = Duration::from_millis(900);
        let connect = || TcpStream::connect_timeout(&address, soon).unwrap();
        let _waiting: Vec<_> = (0..count).map(|_| connect()).collect();
        connect();
    }
}
