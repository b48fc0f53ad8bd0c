//! The end of the process: handlers are drained, and records that were logged too late are counted.
//!
//! ```text
//! main returns, or process::exit
//!   functions given to atexit after the first handler was made     may log: their records are drained
//!   drain (this module, by atexit)                                  closes all queues, waits up to `exit_timeout`
//!   functions given to atexit before the first handler was made    may log: their records are late
//!   report_late (this module, by .fini_array; ELF systems)          one line with the number of late records
//! ```
//!
//! A record is late if it was logged after `drain`, or in a child of `fork` to its parent's handlers. The number is the
//! difference of `emitted` at the end and at `drain` or `fork`.
//!
//! For example, a handler has written 100 records when `main` returns. `drain` notes 100. A destructor of a `static` in
//! C++ then logs twice: both records are dropped (`Closed`) and make `emitted` 102. `report_late` says
//! "records that came too late are not written: 2 to handler `file`".

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Once};
use std::thread;

use super::{Request, Worker, all, ask};
use crate::error::{Error, guarded, notify};
use crate::sync::{in_children, lock};
use crate::{exit, sys};

/// The number of records that were emitted to a handler when it was drained; `u64::MAX` before that.
pub(super) struct Late(AtomicU64);

impl Default for Late {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

/// The number of late records of workers that were dropped, by the handler's name.
static GONE: Mutex<BTreeMap<Arc<str>, u64>> = Mutex::new(BTreeMap::new());

/// Installs the hooks of the process's exit and of `fork`, once.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        exit::at_exit(drain);
        sys::at_end(|| _ = guarded(report_late));
        in_children(|| _ = guarded(|| all().iter().for_each(|worker| worker.mark_late())));
    });
}

impl Worker {
    /// Notes that records from now on are late.
    fn mark_late(&self) {
        self.late.0.store(self.metrics().emitted, Relaxed);
    }

    /// Returns how many records were late.
    fn count_late(&self) -> u64 {
        self.metrics().emitted.saturating_sub(self.late.0.load(Relaxed))
    }
}

/// Closes all handlers of the process, including those of systems that were never dropped. In a child of `fork` these
/// are the child's own.
fn drain() {
    let mut workers = all();
    workers.retain(|worker| !worker.queue.is_orphaned() && !worker.has_ended());
    workers.iter().for_each(|worker| worker.queue.close());
    // A handler, filter or formatter may call `process::exit`. Then this is its own thread, which cannot write any
    // more.
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
    // Including those that were shut down before. Records logged between their shutdown and now are counted in the
    // metrics, and are not late.
    all().iter().filter(|worker| !worker.queue.is_orphaned()).for_each(|worker| worker.mark_late());
}

/// Keeps the count of a dropped worker: a child of `fork` that sets up the global system drops its parent's workers.
impl Drop for Worker {
    fn drop(&mut self) {
        let count = self.count_late();
        if count > 0 {
            *lock(&GONE).entry(self.queue.name.clone()).or_default() += count;
        }
    }
}

/// Reports how many records were late.
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
