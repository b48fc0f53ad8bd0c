//! What happens at an ordinary exit, and at a panic.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::sync::{Arc, Once};

use crate::exit;
use crate::logger::Registry;
use crate::worker::{self, Worker};

/// Makes an ordinary exit close the global system before the handlers are drained.
///
/// Threads that continue to log could otherwise keep the handlers busy to the last moment.
pub(crate) fn install_exit_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        exit::at_exit(|| {
            if !workers().is_empty() {
                Registry::global().close();
            }
        });
    });
}

/// Returns the handlers of this process; a child of `fork` does not have those of its parent.
fn workers() -> Vec<Arc<Worker>> {
    worker::all().into_iter().filter(|worker| !worker.queue.is_orphaned()).collect()
}

/// Installs a panic hook that logs a record at [`Level::Critical`](crate::Level::Critical), and flushes.
///
/// The record's target is `panic`, its message that of the panic and its thread the one that panicked. Its keys are
/// `location` and, if `RUST_BACKTRACE` asks for one, `backtrace`. All handlers of the process are flushed, and then the
/// hook runs that was installed before.
///
/// The flush waits for up to 2 s. After a timeout (a stuck sink, a peer that is down), later panics wait for this
/// handler for 20 ms, until a flush succeeds or a minute has passed. A program that catches its panics waits once.
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
            if backtrace.status() == BacktraceStatus::Captured {
                critical!(target: "panic", "{}", message; location, backtrace:%);
            } else {
                critical!(target: "panic", "{}", message; location);
            }
            // On a handler's thread this is refused, and the panic is that handler's own error.
            worker::flush_for_panic(&workers());
            previous(info);
        }));
    });
}
