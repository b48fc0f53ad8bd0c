//! What std does not have: threads that block signals, the number of unacknowledged bytes of a socket, the cycle
//! counter, hooks of the process's exit.
//!
//! One of the few places that lift `deny(unsafe_code)`; docs/UNSAFE.md lists them.
#![allow(unsafe_code)]

use std::io;
use std::sync::OnceLock;
use std::thread::{Builder, JoinHandle};

/// Starts a thread of the library. On Unix, signals sent to the process are blocked in it.
///
/// The kernel gives a signal that is sent to a process to any thread that does not block it. A program that blocks
/// `SIGTERM` in its own threads, to take it with `sigwait`, relies on there being no other thread.
#[expect(clippy::disallowed_methods, reason = "all threads of the library start here")]
pub(crate) fn spawn(name: impl Into<String>, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    // A thread inherits the mask of its creator, so there is no moment in which a signal could reach it.
    #[cfg(unix)]
    let _blocked = signals::Blocked::new();
    Builder::new().name(name.into()).spawn(run)
}

#[cfg(unix)]
mod signals {
    use std::ffi::c_int;
    use std::mem::MaybeUninit;
    use std::ptr;

    /// Signals that a thread raises by its own fault. If they were blocked, the process would end without its crash
    /// handlers.
    const FAULTS: [c_int; 6] = [libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGSYS, libc::SIGTRAP];

    /// Blocks all other signals in this thread until it is dropped.
    pub(super) struct Blocked(libc::sigset_t);

    impl Blocked {
        pub(super) fn new() -> Option<Self> {
            let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
            // SAFETY: the pointers are to sets on this stack. `sigfillset` initializes one before it is read, and
            // `pthread_sigmask` the other when it succeeds.
            unsafe {
                libc::sigfillset(all.as_mut_ptr());
                FAULTS.iter().for_each(|signal| _ = libc::sigdelset(all.as_mut_ptr(), *signal));
                let refused = libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), before.as_mut_ptr());
                (refused == 0).then(|| Self(before.assume_init()))
            }
        }
    }

    impl Drop for Blocked {
        fn drop(&mut self) {
            // SAFETY: the set is initialized, and the null pointer says that the current one is not wanted.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, ptr::null_mut()) };
        }
    }
}

/// Returns how many of the bytes written to a socket the peer's system has not acknowledged (`SIOCOUTQ`, tcp(7)). Also
/// when the connection has broken since.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn unacknowledged(socket: &impl std::os::fd::AsRawFd) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: this request writes one `int`, to the address given, which is that of one on this stack. Of a descriptor
    // that is not a socket it writes the same or fails.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) } {
        0 => Ok(usize::try_from(bytes).unwrap_or(0)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Reads the processor's cycle counter by one instruction in place, on x86-64.
#[inline(always)]
pub(crate) fn cycles() -> Option<u64> {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction (RDTSC). It accesses no memory.
    return Some(unsafe { std::arch::x86_64::_rdtsc() });
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// Registers `run` to be called at an ordinary exit of the process. Returns whether that worked.
#[cfg(any(unix, windows))]
pub(crate) fn at_exit(run: extern "C" fn()) -> bool {
    use std::ffi::c_int;

    // SAFETY: the signature is that of ISO C (C17, 7.22.4.2), which the C libraries of Unix and Windows follow. It is
    // safe to call with any function that does not unwind: it stores the pointer.
    unsafe extern "C" {
        safe fn atexit(function: extern "C" fn()) -> c_int;
    }

    atexit(run) == 0
}

#[cfg(not(any(unix, windows)))]
pub(crate) fn at_exit(_: extern "C" fn()) -> bool {
    true
}

/// The function that runs last.
static LAST: OnceLock<fn()> = OnceLock::new();

/// Whether the system calls the function of [`at_end`]: ELF systems do.
pub(crate) const HAS_END: bool = cfg!(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd"
));

/// Registers `run` to be called at an ordinary exit, after all functions that were given to `atexit` at any time. `run`
/// does not unwind. Only ELF systems (Linux, Android, the BSDs) call it.
pub(crate) fn at_end(run: fn()) {
    let _ = LAST.set(run);
}

#[cfg(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd"
))]
mod end {
    /// The C library calls the functions in this section after those given to `atexit`.
    // SAFETY: the section holds pointers to functions of this type, which the C library calls in order, once.
    #[used]
    #[unsafe(link_section = ".fini_array")]
    static FINISH: extern "C" fn() = finish;

    extern "C" fn finish() {
        if let Some(run) = super::LAST.get() {
            run();
        }
    }
}
