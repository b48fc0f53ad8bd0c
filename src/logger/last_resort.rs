//! Where warnings go that nobody configured a handler for: to standard error, as in CPython.

use std::sync::{Arc, OnceLock};

use super::route::Route;
use crate::error::notify;
use crate::handler::FemtoStreamHandler;
use crate::level::Level;
use crate::time::Clock;
use crate::worker::Worker;

/// How much memory its queue takes at most.
const QUEUE_BYTES: usize = 4 << 20;

/// The worker of last resort and the route to it; no worker if its thread could not be started.
static LAST_RESORT: OnceLock<(Option<Arc<Worker>>, Arc<Route>)> = OnceLock::new();

/// The route to the handler of last resort, whose thread is started by the first record.
pub(super) fn route() -> Arc<Route> {
    let mut failure = None;
    let (_, route) = LAST_RESORT.get_or_init(|| {
        let spec = FemtoStreamHandler::stderr().level(Level::Warn).build();
        let worker = spec.and_then(|spec| Worker::spawn("last-resort", spec, QUEUE_BYTES, &Clock::system()));
        let worker = worker.map_err(|error| failure = Some(error)).ok();
        let queues = worker.iter().map(|worker| worker.queue.clone()).collect();
        (worker, Arc::new(Route::last_resort(queues)))
    });
    // A hook for such notices may log, and come back here.
    if let Some(error) = failure {
        notify("last-resort", format_args!("{error:#}"));
    }
    route.clone()
}

/// The same, if a record has come to it.
pub(super) fn known_route() -> Option<&'static Route> {
    LAST_RESORT.get().map(|(_, route)| &**route)
}

pub(super) fn worker() -> Option<Arc<Worker>> {
    LAST_RESORT.get()?.0.clone()
}
