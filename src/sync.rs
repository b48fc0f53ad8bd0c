//! The atomics and locks of the algorithms that are model-checked: std's, or loom's under `--cfg loom`.

cfg_if::cfg_if! {
    if #[cfg(loom)] {
        pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    } else {
        pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    }
}

/// A value on cache lines of its own, so that writing it does not slow down readers of its neighbours.
///
/// 128 bytes because x86-64 fetches lines in pairs and some ARM cores have lines that long.
#[repr(align(128))]
pub(crate) struct Line<T>(pub(crate) T);

/// Locks a mutex; a thread that panicked while it held the lock left nothing half-done that matters here.
///
/// In a child of `fork` the thread that held a lock may not exist. The locks here are held for moments only, so
/// waiting for one for long means that, and a process that logs nothing further beats one that hangs.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
