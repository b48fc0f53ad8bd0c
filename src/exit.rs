//! Runs functions when the process exits.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::error::{guarded, notify};
use crate::sync::lock;
use crate::sys;

static HOOKS: Mutex<Vec<fn()>> = Mutex::new(Vec::new());

/// In milliseconds.
static TIMEOUT: AtomicU64 = AtomicU64::new(5_000);

pub(crate) fn set_timeout(timeout: Duration) {
    TIMEOUT.store(timeout.as_millis().try_into().unwrap_or(u64::MAX), Relaxed);
}

/// Returns the maximum time that an exit waits for handlers.
pub(crate) fn timeout() -> Duration {
    Duration::from_millis(TIMEOUT.load(Relaxed))
}

/// Registers `hook` to be called once at an ordinary exit: return from `main`, [`std::process::exit`], the end of a
/// test binary. The last hook registered is the first one called.
///
/// Hooks do not run if the process aborts, is killed or calls `exec`, or on platforms other than Unix and Windows.
pub(crate) fn at_exit(hook: fn()) {
    let mut hooks = lock(&HOOKS);
    let refused = hooks.is_empty() && !sys::at_exit(run);
    hooks.push(hook);
    // The notice may run user code, which may take the lock.
    drop(hooks);
    if refused {
        notify("exit", format_args!("atexit refused: call femtologging::shutdown before the end"));
    }
}

extern "C" fn run() {
    let hooks = lock(&HOOKS).clone();
    for hook in hooks.into_iter().rev() {
        // Unwinding out of here would abort the process.
        let _ = guarded(hook);
    }
}
