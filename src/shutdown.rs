//! What happens at an ordinary exit, and at a panic.
//!
//! At an exit, this module closes the global system, and then `worker/ending.rs` drains the handlers, which tells the
//! whole order. Closing comes first, as a thread that keeps logging could otherwise keep a handler busy until the
//! timeout.
//!
//! # The order of a panic
//!
//! The record of the panic is logged, all handlers are flushed, and then the hook runs that was installed before, which
//! mostly is std's. If a handler has just written the panic to standard error, std's hook does not run: it would print
//! the same text a second time.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::{self, Write as _};
use std::panic::{self, Location, PanicHookInfo};
use std::ptr;
use std::sync::{Arc, Mutex, Once};

use crate::__private::emit;
use crate::callsite::{Callsite, Metadata, Module, Origin};
use crate::exit;
use crate::level::Level;
use crate::logger::{AtSite, Registry, Source};
use crate::sync::{lock, once};
use crate::template::BARE;
use crate::value::argument::{AsDisplay, Deferred};
use crate::worker::{self, Worker};

/// Makes an ordinary exit close the global system before the handlers are drained.
///
/// Threads that continue to log could otherwise keep the handlers busy to the last moment.
pub(crate) fn install_exit_hook() {
    static ONCE: Once = Once::new();
    once(&ONCE, || {
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
/// The record's target is `panic`, its message, file and line are those of the panic, and its thread is the one that
/// panicked. Its keys are `location` and, if `RUST_BACKTRACE` asks for one, `backtrace`: the frames that std shows,
/// without those of the hook, one frame in two lines.
///
/// All handlers of the process are flushed, and then the hook runs that was installed before. If that is std's own hook
/// and a handler has just written to standard error, it does not run, so that nobody reads of one panic twice.
///
/// Record and flush take up to 2 s, also under [`Block`](crate::policy::OverflowPolicy::Block): a record that finds no
/// room for a second is dropped. After a timeout (a stuck sink, a peer that is down), later panics wait for this
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
    once(&ONCE, || {
        let previous = panic::take_hook();
        // `take_hook` returns std's own hook where none is set, as the second call does.
        let is_std = ptr::eq(&*previous, &*panic::take_hook());
        panic::set_hook(Box::new(move |info| {
            let shown = written_to_stderr();
            // On a handler's thread this is refused, and the panic is that handler's own error.
            worker::log_panic(&workers(), || log_panic(info));
            if !is_std || written_to_stderr() == shown {
                previous(info);
            }
        }));
    });
}

/// Returns how many records the handlers of standard error have written.
fn written_to_stderr() -> u64 {
    workers().iter().filter(|worker| worker.is_stderr()).map(|worker| worker.metrics().written).sum()
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let text = info.payload().downcast_ref::<&str>().copied();
    let text = text.or_else(|| info.payload().downcast_ref::<String>().map(String::as_str));
    let message = text.unwrap_or("panicked with a value that is not text");
    let location = info.location().map(ToString::to_string);
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| frames(&backtrace.to_string()));
    let site = site(info.location(), backtrace.is_some());
    let render = |out: &mut dyn fmt::Write, ((), text): ((), &str)| out.write_str(text);
    let arguments = ((), Deferred(message));
    if AtSite.enabled(site, Level::Critical) {
        let fields = ((), Deferred(&location));
        match &backtrace {
            None => emit::<BARE, _, _, _, _>(AtSite, site, Level::Critical, arguments, render, fields),
            Some(backtrace) => {
                let fields = (fields, AsDisplay(backtrace));
                emit::<BARE, _, _, _, _>(AtSite, site, Level::Critical, arguments, render, fields);
            }
        }
    }
}

/// Returns the call site of the panics at a location. It is leaked: a program has only so many places to panic in.
///
/// A call site has to be `'static`, and one per location gives records the file and line of the panic instead of the
/// hook's.
fn site(location: Option<&Location<'_>>, has_backtrace: bool) -> &'static Callsite {
    static SITES: Mutex<Vec<(&'static Callsite, bool)>> = Mutex::new(Vec::new());
    let (file, line) = location.map_or(("", 0), |location| (location.file(), location.line()));
    let mut sites = lock(&SITES);
    let same = |metadata: &Metadata| (metadata.module.file, metadata.line) == (file, line);
    if let Some((site, _)) = sites.iter().find(|(site, has)| *has == has_backtrace && same(&site.metadata)) {
        return site;
    }
    let site: &'static Callsite = Box::leak(Box::new(Callsite::new(Metadata {
        level: Some(Level::Critical),
        origin: Origin::Static,
        // No module, and so no function, which is that of the hook.
        module: Box::leak(Box::new(Module { target: "panic", module_path: "", file: String::leak(file.to_owned()) })),
        line,
        template: "{}",
        keys: if has_backtrace { &["location", "backtrace"] } else { &["location"] },
    })));
    sites.push((site, has_backtrace));
    site
}

/// Cuts the frames of a backtrace that std's panic hook does not show: those of the hook and of the panic's machinery
/// before, and, unless `RUST_BACKTRACE=full`, those of the runtime after. The frames are numbered anew.
fn frames(backtrace: &str) -> String {
    let is_full = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value == "full");
    let (begin, end) = ("__rust_end_short_backtrace", "__rust_begin_short_backtrace");
    // A frame is a line with a number, a colon and a name, and a line with its place.
    let number = |line: &str| {
        let (number, _) = line.trim_start().split_once(": ")?;
        number.parse::<u32>().ok()
    };
    let begins = |line: &&str| number(line).is_some();
    let lines: Vec<&str> = backtrace.lines().collect();
    let after = lines.iter().rposition(|line| line.contains(begin)).map_or(0, |at| at + 1);
    let lines = lines.get(after..).unwrap_or_default();
    let start = lines.iter().position(begins).unwrap_or(0);
    let stop = lines.iter().position(|line| !is_full && line.contains(end)).unwrap_or(lines.len());
    let mut text = String::new();
    let mut count = 0;
    for line in lines.get(start..stop).unwrap_or_default() {
        let newline = if text.is_empty() { "" } else { "\n" };
        let _ = match number(line).and_then(|_| line.split_once(": ")) {
            Some((_, name)) => {
                count += 1;
                write!(text, "{newline}{:>4}: {name}", count - 1)
            }
            None => write!(text, "{newline}{line}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_those_that_std_shows() {
        let backtrace = "   0: femtologging::shutdown::log_panic\n             at ./src/shutdown.rs:5:1\n   1: \
            std::panicking::panic_with_hook\n   2: std::sys::backtrace::__rust_end_short_backtrace\n             at \
            /rustc/x.rs:1:2\n   3: core::panicking::panic_fmt\n   4: app::main\n             at ./src/main.rs:2:5\n   5: \
            std::sys::backtrace::__rust_begin_short_backtrace\n   6: main\n";
        assert_eq!(
            frames(backtrace),
            "   0: core::panicking::panic_fmt\n   1: app::main\n             at ./src/main.rs:2:5"
        );
        assert_eq!(frames("   0: a\n   1: b\n"), "   0: a\n   1: b");
        assert_eq!(frames("<unknown>"), "<unknown>");
        assert_eq!(frames(""), "");
    }
}
