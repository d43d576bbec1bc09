//! Worker threads with bounded queues. One kind of work cannot starve another, and in a fair pool one caller cannot
//! starve another.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};
use tokio::sync::oneshot;

use super::fair_queue::{Added, Bounds, FairQueue, Owner, Reason, Ticket};
use crate::operations::Origin;

/// The reason why work was not done.
#[derive(Debug)]
pub(super) enum NotDone {
    /// The job was refused or did not get its turn.
    Shed(Shed),
    /// The job panicked; the panic hook has logged it.
    Panicked,
}

/// The details of refused work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shed {
    pub reason: Reason,
    /// The estimated time until the current queue is done, from the duration of recent jobs.
    pub retry: Duration,
    /// The delay of the refusal. Without the delay, a caller that retries at once could use all processor time.
    pub hold: Duration,
}

impl Shed {
    /// Refused work whose refusal is not delayed.
    fn at_once(reason: Reason, retry: Duration) -> Self {
        let hold = Duration::ZERO;
        Self {
            reason,
            retry,
            hold,
        }
    }
}

/// The delay grows by this step with each refusal by the same exhausted share, up to [`LONGEST_HOLD`].
const HOLD_STEP: Duration = Duration::from_millis(20);
const LONGEST_HOLD: Duration = Duration::from_secs(1);

type PlainJob = Box<dyn FnOnce() + Send>;

/// Threads that take jobs from one bounded queue in the order of arrival.
pub(super) struct Pool {
    queue: Sender<PlainJob>,
    wait: Duration,
}

impl Pool {
    /// Starts the threads. A job that has waited longer than `wait` is not run.
    ///
    /// # Errors
    /// The system cannot start a thread.
    pub(super) fn start(
        name: &str,
        threads: usize,
        queue: usize,
        wait: Duration,
    ) -> io::Result<Self> {
        let (sender, receiver) = bounded::<PlainJob>(queue);
        for at in 0..threads.max(1) {
            let receiver = receiver.clone();
            spawn(name, at, move || {
                while let Ok(job) = receiver.recv() {
                    // The panic hook logs the panic; the waiting request sees its channel closed.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            })?;
        }
        Ok(Self {
            queue: sender,
            wait,
        })
    }

    /// Number of jobs that wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Runs a job and waits for its result. A queued job runs even if its caller no longer waits.
    ///
    /// # Errors
    /// [`NotDone`] if the queue is full, the job waited too long, or it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let (sender, receiver) = oneshot::channel();
        let (queued, wait) = (Instant::now(), self.wait);
        let job: PlainJob = Box::new(move || {
            let done = match queued.elapsed() > wait {
                true => Err(Reason::Deadline),
                false => Ok(work()),
            };
            // The caller may no longer wait for the result.
            let _ = sender.send(done);
        });
        // These queues have short jobs, so a second is a good estimate.
        let shed = |reason| NotDone::Shed(Shed::at_once(reason, Duration::from_secs(1)));
        if self.queue.try_send(job).is_err() {
            return Err(shed(Reason::Full));
        }
        match receiver.await {
            Ok(done) => done.map_err(shed),
            Err(_) => Err(NotDone::Panicked),
        }
    }
}

/// The rules for sharing a fair pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shares {
    /// Maximum number of waiting jobs.
    pub queue: usize,
    /// The percentage of waiting jobs that one client may own.
    pub per_source: usize,
    /// The percentage of waiting jobs that may concern one account.
    pub per_account: usize,
    /// The longest time that a job waits.
    pub wait: Duration,
    /// Maximum number of threads that work for one client at the same time.
    pub threads_per_source: usize,
}

impl Shares {
    /// The given percentage of the queue, at least one job.
    fn part(&self, percent: usize) -> usize {
        (self.queue * percent.min(100)).div_ceil(100).max(1)
    }
}

/// The share of a trusted client is larger by this factor, because many people use one trusted client.
const TRUSTED_SHARES: usize = 2;

type FairJob = Box<dyn FnOnce(Result<(), Shed>) + Send>;

/// Threads that take jobs from a queue that callers share fairly.
pub(super) struct FairPool {
    shared: Arc<Shared>,
    shares: Shares,
    keys: RandomState,
}

struct Shared {
    state: Mutex<State>,
    /// Signalled when a job may be ready.
    ready: Condvar,
    threads: u32,
    /// The longest time that a job waits.
    wait: Duration,
}

struct State {
    queue: FairQueue<FairJob>,
    /// The moving average of the duration of a job.
    usual: Duration,
    is_over: bool,
}

impl FairPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system cannot start a thread.
    pub(super) fn start(name: &str, threads: usize, shares: Shares) -> io::Result<Self> {
        let threads = threads.max(1);
        let queue = FairQueue::new(Bounds {
            waiting: shares.queue,
            per_account: shares.part(shares.per_account),
            running_per_source: shares.threads_per_source.max(1),
        });
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                queue,
                usual: Duration::ZERO,
                is_over: false,
            }),
            ready: Condvar::new(),
            threads: u32::try_from(threads).unwrap_or(u32::MAX),
            wait: shares.wait,
        });
        for at in 0..threads {
            let shared = Arc::clone(&shared);
            spawn(name, at, move || shared.work())?;
        }
        Ok(Self {
            shared,
            shares,
            keys: RandomState::new(),
        })
    }

    /// Number of jobs that wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.shared.lock().queue.len()
    }

    /// Runs a job when it is its owner's turn, and waits for the result. A waiting job is withdrawn if its caller
    /// goes away; a started job runs to its end.
    ///
    /// # Errors
    /// [`NotDone`] if the job did not get its turn, or panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        origin: &Origin,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let (sender, mut receiver) = oneshot::channel();
        let job: FairJob = Box::new(move |turn: Result<(), Shed>| {
            // The caller may no longer wait for the result.
            let _ = sender.send(turn.map(|()| work()));
        });
        let ticket = self.shared.add(self.owner(origin), job)?;
        let mut place = Place {
            shared: &self.shared,
            ticket: Some(ticket),
        };
        let done = match tokio::time::timeout(self.shares.wait, &mut receiver).await {
            Ok(done) => done,
            Err(_) if place.give_up() => {
                let retry = self.shared.lock().backlog(&self.shared);
                return Err(NotDone::Shed(Shed::at_once(Reason::Deadline, retry)));
            }
            // The job has started.
            Err(_) => receiver.await,
        };
        place.ticket = None;
        match done {
            Ok(done) => done.map_err(NotDone::Shed),
            Err(_) => Err(NotDone::Panicked),
        }
    }

    fn owner(&self, origin: &Origin) -> Owner {
        let times = if origin.is_trusted { TRUSTED_SHARES } else { 1 };
        Owner {
            source: self.keys.hash_one(("source", &origin.source)),
            per_source: self.shares.part(self.shares.per_source * times),
            account: origin
                .account
                .as_ref()
                .map(|account| self.keys.hash_one(("account", account))),
        }
    }
}

/// Dropping the pool ends its threads after the last job.
impl Drop for FairPool {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.ready.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job, and refuses the jobs that it displaced.
    fn add(&self, owner: Owner, job: FairJob) -> Result<Ticket, NotDone> {
        let mut state = self.lock();
        let retry = state.backlog(self);
        let added = state.queue.add(owner, job);
        drop(state);
        match added {
            Added::Waits(ticket, displaced) => {
                self.ready.notify_one();
                for (job, reason) in displaced {
                    job(Err(Shed::at_once(reason, retry)));
                }
                Ok(ticket)
            }
            Added::Refused(_, reason, times) => Err(NotDone::Shed(Shed {
                reason,
                retry,
                hold: (HOLD_STEP * times).min(LONGEST_HOLD),
            })),
        }
    }

    /// The loop of a worker thread.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            let Some((owner, job)) = state.queue.take() else {
                if state.is_over && state.queue.len() == 0 {
                    drop(state);
                    self.ready.notify_all();
                    return;
                }
                state = self
                    .ready
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(state);
            let begun = Instant::now();
            let _ = catch_unwind(AssertUnwindSafe(|| job(Ok(()))));
            let took = begun.elapsed();
            state = self.lock();
            state.usual = match state.usual {
                Duration::ZERO => took,
                usual => (usual * 7 + took) / 8,
            };
            state.queue.done(&owner);
            // A further job of this client may run now.
            if state.queue.len() > 0 {
                self.ready.notify_one();
            }
        }
    }
}

impl State {
    /// The estimated time for the waiting jobs, at least a second and at most the longest wait.
    fn backlog(&self, shared: &Shared) -> Duration {
        let ahead = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
        let least = Duration::from_secs(1);
        (self.usual.saturating_mul(ahead) / shared.threads).clamp(least, shared.wait.max(least))
    }
}

/// A place in the queue; dropping it withdraws the job.
struct Place<'a> {
    shared: &'a Shared,
    ticket: Option<Ticket>,
}

impl Place<'_> {
    /// Withdraws the job; returns `false` if it no longer waits.
    fn give_up(&mut self) -> bool {
        let Some(ticket) = self.ticket.take() else {
            return false;
        };
        self.shared.lock().queue.withdraw(ticket)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}

fn spawn(name: &str, at: usize, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(format!("{name}-{at}"));
    thread.spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const SHARES: Shares = Shares {
        queue: 8,
        per_source: 25,
        per_account: 25,
        wait: Duration::from_secs(60),
        threads_per_source: 1,
    };

    fn origin(source: &str) -> Origin {
        Origin {
            source: source.to_owned(),
            is_trusted: false,
            account: None,
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().unwrap()
    }

    /// A pool of one thread that is busy until the test sends a message.
    fn busy(shares: Shares) -> (FairPool, Sender<()>) {
        let pool = FairPool::start("test", 1, shares).unwrap();
        let (release, released): (_, Receiver<()>) = channel();
        let (sender, begun) = channel();
        let job: FairJob = Box::new(move |_| {
            sender.send(()).unwrap();
            let _ = released.recv();
        });
        let owner = pool.owner(&origin("busy"));
        assert!(pool.shared.add(owner, job).is_ok());
        begun.recv().unwrap();
        (pool, release)
    }

    #[test]
    fn drops_work_whose_caller_has_disconnected() {
        let (pool, release) = busy(SHARES);
        let (sender, receiver) = channel();
        runtime().block_on(async {
            let from = origin("gone");
            let work = pool.run(&from, move || sender.send(()));
            let soon = tokio::time::timeout(Duration::from_millis(1), work).await;
            assert!(soon.is_err(), "the job waits");
        });
        assert_eq!(pool.waiting(), 0);
        drop(release);
        drop(pool);
        assert!(receiver.recv().is_err(), "the job was not run");
    }

    #[test]
    fn refuses_work_that_waited_too_long() {
        let wait = Duration::from_millis(1);
        let (pool, _release) = busy(Shares { wait, ..SHARES });
        let done = runtime().block_on(pool.run(&origin("late"), || ()));
        let shed = done.unwrap_err();
        assert!(
            matches!(&shed, NotDone::Shed(s) if s.reason == Reason::Deadline),
            "{shed:?}"
        );
        assert_eq!(pool.waiting(), 0);
    }

    #[test]
    fn estimates_the_time_until_the_waiting_work_is_done() {
        let (pool, _release) = busy(SHARES);
        let job = || Box::new(|_| ());
        for n in 0..4 {
            let owner = pool.owner(&origin(&n.to_string()));
            assert!(pool.shared.add(owner, job()).is_ok());
        }
        let backlog = |usual| {
            let mut state = pool.shared.lock();
            state.usual = usual;
            state.backlog(&pool.shared)
        };
        assert_eq!(backlog(Duration::from_millis(1500)), Duration::from_secs(6));
        let least = Duration::from_secs(1);
        assert_eq!(backlog(Duration::from_millis(1)), least);
        let longest = SHARES.wait;
        assert_eq!(backlog(Duration::from_secs(100)), longest);
    }

    #[test]
    fn delays_each_further_refusal_a_little_longer() {
        let (pool, _release) = busy(SHARES);
        let job = || Box::new(|_| ());
        let mut held = Vec::new();
        for _ in 0..60 {
            if let Err(NotDone::Shed(shed)) = pool.shared.add(pool.owner(&origin("many")), job()) {
                held.push(shed.hold);
            }
        }
        assert_eq!(held.len(), 58, "a quarter of the queue waits");
        assert_eq!(held[0], HOLD_STEP);
        assert_eq!(held[1], 2 * HOLD_STEP);
        assert_eq!(held[57], LONGEST_HOLD);
    }

    #[test]
    fn gives_a_trusted_client_twice_the_share_of_an_address() {
        let pool = FairPool::start("test", 1, SHARES).unwrap();
        let client = Origin {
            is_trusted: true,
            ..origin("client Default")
        };
        assert_eq!(pool.owner(&origin("192.0.2.7")).per_source, 2);
        assert_eq!(pool.owner(&client).per_source, 4);
    }

    #[test]
    fn continues_after_a_panic_and_finishes_its_work_at_the_end() {
        let pool = FairPool::start("test", 2, SHARES).unwrap();
        let runtime = runtime();
        let panics = runtime.block_on(pool.run(&origin("a"), || -> () { panic!("a test") }));
        assert!(matches!(panics, Err(NotDone::Panicked)));
        let done = runtime.block_on(pool.run(&origin("a"), || 7));
        assert!(matches!(done, Ok(7)));
        let (sender, receiver) = channel();
        for n in 0..2 {
            let sender = sender.clone();
            let job: FairJob = Box::new(move |_| sender.send(n).unwrap());
            assert!(pool.shared.add(pool.owner(&origin("a")), job).is_ok());
        }
        drop((pool, sender));
        assert_eq!(receiver.iter().count(), 2);
    }
}
