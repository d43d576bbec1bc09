//! Worker threads: one queue for reading, one for writing, one for hashing, so that none can starve another.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossbeam_channel::{Sender, TrySendError, bounded};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that take work from one bounded queue.
pub struct Pool {
    queue: Sender<Job>,
}

/// The queue is full.
#[derive(Debug)]
pub struct Full;

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(name: &str, threads: usize, queue: usize) -> io::Result<Self> {
        let (sender, receiver) = bounded::<Job>(queue);
        for at in 0..threads.max(1) {
            let receiver = receiver.clone();
            thread::Builder::new()
                .name(format!("{name}-{at}"))
                .spawn(move || {
                    while let Ok(job) = receiver.recv() {
                        // The panic itself is logged by the hook; the waiting request sees its channel
                        // closed.
                        let _ = catch_unwind(AssertUnwindSafe(job));
                    }
                })?;
        }
        Ok(Self { queue: sender })
    }

    /// How many wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Queues work; its result comes through the returned channel, which closes without one if the
    /// work panics. Work once queued is done, whether or not anyone still waits.
    ///
    /// # Errors
    /// [`Full`] when the queue is.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Full> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Nobody listening any more is fine.
            let _ = sender.send(work());
        });
        match self.queue.try_send(job) {
            Ok(()) => Ok(receiver),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Full),
        }
    }
}
