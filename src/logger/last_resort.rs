//! The handler of last resort: it writes warnings to standard error when no handler is configured, as in CPython.
//!
//! It starts a worker of its own, which nothing else in `logger/` does: a program that never configures anything has
//! no other place to start one.

use std::sync::{Arc, OnceLock};

use super::route::{self, Route};
use crate::error::notify;
use crate::handler::FemtoStreamHandler;
use crate::level::Level;
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
    let mut failure = None;
    let (_, route) = LAST_RESORT.get_or_init(|| {
        let spec = FemtoStreamHandler::stderr().level(Level::Warn).build();
        let worker = spec.and_then(|spec| Worker::spawn("last-resort", spec, QUEUE_BYTES, &Clock::system(), None));
        let worker = worker.map_err(|error| failure = Some(error)).ok();
        let queues = worker.iter().map(|worker| worker.queue.clone()).collect();
        (worker, Route::last_resort(queues))
    });
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
