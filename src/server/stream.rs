//! The stream between a client and hyper. It reports the phases of the connection to the table, checks request heads,
//! enforces the write timeout, and lets the client close first.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::connections::{Connection, Phase};
use super::framing::{Head, Verdict};

/// A stream that reports its phase and limits how long a client may block a write.
pub(super) struct WriteTimeoutStream {
    stream: TcpStream,
    connection: Arc<Connection>,
    write_timeout: Duration,
    /// The running write timeout, while the client takes no bytes.
    waiting: Option<Pin<Box<Sleep>>>,
    head: Head,
    /// The start of a header line that is held until the line is complete.
    held: Vec<u8>,
    /// Whether the head was cut short. No more bytes are then read.
    is_cut: bool,
    /// The number of bytes that may still be read and discarded. Set once the write side is closed.
    closing: Option<usize>,
    most_at_end: usize,
}

impl WriteTimeoutStream {
    /// `most_at_end` is the number of bytes that are read after the last response. Closing a connection while the
    /// client still sends would lose the response.
    pub(super) fn new(
        stream: TcpStream,
        connection: Arc<Connection>,
        write_timeout: Duration,
        most_at_end: usize,
    ) -> Self {
        Self {
            stream,
            connection,
            write_timeout,
            waiting: None,
            head: Head::default(),
            held: Vec::new(),
            is_cut: false,
            closing: None,
            most_at_end,
        }
    }

    /// Returns the result of a write, or a timeout error if the client took no bytes for too long.
    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let timeout = self.write_timeout;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + timeout)));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Reads bytes of a head and stops before a forbidden line. On return the buffer has more bytes than before,
    /// unless the client has closed.
    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            if buffer.remaining() <= self.held.len() {
                // The buffer has no room for the line: hyper is about to refuse a head of this size.
                let rest = self.held.split_off(buffer.remaining());
                buffer.put_slice(&self.held);
                self.held = rest;
                return Poll::Ready(Ok(()));
            }
            buffer.put_slice(&self.held);
            let begun = buffer.filled().len();
            let read = Pin::new(&mut self.stream).poll_read(context, buffer);
            if !matches!(read, Poll::Ready(Ok(()))) {
                buffer.set_filled(before);
                return read;
            }
            if buffer.filled().len() == begun {
                self.held.clear();
                return Poll::Ready(Ok(()));
            }
            let bytes = buffer.filled().get(before..).unwrap_or_default();
            let verdict = self.head.look(bytes);
            self.held.clear();
            match verdict {
                Verdict::Pass => return Poll::Ready(Ok(())),
                Verdict::Hold(from) => {
                    self.held.extend(bytes.iter().skip(from));
                    buffer.set_filled(before + from);
                    if from > 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                Verdict::Cut(from, why) => {
                    self.connection.cut(why);
                    self.is_cut = true;
                    buffer.set_filled(before + from);
                    buffer.put_slice(b"\r\n");
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl AsyncRead for WriteTimeoutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.is_cut {
            return Poll::Ready(Ok(()));
        }
        match this.connection.phase() {
            phase @ (Phase::New | Phase::Idle) => {
                if phase == Phase::Idle {
                    this.head = Head::default();
                }
                let before = buffer.filled().len();
                let read = this.poll_head(context, buffer);
                if buffer.filled().len() > before || !this.held.is_empty() {
                    this.connection.begin(Phase::Head);
                }
                read
            }
            Phase::Head => this.poll_head(context, buffer),
            _ if !this.held.is_empty() => {
                let now = this.held.len().min(buffer.remaining());
                let rest = this.held.split_off(now);
                buffer.put_slice(&this.held);
                this.held = rest;
                Poll::Ready(Ok(()))
            }
            _ => Pin::new(&mut this.stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for WriteTimeoutStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when the response is written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() && self.connection.phase() == Phase::Sending {
            self.connection.begin(Phase::Idle);
        }
        flushed
    }

    /// Closes the write side and waits for the client to close its own. The table limits that wait.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut left = match this.closing {
            Some(left) => left,
            None => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
                this.connection.begin(Phase::Closing);
                this.most_at_end
            }
        };
        let mut bytes = [0; 4096];
        loop {
            this.closing = Some(left);
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer));
            let count = buffer.filled().len();
            if read.is_err() || count == 0 || count > left {
                return Poll::Ready(Ok(()));
            }
            left -= count;
        }
    }
}
