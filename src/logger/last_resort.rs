//! The handler of last resort: it writes warnings to standard error when no handler is configured, as in CPython.
//!
//! It starts a worker of its own, which nothing else in `logger/` does: a program that never configures anything has
//! no other place to start one. On a terminal it has no thread, as with `basic_config`: warnings stand between what the
//! program prints, and an abort loses none.

use std::io::{self, IsTerminal};
use std::sync::{Arc, OnceLock};

use super::route::{self, Route};
use crate::error::notify;
use crate::handler::FemtoStreamHandler;
use crate::level::Level;
use crate::sync::hold_off_forks;
use crate::time::Clock;
use crate::worker::Worker;

/// The maximum memory of its queue.
const QUEUE_BYTES: usize = 4 << 20;

/// The worker and the route to it; without a worker if its thread could not be started.
static LAST_RESORT: OnceLock<(Option<Arc<Worker>>, Arc<Route>)> = OnceLock::new();

/// Returns the route with this number, unless it was forgotten. The first record for the handler of last resort starts
/// its thread.
pub(super) fn find_or_start(id: u32) -> Option<Arc<Route>> {
    if id == route::LAST_RESORT { Some(route()) } else { Route::find(id) }
}

fn route() -> Arc<Route> {
    if let Some((_, route)) = LAST_RESORT.get() {
        return route.clone();
    }
    let mut failure = None;
    // A child that is forked while another thread makes it would wait for that thread for ever.
    let pass = hold_off_forks();
    let (_, route) = LAST_RESORT.get_or_init(|| {
        let stderr = FemtoStreamHandler::stderr().level(Level::Warn);
        let stderr = if io::stderr().is_terminal() { stderr.inline() } else { stderr };
        let worker = stderr
            .build()
            .and_then(|spec| Worker::spawn("last-resort", spec, QUEUE_BYTES, &Clock::system(), None, None, None));
        let worker = worker.map_err(|error| failure = Some(error)).ok();
        let queues = worker.iter().map(|worker| worker.queue.clone()).collect();
        (worker, Route::last_resort(queues))
    });
    drop(pass);
    // A hook for such notices may log, and come back here.
    if let Some(error) = failure {
        notify("last-resort", format_args!("{error:#}"));
    }
    route.clone()
}

/// Returns the worker if a record has started it.
pub(super) fn worker() -> Option<Arc<Worker>> {
    LAST_RESORT.get()?.0.clone()
}
