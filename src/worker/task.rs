//! A task of an executor that waits for handlers.

use std::sync::Mutex;
use std::task::Waker;

use crate::error::guarded;
use crate::sync::lock;

/// A task that waits, or has not been polled yet.
#[derive(Default)]
pub(crate) struct Task(Mutex<Option<Waker>>);

impl Task {
    /// Sets who is woken. Wakers are the executor's code, so none is cloned, woken or dropped under the lock.
    pub(super) fn set(&self, waker: &Waker) {
        let new = waker.clone();
        let old = lock(&self.0).replace(new);
        drop(old);
    }

    /// Wakes the task, once for each poll.
    pub(super) fn wake(&self) {
        let waker = lock(&self.0).take();
        if let Some(waker) = waker {
            let _ = guarded(|| waker.wake());
        }
    }
}
