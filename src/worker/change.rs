//! Changes of a handler while it runs.
//!
//! A change is carried out on the handler's thread between two batches, so it needs no lock and loses no record: what
//! was logged before it goes to the handler as it was, and what is logged after it to the handler as it is then. The
//! queue, the rings and the counters stay.
//!
//! ```text
//! thread A   1 2     3 4
//! thread B     a b     c
//!                 │
//!            replace(new)      drain, deliver and flush 1 2 a b by the old handler; close it
//!                              start the new one, which gets 3 4 c
//! ```

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::run::Sink;
use super::{Change, Command, Offer, Outcome, Traits, Worker, deadlines, may_wait};
use crate::error::{Error, guarded};
use crate::handler::{Batch, HandlerSpec};
use crate::sync::channel::Receiver;
use crate::sync::lock;

impl Worker {
    /// Has a change carried out, and waits for it.
    ///
    /// # Errors
    ///
    /// * After `timeout`, the handler has not come to the change. It is taken back, and nothing has changed.
    /// * The old handler could not deliver, flush or close; or it is still at it after `timeout`. The change takes
    ///   place nevertheless.
    /// * The handler has no formatter that can be exchanged; or it has ended.
    pub(crate) fn change(self: &Arc<Self>, change: Change, timeout: Duration) -> Result<(), Error> {
        Error::gather(change_all(vec![(self.clone(), change)], timeout))
    }

    /// Sends a change to the handler.
    fn offer(self: &Arc<Self>, change: Change, until: Instant) -> Result<Offered, Error> {
        may_wait("change")?;
        self.may_wait("change")?;
        if self.queue.is_closed() || self.queue.is_orphaned() {
            return Err(self.ended());
        }
        let offer: Offer = Arc::new(Mutex::new(Some(change)));
        let answer = self.ask(|done| Command::Change { offer: offer.clone(), until, done });
        Ok(Offered { worker: self.clone(), offer, answer })
    }

    fn ended(&self) -> Error {
        Error::closed(format_args!("handler `{}`, which cannot be changed any more,", self.queue.name))
    }
}

/// A change that was sent to a handler.
struct Offered {
    worker: Arc<Worker>,
    offer: Offer,
    answer: Receiver<Outcome>,
}

impl Offered {
    /// Waits for the change, and takes it back where the handler has not come to it.
    fn wait(self, deadline: Instant, timeout: Duration) -> Result<(), Error> {
        let name = &self.worker.queue.name;
        match self.answer.recv_deadline(deadline) {
            Ok(outcome) => outcome.map_err(|error| error.with_prefix(&format!("handlers.{name}"))),
            Err(error) if error.is_timeout() => {
                let untouched = lock(&self.offer).take();
                let what = match untouched {
                    Some(_) => "which is busy with earlier records; nothing has changed",
                    None => "which is still at its end; the new one takes over then",
                };
                // What is taken back may be of the user's types, whose destructors may log.
                let _ = guarded(|| drop(untouched));
                Err(Error::timeout(format_args!("the change of handler `{name}` ({what}; given {timeout:?})")))
            }
            Err(_) => Err(self.worker.ended()),
        }
    }
}

/// Has several handlers changed at the same time, and waits for them: as long as for the slowest, and not the sum.
/// Returns what [`Worker::change`] would for each.
pub(crate) fn change_all(changes: Vec<(Arc<Worker>, Change)>, timeout: Duration) -> Vec<Error> {
    let (until, deadline) = deadlines(timeout);
    // Those without a thread change while the others are at it.
    let (inline, threads): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(worker, _)| worker.queue.is_inline());
    let all = threads.into_iter().chain(inline);
    let offered: Vec<_> = all.map(|(worker, change)| worker.offer(change, until)).collect();
    let outcomes = offered.into_iter().map(|offered| offered.and_then(|offered| offered.wait(deadline, timeout)));
    outcomes.filter_map(Result::err).collect()
}

/// Has changes made whose outcome nobody waits for.
pub(crate) fn change_soon(workers: &[Arc<Worker>], change: impl Fn() -> Change, timeout: Duration) {
    let (until, _) = deadlines(timeout);
    for worker in workers {
        let _ = worker.offer(change(), until);
    }
}

impl Change {
    /// Returns whether the handler that is there is closed.
    pub(super) fn closes(&self) -> bool {
        matches!(self, Self::Handler(_, None) | Self::Back)
    }
}

impl Sink {
    /// Carries out a change. The handler has delivered what was logged before, as far as it could; `flushed` says so.
    pub(super) fn change(&mut self, change: Change, flushed: Outcome) -> Outcome {
        match change {
            Change::Handler(spec, None) => self.replace(*spec, flushed),
            Change::Handler(spec, Some(trial)) => {
                self.try_other(*spec, trial);
                flushed
            }
            Change::Back => self.go_back(flushed),
            Change::Settle => self.settle(),
            Change::Formatter(formatter) => self.guard("set_formatter", |handler| handler.set_formatter(formatter)),
            Change::Filters(filters) => {
                let old = std::mem::replace(&mut self.filters, filters);
                let _ = guarded(|| drop(old));
                Ok(())
            }
        }
    }

    /// Closes the handler, and starts another one in its place. What the old one still keeps has failed.
    fn replace(&mut self, spec: HandlerSpec, flushed: Outcome) -> Outcome {
        let closed = self.close(flushed);
        // A record that the old one has written in part is none of the new one's.
        self.batch = Batch::default();
        *lock(&self.traits) = Traits::of(&spec);
        let settings = spec.settings;
        self.idle = settings.idle;
        self.queue.adopt(settings.level.number(), settings.wake_level.number(), settings.overflow, settings.reserve);
        self.govern(settings.governor);
        let old = (
            std::mem::replace(&mut self.handler, spec.handler),
            std::mem::replace(&mut self.filters, settings.filters),
        );
        self.start();
        let _ = guarded(|| drop(old));
        closed
    }
}
