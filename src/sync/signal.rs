//! A flag that one thread waits for and others set.
//!
//! Callers that wait for room sleep here, and not in `std::thread::park`: a thread has one unpark token, and a log call
//! that consumed it would consume a wake-up of a program that parks its threads itself.

use std::sync::PoisonError;
use std::time::Instant;

#[cfg(loom)]
use loom::sync::{Condvar, Mutex};
#[cfg(not(loom))]
use std::sync::{Condvar, Mutex};

/// A flag with a condition variable. Set stays set until it is reset, so a `set` before the `wait` is not lost:
///
/// ```text
/// caller                         handler's thread
/// reset
/// waiting = true                 frees words
/// (no room)                      waiting? yes: set
/// wait: returns at once
/// ```
#[derive(Default)]
pub(crate) struct Signal {
    // Without the pass of `sync::lock`: it is held for one store only, and a child of `fork` never uses a signal of its
    // parent.
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    /// Sets the flag, and wakes the thread that waits.
    pub(crate) fn set(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }

    /// Clears the flag. Called by the thread that will wait, before it announces that it waits.
    pub(crate) fn reset(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Waits until the flag is set, or until the deadline. Returns whether it is set.
    #[expect(clippy::disallowed_methods, reason = "a wait with a limit needs a clock")]
    pub(crate) fn wait(&self, until: Option<Instant>) -> bool {
        let mut is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        while !*is_set {
            is_set = match until {
                None => self.changed.wait(is_set).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    self.changed.wait_timeout(is_set, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}
