//! Atomics and locks: std's, or loom's in the algorithms that are model-checked (`--cfg loom`).
//!
//! | lock | for | held while user code runs | a `fork` waits for it |
//! |---|---|---|---|
//! | [`lock`] | tables, settings, counters | never | yes |
//! | [`lock_open`] | a handler without a thread | yes | yes, for a second at most |
//! | [`modelled::lock`] | the queue; loom's under `--cfg loom` | never | yes |
//! | [`Signal`] | a caller that sleeps | never | no: a child does not use its parent's signals |
//! | [`lazy`] | values that the first use makes | never | yes |
//!
//! Poisoned locks are used as if they were not. The data is consistent after every critical section, because code that
//! may panic does not run in one, or is caught there ([`lock_open`]). So a panic in user code never makes a later log
//! call fail.

pub(crate) mod channel;
mod fork;
mod mute;
mod signal;

use std::ops::{Deref, DerefMut};
use std::sync::{LazyLock, Mutex, MutexGuard, Once, PoisonError, TryLockError};

pub(crate) use fork::{generation, hold_off_forks, holds_lock, in_children, lost_locks_since, watch_forks};
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) use mute::is_muted;
#[cfg(feature = "socket")]
pub(crate) use mute::mute_thread;
#[cfg(feature = "tls")]
pub(crate) use mute::muted;
pub(crate) use signal::Signal;

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

/// The mutex of the algorithms that are model-checked.
pub(crate) mod modelled {
    #[cfg(not(loom))]
    pub(crate) use super::lock;
    #[cfg(loom)]
    pub(crate) use loom::sync::Mutex;
    #[cfg(not(loom))]
    pub(crate) use std::sync::Mutex;

    #[cfg(loom)]
    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> loom::sync::MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A lock that is held; see [`lock`].
pub(crate) struct Guard<'a, T> {
    // Fields are dropped in this order: the lock is free before the pass is given back.
    guard: MutexGuard<'a, T>,
    _pass: fork::Pass,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// Returns a value that the first call makes. A `fork` waits for its initialization: otherwise a child would wait for
/// ever for the thread of its parent that was initializing it.
pub(crate) fn lazy<T>(value: &LazyLock<T>) -> &T {
    let _pass = fork::Pass::take();
    LazyLock::force(value)
}

/// Calls `run` unless a call has done so. A `fork` waits for it, as for [`lazy`].
pub(crate) fn once(once: &Once, run: impl FnOnce()) {
    let _pass = hold_off_forks();
    once.call_once(run);
}

/// A lock that is held while user code may run; see [`lock_open`].
pub(crate) struct OpenGuard<'a, T> {
    // Fields are dropped in this order, as in `Guard`.
    guard: MutexGuard<'a, T>,
    _pass: fork::OpenPass,
}

impl<T> Deref for OpenGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for OpenGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// Locks a mutex under which user code may run, so that it may be held for long.
///
/// A `fork` waits for it as for other locks, for a second at most. After that the child must not lock it:
/// [`lost_locks_since`] tells.
pub(crate) fn lock_open<T>(mutex: &Mutex<T>) -> OpenGuard<'_, T> {
    let pass = fork::OpenPass::take();
    OpenGuard { guard: mutex.lock().unwrap_or_else(PoisonError::into_inner), _pass: pass }
}

/// The same, unless another thread holds it.
pub(crate) fn try_lock_open<T>(mutex: &Mutex<T>) -> Option<OpenGuard<'_, T>> {
    let pass = fork::OpenPass::take();
    let guard = match mutex.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return None,
    };
    Some(OpenGuard { guard, _pass: pass })
}

/// Locks a mutex, also a poisoned one: no panic can leave the data of these locks inconsistent.
///
/// A `fork` waits until no other thread holds a lock taken by this function, so that none is held for ever in the
/// child.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Guard<'_, T> {
    let pass = fork::Pass::take();
    Guard { guard: mutex.lock().unwrap_or_else(PoisonError::into_inner), _pass: pass }
}
