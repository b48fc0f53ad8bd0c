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
use std::time::Duration;

use super::run::Sink;
use super::{Change, Command, Offer, Outcome, Traits, Worker, deadlines, may_wait};
use crate::error::{Error, guarded};
use crate::handler::{Batch, HandlerSpec};
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
    pub(crate) fn change(&self, change: Change, timeout: Duration) -> Result<(), Error> {
        may_wait("change")?;
        let name = &self.queue.name;
        let ended = || Error::closed(format_args!("handler `{name}`, which cannot be changed any more,"));
        if self.queue.is_closed() || self.queue.is_orphaned() {
            return Err(ended());
        }
        let traits = match &change {
            Change::Handler(spec) => Some(Traits::of(spec)),
            Change::Formatter(_) | Change::Filters(_) => None,
        };
        let (until, deadline) = deadlines(timeout);
        let offer: Offer = Arc::new(Mutex::new(Some(change)));
        let answer = self.ask(|done| Command::Change { offer: offer.clone(), until, done });
        match answer.recv_deadline(deadline) {
            Ok(outcome) => {
                if let Some(traits) = traits {
                    *lock(&self.traits) = traits;
                }
                outcome.map_err(|error| error.with_prefix(&format!("handlers.{name}")))
            }
            Err(error) if error.is_timeout() => {
                let untouched = lock(&offer).take();
                let what = match untouched {
                    Some(_) => "which is busy with earlier records; nothing has changed",
                    None => "which is still at its end; the new one takes over then",
                };
                // What is taken back may be of the user's types, whose destructors may log.
                let _ = guarded(|| drop(untouched));
                Err(Error::timeout(format_args!("the change of handler `{name}` ({what}; given {timeout:?})")))
            }
            Err(_) => Err(ended()),
        }
    }
}

impl Sink {
    /// Carries out a change. The handler has delivered what was logged before, as far as it could; `flushed` says so.
    pub(super) fn change(&mut self, change: Change, flushed: Outcome) -> Outcome {
        match change {
            Change::Handler(spec) => self.replace(*spec, flushed),
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
        let settings = spec.settings;
        self.queue.adopt(settings.level.number(), settings.wake_level.number(), settings.overflow);
        let old = (
            std::mem::replace(&mut self.handler, spec.handler),
            std::mem::replace(&mut self.filters, settings.filters),
        );
        self.start();
        let _ = guarded(|| drop(old));
        closed
    }
}
