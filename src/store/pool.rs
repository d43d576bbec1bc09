//! A bounded pool of connections, which opens each of them when it is first needed.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{AnyConnection, Result, StepError, StoreError};

/// The time for which a caller waits for a connection before the store counts as unavailable.
const CONNECTION_WAIT: Duration = Duration::from_secs(10);

pub(super) struct ConnectionPool {
    state: Mutex<State>,
    returned: Condvar,
}

struct State {
    idle: Vec<AnyConnection>,
    /// The number of further connections that the pool may open.
    unopened: usize,
}

impl ConnectionPool {
    pub(super) fn new(size: usize) -> Self {
        Self {
            state: Mutex::new(State {
                idle: Vec::with_capacity(size),
                unopened: size,
            }),
            returned: Condvar::new(),
        }
    }

    /// An idle connection, or a new one from `open` while the pool is not full; otherwise waits for one.
    pub(super) fn take(
        &self,
        open: impl FnOnce() -> Result<AnyConnection>,
    ) -> Result<PooledConnection<'_>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(conn) = state.idle.pop() {
                return Ok(PooledConnection {
                    pool: self,
                    conn: Some(conn),
                    broken: false,
                });
            }
            if state.unopened > 0 {
                state.unopened -= 1;
                drop(state);
                // Create the guard before `open`, so that a failure or a panic frees the place.
                let mut pooled = PooledConnection {
                    pool: self,
                    conn: None,
                    broken: true,
                };
                pooled.conn = Some(open()?);
                pooled.broken = false;
                return Ok(pooled);
            }
            let (guard, waited) = self
                .returned
                .wait_timeout(state, CONNECTION_WAIT)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
            if waited.timed_out() && state.idle.is_empty() && state.unopened == 0 {
                return Err(StoreError::Unavailable("no free connection in time".into()));
            }
        }
    }
}

/// A connection in use. It returns to the pool on drop, unless it is broken or the step panics.
pub(super) struct PooledConnection<'a> {
    pool: &'a ConnectionPool,
    conn: Option<AnyConnection>,
    broken: bool,
}

impl PooledConnection<'_> {
    /// Runs a query or a step, and notes whether the connection has lost its server.
    pub(super) fn run<T, E: StepError>(
        &mut self,
        run: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(conn) = &mut self.conn else {
            let cause = "the pool gave out no connection".into();
            return Err(StoreError::Unavailable(cause).into());
        };
        let result = run(conn);
        let error = result.as_ref().err().and_then(StepError::store_error);
        self.broken |= matches!(error, Some(StoreError::Unavailable(_)));
        result
    }
}

impl Drop for PooledConnection<'_> {
    fn drop(&mut self) {
        let mut state = self
            .pool
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match self.conn.take() {
            Some(conn) if !self.broken && !std::thread::panicking() => {
                state.idle.push(conn);
            }
            _ => state.unopened += 1,
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}
