//! The log of requests that the pools refuse.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::fair_queue::Reason;

/// Logs refusals of the pools, at most one line in ten seconds.
#[derive(Default)]
pub(super) struct ShedLog {
    last: Mutex<(Option<Instant>, u64)>,
}

/// The minimum time between two log lines.
const LOG_EVERY: Duration = Duration::from_secs(10);

impl ShedLog {
    /// Counts a refusal, and logs the count if a line is due.
    pub(super) fn note(&self, queue: &'static str, reason: Reason, source: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, refused) = &mut *last;
        *refused += 1;
        if at.is_some_and(|at| at.elapsed() < LOG_EVERY) {
            return;
        }
        *at = Some(Instant::now());
        let refused = std::mem::take(refused);
        drop(last);
        let reason = reason.as_str();
        tracing::warn!(
            queue,
            reason,
            source,
            refused,
            "requests were refused with BUSY; queue, reason and source describe the last of them"
        );
    }
}
