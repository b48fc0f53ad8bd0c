//! The ends of a process: an ordinary exit drains all handlers, and a panic can be logged.

use std::backtrace::Backtrace;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::error::notify;
use crate::worker;

/// In milliseconds.
static EXIT_TIMEOUT: AtomicU64 = AtomicU64::new(5_000);

pub(crate) fn set_exit_timeout(timeout: Duration) {
    EXIT_TIMEOUT.store(timeout.as_millis().try_into().unwrap_or(u64::MAX), Relaxed);
}

/// Makes an ordinary exit drain the handlers: return from `main`, [`std::process::exit`], the end of a test binary.
///
/// A process that aborts, is killed or replaces itself (`exec`) does not run the hook.
pub(crate) fn install_exit_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| crate::exit::at_exit(drain));
}

/// Closes all handlers of the process, also those of systems that were never dropped.
fn drain() {
    let workers: Vec<_> = worker::all().into_iter().filter(|worker| !worker.queue.is_orphaned()).collect();
    let timeout = Duration::from_millis(EXIT_TIMEOUT.load(Relaxed));
    if let Err(error) = worker::close(&workers, timeout) {
        notify("exit", format_args!("{error}"));
    }
}

/// Makes panics log a record at [`Level::Critical`](crate::Level::Critical), with their place and backtrace, and flush
/// all handlers.
///
/// The record's target is `panic`, and its keys are `location` and `backtrace`, which is null unless `RUST_BACKTRACE`
/// asks for one. The hook that was installed before runs afterwards. The flush may take up to 2 s.
///
/// # Examples
///
/// ```no_run
/// femtologging::basic_config(femtologging::Level::Info)?;
/// femtologging::install_panic_hook();
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let location = info.location().map(ToString::to_string);
            let text = info.payload().downcast_ref::<&str>().copied();
            let text = text.or_else(|| info.payload().downcast_ref::<String>().map(String::as_str));
            let message = text.unwrap_or("panicked with a value that is not text");
            let backtrace = Backtrace::capture();
            let backtrace = match backtrace.status() {
                std::backtrace::BacktraceStatus::Captured => Some(backtrace.to_string()),
                _ => None,
            };
            critical!(target: "panic", "{}", message; location, backtrace);
            // On a handler's thread this is refused, and the panic is that handler's own error.
            let _ = worker::flush(&worker::all(), Duration::from_secs(2));
            previous(info);
        }));
    });
}
