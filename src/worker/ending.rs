//! The end of the process: handlers are drained, and records that were logged too late are counted.
//!
//! ```text
//! main returns, or process::exit
//!   functions given to atexit after the first handler was made     may log: their records are drained
//!   drain (this module, by atexit)                                  closes all queues, waits up to `exit_timeout`
//!   functions given to atexit before the first handler was made    may log: their records are late
//!   finish (this module, by .fini_array; ELF systems)               one line with the number of late records
//! ```
//!
//! Handlers without a thread have nothing to drain. They write what is logged up to `finish`, which closes them. Where
//! there is no `finish`, `drain` has them deliver what they keep for a retry, and they go on.
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
use std::sync::{Arc, Mutex, Once, OnceLock};
use std::time::{Duration, Instant};

use super::{Engine, Request, Waiting, Worker, all};
use crate::error::{Error, guarded, notify};
use crate::sync::{in_children, lock, once};
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

/// Installs the hooks of the process's exit and of `fork`, once. Handlers without a thread need no drain where there is
/// a `finish`.
pub(super) fn install(has_thread: bool) {
    static ALL: Once = Once::new();
    static THREADS: Once = Once::new();
    once(&ALL, || {
        sys::at_end(|| _ = guarded(finish));
        in_children(|| _ = guarded(|| all().iter().for_each(|worker| worker.mark_late())));
    });
    if has_thread || !sys::HAS_END {
        once(&THREADS, || exit::at_exit(drain));
    }
}

impl Worker {
    /// Notes that records from now on are late. A handler without a thread still takes them.
    fn mark_late(&self) {
        if self.queue.is_inline() {
            return;
        }
        self.late.0.store(self.metrics().emitted, Relaxed);
    }

    /// Says that code of this handler has called `process::exit`.
    fn ended_the_process(&self, place: &str) -> Error {
        let (name, left) = (&self.queue.name, self.metrics().in_flight);
        Error::other(format!("handler `{name}` ended the process from {place}; {left} records are not written"))
    }

    /// Returns whether the calling process is a child of the one that made this handler, which has no thread.
    fn is_inherited(&self) -> bool {
        matches!(&self.engine, Engine::Inline(inline) if inline.is_inherited())
    }

    /// Returns how many records were late.
    fn count_late(&self) -> u64 {
        self.metrics().emitted.saturating_sub(self.late.0.load(Relaxed))
    }
}

/// When the drain began.
static BEGAN: OnceLock<Instant> = OnceLock::new();

/// Closes all handlers of the process that have a thread, including those of systems that were never dropped. In a
/// child of `fork` these are the child's own.
fn drain() {
    BEGAN.get_or_init(Instant::now);
    let mut workers = all();
    workers.retain(|worker| !worker.queue.is_inline() && !worker.queue.is_orphaned() && !worker.has_ended());
    workers.iter().for_each(|worker| worker.queue.close());
    // A handler, filter or formatter may call `process::exit`. Then this is its own thread, which cannot write any
    // more.
    let (own, others): (Vec<_>, Vec<_>) = workers.iter().cloned().partition(|worker| worker.is_current());
    let mut failures: Vec<_> =
        Waiting::new(&others, exit::timeout(), Request::End, None).wait().err().into_iter().collect();
    failures.extend(own.iter().map(|worker| worker.ended_the_process("its own thread")));
    if !sys::HAS_END {
        failures.extend(end_inline(Request::Settle));
    }
    report(failures);
    // Including those that were shut down before. Records logged between their shutdown and now are counted in the
    // metrics, and are not late.
    all().iter().filter(|worker| !worker.queue.is_orphaned()).for_each(|worker| worker.mark_late());
}

/// The last that runs: closes the handlers without a thread, and reports how many records were late for the others.
fn finish() {
    report(end_inline(Request::End));
    report_late();
}

/// Has the handlers without a thread deliver what they keep, and closes them if that is the request.
fn end_inline(request: Request) -> Vec<Error> {
    let mut workers = all();
    workers.retain(|worker| worker.queue.is_inline() && !worker.queue.is_orphaned() && !worker.has_ended());
    let (own, others): (Vec<_>, Vec<_>) = workers.into_iter().partition(|worker| worker.is_current());
    // What a child of `fork` has inherited is its parent's to close.
    let (inherited, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|worker| worker.is_inherited());
    let spent = BEGAN.get().map_or(Duration::ZERO, Instant::elapsed);
    let timeout = exit::timeout().saturating_sub(spent);
    if request == Request::End {
        others.iter().for_each(|worker| worker.queue.close());
    }
    let ask = |workers: &[Arc<Worker>], request| Waiting::new(workers, timeout, request, None).wait();
    let outcomes = [ask(&inherited, Request::Settle), ask(&others, request)];
    let failures = outcomes.into_iter().filter_map(Result::err);
    failures.chain(own.iter().map(|worker| worker.ended_the_process("a log call"))).collect()
}

fn report(failures: Vec<Error>) {
    if let Err(error) = Error::gather(failures) {
        notify("exit", format_args!("{error:#}"));
    }
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
