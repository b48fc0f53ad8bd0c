//! The wait for a flush or a shutdown as a future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::Error;
use crate::worker::{Task, Waiting};

/// The wait for a flush or a shutdown, which [`flush_async`](crate::flush_async()),
/// [`shutdown_async`](crate::shutdown_async()) and the methods of [`Logging`](super::Logging) return.
///
/// * **The flush has begun when the call returns**: it covers what was logged before the call, and the timeout runs
///   from the call on. Dropping the future ends the wait and nothing else.
/// * **Any executor**: the handlers' threads wake the task, and a thread of the library, `femtolog-timer`, keeps the
///   deadline. Neither a runtime's timer nor its I/O is needed. The thread starts with the first wait, and ends 10 s
///   after the last.
/// * **A handler without a thread** ([`Transport::Inline`](crate::policy::Transport::Inline)) is flushed on the calling
///   thread, before the call returns, as its records are.
/// * On a handler's thread, which would wait for itself, the future is ready with an error.
#[must_use = "the flush has begun, but only the future tells when it is done and whether it failed"]
pub struct FlushFuture(Waiting);

impl FlushFuture {
    /// Calls `begin` with the task that the answers wake.
    pub(super) fn new(begin: impl FnOnce(Arc<Task>) -> Result<Waiting, Error>) -> Self {
        Self(begin(Arc::default()).unwrap_or_else(Waiting::failed))
    }
}

impl Future for FlushFuture {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(task.waker())
    }
}

impl fmt::Debug for FlushFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlushFuture").finish_non_exhaustive()
    }
}
