//! The record of a panic, and its flush.
//!
//! A panic may end the process without its exit hook, so its record is flushed at once. A program that catches panics,
//! one per bad request, must not wait for a stuck handler each time. So after a timeout, later panics wait for that
//! handler only briefly, until it answers or a minute has passed.
//!
//! ```text
//!                            the record waits for room     the flush
//! first panic                for 1 s                       until 2 s have passed since the panic
//! later, a stuck handler     for 20 ms                     until 20 ms have passed
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Command, Outcome, Worker, threads_first};
use crate::queue::{self, is_consumer};
use crate::sync::channel::Receiver;
use crate::sync::lock;
use crate::time::uptime;

/// The timeout of the flush.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The timeout for a handler that has recently timed out.
const SHORT_TIMEOUT: Duration = Duration::from_millis(20);

/// The time after which such a handler gets the full timeout again.
const RECOVERY: Duration = Duration::from_secs(60);

/// The outcome of flushes for earlier panics.
#[derive(Default)]
pub(super) struct History {
    /// When a flush last took the full timeout.
    timed_out_at: Option<Duration>,
    /// The answer to an earlier flush that is still to come. Until it comes, the handler gets no further command.
    pending: Option<Receiver<Outcome>>,
}

impl History {
    /// Returns the time that the panic may take for this handler.
    fn timeout(&self) -> Duration {
        match self.timed_out_at {
            Some(at) if uptime().saturating_sub(at) < RECOVERY => SHORT_TIMEOUT,
            _ => TIMEOUT,
        }
    }
}

/// Logs the record of a panic, and flushes workers side by side.
pub(crate) fn log_panic(workers: &[Arc<Worker>], log: impl FnOnce()) {
    let start = Instant::now();
    for worker in workers {
        // Half of the time, so that the rest is enough for the flush of the other handlers.
        worker.queue.set_panic_patience(lock(&worker.panic_flush).timeout().min(TIMEOUT / 2));
    }
    queue::log_panic(start, log);
    // A handler's thread cannot wait for itself.
    if is_consumer() {
        return;
    }
    let asked = threads_first(workers).filter(|worker| !worker.would_deadlock()).map(|worker| {
        let (time, pending) = {
            let mut history = lock(&worker.panic_flush);
            (history.timeout(), history.pending.take())
        };
        let until = start + time;
        // An answer that has come by now is about older records.
        let pending = pending.filter(|answer| answer.is_empty());
        let answer = pending.unwrap_or_else(|| worker.ask(|done| Command::Flush { until, done }));
        (worker, time, answer)
    });
    for (worker, time, answer) in asked.collect::<Vec<_>>() {
        let outcome = answer.recv_deadline(start + time);
        let mut history = lock(&worker.panic_flush);
        match outcome {
            Ok(Ok(())) => history.timed_out_at = None,
            // Not renewed by the short timeout, so that the handler gets the full one again after a while.
            _ if time == TIMEOUT => history.timed_out_at = Some(uptime()),
            _ => {}
        }
        history.pending = outcome.is_err_and(|error| error.is_timeout()).then_some(answer);
    }
}
