//! The end of the process: handlers are drained, and what was logged too late is counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Once};
use std::thread;

use super::{Request, Worker, all, ask};
use crate::error::{Error, guarded, notify};
use crate::sync::{in_children, lock};
use crate::{exit, sys};

/// How many records a handler had been given when it was too late for more.
pub(super) struct Late(AtomicU64);

impl Default for Late {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

/// How many records of workers that are gone were late, by the handler's name.
static GONE: Mutex<BTreeMap<Arc<str>, u64>> = Mutex::new(BTreeMap::new());

/// Has the end of this process drain the handlers.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        exit::at_exit(drain);
        sys::at_end(|| _ = guarded(report_late));
        in_children(|| _ = guarded(|| all().iter().for_each(|worker| worker.is_too_late())));
    });
}

impl Worker {
    /// What is logged from now on is late.
    fn is_too_late(&self) {
        self.late.0.store(self.metrics().emitted, Relaxed);
    }

    /// How many records were late.
    fn count_late(&self) -> u64 {
        self.metrics().emitted.saturating_sub(self.late.0.load(Relaxed))
    }
}

/// Closes all handlers of the process, also those of systems that were never dropped. A child of `fork` has none of its
/// parent's.
fn drain() {
    let mut workers = all();
    workers.retain(|worker| !worker.queue.is_orphaned() && !worker.has_ended());
    workers.iter().for_each(|worker| worker.queue.close());
    // A handler, filter or formatter may end the process; then its own thread is this one, and cannot go on.
    let (own, others): (Vec<_>, Vec<_>) =
        workers.iter().cloned().partition(|worker| worker.thread == thread::current().id());
    let mut failures: Vec<_> = ask(&others, exit::timeout(), Request::Shutdown).err().into_iter().collect();
    for worker in own {
        let left = worker.metrics().in_flight;
        failures.push(Error::other(format!(
            "handler `{}` ended the process from its own thread; {left} records are not written",
            worker.queue.name
        )));
    }
    if let Err(error) = Error::gather(failures) {
        notify("exit", format_args!("{error:#}"));
    }
    // Those that were shut down before, too: until now, nobody is told what is logged after a shutdown.
    all().iter().filter(|worker| !worker.queue.is_orphaned()).for_each(|worker| worker.is_too_late());
}

/// Keeps the count of a worker that goes: a child of `fork` that sets the global system up lets go of its parent's.
impl Drop for Worker {
    fn drop(&mut self) {
        let count = self.count_late();
        if count > 0 {
            *lock(&GONE).entry(self.queue.name.clone()).or_default() += count;
        }
    }
}

/// Says how many records were logged after the drain, or in a child of `fork` to its parent's handlers.
fn report_late() {
    let mut counts = std::mem::take(&mut *lock(&GONE));
    for worker in all() {
        let count = worker.count_late();
        if count > 0 {
            *counts.entry(worker.queue.name.clone()).or_default() += count;
        }
    }
    let mut text = String::new();
    for (name, count) in counts {
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}{count} to handler `{name}`");
    }
    if !text.is_empty() {
        notify("exit", format_args!("records that came too late are not written: {text}"));
    }
}
