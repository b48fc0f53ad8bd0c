//! The flush of a thread that panics.
//!
//! A panic may end the process without its exit hook, so its record is flushed at once. A program that catches panics,
//! one for each bad request, must not pay for a stuck handler each time. So a handler that was not flushed in time gets
//! little time from then on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::{Command, Outcome, Worker};
use crate::queue::is_consumer;
use crate::sync::lock;
use crate::time::uptime;

/// How long a panic waits for the handlers.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it waits for a handler that an earlier panic waited for in vain.
const LITTLE: Duration = Duration::from_millis(20);

/// After which time such a handler gets the whole time again.
const FORGIVEN: Duration = Duration::from_secs(60);

/// How flushes for earlier panics went.
#[derive(Default)]
pub(super) struct History {
    /// When the whole time was last spent in vain.
    failed_at: Option<Duration>,
    /// The answer that has not come yet. Until it comes, the handler is given no further command.
    missing: Option<Receiver<Outcome>>,
}

impl History {
    fn time_to_wait(&self) -> Duration {
        match self.failed_at {
            Some(at) if uptime().saturating_sub(at) < FORGIVEN => LITTLE,
            _ => PATIENCE,
        }
    }
}

/// Flushes workers side by side, on behalf of a thread that panics.
pub(crate) fn flush_for_panic(workers: &[Arc<Worker>]) {
    if is_consumer() {
        return;
    }
    let start = Instant::now();
    let asked = workers.iter().map(|worker| {
        let (time, missing) = {
            let mut history = lock(&worker.panic_flush);
            (history.time_to_wait(), history.missing.take())
        };
        let until = start + time;
        // An earlier answer that is there by now is old.
        let missing = missing.filter(|answer| answer.is_empty());
        let answer = missing.unwrap_or_else(|| worker.ask(|done| Command::Flush { until, done }));
        (worker, time, answer)
    });
    for (worker, time, answer) in asked.collect::<Vec<_>>() {
        let outcome = answer.recv_deadline(start + time);
        let mut history = lock(&worker.panic_flush);
        match outcome {
            Ok(Ok(())) => history.failed_at = None,
            // Kept if the handler had little time, so that it is given more once in a while.
            _ if time == PATIENCE => history.failed_at = Some(uptime()),
            _ => {}
        }
        history.missing = outcome.is_err_and(|error| error.is_timeout()).then_some(answer);
    }
}
