//! The lane of a handler without a thread: records are delivered where they are logged.
//!
//! Nothing is queued. The lane knows who delivers (`worker/inline.rs`) by a weak reference, because that one holds the
//! queue, for its counters.

use std::cell::Cell;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use crate::metrics::DropReason;
use crate::record::{Header, ThreadInfo};
use crate::sync::{AtomicU64, Ordering::*};

/// Delivers records on the threads that log them.
pub(crate) trait Deliver: Send + Sync {
    /// Delivers a record and counts its outcome.
    ///
    /// # Errors
    ///
    /// The handler was shut down, or other threads were in it until the deadline. The record is not counted then.
    fn deliver(
        &self,
        until: Option<Instant>,
        thread: &Arc<ThreadInfo>,
        header: Header,
        ticks: u64,
        payload: &[u8],
    ) -> Result<(), DropReason>;
}

pub(crate) struct InlineLane {
    handler: OnceLock<Weak<dyn Deliver>>,
    published: AtomicU64,
}

thread_local! {
    /// Whether the thread is in the code of a handler without a thread.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Marks the calling thread as one in a handler's code, until it is dropped. Set before the handler's lock is taken and
/// reset after it is free, so that a signal handler that logs in between never waits for it.
pub(crate) struct Inside(());

impl Inside {
    /// Returns `None` if the thread is marked already.
    pub(crate) fn enter() -> Option<Self> {
        // Not `then_some`: what it made in vain, and dropped, would take the mark away.
        (!INSIDE.replace(true)).then(|| Self(()))
    }

    pub(super) fn is_set() -> bool {
        INSIDE.get()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

impl InlineLane {
    pub(super) fn new() -> Self {
        Self { handler: OnceLock::new(), published: AtomicU64::new(0) }
    }

    pub(super) fn set_handler(&self, handler: Weak<dyn Deliver>) {
        let _ = self.handler.set(handler);
    }

    /// Counts a record as published and delivers it, or returns why it is dropped.
    pub(super) fn deliver(
        &self,
        until: Option<Instant>,
        thread: &Arc<ThreadInfo>,
        header: Header,
        ticks: u64,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        // Before the outcome is counted, as in other lanes.
        self.published.fetch_add(1, Relaxed);
        let handler = self.handler.get().and_then(Weak::upgrade);
        handler.ok_or(DropReason::Closed)?.deliver(until, thread, header, ticks, payload)
    }

    /// Returns how many records were published since the queue was made.
    pub(super) fn published(&self) -> u64 {
        self.published.load(Acquire)
    }
}
