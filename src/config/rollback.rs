//! The end of a probation: the new configuration is kept, or the one before it comes back.
//!
//! A thread waits for the verdicts of the new handlers, and then begins a change, as any caller may; whatever begins a
//! change ends the probation first, so that there is one at a time:
//!
//! ```text
//! reconfigure ──▶ probation ── all new handlers have delivered, or the time is over ──▶ settled: old handlers end
//!                    │     ── the next change ──▶ settled, unless a handler has failed
//!                    └──── a new handler has failed ──▶ the configuration before it is in force again
//! ```

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::logging::{Logging, PATIENCE, WeakLogging};
use super::probation::Probation;
use super::process;
use crate::error::{Error, notify};
use crate::logger::dispatch;
use crate::sync::channel::Receiver;
use crate::sys;
use crate::time::Clock;
use crate::value::limits;
use crate::worker::{self, Change, Trial, Verdict};

/// The logger of the records about changes of the configuration.
pub(super) const REPORTS: &str = "femtologging.config";

/// The interval between looks at a manual clock.
const NAP: Duration = Duration::from_millis(2);

impl Logging {
    /// Starts the thread that ends the probation.
    pub(super) fn watch_over(&self, verdicts: Receiver<Verdict>, count: usize, trial: Trial) -> Result<(), Error> {
        let Trial { duration, failure, .. } = trial;
        let (system, clock) = (self.downgrade(), self.clock().clone());
        let start = clock.ticks();
        let run = move || {
            if is_decided(&verdicts, count, duration, &clock, start) {
                end(&system, &failure);
            }
        };
        let thread = sys::spawn("femtolog-config", run);
        thread.map(|_| ()).map_err(|error| Error::io("cannot start the thread of a probation", error))
    }

    /// Ends the probation of the configuration in force, if it has one. Called at the beginning of every change.
    pub(super) fn end_probation(&self) {
        match self.take_probation() {
            None => {}
            Some(probation) if probation.failure.get().is_some() => self.go_back(probation),
            Some(Probation { changed, removed, drain_timeout, .. }) => {
                worker::change_soon(&changed, || Change::Settle, PATIENCE);
                for worker in &removed {
                    worker.queue.leave();
                    worker.leave(drain_timeout, drain_timeout);
                }
            }
        }
    }

    /// Puts the configuration before the probation in the place of the new one. Handlers that were put aside come back
    /// as they are; those that only the new one has leave.
    fn go_back(&self, probation: Probation) {
        let registry = self.registry();
        let Probation { workers, changed, removed, started, loggers, failure, drain_timeout, .. } = &probation;
        self.take_leaving(removed);
        self.set_workers(|current| current.clone_from(workers));
        started.iter().for_each(|worker| worker.queue.leave());
        registry.set_span_events(probation.span_events);
        registry.reconfigure(workers.iter().map(|worker| worker.queue.clone()).collect(), loggers.clone());
        process::set_exit_timeout(probation.exit_timeout);
        limits::set(probation.limits);
        #[cfg(feature = "config")]
        self.set_spec(probation.spec.clone());
        dispatch::let_go();
        let changes = changed.iter().map(|worker| (worker.clone(), Change::Back));
        // What goes wrong with the new handlers was noticed by each. They are not there any more.
        let _ = worker::change_all(changes.collect(), PATIENCE);
        registry.renew_routes();
        for worker in started {
            worker.leave(*drain_timeout, *drain_timeout);
            self.add_leaving(worker.clone());
        }
        let why = failure.get().map_or("", String::as_str);
        let logger = registry.logger(REPORTS);
        warn!(logger: logger, "the configuration before is in force again: {}", why);
        notify("config", format_args!("the configuration before is in force again: {why}"));
        self.note_rollback(why);
    }
}

/// Waits until a handler has failed, all have delivered, or the time is over. Returns `false` if the system has ended.
fn is_decided(verdicts: &Receiver<Verdict>, count: usize, duration: Duration, clock: &Clock, start: u64) -> bool {
    let mut left = count;
    while left > 0 {
        let rest = duration.saturating_sub(clock.elapsed(start));
        if rest.is_zero() {
            break;
        }
        let nap = if clock.is_manual() { NAP } else { rest };
        match verdicts.recv_timeout(nap) {
            Ok(Verdict::Delivered) => left -= 1,
            Ok(Verdict::Failed) => break,
            Err(error) if error.is_timeout() => {}
            Err(_) => return false,
        }
    }
    true
}

/// Ends the probation that has this failure as soon as no change is under way, unless one has ended it.
fn end(system: &WeakLogging, failure: &Arc<OnceLock<String>>) {
    while let Some(logging) = system.upgrade() {
        if let Some(_change) = logging.begin_own_change() {
            // A later change may have brought a probation of its own.
            if logging.has_probation(failure) {
                logging.end_probation();
            }
            return;
        }
        drop(logging);
        std::thread::sleep(NAP);
    }
}
