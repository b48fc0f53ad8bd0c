//! Keeps the library's locks usable in a child of `fork`.
//!
//! A child has only the thread that forked. A lock that another thread held at that moment would stay locked in the
//! child for ever. So a fork waits until no other thread holds a lock of the library.
//!
//! A thread that holds locks has a [`Pass`]. `fork` closes a gate to threads without a pass, waits until all other
//! threads have returned theirs (locks are held for moments only), and opens the gate afterwards:
//!
//! ```text
//! thread A (locks)                 thread B (forks)
//! INSIDE = 1
//! FORKING == 0: goes on            FORKING = 1
//! locks, unlocks                   INSIDE == 1: waits
//! INSIDE = 0
//!                                  INSIDE == 0: forks
//! INSIDE = 1
//! FORKING == 1: INSIDE = 0, waits
//!                                  parent: FORKING = 0
//! ```
//!
//! Each thread writes its own counter and then reads the other's, all sequentially consistent, so that at least one of
//! two threads sees the other. The child resets both counters, for the one thread that it has.
//!
//! One of the few places that lift `deny(unsafe_code)`; docs/UNSAFE.md lists them.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::*};
#[cfg(unix)]
use std::time::Duration;

/// The number of threads that have a pass.
static INSIDE: AtomicU32 = AtomicU32::new(0);

/// The number of threads that are forking. While it is not 0, the gate is closed.
static FORKING: AtomicU32 = AtomicU32::new(0);

/// The number of forks between the first process and this one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Whether the last fork timed out, so that locks may be held in the child for ever.
static GAVE_UP: AtomicBool = AtomicBool::new(false);

/// The generation of the last process that began with locks that may be held for ever.
static LOCKS_LOST: AtomicU32 = AtomicU32::new(0);

/// The function that runs first in every child.
static IN_CHILD: OnceLock<fn()> = OnceLock::new();

/// Has `run` called once in every child of `fork`, unless it may find locks held. It does not unwind.
pub(crate) fn in_children(run: fn()) {
    let _ = IN_CHILD.set(run);
}

thread_local! {
    /// The number of locks that this thread holds.
    static HELD: Cell<u32> = const { Cell::new(0) };

    /// The number of them under which user code may run.
    static OPEN: Cell<u32> = const { Cell::new(0) };
}

/// Returns a number that differs between a process and the children that it forks.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Relaxed)
}

/// Returns whether the calling thread holds a lock of this library under which no user code runs.
pub(crate) fn holds_lock() -> bool {
    HELD.get() > OPEN.get()
}

/// Returns whether locks that exist since this generation may be held by threads that this process does not have.
///
/// A fork waits for a second until no lock is held. One under which user code runs may be held for longer.
pub(crate) fn lost_locks_since(generation: u32) -> bool {
    LOCKS_LOST.load(Relaxed) > generation
}

/// The right to hold locks. A thread that has one gets more without waiting.
pub(super) struct Pass(());

impl Pass {
    pub(super) fn take() -> Self {
        let held = HELD.get();
        HELD.set(held + 1);
        if held == 0 {
            // Before the first lock: a fork that is not watched does not wait for it.
            watch_forks();
            enter();
        }
        Self(())
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let held = HELD.get().saturating_sub(1);
        HELD.set(held);
        if held == 0 {
            INSIDE.fetch_sub(1, Release);
        }
    }
}

/// Makes a fork wait, as for a lock, until what this returns is dropped. User code may run meanwhile.
pub(crate) fn hold_off_forks() -> OpenPass {
    OpenPass::take()
}

/// The right to hold a lock under which user code may run.
pub(crate) struct OpenPass {
    // Dropped before `OPEN` is counted down, and taken after it is counted up: a signal handler in between finds that
    // the thread holds no lock.
    pass: Option<Pass>,
}

impl OpenPass {
    pub(super) fn take() -> Self {
        OPEN.set(OPEN.get() + 1);
        Self { pass: Some(Pass::take()) }
    }
}

impl Drop for OpenPass {
    fn drop(&mut self) {
        drop(self.pass.take());
        OPEN.set(OPEN.get().saturating_sub(1));
    }
}

fn enter() {
    loop {
        // Sequentially consistent, as in `before`: of this thread and the one that forks, at least one sees the other.
        INSIDE.fetch_add(1, SeqCst);
        if FORKING.load(SeqCst) == 0 {
            return;
        }
        INSIDE.fetch_sub(1, Release);
        while FORKING.load(Relaxed) > 0 {
            std::thread::yield_now();
        }
    }
}

/// Whether the handlers of `fork` are installed.
#[cfg(unix)]
static WATCHED: AtomicBool = AtomicBool::new(false);

/// Installs the handlers of `fork`.
///
/// Nobody waits for a thread that is at it: a child that is forked meanwhile does not have that thread. So several
/// threads may install them at the same time, and then each fork calls them several times. They can take it: what
/// `before` adds, `in_parent` subtracts; a second wait finds nobody; and a generation is skipped.
pub(crate) fn watch_forks() {
    #[cfg(unix)]
    if !WATCHED.load(Acquire) {
        // If this fails for lack of memory, forks do not wait for locks.
        let _ = imp::pthread_atfork(Some(imp::before), Some(imp::in_parent), Some(imp::in_child));
        WATCHED.store(true, Release);
    }
}

/// The maximum time that a fork waits for other threads, in units of [`NAP`].
#[cfg(unix)]
const NAPS: u32 = 10_000;

#[cfg(unix)]
const NAP: Duration = Duration::from_micros(100);

#[cfg(unix)]
mod imp {
    use std::ffi::c_int;

    use super::*;

    type Handler = Option<extern "C" fn()>;

    // SAFETY: the signature is that of POSIX. It is safe to call with functions that do not unwind and that may run in
    // a child of a process with several threads: it stores the pointers. Those below touch atomics and a thread-local
    // cell without a destructor, and `before`, which runs in the parent, sleeps.
    unsafe extern "C" {
        pub(super) safe fn pthread_atfork(before: Handler, in_parent: Handler, in_child: Handler) -> c_int;
    }

    pub(super) extern "C" fn before() {
        let own = u32::from(HELD.get() > 0);
        FORKING.fetch_add(1, SeqCst);
        for _ in 0..NAPS {
            if INSIDE.load(SeqCst) <= own {
                return GAVE_UP.store(false, Relaxed);
            }
            std::thread::sleep(NAP);
        }
        GAVE_UP.store(true, Relaxed);
    }

    pub(super) extern "C" fn in_parent() {
        FORKING.fetch_sub(1, Release);
    }

    pub(super) extern "C" fn in_child() {
        let generation = GENERATION.fetch_add(1, Relaxed) + 1;
        if GAVE_UP.load(Relaxed) {
            LOCKS_LOST.store(generation, Relaxed);
        }
        INSIDE.store(u32::from(HELD.get() > 0), Relaxed);
        FORKING.store(0, Release);
        // A thread that forked while it held locks may hold the one that `run` needs.
        if let Some(run) = IN_CHILD.get().filter(|_| !GAVE_UP.load(Relaxed) && HELD.get() == 0) {
            run();
        }
    }
}

#[cfg(all(test, unix, not(loom)))]
mod tests {
    use std::sync::{Mutex, Once, mpsc};

    use super::*;
    use crate::sync::{lock, once};

    /// Runs `check` in a child, which ends by the alarm if it hangs, and returns whether it returned true.
    fn in_child(check: impl FnOnce() -> bool) -> bool {
        let mut status = -1;
        // SAFETY: the child takes locks, reads numbers and ends with `_exit`, or by the alarm if it hangs.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::alarm(10);
                libc::_exit(i32::from(!check()));
            }
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
        }
        status == 0
    }

    /// Waits until another thread forks, and long enough for a fork that did not wait; one that waits passes however
    /// long it is.
    fn outlast_a_fork() {
        while FORKING.load(SeqCst) == 0 {
            std::thread::yield_now();
        }
        std::thread::sleep(NAP * 500);
    }

    #[test]
    fn a_fork_waits_until_no_other_thread_holds_a_lock() {
        static HELD_BY_ANOTHER: Mutex<u32> = Mutex::new(0);
        watch_forks();
        let (locked, is_locked) = mpsc::channel();
        let holder = std::thread::spawn(move || {
            let mut guard = lock(&HELD_BY_ANOTHER);
            locked.send(()).unwrap();
            outlast_a_fork();
            *guard += 1;
        });
        is_locked.recv().unwrap();
        let before = generation();
        assert!(in_child(|| *lock(&HELD_BY_ANOTHER) == 1 && generation() > before));
        holder.join().unwrap();
        assert_eq!(generation(), before);
    }

    #[test]
    fn a_fork_waits_for_what_is_done_once() {
        static ONCE: Once = Once::new();
        static DONE: AtomicBool = AtomicBool::new(false);
        watch_forks();
        let (began, has_begun) = mpsc::channel();
        let other = std::thread::spawn(move || {
            once(&ONCE, || {
                began.send(()).unwrap();
                outlast_a_fork();
                DONE.store(true, SeqCst);
            });
        });
        has_begun.recv().unwrap();
        assert!(in_child(|| {
            once(&ONCE, || DONE.store(false, SeqCst));
            DONE.load(SeqCst)
        }));
        other.join().unwrap();
    }

    /// A child that is forked while another thread installs the handlers does so itself, and may then have them twice.
    #[test]
    fn handlers_that_are_installed_twice_do_what_they_do_once() {
        static LOCK: Mutex<u32> = Mutex::new(0);
        drop(lock(&LOCK));
        assert!(in_child(|| {
            WATCHED.store(false, SeqCst);
            *lock(&LOCK) += 1;
            let before = generation();
            let is_well = || *lock(&LOCK) == 1 && (INSIDE.load(SeqCst), FORKING.load(SeqCst)) == (0, 0);
            in_child(|| is_well() && generation() > before) && is_well() && generation() == before
        }));
    }
}
