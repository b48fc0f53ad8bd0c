//! Runs a function when the process exits.
//!
//! One of the few places that lift `deny(unsafe_code)`; docs/UNSAFE.md lists them.
#![allow(unsafe_code)]

/// Calls `hook` when the process exits in an ordinary way. On platforms other than Unix and Windows it is not called.
pub(crate) fn at_exit(hook: fn()) {
    imp::at_exit(hook);
}

#[cfg(any(unix, windows))]
mod imp {
    use std::ffi::c_int;
    use std::sync::OnceLock;

    static HOOK: OnceLock<fn()> = OnceLock::new();

    // SAFETY: the signature is that of ISO C (C17, 7.22.4.2), which the C libraries of Unix and Windows follow. It is
    // safe to call with any function that does not unwind: it stores the pointer.
    unsafe extern "C" {
        safe fn atexit(function: extern "C" fn()) -> c_int;
    }

    extern "C" fn run() {
        if let Some(hook) = HOOK.get() {
            // Unwinding out of here would abort the process.
            let _ = std::panic::catch_unwind(hook);
        }
    }

    pub(super) fn at_exit(hook: fn()) {
        if HOOK.set(hook).is_ok() && atexit(run) != 0 {
            crate::error::notify("exit", format_args!("atexit refused: call femtologging::shutdown before the end"));
        }
    }
}

#[cfg(not(any(unix, windows)))]
mod imp {
    pub(super) fn at_exit(_: fn()) {}
}
